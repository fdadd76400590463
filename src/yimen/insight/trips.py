"""
How often people had to come: average visits a case by month (S2-11), and done in one go by item (S2-22).

Counted are cases that were decided in a period and have been handed over since: no further visit can come. A visit is
a local day on which the applicant, or his agent, came to a hall for the case (Case.visit_days): handing in at a
window, bringing materials later, fetching the result. A case handled on line and by post has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from yimen.insight.ledger_report import check_period
from yimen.lib.dates import begin_of
from yimen.lib.figures import percent


@dataclass(frozen=True)
class Trips:
    """Cases of one month or item. visits: all of them together; once: cases with at most one; none: without any."""

    label: str
    key: str
    department: str
    cases: int
    visits: int
    once: int
    none: int

    @property
    def average(self) -> Decimal | None:
        """Visits a case, two decimals, half up; None without cases."""
        if not self.cases:
            return None
        return (Decimal(self.visits) / self.cases).quantize(Decimal("0.01"), ROUND_HALF_UP)

    @property
    def rate(self) -> Decimal | None:
        """一次办成率: cases done with at most one visit, in percent."""
        return percent(self.once, self.cases) if self.cases else None


@dataclass(frozen=True)
class Report:
    """months in their order; items with the lowest rate first; total over all."""

    total: Trips
    months: Sequence[Trips] = field(repr=False)
    items: Sequence[Trips] = field(repr=False)


_SQL = """
SELECT grouping(item.id), to_char(date_trunc('month', "case".completed_at AT TIME ZONE 'Asia/Shanghai'), 'YYYY-MM'),
       item.id, min(item.name), min(organ.name), count(*), coalesce(sum(cardinality("case".visit_days)), 0),
       count(*) FILTER (WHERE cardinality("case".visit_days) <= 1),
       count(*) FILTER (WHERE cardinality("case".visit_days) = 0)
FROM cases_case AS "case"
JOIN catalog_serviceitem AS item ON item.id = "case".item_id
JOIN people_department AS organ ON organ.id = item.department_id
WHERE "case".region_id = %(region)s AND "case".completed_at >= %(begin)s AND "case".completed_at < %(until)s
      AND "case".status = 'delivered' {only}
GROUP BY GROUPING SETS ((date_trunc('month', "case".completed_at AT TIME ZONE 'Asia/Shanghai')), (item.id))
"""


def trips(region: str, start: date, end: date, *, departments: Sequence[UUID] | None = None) -> Report:
    """Return the visits of cases decided from `start` through `end`, in one statement. Raises BadPeriod."""
    check_period(start, end)
    values: dict[str, Any] = {"region": region, "begin": begin_of(start), "until": begin_of(end + timedelta(days=1))}
    only = ""
    if departments is not None:
        only, values["departments"] = 'AND "case".department_id = ANY(%(departments)s)', list(departments)
    months, items = [], []
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(only=only), values)
        for is_month, month, item, name, organ, *counts in cursor.fetchall():
            if is_month:
                months.append(Trips(month, month, "", *counts))
            else:
                items.append(Trips(name, str(item), organ, *counts))
    months.sort(key=lambda one: one.key)
    items.sort(key=lambda one: (one.rate or 0, -one.cases, one.label))
    sums = [sum(getattr(one, name) for one in months) for name in ("cases", "visits", "once", "none")]
    return Report(Trips("", "", "", *sums), months, items)
