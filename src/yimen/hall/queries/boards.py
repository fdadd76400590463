"""What the screens show, and how long each queue is. No citizen's name anywhere; of staff, the work card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models import Window as WindowFunction
from django.db.models.functions import RowNumber
from django.utils.timezone import localdate

from yimen.hall import rules
from yimen.hall.models import Hall, Series, Ticket, Window, WindowPause

# One in the large place, four below, and one more so that a held call does not empty the row.
CALLS_SHOWN = 6
# So many calls may come between two looks and still be announced one by one.
CALLS_KEPT = 30


@dataclass(frozen=True)
class Call:
    """A ticket that was called; key changes with every announcement of it, and ends with its moment."""

    key: str
    label: str
    window: int
    zone_id: UUID | None = None


@dataclass(frozen=True)
class Wait:
    """
    One series as people see it. minutes: for somebody who takes a number now; None when it cannot be known.

    proposed: while a surge runs in it (HallAlarm), the window that should be opened for it.
    """

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
    zone_id: UUID | None = None
    numbers: tuple[int, ...] = ()
    surges: bool = False
    proposed: int | None = None

    @property
    def is_busy(self) -> bool:
        return self.surges or rules.is_busy(self.waiting, self.minutes)


@dataclass(frozen=True)
class Card:
    """工作牌 (HALL-20): who sits at a window, as citizens may know it; whom to ask, and where to complain."""

    name: str
    number: str
    post: str
    duties: str
    promise: str
    unit: str
    contact: str
    complaint: str


@dataclass(frozen=True)
class Away:
    """A window nobody sits at for a while; stand_in: who came in his place, at_window: 0 when he sits here."""

    reason: str
    stand_in: str
    at_window: int


@dataclass(frozen=True)
class WindowNow:
    """A window at one moment. label: whom it called or serves; key: his latest announcement; no card: closed."""

    id: UUID
    number: int
    name: str
    zone_id: UUID | None
    unit: str
    is_paused: bool
    label: str
    key: str
    is_serving: bool
    card: Card | None
    away: Away | None

    @property
    def state(self) -> str:
        return "paused" if self.is_paused else "open" if self.card else "closed"


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


def board(hall: Hall, at: datetime) -> Board:
    """Return what the screens show; two queries whatever is going on."""
    return Board(
        hall.code, localdate(at), calls(hall, at)[:CALLS_SHOWN], waits(hall.region_id, localdate(at), hall=hall.pk)
    )


# Our own SQL, as every look of every screen asks it: building it from querysets took longer than the answer.
_CALLS = """
SELECT ticket.id, ticket.announced_at, ticket.label, "window".number, "window".zone_id
FROM hall_ticket AS ticket JOIN hall_window AS "window" ON "window".id = ticket.window_id
WHERE ticket.region_id = %s AND ticket.hall_id = %s AND ticket.day = %s AND ticket.announced_at IS NOT NULL
ORDER BY ticket.announced_at DESC
LIMIT %s
"""


def calls(hall: Hall, at: datetime, *, most: int = CALLS_SHOWN) -> list[Call]:
    """Return the latest announcements of the day, newest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_CALLS, [hall.region_id, hall.pk, localdate(at), most])
        return _calls(cursor.fetchall())


def calls_by_zone(hall: Hall, at: datetime) -> dict[UUID, list[Call]]:
    """Return the latest announcements of each zone with windows, newest first; one query."""
    ranked = _announced(hall, at).annotate(
        place=WindowFunction(RowNumber(), partition_by=F("window__zone"), order_by=F("announced_at").desc())
    )
    found: dict[UUID, list[Call]] = {}
    rows = ranked.filter(place__lte=CALLS_KEPT, window__zone__isnull=False).order_by("-announced_at")
    for call in _calls(rows.values_list("pk", "announced_at", "label", "window__number", "window__zone")):
        assert call.zone_id
        found.setdefault(call.zone_id, []).append(call)
    return found


def _announced(hall: Hall, at: datetime) -> QuerySet[Ticket]:
    return Ticket.objects.filter(
        region_id=hall.region_id, hall=hall, day=localdate(at), announced_at__isnull=False
    ).exclude(window=None)


def _calls(rows: Iterable[tuple[UUID, datetime | None, str, int, UUID | None]]) -> list[Call]:
    return [Call(_key(pk, when), label, number, zone) for pk, when, label, number, zone in rows if when is not None]


def _key(ticket_id: UUID, announced_at: datetime) -> str:
    return f"{ticket_id.hex}-{announced_at.timestamp():.3f}"


_WINDOWS = """
SELECT "window".id, "window".number, "window".name, "window".zone_id, "window".paused_at IS NOT NULL,
    coalesce(nullif(department.short_name, ''), department.name, ''),
    held.id, held.announced_at, held.label, held.status,
    staff.name, staff.number, coalesce(post.name, ''), coalesce(post.duties, ''), coalesce(post.promise, ''),
    unit.name, coalesce(nullif(staff.phone, ''), unit.phone), gone.reason, stand_in.name, by_window.number
FROM hall_window AS "window"
LEFT JOIN people_department AS department ON department.id = "window".department_id
LEFT JOIN hall_ticket AS held ON held.region_id = "window".region_id AND held.window_id = "window".id
    AND held.status IN ('called', 'serving')
LEFT JOIN people_staff AS staff ON staff.id = "window".staff_id
LEFT JOIN people_post AS post ON post.id = staff.post_id
LEFT JOIN people_department AS unit ON unit.id = staff.department_id
LEFT JOIN hall_windowpause AS gone ON gone.region_id = "window".region_id AND gone.window_id = "window".id
    AND gone.until_at IS NULL
LEFT JOIN people_staff AS stand_in ON stand_in.id = gone.stand_in_id
LEFT JOIN hall_window AS by_window ON by_window.id = gone.by_window_id
WHERE "window".region_id = %s AND "window".hall_id = %s
ORDER BY "window".number
"""


def windows_now(hall: Hall) -> list[WindowNow]:
    """Return the hall's windows with who sits there and whom they called, by number; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS, [hall.region_id, hall.pk])
        return [_window(row, hall.center.complaint_way) for row in cursor.fetchall()]


def _window(row: Sequence[Any], complaint: str) -> WindowNow:
    (pk, number, name, zone_id, is_paused, unit), (held, announced_at, label, status) = row[:6], row[6:10]
    (who, staff_number, post, duties, promise, office, contact), (reason, stand_in, at_window) = row[10:17], row[17:]
    card = Card(who, staff_number, post, duties, promise, office, contact, complaint) if who is not None else None
    return WindowNow(
        id=pk,
        number=number,
        name=name,
        zone_id=zone_id,
        unit=unit,
        is_paused=is_paused,
        label=label or "",
        key=_key(held, announced_at) if announced_at else "",
        is_serving=status == Ticket.Status.SERVING,
        card=card,
        away=Away(str(WindowPause.Reason(reason).label), stand_in or "", at_window or 0) if reason else None,
    )


def waiting(window: Window, at: datetime) -> list[Wait]:
    """Return the queues a window calls, in the hall's order."""
    return waits(window.region_id, localdate(at), window=window.pk)


def series_of(hall: Hall, at: datetime) -> list[Wait]:
    """Return the series one can take a number in now."""
    return [wait for wait in waits(hall.region_id, localdate(at), hall=hall.pk) if wait.is_open]


def wait_of(series: Series, at: datetime) -> Wait:
    return waits(series.region_id, localdate(at), series=series.pk)[0]


# Counts come from the partial index of waiting tickets, the mean from the last twenty finished of the series.
_WAITS = """
SELECT series.id, series.letter, series.name, series.zone_id, coalesce(zone.name, ''), series.is_open, queue.waiting,
       pace.seconds, windows.numbers, windows.open_count, surge.raised_at IS NOT NULL, proposed.number
FROM hall_series AS series
LEFT JOIN hall_hallzone AS zone ON zone.id = series.zone_id
LEFT JOIN hall_hallalarm AS surge ON surge.region_id = series.region_id AND surge.series_id = series.id
    AND surge.kind = 'surge' AND surge.ended_at IS NULL
LEFT JOIN hall_window AS proposed ON proposed.id = surge.proposed_id
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


def waits(region: str, day: date, **only: UUID) -> list[Wait]:
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
            zone_id=zone_id,
            numbers=tuple(sorted(numbers or [])),
            surges=surges,
            proposed=proposed,
        )
        for (
            series_id,
            letter,
            name,
            zone_id,
            zone,
            is_open,
            people,
            seconds,
            numbers,
            open_count,
            surges,
            proposed,
        ) in rows
    ]
