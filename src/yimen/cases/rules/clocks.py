"""
The law's arithmetic: clocks and what they look like day by day. Pure functions.

A clock is its start, its limit, its stops and its extension; everything shown about it comes from `clock()`. When it
ends follows from those and the calendar alone, never from the day on which somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit, add_months

# A ribbon of more cells than this is drawn as a fine strip (look.md).
RIBBON_CELLS = 30
# Months and hours have no counted days: their cells carry no number.
_UNCOUNTED = frozenset({Unit.MONTH, Unit.HOUR})
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stop:
    """
    Days that are not counted, first through last, on a ground of LAW-12 and with a written notice.

    is_open: still running; `last` is then the last of the days the applicant was told it takes, and every due date
    that rests on it is provisional.
    """

    first: date
    last: date
    ground: str
    notice_no: str = ""
    is_open: bool = False

    @classmethod
    def running(cls, first: date, needed_days: int, ground: str, notice_no: str = "") -> Stop:
        """A stop that has not ended: planned to take `needed_days` natural days, its first one among them."""
        return cls(first, first + timedelta(days=max(needed_days, 1) - 1), ground, notice_no, is_open=True)


@dataclass(frozen=True)
class Extension:
    """
    Working days added once, by approval of `approved_on` and with a written notice (LAW-8, LAW-9).

    A clock that had run out by then is not lengthened: what was broken stays broken.
    """

    days: int
    approved_on: date
    notice_no: str = ""


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

    is_due and is_today mark the day; is_provisional: its year's days off are not announced yet (CAL-7), or it is
    still to come and only planned to be stopped. is_extra: counted, or resting, only because of the extension.
    """

    on: date
    kind: DayKind
    n: int | None = None
    limit: int | None = None
    is_due: bool = False
    is_today: bool = False
    is_provisional: bool = False
    is_extra: bool = False


@dataclass(frozen=True)
class ClockView:
    """
    A clock as of `today`: its days in order and the sum that leads to the due date.

    Counted in days, limit + extended_days + stopped_days + rest_days reaches from the start to due_on: the sum under
    the ribbon. days_left: days after today through due_on, 0 when over; days_over: days after due_on. Both are
    working days for limits in working days, else natural days; stopped days are in neither.
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
    extended_days: int = 0
    stops: Sequence[Stop] = ()
    extension: Extension | None = None
    is_stopped: bool = False

    @property
    def is_long(self) -> bool:
        return len(self.days) > RIBBON_CELLS

    @property
    def is_past(self) -> bool:
        """Whether its last day lies behind: on the free days that follow it no day is over yet, and none is left."""
        return not self.is_ended and self.days[-1].on > self.due_on

    @property
    def lead_cells(self) -> int:
        """Empty cells before the first day where weeks are shown in columns, Monday first."""
        return self.start_on.weekday()


@dataclass(frozen=True)
class _Ends:
    """Where a clock ends: `counted` natural days are used up on `raw`, it ends on `base`, lengthened on `due`."""

    raw: date
    base: date
    due: date
    is_provisional: bool
    extension: Extension | None


def due(
    start_on: date,
    limit: Limit,
    stops: Sequence[Stop],
    calendar: Calendar,
    *,
    started_at: datetime | None = None,
    extension: Extension | None = None,
) -> tuple[date, bool]:
    """
    Return the last day of the limit and whether it is provisional: it runs into a year not announced, or an open
    stop is in it.

    The day of the event is not counted (LAW-2), nor are days inside a stop (LAW-12); a limit never ends on one. A limit
    of 0 working days ends on the day itself (immediate cases, CASE-2). The extension's working days follow the last
    day, whatever the limit is counted in. started_at: the moment itself, from which hours run; without it they run
    from the beginning of start_on.
    """
    ends = _ends(start_on, limit, stops, calendar, started_at, extension)
    return ends.due, ends.is_provisional


def _ends(
    start_on: date,
    limit: Limit,
    stops: Sequence[Stop],
    calendar: Calendar,
    started_at: datetime | None,
    extension: Extension | None,
) -> _Ends:
    moment = started_at or datetime.combine(start_on, time(), LOCAL_ZONE)
    plain = calendar.due_for(moment, limit)
    if not stops and extension is None:
        return _Ends(_used_up(start_on, moment, limit, calendar), plain.on, plain.on, plain.is_provisional, None)
    stopped = stopped_days(stops)
    if limit.unit is Unit.WORKDAY:
        raw = base = _count_workdays(start_on, limit.number, stopped, calendar)
    else:
        used_up = _used_up(start_on, moment, limit, calendar)
        raw = base = _count_days(start_on, (used_up - start_on).days, stopped)
        if limit.unit is not Unit.HOUR:
            while base in stopped or not calendar.is_workday(base):
                base += _DAY
    if extension is not None and base < extension.approved_on:
        extension = None
    ends_on = _count_workdays(base, extension.days, stopped, calendar) if extension and extension.days else base
    # Hours ask no calendar; everything else is as sure as the years it runs through.
    asks = limit.unit is not Unit.HOUR or ends_on != base
    first_year = min(start_on + _DAY, ends_on).year
    known = not asks or all(calendar.is_known(date(year, 1, 1)) for year in range(first_year, ends_on.year + 1))
    is_open = any(stop.is_open and stop.first <= ends_on for stop in stops)
    return _Ends(raw, base, ends_on, is_open or not known, extension)


def stopped_days(stops: Sequence[Stop]) -> Collection[date]:
    """Return every day inside a stop, once."""
    return frozenset(day for stop in stops for day in _days(stop.first - _DAY, stop.last))


def _used_up(start_on: date, moment: datetime, limit: Limit, calendar: Calendar) -> date:
    """The day on which natural days, months or hours are used up, before any rest day lengthens them."""
    match limit.unit:
        case Unit.DAY:
            return start_on + timedelta(days=limit.number)
        case Unit.MONTH:
            return add_months(start_on, limit.number)
        case _:
            return calendar.due_for(moment, limit).on


def _count_workdays(start_on: date, count: int, stopped: Collection[date], calendar: Calendar) -> date:
    day = start_on
    if not count:
        while day in stopped or not calendar.is_workday(day):
            day += _DAY
    while count:
        day += _DAY
        count -= day not in stopped and calendar.is_workday(day)
    return day


def _count_days(start_on: date, count: int, stopped: Collection[date]) -> date:
    day = start_on
    if not count:
        while day in stopped:
            day += _DAY
    while count:
        day += _DAY
        count -= day not in stopped
    return day


def clock(
    start_on: date,
    limit: Limit,
    stops: Sequence[Stop],
    calendar: Calendar,
    *,
    today: date,
    ended_on: date | None = None,
    started_at: datetime | None = None,
    extension: Extension | None = None,
) -> ClockView:
    """Return everything a page may show about a clock; the browser computes nothing."""
    ends = _ends(start_on, limit, stops, calendar, started_at, extension)
    due_on, stopped_on = ends.due, stopped_days(stops)
    planned = {day for stop in stops if stop.is_open for day in _days(max(today, stop.first - _DAY), stop.last)}
    upto = min(today, ended_on) if ended_on else today
    last = max(due_on, upto)
    by_workday, uncounted = limit.unit is Unit.WORKDAY, limit.unit in _UNCOUNTED
    extra = ends.extension.days if ends.extension else 0
    total = limit.number + extra
    days: list[Day] = []
    n = over = stopped = rest = 0
    for day in _days(start_on - _DAY, last):
        number: int | None = None
        is_extra = ends.base < day <= due_on
        is_rest = not calendar.is_workday(day) and (by_workday or is_extra)
        if day == start_on and limit.number:
            kind = DayKind.START
        elif is_rest:
            kind = DayKind.REST
            rest += day <= due_on
        elif day <= due_on and day in stopped_on:
            kind = DayKind.STOPPED
            stopped += 1
        elif ends.raw < day <= ends.base:
            # Natural days and months are used up; the limit only waits for the next working day (CC 203).
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
                limit=None if uncounted else total or None,
                is_due=day == due_on,
                is_today=day == today and ended_on is None,
                is_provisional=not calendar.is_known(day)
                or (kind is DayKind.STOPPED and day in planned)
                or (day == due_on and ends.is_provisional),
                is_extra=is_extra,
            )
        )
    # Natural days run on through days off that only lengthen the limit.
    left = {DayKind.LEFT} if by_workday else {DayKind.LEFT, DayKind.REST}
    return ClockView(
        start_on=start_on,
        limit=limit,
        due_on=due_on,
        is_provisional=ends.is_provisional,
        stopped_days=stopped,
        rest_days=rest,
        days_left=sum(1 for day in days if upto < day.on <= due_on and day.kind in left),
        days_over=over,
        is_ended=ended_on is not None,
        days=days,
        extended_days=extra,
        stops=[stop for stop in stops if start_on <= stop.last and stop.first <= last],
        extension=ends.extension,
        is_stopped=ended_on is None and any(stop.is_open and stop.first <= today for stop in stops),
    )


def _days(after: date, through: date) -> Sequence[date]:
    return [after + timedelta(days=n) for n in range(1, (through - after).days + 1)]
