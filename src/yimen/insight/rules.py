"""How figures are said, and named periods. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal


def percent_text(value: Decimal | None) -> str:
    """Return 99.77 %, 100 %, or — when there is nothing to divide by."""
    if value is None:
        return "—"
    return f"{value:f} %"


@dataclass(frozen=True)
class Period:
    """Local days, both included."""

    start: date
    end: date


def named_period(name: str, today: date) -> Period:
    """Return this month, quarter or year up to its last day. Raises ValueError for another name."""
    match name:
        case "month":
            start = today.replace(day=1)
            months = 1
        case "quarter":
            start = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
            months = 3
        case "year":
            start = today.replace(month=1, day=1)
            months = 12
        case _:
            raise ValueError(name)
    return Period(start, add_months(start, months) - timedelta(days=1))


def add_months(first: date, months: int) -> date:
    """Return the first day of the month `months` after that of `first`."""
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


def months_of(start: date, end: date) -> list[Period]:
    """Return the months from start through end, the first and the last cut to the period."""
    months, first = [], start.replace(day=1)
    while first <= end:
        following = add_months(first, 1)
        months.append(Period(max(first, start), min(following - timedelta(days=1), end)))
        first = following
    return months
