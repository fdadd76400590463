"""
Where a flow stands after steps went back, and which kinds of handling a case falls under. Pure functions.

The numbers are what counts where a place has set none (dated local rules); working days unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

GAP_KEY, GAP_DAYS = "gap_days", 10
COMMITMENT_CHECK_KEY, COMMITMENT_CHECK_DAYS = "commitment_check_days", 30
# 1: every proof a government body issues may be replaced by a commitment; 0: only what the item names.
COMMITMENT_PROOFS_KEY, COMMITMENT_PROOFS = "commitment_for_proofs", 0
COMMITMENT_BAR_KEY, COMMITMENT_BAR_MONTHS = "commitment_bar_months", 12
# LAW-10
FIRST_REVIEW_DAYS = 20


@dataclass(frozen=True)
class Stand:
    """The latest round of a step: how many times it was opened, and whether it is done."""

    round: int
    is_done: bool


@dataclass(frozen=True)
class Flow:
    """done: what counts as done now; opening: what is to be opened; stale: done once, overtaken by what went back."""

    done: frozenset[str]
    opening: tuple[str, ...]
    stale: frozenset[str]


def flow_now(steps: Mapping[str, Collection[str]], stands: Mapping[str, Stand], given: Collection[str] = ()) -> Flow:
    """
    Return where the flow stands. steps: by key what each waits for, as far as it applies; given: done without a task.

    A step that was done in an earlier round than one before it is stale: it waits and is opened again.
    """
    stale: dict[str, bool] = {}

    def is_stale(key: str, seen: frozenset[str] = frozenset()) -> bool:
        if key in stale or key in seen:
            return stale.get(key, False)
        own = stands[key].round if key in stands else 0
        stale[key] = any(
            is_stale(name, seen | {key}) or (own and name in stands and stands[name].round > own)
            for name in steps[key]
            if name in steps
        )
        return stale[key]

    for key in steps:
        is_stale(key)
    done = {key for key in steps if key in given or (key in stands and stands[key].is_done and not stale[key])}
    opening = tuple(
        key
        for key in steps
        if key not in done and (key not in stands or stands[key].is_done) and set(steps[key]) <= done
    )
    return Flow(frozenset(done), opening, frozenset(key for key in stands if stale.get(key) and stands[key].is_done))


def following(steps: Mapping[str, Collection[str]], key: str) -> frozenset[str]:
    """Return the steps that wait for `key`, directly or through others."""
    found: set[str] = set()
    left = [key]
    while left:
        one = left.pop()
        after = {name for name, before in steps.items() if one in before and name not in found}
        found |= after
        left += sorted(after)
    return frozenset(found - {key})


def is_joint(own: object, departments: Iterable[object], *, says_so: bool) -> bool:
    """Tell whether two or more departments have a step; own: whose the item is, departments: of steps, None own."""
    return says_so or len({own, *(one for one in departments if one is not None)}) > 1


def kinds_between(
    here: str, there: str, *, above_here: Collection[str], above_there: Collection[str]
) -> frozenset[str]:
    """
    Return as what a case may go from region `here` to region `there`: "unit", "up", "down" or "region".

    above_…: the regions above each, empty where none is known; then the level is taken from whoever sends the case.
    """
    if here == there:
        return frozenset({"unit"})
    if there in above_here:
        return frozenset({"up"})
    if here in above_there:
        return frozenset({"down"})
    unknown = {"up": not above_here, "down": not above_there}
    return frozenset({"region", *(kind for kind, is_unknown in unknown.items() if is_unknown)})


def move_due(asked: date | None, whole: date, *, today: date) -> date:
    """
    Return by when a receiver has finished: never after the day the whole case is due, unless that has passed.

    Raises ValueError for a day that has passed or lies beyond.
    """
    last = max(whole, today)
    due = asked or last
    if not today <= due <= last:
        raise ValueError
    return due
