"""What the screens show, and how long each queue is. No names anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.timezone import localdate

from yimen.hall import rules
from yimen.hall.models import Hall, Series, Ticket, Window

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
    return Board(hall.code, day, calls, waits(hall.region_id, day, hall=hall.pk))


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
SELECT series.id, series.letter, series.name, coalesce(zone.name, ''), series.is_open, queue.waiting,
       pace.seconds, windows.numbers, windows.open_count
FROM hall_series AS series
LEFT JOIN hall_hallzone AS zone ON zone.id = series.zone_id
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
        )
        for series_id, letter, name, zone, is_open, people, seconds, numbers, open_count in rows
    ]
