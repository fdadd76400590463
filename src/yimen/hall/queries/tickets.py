"""Tickets: one by its id, the one at a window, who comes first, the desk, the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Avg, Count, F, Q
from django.utils.timezone import localdate

from yimen.hall import rules
from yimen.hall.models import Hall, Ticket, Window
from yimen.hall.queries.boards import Wait, waits
from yimen.people.models import Staff

# The help desk lists this many tickets at most, the earliest first.
DESK_SHOWN = 400


@dataclass(frozen=True)
class Ahead:
    """How many people come first, and about how many minutes that takes (None: not known yet)."""

    people: int
    minutes: int | None

    @property
    def is_nearly(self) -> bool:
        return self.people <= rules.NEARLY


@dataclass(frozen=True)
class Today:
    """A hall's day in figures; wait_seconds is the mean from taking a number to the first call, None before any."""

    taken: int
    waiting: int
    at_windows: int
    finished: int
    passed: int
    wait_seconds: float | None
    open_windows: int


@dataclass(frozen=True)
class Queue:
    """One series as the help desk sees it today; both lists in calling order."""

    wait: Wait
    waiting: list[Ticket]
    passed: list[Ticket]


@dataclass(frozen=True)
class Pressure:
    """How many people wait in the halls somebody works for, and how long the first of them has (whole minutes)."""

    waiting: int
    longest: int


def get_ticket(ticket_id: UUID) -> Ticket:
    """Return a ticket by its id, which only its holder's slip shows. Raises Ticket.DoesNotExist."""
    return Ticket.objects.select_related("series__zone", "window", "hall", "item").get(pk=ticket_id)


def open_ticket(window: Window) -> Ticket | None:
    """Return the ticket called to or served at a window."""
    return (
        Ticket.objects.select_related("series", "window", "item", "applicant", "case")
        .filter(region_id=window.region_id, window=window, status__in=[Ticket.Status.CALLED, Ticket.Status.SERVING])
        .first()
    )


def ahead_of(ticket: Ticket) -> Ahead:
    """Return who comes before a waiting ticket in its series; nobody comes before any other ticket."""
    if ticket.status != Ticket.Status.WAITING:
        return Ahead(0, None)
    people = (
        Ticket.objects.filter(
            region_id=ticket.region_id, series=ticket.series, day=ticket.day, status=Ticket.Status.WAITING
        )
        .filter(Q(queue_at__lt=ticket.queue_at) | Q(queue_at=ticket.queue_at, number__lt=ticket.number))
        .count()
    )
    wait = waits(ticket.region_id, ticket.day, series=ticket.series_id)[0]
    return Ahead(people, rules.estimate_minutes(people, wait.service_seconds, wait.open_windows))


def desk(hall: Hall, at: datetime) -> list[Queue]:
    """Return who waits and who was passed over today, series by series; two queries."""
    day = localdate(at)
    queues = [Queue(wait, [], []) for wait in waits(hall.region_id, day, hall=hall.pk)]
    by_series = {queue.wait.series_id: queue for queue in queues}
    tickets = Ticket.objects.filter(
        region_id=hall.region_id, hall=hall, day=day, status__in=[Ticket.Status.WAITING, Ticket.Status.PASSED]
    ).select_related("item")
    # Those who were passed over stand at the desk: they come first into the list.
    for ticket in tickets.order_by("status", "queue_at", "number")[:DESK_SHOWN]:
        queue = by_series[ticket.series_id]
        (queue.passed if ticket.status == Ticket.Status.PASSED else queue.waiting).append(ticket)
    return queues


def today(hall: Hall, at: datetime) -> Today:
    """Return the day so far; two queries."""
    status = Ticket.Status
    figures = Ticket.objects.filter(region_id=hall.region_id, hall=hall, day=localdate(at)).aggregate(
        taken=Count("pk"),
        waiting=Count("pk", filter=Q(status=status.WAITING)),
        at_windows=Count("pk", filter=Q(status__in=[status.CALLED, status.SERVING])),
        finished=Count("pk", filter=Q(status=status.FINISHED)),
        passed=Count("pk", filter=Q(status=status.PASSED)),
        wait=Avg(F("called_at") - F("taken_at")),
    )
    wait = figures.pop("wait")
    windows = Window.objects.filter(region_id=hall.region_id, hall=hall, staff__isnull=False).count()
    return Today(**figures, wait_seconds=wait.total_seconds() if wait else None, open_windows=windows)


# One index range a series: today's waiting tickets, the earliest first.
_PRESSURE = """
SELECT sum(queue.people), min(queue.first)
FROM hall_series AS series
JOIN hall_hall AS hall ON hall.id = series.hall_id
CROSS JOIN LATERAL (
    SELECT count(*) AS people, min(ticket.taken_at) AS first FROM hall_ticket AS ticket
    WHERE ticket.region_id = series.region_id AND ticket.series_id = series.id AND ticket.day = %s
        AND ticket.status = 'waiting'
) AS queue
WHERE series.region_id = %s AND (%s::uuid IS NULL OR hall.center_id = %s)
"""


def pressure(staff: Staff, at: datetime) -> Pressure | None:
    """
    Return who waits now in the halls of the reader's centre (the whole region without one); None without a hall.

    One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PRESSURE, [localdate(at), staff.region_id, staff.center_id, staff.center_id])
        people, first = cursor.fetchone()
    return None if people is None else Pressure(int(people), rules.seconds_between(first, at) // 60)
