"""What a hall did: a day's curves, service levels, windows' times, days and hours, from tickets and periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from yimen.hall.models import Hall
from yimen.lib.dates import begin_of
from yimen.lib.figures import percent

# Somebody called within so many minutes was served in good time.
LEVELS = (10, 20, 30)
STEP = timedelta(minutes=15)
MOST_DAYS = 366


@dataclass(frozen=True)
class Quarter:
    """A quarter of an hour: numbers taken, people called, and how many waited at its end."""

    begins: datetime
    taken: int
    called: int
    waiting: int


@dataclass(frozen=True)
class Level:
    """
    How long people of a series waited for their first call, and how long their matter took.

    Seconds are means; None before anybody was called or finished. within: percent called within each of LEVELS.
    """

    letter: str
    name: str
    taken: int
    called: int
    finished: int
    passed: int
    left: int
    wait: float | None
    longest: float | None
    service: float | None
    within: tuple[Decimal | None, ...]

    @property
    def shares(self) -> list[tuple[int, Decimal | None]]:
        """Each of LEVELS with its percent."""
        return list(zip(LEVELS, self.within, strict=True))


@dataclass(frozen=True)
class WindowTimes:
    """
    Seconds a window was open, and of those: calling, serving, away (a pause nobody stood in for), idle.

    idle is what is left. people: how many were finished there.
    """

    number: int
    name: str
    people: int
    open: int
    calling: int
    serving: int
    paused: int

    @property
    def idle(self) -> int:
        return max(0, self.open - self.calling - self.serving - self.paused)

    @property
    def busy_percent(self) -> Decimal | None:
        return percent(self.serving, self.open, places=0)


@dataclass(frozen=True)
class Visitors:
    """A day, or an hour of the day over many days: tickets, and mean seconds waited; visitors: visits, not tickets."""

    key: date | int
    tickets: int
    visitors: int
    wait: float | None


_QUARTERS = """
WITH ticks AS (
    SELECT tick, tick + %(step)s AS until FROM generate_series(%(begin)s::timestamptz, %(last)s, %(step)s) AS tick
), day AS MATERIALIZED (
    SELECT taken_at, called_at, id FROM hall_ticket
    WHERE region_id = %(region)s AND hall_id = %(hall)s AND day = %(day)s
), waits AS MATERIALIZED (
    SELECT period.from_at, period.until_at FROM hall_ticketperiod AS period JOIN day ON day.id = period.ticket_id
    WHERE period.region_id = %(region)s AND period.state = 'waiting'
        AND period.from_at >= %(midnight)s AND period.from_at < %(midnight)s + interval '1 day'
)
SELECT ticks.tick,
    (SELECT count(*) FROM day WHERE taken_at >= ticks.tick AND taken_at < ticks.until),
    (SELECT count(*) FROM day WHERE called_at >= ticks.tick AND called_at < ticks.until),
    (SELECT count(*) FROM waits WHERE from_at < ticks.until AND (until_at IS NULL OR until_at >= ticks.until))
FROM ticks ORDER BY ticks.tick
"""


def quarters(hall: Hall, begin: datetime, end: datetime) -> list[Quarter]:
    """Return the quarters of an hour from `begin` until `end`, both of one local day; one statement."""
    if end <= begin:
        return []
    day = begin.date()
    arguments: dict[str, Any] = {
        "step": STEP,
        "begin": begin,
        "last": end - timedelta(microseconds=1),
        "region": hall.region_id,
        "hall": hall.pk,
        "day": day,
        "midnight": begin_of(day),
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUARTERS, arguments)
        return [Quarter(*row) for row in cursor.fetchall()]


# greatest() passes over NULL: who was never called has no wait, not one of 0. Service comes from the periods, so that a
# hold or a second queue after a transfer is not in it.
_LEVELS = """
WITH served AS MATERIALIZED (
    SELECT ticket_id, sum(extract(epoch FROM until_at - from_at))::float AS seconds FROM hall_ticketperiod
    WHERE region_id = %(region)s AND state = 'serving' AND until_at IS NOT NULL
        AND from_at >= %(begin)s AND from_at < %(until)s
    GROUP BY ticket_id
)
SELECT series.letter, series.name, count(*), count(t.called_at),
    count(*) FILTER (WHERE t.status = 'finished'), count(*) FILTER (WHERE t.status = 'passed'),
    count(*) FILTER (WHERE t.status = 'left'),
    avg(t.waited), max(t.waited), avg(t.served),
    count(*) FILTER (WHERE t.waited <= %(l0)s), count(*) FILTER (WHERE t.waited <= %(l1)s),
    count(*) FILTER (WHERE t.waited <= %(l2)s)
FROM hall_series AS series
JOIN LATERAL (
    SELECT ticket.status, ticket.called_at,
        CASE WHEN ticket.called_at IS NOT NULL THEN
            greatest(0, extract(epoch FROM ticket.called_at - ticket.taken_at))::float
        END AS waited,
        CASE WHEN ticket.status = 'finished' THEN
            greatest(0, coalesce(served.seconds, extract(epoch FROM ticket.finished_at - ticket.called_at)))::float
        END AS served
    FROM hall_ticket AS ticket LEFT JOIN served ON served.ticket_id = ticket.id
    WHERE ticket.region_id = series.region_id AND ticket.series_id = series.id
        AND ticket.day BETWEEN %(start)s AND %(end)s
) AS t ON true
WHERE series.region_id = %(region)s AND series.hall_id = %(hall)s
GROUP BY series.id, series.letter, series.name, series.position
ORDER BY series.position, series.letter
"""


def levels(hall: Hall, start: date, end: date) -> list[Level]:
    """Return how the queues of a hall were served on the local days from `start` through `end`; one statement."""
    arguments: dict[str, Any] = {"region": hall.region_id, "hall": hall.pk, "start": start, "end": end}
    arguments |= {"begin": begin_of(start), "until": begin_of(end + timedelta(days=1))}
    arguments |= {f"l{n}": minutes * 60 for n, minutes in enumerate(LEVELS)}
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS, arguments)
        rows = cursor.fetchall()
    return [_level(*row) for row in rows]


def _level(letter: str, name: str, taken: int, called: int, *more: Any) -> Level:
    finished, passed, left, wait, longest, service, *within = more
    shares = tuple(percent(n, called, places=1) for n in within)
    return Level(letter, name, taken, called, finished, passed, left, wait, longest, service, shares)


_TIMES = """
WITH spans AS (
    SELECT window_id, 'open' AS what, from_at, until_at FROM hall_windowsession
    WHERE region_id = %(region)s AND from_at < %(until)s AND from_at >= %(begin)s - interval '31 days'
    UNION ALL
    SELECT window_id, 'paused', from_at, until_at FROM hall_windowpause
    WHERE region_id = %(region)s AND from_at < %(until)s AND from_at >= %(begin)s - interval '1 day'
        AND (stand_in_id IS NULL OR by_window_id IS NOT NULL)
    UNION ALL
    SELECT window_id, state, from_at, until_at FROM hall_ticketperiod
    WHERE region_id = %(region)s AND from_at < %(until)s AND from_at >= %(begin)s - interval '1 day'
        AND window_id IS NOT NULL AND state IN ('called', 'serving')
), sums AS (
    SELECT window_id, what,
        sum(greatest(0, extract(epoch FROM
            least(coalesce(until_at, %(now)s), %(until)s, %(now)s) - greatest(from_at, %(begin)s))))::bigint AS seconds
    FROM spans GROUP BY window_id, what
)
SELECT w.number, w.name,
    (SELECT count(*) FROM hall_ticketperiod AS period
     WHERE period.region_id = w.region_id AND period.window_id = w.id AND period.state = 'serving'
        AND period.from_at >= %(begin)s AND period.from_at < %(until)s AND period.until_at IS NOT NULL),
    coalesce(max(seconds) FILTER (WHERE what = 'open'), 0), coalesce(max(seconds) FILTER (WHERE what = 'called'), 0),
    coalesce(max(seconds) FILTER (WHERE what = 'serving'), 0), coalesce(max(seconds) FILTER (WHERE what = 'paused'), 0)
FROM hall_window AS w LEFT JOIN sums ON sums.window_id = w.id
WHERE w.region_id = %(region)s AND w.hall_id = %(hall)s
GROUP BY w.id, w.number, w.name, w.region_id ORDER BY w.number
"""


def window_times(hall: Hall, start: date, end: date, *, now: datetime) -> list[WindowTimes]:
    """Return what each window did on the local days from `start` through `end`, until `now`; one statement."""
    arguments: dict[str, Any] = {
        "region": hall.region_id,
        "hall": hall.pk,
        "begin": begin_of(start),
        "until": begin_of(end + timedelta(days=1)),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, arguments)
        return [WindowTimes(*row) for row in cursor.fetchall()]


_DAYS = """
SELECT day, count(*), count(DISTINCT coalesce(visit, id)),
    avg(greatest(0, extract(epoch FROM called_at - taken_at))::float) FILTER (WHERE called_at IS NOT NULL)
FROM hall_ticket WHERE region_id = %s AND hall_id = ANY(%s) AND day BETWEEN %s AND %s GROUP BY day ORDER BY day
"""
_HOURS = """
SELECT extract(hour FROM taken_at AT TIME ZONE 'Asia/Shanghai')::int, count(*), count(DISTINCT coalesce(visit, id)),
    avg(greatest(0, extract(epoch FROM called_at - taken_at))::float) FILTER (WHERE called_at IS NOT NULL)
FROM hall_ticket WHERE region_id = %s AND hall_id = ANY(%s) AND day BETWEEN %s AND %s GROUP BY 1 ORDER BY 1
"""


def visitors(halls: list[Hall], start: date, end: date) -> list[Visitors]:
    """Return the visitors of each day that had any, counted from tickets (S1-58)."""
    return _visitors(_DAYS, halls, start, end)


def hours(halls: list[Hall], start: date, end: date) -> list[Visitors]:
    """Return the same by local hour of taking the number, over all those days together."""
    return _visitors(_HOURS, halls, start, end)


def _visitors(query: str, halls: list[Hall], start: date, end: date) -> list[Visitors]:
    if not halls:
        return []
    with connection.cursor() as cursor:
        cursor.execute(query, [halls[0].region_id, [hall.pk for hall in halls], start, end])
        return [Visitors(*row) for row in cursor.fetchall()]
