"""Reads: what the screens, the kiosk, the phone and the windows show. No names anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Avg, Count, F, Q, QuerySet
from django.utils.timezone import localdate

from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.models import Hall, Series, Ticket, Window, WindowPause
from yimen.people.models import Staff

# The help desk lists this many tickets at most, the earliest first.
DESK_SHOWN = 400
# One in the large place, four below, and one more so that a held call does not empty the row.
CALLS_SHOWN = 6


@dataclass(frozen=True)
class Call:
    """A ticket that was called; key changes with every announcement of it."""

    key: str
    label: str
    window: int


@dataclass(frozen=True)
class Wait:
    """One series as people see it. minutes: for somebody who takes a number now; None when it cannot be known."""

    series_id: UUID
    letter: str
    name: str
    zone: str
    windows: str
    is_open: bool
    waiting: int
    minutes: int | None
    service_seconds: float | None
    open_windows: int

    @property
    def is_busy(self) -> bool:
        return rules.is_busy(self.waiting, self.minutes)


@dataclass(frozen=True)
class Board:
    """A hall at one moment: calls newest first, the queues in the hall's order."""

    hall: str
    day: date
    calls: list[Call]
    waits: list[Wait]

    @property
    def busiest(self) -> Wait | None:
        """The series to warn about, if there is one."""
        busy = [wait for wait in self.waits if wait.is_busy]
        return max(busy, key=lambda wait: (wait.minutes or 0, wait.waiting), default=None)


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


def get_hall(code: str) -> Hall:
    """Return the hall with this code; the first region's where two share one. Raises Hall.DoesNotExist."""
    hall = Hall.objects.select_related("center", "region").filter(code=code).order_by("region_id").first()
    if hall is None:
        raise Hall.DoesNotExist(code)
    return hall


def halls() -> list[Hall]:
    return list(Hall.objects.order_by("region_id", "code"))


def halls_for(staff: Staff) -> list[Hall]:
    """Return the halls of the reader's centre; of the whole region for somebody without one."""
    found = Hall.objects.filter(region_id=staff.region_id).select_related("center")
    if staff.center_id:
        found = found.filter(center_id=staff.center_id)
    return list(found.order_by("center_id", "code"))


def desk(hall: Hall, at: datetime) -> list[Queue]:
    """Return who waits and who was passed over today, series by series; two queries."""
    day = localdate(at)
    queues = [Queue(wait, [], []) for wait in _waits(hall.region_id, day, hall=hall.pk)]
    by_series = {queue.wait.series_id: queue for queue in queues}
    tickets = Ticket.objects.filter(
        region_id=hall.region_id, hall=hall, day=day, status__in=[Ticket.Status.WAITING, Ticket.Status.PASSED]
    ).select_related("item")
    # Those who were passed over stand at the desk: they come first into the list.
    for ticket in tickets.order_by("status", "taken_at", "number")[:DESK_SHOWN]:
        queue = by_series[ticket.series_id]
        (queue.passed if ticket.status == Ticket.Status.PASSED else queue.waiting).append(ticket)
    return queues


def get_series(hall: Hall, series_id: UUID) -> Series:
    """Raises Series.DoesNotExist for a series of another hall too."""
    return Series.objects.get(region_id=hall.region_id, hall=hall, pk=series_id)


def get_ticket(ticket_id: UUID) -> Ticket:
    """Return a ticket by its id, which only its holder's slip shows. Raises Ticket.DoesNotExist."""
    return Ticket.objects.select_related("series", "window", "hall", "item").get(pk=ticket_id)


def get_window_for(staff: Staff, window_id: UUID) -> Window:
    """Raises Window.DoesNotExist for "not there" and "not your region" alike."""
    return Window.objects.select_related("hall").get(region_id=staff.region_id, pk=window_id)


def window_of(staff: Staff) -> Window | None:
    """Return the window `staff` is signed in at."""
    return Window.objects.select_related("hall").filter(region_id=staff.region_id, staff=staff).first()


def open_ticket(window: Window) -> Ticket | None:
    """Return the ticket called to or served at a window."""
    return (
        Ticket.objects.select_related("series", "window", "item", "applicant", "case")
        .filter(region_id=window.region_id, window=window, status__in=[Ticket.Status.CALLED, Ticket.Status.SERVING])
        .first()
    )


def board(hall: Hall, at: datetime) -> Board:
    """Return what the screens show; two queries whatever is going on."""
    day = localdate(at)
    announced = (
        Ticket.objects.filter(region_id=hall.region_id, hall=hall, day=day, announced_at__isnull=False)
        .exclude(window=None)
        .order_by("-announced_at")
        .values_list("pk", "announced_at", "label", "window__number")[:CALLS_SHOWN]
    )
    calls = [
        Call(f"{pk.hex}-{when.timestamp():.3f}", label, number)
        for pk, when, label, number in announced
        if when is not None
    ]
    return Board(hall.code, day, calls, _waits(hall.region_id, day, hall=hall.pk))


def waiting(window: Window, at: datetime) -> list[Wait]:
    """Return the queues a window calls, in the hall's order."""
    return _waits(window.region_id, localdate(at), window=window.pk)


def series_of(hall: Hall, at: datetime) -> list[Wait]:
    """Return the series one can take a number in now."""
    return [wait for wait in _waits(hall.region_id, localdate(at), hall=hall.pk) if wait.is_open]


def wait_of(series: Series, at: datetime) -> Wait:
    return _waits(series.region_id, localdate(at), series=series.pk)[0]


def ahead_of(ticket: Ticket) -> Ahead:
    """Return who comes before a waiting ticket in its series; nobody comes before any other ticket."""
    if ticket.status != Ticket.Status.WAITING:
        return Ahead(0, None)
    people = (
        Ticket.objects.filter(
            region_id=ticket.region_id, series=ticket.series, day=ticket.day, status=Ticket.Status.WAITING
        )
        .filter(Q(taken_at__lt=ticket.taken_at) | Q(taken_at=ticket.taken_at, number__lt=ticket.number))
        .count()
    )
    wait = _waits(ticket.region_id, ticket.day, series=ticket.series_id)[0]
    return Ahead(people, rules.estimate_minutes(people, wait.service_seconds, wait.open_windows))


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


def items_in(hall: Hall, text: str, *, limit: int = 6) -> list[tuple[ServiceItem, Series]]:
    """Return items an open series of the hall takes, named with every word of `text`, each with that series."""
    words = text.split()[:5]
    if not words:
        return []
    found = ServiceItem.objects.filter(
        region_id=hall.region_id, published__isnull=False, series__hall=hall, series__is_open=True
    )
    for word in words:
        found = found.filter(Q(name__icontains=word) | Q(published__everyday_names__icontains=word))
    series = {one.pk: one for one in Series.objects.filter(region_id=hall.region_id, hall=hall)}
    rows = found.annotate(series_id=F("series")).order_by("name", "pk", "series_id").distinct()[: limit * 3]
    best: dict[UUID, tuple[ServiceItem, Series]] = {}
    for item in rows:
        best.setdefault(item.pk, (item, series[item.series_id]))
    return list(best.values())[:limit]


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


def pauses(region: str, start: date, end: date) -> QuerySet[WindowPause]:
    """Return the pauses that began on the local days from `start` through `end`, the latest first."""
    return (
        WindowPause.objects.filter(region=region, from_at__date__range=(start, end))
        .select_related("window__hall", "staff", "stand_in", "by_window")
        .order_by("-from_at")
    )


def pauses_for(staff: Staff) -> QuerySet[WindowPause]:
    """Return the running pauses of somebody: of his own window, and of those where he stands in."""
    return WindowPause.objects.filter(
        Q(staff=staff) | Q(stand_in=staff), region_id=staff.region_id, until_at=None
    ).select_related("window", "staff", "stand_in", "by_window")


# Counts come from the partial index of waiting tickets, the mean from the last twenty finished of the series.
_WAITS = """
SELECT series.id, series.letter, series.name, series.zone, series.is_open, queue.waiting,
       pace.seconds, windows.numbers, windows.open_count
FROM hall_series AS series
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting FROM hall_ticket AS ticket
    WHERE ticket.region_id = series.region_id AND ticket.series_id = series.id AND ticket.day = %(day)s
        AND ticket.status = 'waiting'
) AS queue
CROSS JOIN LATERAL (
    SELECT avg(greatest(last.seconds, 0))::float AS seconds FROM (
        SELECT extract(epoch FROM ticket.finished_at - coalesce(ticket.started_at, ticket.called_at)) AS seconds
        FROM hall_ticket AS ticket
        WHERE ticket.region_id = series.region_id AND ticket.series_id = series.id AND ticket.status = 'finished'
        ORDER BY ticket.finished_at DESC
        LIMIT 20
    ) AS last
) AS pace
CROSS JOIN LATERAL (
    SELECT array_agg("window".number) AS numbers,
        count("window".staff_id) FILTER (WHERE "window".paused_at IS NULL) AS open_count
    FROM hall_window_series AS link JOIN hall_window AS "window" ON "window".id = link.window_id
    WHERE link.series_id = series.id
) AS windows
WHERE series.region_id = %(region)s
"""
_ONLY = {
    "hall": " AND series.hall_id = %(only)s",
    "series": " AND series.id = %(only)s",
    "window": " AND series.id IN (SELECT series_id FROM hall_window_series WHERE window_id = %(only)s OR window_id IN"
    " (SELECT window_id FROM hall_windowpause WHERE by_window_id = %(only)s AND until_at IS NULL))",
}


def _waits(region: str, day: date, **only: UUID) -> list[Wait]:
    ((kind, value),) = only.items()
    arguments: dict[str, Any] = {"region": region, "day": day, "only": value}
    with connection.cursor() as cursor:
        cursor.execute(_WAITS + _ONLY[kind] + " ORDER BY series.position, series.letter", arguments)
        rows = cursor.fetchall()
    return [
        Wait(
            series_id=series_id,
            letter=letter,
            name=name,
            zone=zone,
            windows=rules.ranges(numbers or []),
            is_open=is_open,
            waiting=people,
            minutes=rules.estimate_minutes(people, seconds, open_count),
            service_seconds=seconds,
            open_windows=open_count,
        )
        for series_id, letter, name, zone, is_open, people, seconds, numbers, open_count in rows
    ]
