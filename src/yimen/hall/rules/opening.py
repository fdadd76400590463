"""When a hall or a window is open on one day: pure functions over its times, closures and the work calendar."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from yimen.lib.workdays import LOCAL_ZONE, Calendar


@dataclass(frozen=True)
class Times:
    """
    A row of opening times. weekday: 1 Monday … 7 Sunday, or None for the one `day`; opens None: shut on that day.

    extended: 延时服务 (HALL-7), also on weekends, not on public holidays.
    """

    weekday: int | None
    day: date | None
    opens: time | None
    closes: time | None
    extended: bool = False


@dataclass(frozen=True)
class Shut:
    """A closure [from_at, until_at) with the reason people are told."""

    from_at: datetime
    until_at: datetime
    reason: str


@dataclass(frozen=True)
class Span:
    """Open from opens_at until closes_at."""

    opens_at: datetime
    closes_at: datetime
    extended: bool = False


@dataclass(frozen=True)
class Opening:
    """
    One day. spans: when it is open, in order, without overlap; a break is the gap between two.

    is_set: somebody has written down hours; without, a working day counts as open all day. reasons: of the closures
    that touch the day.
    """

    day: date
    spans: tuple[Span, ...]
    is_set: bool
    reasons: tuple[str, ...] = ()

    def is_open(self, at: datetime) -> bool:
        return any(span.opens_at <= at < span.closes_at for span in self.spans)

    def covers(self, begins_at: datetime, ends_at: datetime) -> bool:
        """Tell whether it is open from one moment to the other without a break."""
        return any(span.opens_at <= begins_at and ends_at <= span.closes_at for span in self.spans)

    def admits(self, at: datetime, margin_minutes: int) -> bool:
        """
        Tell whether staff may sit down at a window: from some minutes before the first opening until as long after
        the last closing, breaks included (S3-15, 早来晚走). Always, where no hours are set.
        """
        if not self.is_set:
            return True
        if not self.spans:
            return False
        margin = timedelta(minutes=margin_minutes)
        return self.spans[0].opens_at - margin <= at <= self.spans[-1].closes_at + margin


def opening(day: date, times: Iterable[Times], calendar: Calendar, closures: Iterable[Shut] = ()) -> Opening:
    """
    Return when it is open on `day`.

    Times named for the day replace those of its weekday, whatever the calendar says. Else regular times count on
    working days; a working weekend day without times of its own has Monday's (CAL-2). Extended times count on their
    weekday too, unless the day is a public holiday; where the two overlap, regular it is. Closures are cut out.
    """
    times = list(times)
    named = [row for row in times if row.day == day]
    weekly = [row for row in times if row.weekday is not None]
    is_set = bool(times)
    if named:
        regular, extended = [row for row in named if not row.extended], [row for row in named if row.extended]
    elif not is_set:
        regular = [Times(None, day, time(0), None)] if calendar.is_workday(day) else []
        extended = []
    else:
        weekday = day.isoweekday()
        own = [row for row in weekly if row.weekday == weekday]
        regular, extended = [], [row for row in own if row.extended and day not in calendar.rest_days]
        if calendar.is_workday(day):
            regular = [row for row in own if not row.extended]
            if not regular and weekday > 5:
                regular = [row for row in weekly if row.weekday == 1 and not row.extended]
    base = _joined([_span(day, row) for row in regular if row.opens is not None])
    spans = base + _without(
        _joined([_span(day, row) for row in extended if row.opens is not None]),
        [(span.opens_at, span.closes_at) for span in base],
    )
    begins = _at(day, time(0))
    touching = [shut for shut in closures if shut.from_at < begins + timedelta(days=1) and shut.until_at > begins]
    spans = _without(spans, [(shut.from_at, shut.until_at) for shut in touching if shut.until_at > shut.from_at])
    reasons = tuple(dict.fromkeys(shut.reason for shut in touching if shut.until_at > shut.from_at))
    return Opening(day, tuple(sorted(spans, key=lambda span: span.opens_at)), is_set, reasons)


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, LOCAL_ZONE)


def _span(day: date, row: Times) -> Span:
    assert row.opens is not None
    closes = _at(day, row.closes) if row.closes is not None else _at(day + timedelta(days=1), time(0))
    return Span(_at(day, row.opens), closes, row.extended)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans of one kind in order, those that touch or overlap made one."""
    done: list[Span] = []
    for span in sorted(spans, key=lambda one: one.opens_at):
        if done and span.opens_at <= done[-1].closes_at:
            last = done.pop()
            span = Span(last.opens_at, max(last.closes_at, span.closes_at), last.extended)
        done.append(span)
    return done


def _without(spans: Iterable[Span], holes: Iterable[tuple[datetime, datetime]]) -> list[Span]:
    left = list(spans)
    for begins, ends in holes:
        cut: list[Span] = []
        for span in left:
            if ends <= span.opens_at or begins >= span.closes_at:
                cut.append(span)
                continue
            if span.opens_at < begins:
                cut.append(Span(span.opens_at, begins, span.extended))
            if ends < span.closes_at:
                cut.append(Span(ends, span.closes_at, span.extended))
        left = cut
    return left


_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~～至到]\s*(\d{1,2})[:：](\d{2})")


def spans_of(text: str) -> list[tuple[time, time]]:
    """Return the hours somebody typed, "9:00-12:00 14:00-17:00"; none for nothing. Raises ValueError."""
    found = _SPAN.findall(text)
    if re.sub(r"[\s,，、;；]", "", _SPAN.sub("", text)):
        raise ValueError(text)
    return [(time(int(a), int(b)), time(int(c), int(d))) for a, b, c, d in found]
