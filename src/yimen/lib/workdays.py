"""
Working days and time limits: pure arithmetic over a calendar of official days off and make-up days.

Weekdays alone do not tell what is worked (CAL-2), so every answer comes from a `Calendar`; the days in it are local
dates, Asia/Shanghai (CAL-10). Local closures such as a typhoon never belong here: they move appointments, not
statutory limits (CAL-9).
"""

from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")


class Unit(StrEnum):
    """What a limit is counted in (CAL-11): working days, natural days, hours by the clock, months."""

    WORKDAY = "workday"
    DAY = "day"
    HOUR = "hour"
    MONTH = "month"


@dataclass(frozen=True)
class Limit:
    """A time limit as law or promise states it: `number` of `unit`, never negative (CAL-11)."""

    number: int
    unit: Unit = Unit.WORKDAY

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("a limit cannot be negative")


@dataclass(frozen=True)
class Due:
    """
    The last day of a limit.

    is_provisional: at least one day after the start, through `on`, lies in a year whose days off are not announced
    yet, so `on` may still move (CAL-7).
    at: the exact moment, only for limits in hours.
    """

    on: date
    is_provisional: bool
    at: datetime | None = None


@dataclass(frozen=True)
class Calendar:
    """
    What is worked and what is not (CAL-1, CAL-2).

    rest_days: weekdays officially off (weekends in it do no harm).
    work_days: make-up weekend days that are worked.
    known_years: the years whose official days are loaded; any other year is taken as plain weekdays.

    Raises ValueError when a day is in both sets. Every method raises ValueError when its answer would fall after
    the year 9999.
    """

    rest_days: frozenset[date]
    work_days: frozenset[date]
    known_years: frozenset[int]

    def __post_init__(self) -> None:
        if both := self.rest_days & self.work_days:
            raise ValueError(f"{min(both)} is both a day off and a working day")

    @cached_property
    def _off(self) -> list[int]:
        return sorted(day.toordinal() for day in self.rest_days if day.weekday() < 5)

    @cached_property
    def _made_up(self) -> list[int]:
        return sorted(day.toordinal() for day in self.work_days if day.weekday() >= 5)

    def _worked_through(self, ordinal: int) -> int:
        # 0001-01-01, ordinal 1, is a Monday: five weekdays in each whole week, then the rest of the last one.
        weeks, rest = divmod(ordinal, 7)
        return weeks * 5 + min(rest, 5) - bisect_right(self._off, ordinal) + bisect_right(self._made_up, ordinal)

    def is_workday(self, day: date) -> bool:
        """True when `day` is worked: a weekday not off, or a make-up weekend day (CAL-2)."""
        return day in self.work_days or (day.weekday() < 5 and day not in self.rest_days)

    def is_known(self, day: date) -> bool:
        """True when the official days of `day`'s year are loaded (CAL-7)."""
        return day.year in self.known_years

    def due(self, start: date, count: int) -> Due:
        """
        Return the last day of a limit of `count` working days that begins with an event on `start`.

        The day of the event is not counted; the first working day after it is day 1 (LAW-1, LAW-2, CAL-6; CC 201).
        0 means the day itself, or the next working day when it is a day off. Raises ValueError below 0.
        """
        if count < 0:
            raise ValueError("a limit cannot be negative")
        if count == 0:
            return self._due(start, self.roll(start))
        wanted = self._worked_through(start.toordinal()) + count
        # Each day adds at most one working day, so stepping by what is still missing never goes too far.
        ordinal = start.toordinal() + count
        while missing := wanted - self._worked_through(ordinal):
            ordinal += missing
        return self._due(start, _from_ordinal(ordinal))

    def natural_due(self, start: date, count: int) -> Due:
        """
        Return the last day of a limit of `count` natural days; one that ends on a day off ends on the next
        working day (CC 201, 203; CAL-11, TRAP-5). Raises ValueError below 0.
        """
        if count < 0:
            raise ValueError("a limit cannot be negative")
        return self._due(start, self.roll(_from_ordinal(start.toordinal() + count)))

    def month_due(self, start: date, count: int) -> Due:
        """
        Return the last day of a limit of `count` months: the same day of the month, or that month's last day when
        it has no such day, rolled off days off (CC 202, 203; CAL-11). Raises ValueError below 0.
        """
        return self._due(start, self.roll(add_months(start, count)))

    def due_for(self, started_at: datetime, limit: Limit) -> Due:
        """
        Return the end of any `limit` that begins with an event at `started_at`, an aware moment (CAL-10, CAL-11).

        Hours run by the clock from the event itself and are not rolled (CC 201); every other unit ends with the
        working hours of the day in `on` (CC 203).
        """
        if started_at.tzinfo is None:
            raise ValueError("started_at must say its time zone")
        start = started_at.astimezone(LOCAL_ZONE).date()
        match limit.unit:
            case Unit.WORKDAY:
                return self.due(start, limit.number)
            case Unit.DAY:
                return self.natural_due(start, limit.number)
            case Unit.MONTH:
                return self.month_due(start, limit.number)
            case Unit.HOUR:
                at = started_at + timedelta(hours=limit.number)
                return Due(at.astimezone(LOCAL_ZONE).date(), False, at)

    def count(self, start: date, end: date) -> int:
        """Return the working days after `start` through `end`; 0 when `end` is not after `start` (LAW-2)."""
        if end <= start:
            return 0
        return self._worked_through(end.toordinal()) - self._worked_through(start.toordinal())

    def roll(self, day: date) -> date:
        """Return `day` when it is worked, else the next working day (CC 203)."""
        while not self.is_workday(day):
            day = _from_ordinal(day.toordinal() + 1)
        return day

    def _due(self, start: date, on: date) -> Due:
        first = min(start.toordinal() + 1, on.toordinal())
        years = range(date.fromordinal(first).year, on.year + 1)
        return Due(on, not self.known_years.issuperset(years))


def add_months(start: date, count: int) -> date:
    """
    Return the same day `count` months later, or that month's last day when it has no such day (CC 202).

    Raises ValueError below 0 and after the year 9999.
    """
    if count < 0:
        raise ValueError("a limit cannot be negative")
    years, month = divmod(start.month - 1 + count, 12)
    year = start.year + years
    if year > date.max.year:
        raise ValueError("the limit ends after the year 9999")
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _from_ordinal(ordinal: int) -> date:
    if ordinal > date.max.toordinal():
        raise ValueError("the limit ends after the year 9999")
    return date.fromordinal(ordinal)
