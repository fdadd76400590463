"""Slots of a day, how many places are left to whom, when one may come: pure functions (docs/appointments.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum


@dataclass(frozen=True, order=True)
class Span:
    """From one moment up to, not including, another."""

    begins_at: datetime
    ends_at: datetime

    def overlaps(self, other: Span) -> bool:
        return self.begins_at < other.ends_at and other.begins_at < self.ends_at

    def inside(self, other: Span) -> bool:
        return other.begins_at <= self.begins_at and self.ends_at <= other.ends_at


@dataclass(frozen=True)
class Pattern:
    """What a plan says: weekdays 1 (Monday) to 7, local times, minutes a slot, first and last day (None: no last)."""

    weekdays: frozenset[int]
    begins: time
    ends: time
    minutes: int
    first_day: date
    last_day: date | None = None

    def is_for(self, day: date, weekday: int = 0) -> bool:
        """weekday: the day counts as, where a weekend is worked in place of another day (CAL-2); 0: its own."""
        return (
            bool(self.weekdays & {day.isoweekday(), weekday})
            and self.first_day <= day
            and (self.last_day is None or day <= self.last_day)
        )

    def on(self, day: date, zone: tzinfo) -> Span:
        return Span(datetime.combine(day, self.begins, zone), datetime.combine(day, self.ends, zone))

    def clashes(self, other: Pattern) -> bool:
        """Tell whether the two could ever want the same minutes of the same day."""
        ends = [day for day in (self.last_day, other.last_day) if day is not None]
        return (
            bool(self.weekdays & other.weekdays)
            and self.begins < other.ends
            and other.begins < self.ends
            and max(self.first_day, other.first_day) <= min(ends, default=date.max)
        )


def slots_of_day(
    pattern: Pattern,
    day: date,
    *,
    opening: Iterable[Span],
    shut: Sequence[Span] = (),
    kept: Sequence[Span] = (),
    zone: tzinfo,
    weekday: int = 0,
) -> list[Span]:
    """
    Return the slots a plan makes on a day, in order, counted in steps from its beginning.

    opening: when the hall or window is open that day, breaks left out: a slot lies within one of these. shut: closures.
    kept: slots that stand already for the same window or person: none is made over them, they are not returned.
    weekday: as in Pattern.is_for.
    """
    if not pattern.is_for(day, weekday):
        return []
    step, whole, spells = timedelta(minutes=pattern.minutes), pattern.on(day, zone), merged(opening)
    found: list[Span] = []
    begins = whole.begins_at
    while begins + step <= whole.ends_at:
        slot = Span(begins, begins + step)
        if any(slot.inside(spell) for spell in spells) and not any(slot.overlaps(one) for one in (*shut, *kept)):
            found.append(slot)
        begins += step
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans that neither touch nor overlap, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.begins_at <= found[-1].ends_at:
            found[-1] = Span(found[-1].begins_at, max(found[-1].ends_at, span.ends_at))
        elif span.begins_at < span.ends_at:
            found.append(span)
    return found


def left_for(channel: str, *, places: int, taken: int, quotas: Mapping[str, int], taken_by: Mapping[str, int]) -> int:
    """
    Return how many more people a channel may bring into a slot; never more than the places left.

    quotas: places kept for a channel; those without one share what the quotas leave.
    """
    free = max(0, places - taken)
    if channel in quotas:
        return max(0, min(free, quotas[channel] - taken_by.get(channel, 0)))
    if not quotas:
        return free
    others = sum(count for name, count in taken_by.items() if name not in quotas)
    return max(0, min(free, places - sum(quotas.values()) - others))


class Arrival(StrEnum):
    """EARLY: not yet; ON_TIME: stands in the queue with the slot's time; LATE: with the time he came."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


def arrival(begins_at: datetime, at: datetime, *, early_minutes: int, late_minutes: int) -> Arrival:
    """early_minutes: so long before the slot he may come; late_minutes: so long after its beginning it still counts."""
    if at < begins_at - timedelta(minutes=early_minutes):
        return Arrival.EARLY
    return Arrival.ON_TIME if at <= begins_at + timedelta(minutes=late_minutes) else Arrival.LATE


def blocked_through(no_shows: Iterable[date], on: date, *, times: int, within: int, block: int) -> date | None:
    """
    Return the last day without web booking for somebody with these no-shows; None when he may book on `on`.

    times no-shows within `within` days block for `block` days from the day of the last of them; times 0 blocks nobody.
    """
    days = sorted(no_shows)
    if times < 1:
        return None
    for last in range(len(days) - 1, times - 2, -1):
        first = days[last - times + 1]
        through = days[last] + timedelta(days=block)
        if (days[last] - first).days < within and days[last] <= on <= through:
            return through
    return None
