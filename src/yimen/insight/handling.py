"""
How long handling took in two periods, over the same items (S2-24), and the efficiency index of the change (S2-28).

Days are working days after acceptance through the decision (LAW-2); a case accepted and decided on one day took 0.
docs/rules/figures.md has the formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from yimen.catalog import queries as catalog
from yimen.insight.ledger_report import check_period
from yimen.insight.rules import Period
from yimen.lib.dates import begin_of
from yimen.lib.errors import DomainError
from yimen.lib.figures import percent


class PeriodsOverlap(DomainError):
    """Two periods that share a day cannot be compared."""


def efficiency_index(old: Fraction, new: Fraction) -> Decimal | None:
    """
    Return 效率指数, old time / new time − 1, in percent; None when the new time is 0.

    +100 % is half the time; +50 % is two thirds of it, one third less. See time_share().
    """
    return _percent(old - new, new)


def time_share(old: Fraction, new: Fraction) -> Decimal | None:
    """Return 用时占比, new time / old time, in percent: 50 is half the time. None when the old time is 0."""
    return _percent(new, old)


def _percent(part: Fraction, whole: Fraction) -> Decimal | None:
    if whole == 0:
        return None
    share = part / whole
    return percent(share.numerator, share.denominator)


@dataclass(frozen=True)
class Times:
    """Cases of one item decided in one period. days: their working days together; median: of one case."""

    count: int
    days: int
    median: Decimal

    @property
    def mean(self) -> Fraction:
        return Fraction(self.days, self.count) if self.count else Fraction(0)


@dataclass(frozen=True)
class Change:
    """The two periods side by side. old, new: mean working days a case."""

    key: str
    label: str
    department: str
    old_count: int
    new_count: int
    old: Fraction
    new: Fraction
    old_median: Decimal
    new_median: Decimal

    @property
    def index(self) -> Decimal | None:
        return efficiency_index(self.old, self.new)

    @property
    def share(self) -> Decimal | None:
        return time_share(self.old, self.new)

    @property
    def less(self) -> Decimal | None:
        """少用的时间, 1 − new / old, in percent; below 0 when it takes longer now."""
        return _percent(self.old - self.new, self.old)

    @property
    def old_days(self) -> Decimal:
        return days_of(self.old)

    @property
    def new_days(self) -> Decimal:
        return days_of(self.new)


def days_of(mean: Fraction) -> Decimal:
    """Return mean working days with one decimal, half up."""
    return (Decimal(mean.numerator) / mean.denominator).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True)
class Trend:
    """
    rows: items with cases in both periods, the ones that got slower first. only_old, only_new: cases of the others.

    total weighs every item by its cases in the new period, so that a change in what people apply for does not look
    like a change in speed; its medians are over all cases of these items. None when no item has cases in both.
    """

    old: Period
    new: Period
    rows: Sequence[Change] = field(repr=False)
    total: Change | None
    only_old: int
    only_new: int


def trend(region: str, old: Period, new: Period, *, departments: Sequence[Any] | None = None) -> Trend:
    """
    Compare cases decided in two periods over the items that have some in both, in a constant number of statements.

    Items decided at once in both are left out: there is nothing to get faster. Raises BadPeriod, PeriodsOverlap.
    """
    check_period(old.start, old.end)
    check_period(new.start, new.end)
    if old.start <= new.end and new.start <= old.end:
        raise PeriodsOverlap(_("两段时间不能重叠，请改其中一段。"))
    before, after = (_times(region, period, departments) for period in (old, new))
    names = _names(region, before.items.keys() & after.items.keys())
    rows = [
        _change(str(key), *names[key], before.items[key], after.items[key])
        for key in names
        if before.items[key].days or after.items[key].days
    ]
    rows.sort(key=lambda row: (row.new * row.old_count <= row.old * row.old_count, row.old - row.new, row.label))
    kept = {row.key for row in rows}
    only = [sum(times.count for key, times in found.items.items() if str(key) not in kept) for found in (before, after)]
    return Trend(old, new, rows, _total(rows, before, after), *only)


def _change(key: str, label: str, department: str, old: Times, new: Times) -> Change:
    return Change(key, label, department, old.count, new.count, old.mean, new.mean, old.median, new.median)


@dataclass(frozen=True)
class _Found:
    items: dict[UUID, Times]
    days: dict[UUID, list[tuple[int, int]]]


def _total(rows: Sequence[Change], before: _Found, after: _Found) -> Change | None:
    count = sum(row.new_count for row in rows)
    if not count:
        return None
    old, new = (sum((row.new_count * mean(row) for row in rows), Fraction(0)) / count for mean in (_old, _new))
    kept = {row.key for row in rows}
    medians = [
        median(pair for key, pairs in found.days.items() if str(key) in kept for pair in pairs)
        for found in (before, after)
    ]
    return Change("", _("合计"), "", sum(row.old_count for row in rows), count, old, new, *medians)


def _old(row: Change) -> Fraction:
    return row.old


def _new(row: Change) -> Fraction:
    return row.new


def median(pairs: Iterable[tuple[int, int]]) -> Decimal:
    """Return the median of values given as (value, how often); between two, their mean. 0 for none at all."""
    ordered = sorted(pairs)
    count = sum(times for _value, times in ordered)
    if not count:
        return Decimal(0)
    lower, upper = _nth(ordered, (count - 1) // 2), _nth(ordered, count // 2)
    return Decimal(lower + upper) / 2


def _nth(ordered: Sequence[tuple[int, int]], place: int) -> int:
    for value, times in ordered:
        if place < times:
            return value
        place -= times
    raise IndexError(place)


# The database groups by day; how many working days lie between two days is the calendar's to say.
_SQL = """
SELECT item_id, (accepted_at AT TIME ZONE 'Asia/Shanghai')::date, (completed_at AT TIME ZONE 'Asia/Shanghai')::date,
       count(*)
FROM cases_case
WHERE region_id = %(region)s AND completed_at >= %(begin)s AND completed_at < %(until)s AND accepted_at IS NOT NULL
      {only}
GROUP BY 1, 2, 3
"""


def _times(region: str, period: Period, departments: Sequence[Any] | None) -> _Found:
    calendar = catalog.work_calendar()
    values: dict[str, Any] = {
        "region": region,
        "begin": begin_of(period.start),
        "until": begin_of(period.end + timedelta(days=1)),
    }
    only = ""
    if departments is not None:
        only, values["departments"] = "AND department_id = ANY(%(departments)s)", list(departments)
    days: dict[UUID, dict[int, int]] = {}
    accepted: date
    completed: date
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(only=only), values)
        for item, accepted, completed, count in cursor.fetchall():
            of_item = days.setdefault(item, {})
            took = calendar.count(accepted, completed)
            of_item[took] = of_item.get(took, 0) + count
    pairs = {item: sorted(of_item.items()) for item, of_item in days.items()}
    items = {
        item: Times(sum(n for _d, n in found), sum(d * n for d, n in found), median(found))
        for item, found in pairs.items()
    }
    return _Found(items, pairs)


def _names(region: str, keys: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    from yimen.catalog.models import ServiceItem

    found = ServiceItem.objects.filter(region_id=region, pk__in=list(keys))
    return {pk: (name, unit) for pk, name, unit in found.values_list("pk", "name", "department__name")}
