"""When a hall must be told that too many wait, and which window would help most: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

# An alarm ends only when it is clearly over, or it would come and go with every ticket.
OVER = 0.7


class AlarmKind(StrEnum):
    SURGE = "surge"
    WAIT = "wait"
    CAP = "cap"


@dataclass(frozen=True)
class Pressed:
    """
    One series at a moment.

    waiting: people in it; most_of_item: of those, for the matter most wait for. longest: whole minutes the first of
    them has waited. given: numbers of the day.
    """

    waiting: int
    most_of_item: int
    longest: int
    given: int
    surge_at: int
    wait_limit: int
    warning_at: int | None = None
    daily_cap: int | None = None


def due(found: Pressed) -> dict[AlarmKind, int]:
    """Return the alarms this calls for, each with its figure: people, minutes or numbers (S0-1, S3-18)."""
    alarms = {}
    people = max(found.waiting, found.most_of_item)
    if people >= found.surge_at:
        alarms[AlarmKind.SURGE] = people
    if found.waiting and found.longest > found.wait_limit:
        alarms[AlarmKind.WAIT] = found.longest
    few_left = found.warning_at if found.warning_at is not None else found.daily_cap
    if few_left is not None and found.given >= few_left:
        alarms[AlarmKind.CAP] = found.given
    return alarms


def is_over(kind: AlarmKind, found: Pressed) -> bool:
    """Whether a running alarm of this kind has ended."""
    if kind == AlarmKind.SURGE:
        return max(found.waiting, found.most_of_item) < found.surge_at * OVER
    if kind == AlarmKind.WAIT:
        return not found.waiting or found.longest <= found.wait_limit * OVER
    return AlarmKind.CAP not in due(found)


@dataclass(frozen=True)
class Helper:
    """A window as somebody who looks for help sees it. load: people waiting in the queues it calls now."""

    window_id: UUID
    number: int
    calls_it: bool
    is_integrated: bool
    is_staffed: bool
    is_paused: bool
    is_idle: bool
    load: int = 0


def propose(windows: Iterable[Helper]) -> Helper | None:
    """
    Return the window to open for a series under pressure; None when every one already helps.

    First a window that calls the series and stands empty or paused, integrated ones before others; then one that is
    staffed, does not call the series and has the least to do, integrated before others, idle before busy.
    """
    all_windows = list(windows)
    shut = [one for one in all_windows if one.calls_it and (not one.is_staffed or one.is_paused)]
    if shut:
        return min(shut, key=lambda one: (one.is_staffed, not one.is_integrated, one.number))
    others = [one for one in all_windows if not one.calls_it and (one.is_integrated or one.is_idle)]
    return min(
        others,
        key=lambda one: (not one.is_staffed, not one.is_integrated, not one.is_idle, one.load, one.number),
        default=None,
    )
