"""What the screens show, and how long each queue is. No citizen's name anywhere; of staff, the work card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, FilteredRelation, Q, QuerySet
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


def calls(hall: Hall, at: datetime, *, most: int = CALLS_SHOWN) -> list[Call]:
    """Return the latest announcements of the day, newest first."""
    return _calls(_announced(hall, at).order_by("-announced_at")[:most])


def calls_by_zone(hall: Hall, at: datetime) -> dict[UUID, list[Call]]:
    """Return the latest announcements of each zone with windows, newest first; one query."""
    ranked = _announced(hall, at).annotate(
        place=WindowFunction(RowNumber(), partition_by=F("window__zone"), order_by=F("announced_at").desc())
    )
    found: dict[UUID, list[Call]] = {}
    for call in _calls(ranked.filter(place__lte=CALLS_KEPT, window__zone__isnull=False).order_by("-announced_at")):
        assert call.zone_id
        found.setdefault(call.zone_id, []).append(call)
    return found


def _announced(hall: Hall, at: datetime) -> QuerySet[Ticket]:
    return Ticket.objects.filter(
        region_id=hall.region_id, hall=hall, day=localdate(at), announced_at__isnull=False
    ).exclude(window=None)


def _calls(tickets: QuerySet[Ticket]) -> list[Call]:
    rows = tickets.values_list("pk", "announced_at", "label", "window__number", "window__zone")
    return [Call(_key(pk, when), label, number, zone) for pk, when, label, number, zone in rows if when is not None]


def _key(ticket_id: UUID, announced_at: datetime) -> str:
    return f"{ticket_id.hex}-{announced_at.timestamp():.3f}"


def windows_now(hall: Hall) -> list[WindowNow]:
    """Return the hall's windows with who sits there and whom they called, by number; one query."""
    open_ticket = Q(tickets__status__in=[Ticket.Status.CALLED, Ticket.Status.SERVING])
    rows = (
        Window.objects.filter(region_id=hall.region_id, hall=hall)
        .annotate(
            held=FilteredRelation("tickets", condition=open_ticket),
            gone=FilteredRelation("pauses", condition=Q(pauses__until_at=None)),
        )
        .order_by("number")
        .values(
            "pk",
            "number",
            "name",
            "zone_id",
            "paused_at",
            "department__name",
            "department__short_name",
            "staff__name",
            "staff__number",
            "staff__phone",
            "staff__post__name",
            "staff__post__duties",
            "staff__post__promise",
            "staff__department__name",
            "staff__department__phone",
            "held__pk",
            "held__announced_at",
            "held__label",
            "held__status",
            "gone__reason",
            "gone__stand_in__name",
            "gone__by_window__number",
        )
    )
    return [_window(row, hall.center.complaint_way) for row in rows]


def _window(row: Mapping[str, Any], complaint: str) -> WindowNow:
    card = away = None
    if row["staff__name"] is not None:
        card = Card(
            name=row["staff__name"],
            number=row["staff__number"],
            post=row["staff__post__name"] or "",
            duties=row["staff__post__duties"] or "",
            promise=row["staff__post__promise"] or "",
            unit=row["staff__department__name"],
            contact=row["staff__phone"] or row["staff__department__phone"],
            complaint=complaint,
        )
    if row["gone__reason"] is not None:
        reason = str(WindowPause.Reason(row["gone__reason"]).label)
        away = Away(reason, row["gone__stand_in__name"] or "", row["gone__by_window__number"] or 0)
    return WindowNow(
        id=row["pk"],
        number=row["number"],
        name=row["name"],
        zone_id=row["zone_id"],
        unit=row["department__short_name"] or row["department__name"] or "",
        is_paused=row["paused_at"] is not None,
        label=row["held__label"] or "",
        key=_key(row["held__pk"], row["held__announced_at"]) if row["held__announced_at"] else "",
        is_serving=row["held__status"] == Ticket.Status.SERVING,
        card=card,
        away=away,
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
