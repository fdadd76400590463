"""Tickets: one by its id, the one at a window, who comes first, the desk, the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Avg, Count, F, Q
from django.utils.timezone import localdate

from yimen.cases.models import PriorityGrant
from yimen.hall import rules
from yimen.hall.models import Hall, Series, StaffSkill, Ticket, TicketCounter, Window
from yimen.hall.queries.boards import Wait, waits
from yimen.hall.rules import reasons
from yimen.hall.rules.undoing import is_in_time
from yimen.ledger.models import Event
from yimen.lib import crypto
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


@dataclass(frozen=True)
class Standing:
    """Who waits for one window: how many, the longest of them in whole minutes, and the light that says so (S2-21)."""

    waiting: int
    longest: int
    light: str


# One index range a series and class; who was sent to another window, or waits for a skill nobody here has, is not ours.
_STANDING = """
WITH mine AS (
    SELECT %(window)s::uuid AS id
    UNION SELECT window_id FROM hall_windowpause WHERE by_window_id = %(window)s::uuid AND until_at IS NULL
)
SELECT count(*), min(ticket.taken_at) FROM hall_ticket AS ticket
WHERE ticket.region_id = %(region)s AND ticket.day = %(day)s::date AND ticket.status = 'waiting'
    AND (ticket.only_window_id IN (SELECT id FROM mine)
        OR (ticket.only_window_id IS NULL
            AND (ticket.skill_id IS NULL OR ticket.skill_id IN (
                SELECT skill_id FROM hall_staffskill WHERE region_id = %(region)s AND staff_id = %(staff)s::uuid
                    AND from_day <= %(day)s::date AND (until_day IS NULL OR until_day >= %(day)s::date)))
            AND ticket.series_id IN (
                SELECT series_id FROM hall_window_series WHERE window_id IN (SELECT id FROM mine))))
"""


def standing(window: Window, at: datetime) -> Standing:
    """Return who waits for a window now; one statement. window.hall must be loaded."""
    values: dict[str, Any] = {"window": window.pk, "region": window.region_id}
    values |= {"day": localdate(at), "staff": window.staff_id}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, values)
        people, first = cursor.fetchone()
    longest = rules.seconds_between(first, at) // 60
    return Standing(people, longest, reasons.light(longest, window.hall.wait_limit, people))


def reason_of(ticket: Ticket) -> str:
    """Return in words why a ticket was called when it was; empty before (S3-12)."""
    return reasons.reason(
        ticket.pick,
        care=str(ticket.get_care_display()) if ticket.care else "",
        is_granted=ticket.grant_id is not None,
        is_booked=ticket.source == Ticket.Source.APPOINTMENT,
    )


def first_of(ticket: Ticket) -> str:
    """Return why a ticket has priority, in a few words; empty when it has none."""
    if not ticket.is_priority:
        return ""
    return reasons.first(
        care=str(ticket.get_care_display()) if ticket.care else "",
        is_granted=ticket.grant_id is not None,
        is_booked=ticket.source == Ticket.Source.APPOINTMENT,
    )


def name_of(ticket: Ticket) -> str:
    """Return the name somebody gave with his ticket, for the window that calls him; empty without one."""
    return crypto.open_sealed(bytes(ticket.name_sealed), "ticket.name") if ticket.name_sealed else ""


def set_aside(window: Window, at: datetime) -> list[Ticket]:
    """Return whom this window has held, or has passed over, today; who can be called back, the latest first."""
    return list(
        Ticket.objects.filter(
            region_id=window.region_id,
            window=window,
            day=localdate(at),
            status__in=[Ticket.Status.HELD, Ticket.Status.PASSED],
        )
        .select_related("item", "series")
        .order_by("status", "-announced_at")[:12]
    )


def undoable(staff: Staff, ticket_id: UUID | None, at: datetime) -> Ticket | None:
    """Return this ticket if `staff` can still undo what he did with it last."""
    if ticket_id is None:
        return None
    ticket = Ticket.objects.filter(region_id=staff.region_id, pk=ticket_id).select_related("series").first()
    if ticket is None or not ticket.undo or ticket.undo.get("by") != staff.ledger_ref:
        return None
    return ticket if is_in_time(datetime.fromisoformat(ticket.undo["at"]), at) else None


@dataclass(frozen=True)
class Step:
    """One line of a ticket's history: when, what, at which window, by which post, and why."""

    at: datetime
    kind: str
    window: int | None
    data: dict[str, Any]
    role: str


def history(ticket: Ticket) -> list[Step]:
    """Return what has happened to a ticket, from the ledger; no names in it."""
    rows = Event.objects.filter(region=ticket.region_id, stream=ticket.stream).order_by("seq")
    return [Step(row.at, row.kind, row.data.get("window"), row.data, row.role) for row in rows]


@dataclass(frozen=True)
class Turn:
    """A waiting ticket in the order it would be called, and why then."""

    ticket: Ticket
    why: str
    first: str
    minutes: int


def order_of_today(
    hall: Hall, at: datetime, policy: rules.Policy | None = None, *, care_first: Iterable[str] | None = None
) -> list[Turn]:
    """
    Return who waits in a hall in the order one window that calls every queue would call them under `policy` (the
    hall's own by default); two statements. care_first: try other kinds of care.
    """
    policy = policy or rules.policy_of(hall)
    waiting = {
        ticket.pk: ticket
        for ticket in Ticket.objects.filter(
            region_id=hall.region_id, hall=hall, day=localdate(at), status=Ticket.Status.WAITING
        )
        .select_related("series", "item", "only_window", "skill")
        .order_by("queue_at", "number")[:DESK_SHOWN]
    }
    tried = None if care_first is None else set(care_first)
    queues: dict[tuple[UUID, bool], list[rules.Head]] = {}
    for ticket in waiting.values():
        is_first = ticket.is_priority
        if tried is not None and ticket.grant_id is None and ticket.source != Ticket.Source.APPOINTMENT:
            is_first = ticket.care in tried
        head = rules.Head(ticket.pk, ticket.series_id, ticket.queue_at, ticket.number, is_first)
        queues.setdefault((ticket.series_id, is_first), []).append(head)
    turns = []
    picked = {"policy": policy.kind, "ratio": policy.ratio, "minutes": policy.ageing_minutes, "cap": policy.cap}
    for choice in rules.in_order(queues.values(), policy, run=None, at=at):
        ticket = waiting[choice.head.ticket_id]
        ticket.is_priority = choice.head.is_priority
        care = str(ticket.get_care_display()) if ticket.care else ""
        booked = ticket.source == Ticket.Source.APPOINTMENT
        why = reasons.reason(
            picked | {"why": choice.why}, care=care, is_granted=ticket.grant_id is not None, is_booked=booked
        )
        turns.append(Turn(ticket, why, first_of(ticket), rules.seconds_between(ticket.taken_at, at) // 60))
    return turns


def not_called(hall: Hall, at: datetime) -> list[Ticket]:
    """
    Return who waits and whom no window with somebody at it would call: sent to a closed window, for a skill nobody
    present holds, in a queue nobody calls now, or held by a window that has closed since. The desk moves them (never
    starve anybody).
    """
    day = localdate(at)
    present = Window.objects.filter(region_id=hall.region_id, hall=hall, staff__isnull=False)
    skills = StaffSkill.objects.filter(
        Q(until_day=None) | Q(until_day__gte=day), region_id=hall.region_id, from_day__lte=day
    ).filter(staff__window__in=present)
    # One window must call the queue and hold the skill.
    matching = set(skills.values_list("skill", "staff__window__series"))
    called = set(present.values_list("series", flat=True))
    here = set(present.values_list("pk", flat=True))
    left = Q(status=Ticket.Status.HELD, window__staff=None)
    waits = Q(status=Ticket.Status.WAITING) & ~Q(only_window=None, skill=None, series__in=called)
    odd = Ticket.objects.filter(left | waits, region_id=hall.region_id, hall=hall, day=day)
    return [
        ticket
        for ticket in odd.select_related("series", "skill", "only_window", "window").order_by("queue_at", "number")[
            :DESK_SHOWN
        ]
        if ticket.status == Ticket.Status.HELD
        or (
            ticket.only_window_id not in here
            if ticket.only_window_id
            else (ticket.skill_id, ticket.series_id) not in matching
            if ticket.skill_id
            else ticket.series_id not in called
        )
    ]


@dataclass(frozen=True)
class Given:
    """Numbers of a series given today; left: how many more, when people should be told, else None."""

    given: int
    cap: int | None
    left: int | None

    @property
    def is_full(self) -> bool:
        return self.cap is not None and self.given >= self.cap


def given_today(hall: Hall, at: datetime) -> dict[UUID, Given]:
    """Return how many numbers each series has given today and whether people should be told that few are left."""
    return given_on(hall, localdate(at))


def given_on(hall: Hall, day: date) -> dict[UUID, Given]:
    counters = TicketCounter.objects.filter(region_id=hall.region_id, series__hall=hall, day=day)
    counted = dict(counters.values_list("series", "value"))
    return {
        one.pk: Given(
            counted.get(one.pk, 0),
            one.daily_cap,
            rules.few_left(counted.get(one.pk, 0), one.daily_cap, one.warning_at),
        )
        for one in Series.objects.filter(region_id=hall.region_id, hall=hall)
    }


def grants_in_force(region: str, tickets: Iterable[UUID]) -> dict[UUID, PriorityGrant]:
    """Return the approved grant each of these tickets has now."""
    rows = Ticket.objects.filter(region_id=region, pk__in=list(tickets), grant__isnull=False).select_related("grant")
    return {row.pk: row.grant for row in rows if row.grant}
