"""What a hall promises by the minute and whether it kept it (S3-16); trips, waits and hand-offs of a case (S3-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from yimen.catalog.models.items import QUICK_MINUTES
from yimen.hall.models import Hall
from yimen.insight.ledger_report import check_period
from yimen.lib.dates import begin_of
from yimen.lib.figures import percent


@dataclass(frozen=True)
class Quick:
    """An item promised in so many minutes at the window: timed visits, those within, mean seconds of service."""

    item_id: UUID
    name: str
    minutes: int
    timed: int
    within: int
    seconds: float | None

    @property
    def share(self) -> Decimal | None:
        """Percent within the promise; None before anybody was served."""
        return percent(self.within, self.timed, places=1)


_QUICK = """
SELECT item.id, version.name, (version.extended->>%(key)s)::int AS minutes, count(served.seconds),
    count(*) FILTER (WHERE served.seconds <= (version.extended->>%(key)s)::int * 60), avg(served.seconds)
FROM catalog_itemversion AS version
JOIN catalog_serviceitem AS item ON item.published_id = version.id
LEFT JOIN LATERAL (
    SELECT coalesce(
        (SELECT sum(extract(epoch FROM period.until_at - period.from_at)) FROM hall_ticketperiod AS period
         WHERE period.ticket_id = ticket.id AND period.state = 'serving' AND period.until_at IS NOT NULL),
        greatest(0, extract(epoch FROM ticket.finished_at - ticket.called_at)))::float AS seconds
    FROM hall_ticket AS ticket
    WHERE ticket.region_id = item.region_id AND ticket.item_id = item.id AND ticket.hall_id = ANY(%(halls)s)
        AND ticket.day BETWEEN %(start)s AND %(end)s AND ticket.status = 'finished'
) AS served ON true
WHERE item.region_id = %(region)s AND (version.extended->>%(key)s)::int > 0
GROUP BY item.id, version.id ORDER BY version.name
"""


def quick(halls: Sequence[Hall], start: date, end: date) -> list[Quick]:
    """Return each item with a promise in minutes and how it was kept in these halls; one statement."""
    if not halls:
        return []
    arguments: dict[str, Any] = {
        "key": QUICK_MINUTES,
        "region": halls[0].region_id,
        "halls": [hall.pk for hall in halls],
        "start": start,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUICK, arguments)
        return [Quick(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Measures:
    """
    The three measures of cases delivered in a period, each a mean a case; None without cases.

    visits: days somebody had to come. wait_minutes: in the hall, of cases that began with a ticket. hand_offs: how
    often a step was done by another person than the one before.
    """

    cases: int
    visits: Decimal | None
    wait_minutes: Decimal | None
    hand_offs: Decimal | None


_MEASURES = """
WITH done AS MATERIALIZED (
    SELECT id, cardinality(visit_days) AS visits FROM cases_case
    WHERE region_id = %(region)s AND completed_at >= %(begin)s AND completed_at < %(until)s AND status = 'delivered'
), waits AS (
    SELECT ticket.case_id, sum(greatest(0, extract(epoch FROM ticket.called_at - ticket.taken_at))) AS seconds
    FROM hall_ticket AS ticket JOIN done ON done.id = ticket.case_id
    WHERE ticket.region_id = %(region)s GROUP BY ticket.case_id
), steps AS (
    SELECT task.case_id, task.done_by_id IS DISTINCT FROM lag(task.done_by_id) OVER one_case
        AND lag(task.done_by_id) OVER one_case IS NOT NULL AS handed
    FROM cases_task AS task JOIN done ON done.id = task.case_id
    WHERE task.region_id = %(region)s AND task.done_at IS NOT NULL
    WINDOW one_case AS (PARTITION BY task.case_id ORDER BY task.done_at, task.id)
)
SELECT (SELECT count(*) FROM done), (SELECT avg(visits) FROM done), (SELECT avg(seconds) / 60 FROM waits),
    (SELECT count(*) FROM steps WHERE handed)
"""


def measures(region: str, start: date, end: date) -> Measures:
    """Return visits, wait minutes and hand-offs a case delivered from `start` through `end`. Raises BadPeriod."""
    check_period(start, end)
    arguments: dict[str, Any] = {"region": region, "begin": begin_of(start), "until": begin_of(end + timedelta(days=1))}
    with connection.cursor() as cursor:
        cursor.execute(_MEASURES, arguments)
        cases, visits, minutes, handed = cursor.fetchone()
    return Measures(
        cases=cases,
        visits=_two(visits),
        wait_minutes=_two(minutes),
        hand_offs=_two(Decimal(handed) / cases) if cases else None,
    )


@dataclass(frozen=True)
class Windows:
    """How many windows one visit for an item went to on average, before and in a period; None without visits (S0-9)."""

    name: str
    visits: int
    before: Decimal | None
    now: Decimal | None


_WINDOWS = """
WITH visit AS (
    SELECT coalesce(ticket.visit, ticket.id) AS id, ticket.day >= %(start)s AS is_now,
        (array_agg(ticket.item_id ORDER BY ticket.taken_at, ticket.id) FILTER (WHERE ticket.item_id IS NOT NULL))[1]
            AS item_id,
        count(DISTINCT period.window_id) AS windows
    FROM hall_ticket AS ticket
    JOIN hall_ticketperiod AS period ON period.region_id = ticket.region_id AND period.ticket_id = ticket.id
        AND period.state = 'serving'
    WHERE ticket.region_id = %(region)s AND ticket.hall_id = ANY(%(halls)s) AND ticket.day BETWEEN %(first)s AND %(end)s
    GROUP BY 1, 2
)
SELECT item.name, count(*) FILTER (WHERE visit.is_now), avg(visit.windows) FILTER (WHERE NOT visit.is_now),
    avg(visit.windows) FILTER (WHERE visit.is_now)
FROM visit JOIN catalog_serviceitem AS item ON item.id = visit.item_id
GROUP BY item.id, item.name
ORDER BY 2 DESC, item.name LIMIT %(most)s
"""


def windows_per_visit(halls: Sequence[Hall], start: date, end: date, *, most: int = 30) -> list[Windows]:
    """
    Return for the items most came for how many windows a visit took, in the period and in the same time before it.

    A visit is of the item its first ticket was for; windows are those where somebody was served. One statement.
    """
    if not halls:
        return []
    arguments: dict[str, Any] = {
        "region": halls[0].region_id,
        "halls": [hall.pk for hall in halls],
        "first": start - (end - start) - timedelta(days=1),
        "start": start,
        "end": end,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS, arguments)
        return [Windows(name, n, _two(before), _two(now)) for name, n, before, now in cursor.fetchall()]


def _two(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(Decimal(value), 2)
