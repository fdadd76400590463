"""
The law's arithmetic: clocks and what they look like day by day. Pure functions.

A clock is its start, its limit and its stops; everything shown about it comes from `clock()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit, add_months

# A ribbon of more cells than this is drawn as a fine strip (look.md).
RIBBON_CELLS = 30
# Months and hours have no counted days: their cells carry no number.
_UNCOUNTED = frozenset({Unit.MONTH, Unit.HOUR})


@dataclass(frozen=True)
class Stop:
    """
    Days that are not counted, first through last, on a ground of LAW-12 and with a written notice.

    last: None while the stop is open.
    """

    first: date
    last: date | None
    ground: str
    notice_no: str = ""

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class DayKind(StrEnum):
    START = "start"
    COUNTED = "counted"
    REST = "rest"
    STOPPED = "stopped"
    LEFT = "left"
    OVER = "over"


@dataclass(frozen=True)
class Day:
    """
    One calendar day of a clock. n: which counted day of `limit` it is (for OVER: how many days over), else None;
    limits in months and hours count no days, so theirs is None with `limit`.

    is_due and is_today mark the day; is_provisional: its year's days off are not announced yet (CAL-7).
    """

    on: date
    kind: DayKind
    n: int | None = None
    limit: int | None = None
    is_due: bool = False
    is_today: bool = False
    is_provisional: bool = False


@dataclass(frozen=True)
class ClockView:
    """
    A clock as of `today`: its days in order and the sum that leads to the due date.

    Counted in days, limit + stopped_days + rest_days reaches from the start to due_on: the sum under the ribbon.
    days_left: days after today through due_on, 0 when over; days_over: days after due_on. Both are working days
    for limits in working days, else natural days.
    """

    start_on: date
    limit: Limit
    due_on: date
    is_provisional: bool
    stopped_days: int
    rest_days: int
    days_left: int
    days_over: int
    is_ended: bool
    days: Sequence[Day] = field(repr=False)

    @property
    def is_long(self) -> bool:
        return len(self.days) > RIBBON_CELLS

    @property
    def lead_cells(self) -> int:
        """Empty cells before the first day where weeks are shown in columns, Monday first."""
        return self.start_on.weekday()


def due(
    start_on: date,
    limit: Limit,
    stops: Sequence[Stop],
    calendar: Calendar,
    *,
    today: date,
    started_at: datetime | None = None,
) -> tuple[date, bool]:
    """
    Return the last day of the limit and whether it is provisional.

    The day of the event is not counted (LAW-2). Working days inside a stop are not counted (LAW-12); an open
    stop runs through `today`. A limit of 0 working days ends on the day itself (immediate cases, CASE-2).
    started_at: the moment itself, from which hours run; without it they run from the beginning of start_on.
    """
    moment = started_at or datetime.combine(start_on, time(), LOCAL_ZONE)
    base = calendar.due_for(moment, limit)
    if not stops:
        return base.on, base.is_provisional
    if limit.unit in _UNCOUNTED:
        # Months and hours have no days to count; the days stopped are added at the end.
        extra = sum(1 for day in _days(start_on, today) if _is_stopped(day, stops, today))
        ends = calendar.natural_due(base.on, extra)
        return ends.on, base.is_provisional or ends.is_provisional
    counts = calendar.is_workday if limit.unit is Unit.WORKDAY else (lambda _day: True)
    left, day = limit.number, start_on
    while left:
        day += timedelta(days=1)
        if counts(day) and not _is_stopped(day, stops, today):
            left -= 1
    # Day by day, so that an open stop and days off in it are each left out once; then judged like any end.
    ends_on = calendar.roll(day) if limit.unit is Unit.DAY else day
    first_year = (start_on + timedelta(days=1)).year
    known = all(calendar.is_known(date(year, 1, 1)) for year in range(first_year, ends_on.year + 1))
    return ends_on, not known


def clock(
    start_on: date,
    limit: Limit,
    stops: Sequence[Stop],
    calendar: Calendar,
    *,
    today: date,
    ended_on: date | None = None,
    started_at: datetime | None = None,
) -> ClockView:
    """Return everything a page may show about a clock; the browser computes nothing."""
    due_on, is_provisional = due(
        start_on, limit, stops, calendar, today=min(today, ended_on or today), started_at=started_at
    )
    upto = min(today, ended_on) if ended_on else today
    last = max(due_on, upto)
    by_workday, uncounted = limit.unit is Unit.WORKDAY, limit.unit in _UNCOUNTED
    # A month that would end on a day off waits for the next working day (CC 203); hours never wait.
    before_rest = add_months(start_on, limit.number) if limit.unit is Unit.MONTH else due_on
    days: list[Day] = []
    n = over = stopped = rest = 0
    for day in _days(start_on - timedelta(days=1), last):
        number: int | None = None
        if day == start_on and limit.number:
            kind = DayKind.START
        elif by_workday and not calendar.is_workday(day):
            kind = DayKind.REST
            rest += day <= due_on
        elif day <= due_on and _is_stopped(day, stops, upto):
            kind = DayKind.STOPPED
            stopped += 1
        elif uncounted and before_rest + timedelta(days=stopped) < day <= due_on:
            kind = DayKind.REST
            rest += 1
        elif limit.unit is Unit.DAY and day <= due_on and limit.number and n >= limit.number:
            # Natural days are used up; the limit only waits for the next working day (CC 203).
            kind = DayKind.REST
            rest += 1
        elif day > due_on:
            kind, over = DayKind.OVER, over + 1
            number = over
        else:
            n += day > start_on or not limit.number
            kind = DayKind.COUNTED if day <= upto and day > start_on else DayKind.LEFT
            number = None if uncounted else n
        days.append(
            Day(
                on=day,
                kind=kind,
                n=number,
                limit=None if uncounted else limit.number or None,
                is_due=day == due_on,
                is_today=day == today and ended_on is None,
                is_provisional=not calendar.is_known(day),
            )
        )
    # Natural days run on through days off that only lengthen the limit.
    left = {DayKind.LEFT} if by_workday else {DayKind.LEFT, DayKind.REST}
    return ClockView(
        start_on=start_on,
        limit=limit,
        due_on=due_on,
        is_provisional=is_provisional,
        stopped_days=stopped,
        rest_days=rest,
        days_left=sum(1 for day in days if upto < day.on <= due_on and day.kind in left),
        days_over=over,
        is_ended=ended_on is not None,
        days=days,
    )


def _is_stopped(day: date, stops: Sequence[Stop], today: date) -> bool:
    return any(stop.covers(day) and (stop.last is not None or day <= today) for stop in stops)


def _days(after: date, through: date) -> Sequence[date]:
    return [after + timedelta(days=n) for n in range(1, (through - after).days + 1)]
