"""
The ledger report: what came in, what was finished, how much of it on time, and what is still open (TRAP-12).

Counted by the database over the cases; the same figures follow from the ledger's rows alone (a test compares).
docs/rules/statistics.md says what each figure means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from yimen.catalog.models import CaseType, ServiceItem
from yimen.insight import rules
from yimen.lib.dates import begin_of, month_name
from yimen.lib.errors import DomainError
from yimen.lib.figures import percent
from yimen.people.models import Department

BY = ("case_type", "department", "month", "item")
MOST_YEARS = 10


class BadPeriod(DomainError):
    """A period that cannot be reported on."""


@dataclass(frozen=True)
class Figures:
    """
    Counts of cases in one period.

    received, accepted, declined, withdrawn, finished: acts within the period. on_time: of the finished, by their day.
    cohort_finished: of the accepted, finished by the period's end. carried_in: open when the period began.
    open: accepted, neither finished nor withdrawn when it ended; open_overdue: of these, past their day.
    """

    received: int = 0
    accepted: int = 0
    declined: int = 0
    withdrawn: int = 0
    finished: int = 0
    on_time: int = 0
    cohort_finished: int = 0
    carried_in: int = 0
    open: int = 0
    open_overdue: int = 0

    @property
    def finish_rate(self) -> Decimal | None:
        """办结率: of the cases accepted in the period, the share finished by its end."""
        return percent(self.cohort_finished, self.accepted)

    @property
    def on_time_rate(self) -> Decimal | None:
        """按时办结率: of the cases finished in the period, the share finished by their day."""
        return percent(self.on_time, self.finished)

    @property
    def is_balanced(self) -> bool:
        """Carried in and accepted, less finished and withdrawn, is what is open."""
        return self.carried_in + self.accepted - self.finished - self.withdrawn == self.open

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, each.name) for each in fields(self) if each.name in COUNTS)


COUNTS = tuple(each.name for each in fields(Figures))


@dataclass(frozen=True)
class Row(Figures):
    """One line of a report. key: what it is about, as stored; label: as people say it."""

    key: str = ""
    label: str = ""


@dataclass(frozen=True)
class Report:
    """start, end: local days, both included. as_of: the day on which overdue was judged, at most today."""

    region: str
    start: date
    end: date
    as_of: date
    by: str
    rows: Sequence[Row] = field(repr=False)
    total: Row

    @property
    def is_empty(self) -> bool:
        return self.total.is_empty


def ledger_report(
    region: str,
    start: date,
    end: date,
    *,
    today: date,
    by: str = "case_type",
    departments: Sequence[Any] | None = None,
) -> Report:
    """
    Return the figures of `region` for the local days start through end, in a constant number of statements.

    by: "case_type", "department", "month" or "item". departments: only these (ids); None: all.
    Raises BadPeriod for an end before the start, more than ten years, or an unknown `by`.
    """
    check_period(start, end, by)
    months = rules.months_of(start, end) if by == "month" else []
    counted = _count(region, start, end, by=by, departments=departments, today=today)
    if by == "month":
        rows = _month_rows(counted, months)
    else:
        labels = _labels(by, counted)
        rows = [Row(key=key, label=labels.get(key, key), **counts) for key, counts in counted.items()]
        rows.sort(key=_order(by))
    return Report(
        region=region,
        start=start,
        end=end,
        as_of=min(end, today),
        by=by,
        rows=[row for row in rows if not row.is_empty or by == "month"],
        total=_total(rows, by),
    )


def check_period(start: date, end: date, by: str = "case_type") -> None:
    if by not in BY:
        raise BadPeriod(_("只能按办件类型、部门、月份或事项来分。"))
    if end < start:
        raise BadPeriod(_("结束日期在开始日期前面，请对调一下。"))
    if start.year < 1950 or end.year > 2200:
        raise BadPeriod(_("日期要在 1950 年到 2200 年之间。"))
    if (end - start).days > 366 * MOST_YEARS:
        raise BadPeriod(_("一次最多统计 %(n)s 年，请分段查。") % {"n": MOST_YEARS})


# Each arm yields (key, figure, n). The ledger alone knows when a case was declined or withdrawn.
_SQL = """
WITH ended AS MATERIALIZED (
    SELECT substr(e.stream, 6)::uuid AS case_id, e.kind, e.at FROM ledger_event e
    WHERE e.region = %(region)s AND e.kind IN ('case.declined', 'case.withdrawn') AND e.at >= %(begin)s
        AND e.stream LIKE 'case:%%'
)
SELECT {received_key}, 'received', count(*) FROM cases_case c
WHERE c.region_id = %(region)s AND c.received_at >= %(begin)s AND c.received_at < %(until)s {filter} GROUP BY 1
UNION ALL
SELECT {accepted_key}, unnest(ARRAY['accepted', 'cohort_finished']),
       unnest(ARRAY[count(*), count(*) FILTER (WHERE c.completed_at < %(until)s)])
FROM cases_case c
WHERE c.region_id = %(region)s AND c.accepted_at >= %(begin)s AND c.accepted_at < %(until)s {filter} GROUP BY 1
UNION ALL
SELECT {completed_key}, unnest(ARRAY['finished', 'on_time']),
       unnest(ARRAY[count(*), count(*) FILTER (WHERE c.completed_on_time)])
FROM cases_case c
WHERE c.region_id = %(region)s AND c.completed_at >= %(begin)s AND c.completed_at < %(until)s {filter} GROUP BY 1
UNION ALL
SELECT {ended_key}, CASE e.kind WHEN 'case.declined' THEN 'declined' ELSE 'withdrawn' END, count(*)
FROM ended e JOIN cases_case c ON c.region_id = %(region)s AND c.id = e.case_id
WHERE e.at < %(until)s AND (e.kind = 'case.declined' OR c.accepted_at < %(until)s) {filter} GROUP BY 1, 2
UNION ALL
SELECT {first_key}, 'carried_in', count(*) FROM {open_at_begin} c WHERE true {filter} GROUP BY 1
UNION ALL
SELECT {last_key}, unnest(ARRAY['open', 'open_overdue']),
       unnest(ARRAY[count(*), count(*) FILTER (WHERE c.due_on < %(as_of)s)])
FROM {open_at_until} c WHERE true {filter} GROUP BY 1
{overdue_by_month}
"""

# Open at a moment: still being handled, or finished or withdrawn later. Three index ranges instead of one wide OR.
_OPEN_AT = """(
    SELECT x.case_type, x.department_id, x.item_id, x.due_on FROM cases_case x
    WHERE x.region_id = %(region)s AND x.status = 'accepted' AND x.accepted_at < {moment}
    UNION ALL SELECT x.case_type, x.department_id, x.item_id, x.due_on FROM cases_case x
    WHERE x.region_id = %(region)s AND x.completed_at >= {moment} AND x.accepted_at < {moment}
    UNION ALL SELECT x.case_type, x.department_id, x.item_id, x.due_on
    FROM ended e JOIN cases_case x ON x.region_id = %(region)s AND x.id = e.case_id
    WHERE e.kind = 'case.withdrawn' AND e.at >= {moment} AND x.accepted_at < {moment}
)"""

# Only cases that were late, or are, can be overdue at the end of a month.
_OVERDUE_BY_MONTH = """
UNION ALL
SELECT m.key, 'open_overdue', count(*)
FROM unnest(%(month_keys)s::text[], %(month_untils)s::timestamptz[], %(month_days)s::date[]) AS m (key, until, as_of)
JOIN cases_case c ON c.region_id = %(region)s AND c.accepted_at < m.until AND c.due_on < m.as_of
    AND c.completed_on_time IS NOT TRUE
LEFT JOIN ended e ON e.case_id = c.id AND e.kind = 'case.withdrawn'
WHERE (c.completed_at >= m.until OR c.completed_at IS NULL AND (c.status = 'accepted' OR e.at >= m.until)) {filter}
GROUP BY 1
"""


def _count(
    region: str, start: date, end: date, *, by: str, departments: Sequence[Any] | None, today: date
) -> dict[str, dict[str, int]]:
    """Return the figures by key, from one statement."""
    begin, until = begin_of(start), begin_of(end + timedelta(days=1))
    values: dict[str, Any] = {"region": region, "begin": begin, "until": until, "as_of": min(end, today)}
    keys = dict.fromkeys(("received", "accepted", "completed", "ended", "first", "last"), "c.case_type")
    extra = ""
    only = "AND c.department_id = ANY(%(departments)s)" if departments is not None else ""
    if departments is not None:
        values["departments"] = list(departments)
    if by in {"department", "item"}:
        keys = dict.fromkeys(keys, f"c.{by}_id::text")
    elif by == "month":
        keys = {
            name: f"to_char({source}.{column} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')"
            for name, source, column in (
                ("received", "c", "received_at"),
                ("accepted", "c", "accepted_at"),
                ("completed", "c", "completed_at"),
                ("ended", "e", "at"),
            )
        } | {"first": "%(first_month)s::text", "last": "%(last_month)s::text"}
        months = rules.months_of(start, end)
        values |= {"first_month": f"{start:%Y-%m}", "last_month": f"{end:%Y-%m}"}
        values |= {
            "month_keys": [f"{month.start:%Y-%m}" for month in months[:-1]],
            "month_untils": [begin_of(month.end + timedelta(days=1)) for month in months[:-1]],
            "month_days": [min(month.end, today) for month in months[:-1]],
        }
        extra = _OVERDUE_BY_MONTH.format(filter=only)
    statement = _SQL.format(
        **{f"{name}_key": key for name, key in keys.items()},
        filter=only,
        open_at_begin=_OPEN_AT.format(moment="%(begin)s"),
        open_at_until=_OPEN_AT.format(moment="%(until)s"),
        overdue_by_month=extra,
    )
    counted: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        for key, figure, n in cursor.fetchall():
            counted.setdefault(key, {})[figure] = n
    return counted


def _month_rows(counted: dict[str, dict[str, int]], months: Sequence[rules.Period]) -> list[Row]:
    """What is open at the end of a month is carried into the next; the last one was counted."""
    rows: list[Row] = []
    for month in months:
        key = f"{month.start:%Y-%m}"
        counts = dict(counted.get(key, {}))
        if rows:
            counts["carried_in"] = rows[-1].open
        flow = Figures(**counts)
        if month is not months[-1]:
            counts["open"] = flow.carried_in + flow.accepted - flow.finished - flow.withdrawn
        label = month_name(month.start.month, month.start.year)
        rows.append(Row(key=key, label=label, **counts))
    return rows


def _total(rows: Sequence[Row], by: str) -> Row:
    sums = {name: sum(getattr(row, name) for row in rows) for name in COUNTS}
    if by == "month" and rows:  # months follow each other, so their stocks do not add up
        sums |= {"carried_in": rows[0].carried_in, "open": rows[-1].open, "open_overdue": rows[-1].open_overdue}
    return Row(key="", label=_("合计"), **sums)


def _labels(by: str, keys: Sequence[str] | dict[str, Any]) -> dict[str, str]:
    found: Iterable[tuple[Any, str]]
    match by:
        case "department":
            found = Department.objects.filter(pk__in=list(keys)).values_list("pk", "name")
        case "item":
            found = ServiceItem.objects.filter(pk__in=list(keys)).values_list("pk", "name")
        case _:
            return {value: str(label) for value, label in CaseType.choices}
    return {str(key): name for key, name in found}


def _order(by: str) -> Any:
    """Case types in their fixed order; the others by need of attention, never ranked by size alone (look.md)."""
    if by == "case_type":
        order = {value: place for place, value in enumerate(CaseType.values)}
        return lambda row: order.get(row.key, len(order))
    return lambda row: (-row.open_overdue, -row.open, -row.accepted, row.label)
