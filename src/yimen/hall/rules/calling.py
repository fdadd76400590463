"""
Who is called next, and why: pure functions over the heads of the queues.

Source: docs/rules/calling.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

LONG = 1000


class Why(StrEnum):
    """Why somebody was called when he was."""

    TIME = "time"  # nobody has waited longer
    PRIORITY = "priority"  # his care, grant or appointment put him first
    TURN = "turn"  # after one with priority so many others have their turn
    CAP = "cap"  # so many with priority in a row are enough
    AGED = "aged"  # waited so much longer that priority no longer comes first
    EARLY = "early"  # an appointment before its time, nobody else waits
    MOVED = "moved"  # sent to this window
    CHOSEN = "chosen"  # the window chose this number, with a reason
    BACK = "back"  # held or passed before, now here again
    VISIT = "visit"  # the next matter of a visit


@dataclass(frozen=True)
class Head:
    """
    A waiting ticket as the calling policy sees it: the first, or next, of its series and class.

    is_moved: sent to the window that asks. visit: the visit it belongs to, whose tickets are never open together.
    """

    ticket_id: UUID
    series_id: UUID
    queue_at: datetime
    number: int
    is_priority: bool = False
    is_moved: bool = False
    visit: UUID | None = None


@dataclass(frozen=True)
class Policy:
    """
    How a hall calls.

    kind: strict, by time alone; ratio, priority first but `ratio` others after each; ageing, priority is worth
    ageing_minutes of waiting. cap: priority calls in a row at most, while others wait (ratio and ageing).
    """

    kind: str = "strict"
    ratio: int = 3
    ageing_minutes: int = 20
    cap: int = 2


class Says(Protocol):
    """What says how it calls: a hall."""

    policy: str
    ratio: int
    ageing_minutes: int
    cap: int


def policy_of(hall: Says) -> Policy:
    return Policy(hall.policy, hall.ratio, hall.ageing_minutes, hall.cap)


@dataclass(frozen=True)
class Pick:
    head: Head
    why: Why


def pick(heads: Sequence[Head], policy: Policy, *, run: int | None, at: datetime) -> Pick | None:
    """
    Return whom a window calls next; None when nobody waits.

    heads: the first of each queue. run: what the window has called lately, see `ran`. An appointment has no priority
    before its time; until then it is called only when nobody else waits. Ties go to the lower number.
    """
    ready = [head for head in heads if not head.is_priority or head.queue_at <= at]
    if not ready:
        first = strict(heads)
        return Pick(first, Why.EARLY) if first else None
    priority, ordinary = strict([h for h in ready if h.is_priority]), strict([h for h in ready if not h.is_priority])
    if policy.kind == "strict" or priority is None or ordinary is None:
        best = strict(ready)
        assert best is not None
        why = Why.PRIORITY if best.is_priority and policy.kind != "strict" else Why.TIME
        return Pick(best, Why.MOVED if best.is_moved else why)
    return _between(priority, ordinary, policy, run)


def _between(priority: Head, ordinary: Head, policy: Policy, run: int | None) -> Pick:
    """One of each class waits."""
    if run is not None and -run >= max(1, policy.cap):
        return Pick(ordinary, Why.CAP if policy.kind == "ageing" or policy.ratio == 0 else Why.TURN)
    if policy.kind == "ratio":
        # After one with priority `ratio` others have their turn; a window that has just opened owes nothing.
        owed = policy.ratio > 0 and run is not None and run < policy.ratio
        return Pick(ordinary, Why.TURN) if owed else Pick(priority, Why.PRIORITY)
    lead = timedelta(minutes=policy.ageing_minutes)
    if _key(replace(priority, queue_at=priority.queue_at - lead)) <= _key(ordinary):
        return Pick(priority, Why.PRIORITY)
    return Pick(ordinary, Why.AGED)


def ran(run: int | None, head: Head) -> int:
    """
    Return what a window remembers after calling `head`: -n after n with priority in a row; n after n others since the
    last one with priority; LONG when there was none yet.
    """
    if head.is_priority:
        return max(min(run or 0, 0) - 1, -LONG)
    return LONG if run is None else min(max(run, 0) + 1, LONG)


def _key(head: Head) -> tuple[datetime, int, UUID, UUID]:
    return head.queue_at, head.number, head.series_id, head.ticket_id


def strict(heads: Sequence[Head]) -> Head | None:
    """Return whoever has waited longest; None when nobody waits. Ties go to the lower number."""
    return min(heads, key=_key, default=None)


def in_order(
    queues: Iterable[Sequence[Head]], policy: Policy, *, run: int | None, at: datetime, most: int | None = None
) -> list[Pick]:
    """
    Return the tickets of all queues in the order one window would call them at `at`, with why.

    queues: one per series and class, each in its own order; the policy only ever sees their heads.
    """
    rest = [list(reversed(queue)) for queue in queues if queue]
    order: list[Pick] = []
    while rest and (most is None or len(order) < most):
        best = pick([queue[-1] for queue in rest], policy, run=run, at=at)
        assert best is not None
        order.append(best)
        run = ran(run, best.head)
        for queue in rest:
            if queue[-1] == best.head:
                queue.pop()
                break
        rest = [queue for queue in rest if queue]
    return order


def choices(
    queues: Iterable[Sequence[Head]], policy: Policy, *, run: int | None, at: datetime, depth: int | None = None
) -> list[Pick]:
    """
    Return whom a window calls at `at`, and whom in his place when another window has just called him, and so on.

    Each is the policy's answer as if those before were not there; unlike in_order, where this window called them.
    depth: so many of each queue were looked at, no more; where such a queue ends there may be others, so the choices
    end there too.
    """
    rest = [list(reversed(queue)) for queue in queues if queue]
    full = [depth is not None and len(queue) >= depth for queue in rest]
    found: list[Pick] = []
    while any(rest):
        best = pick([queue[-1] for queue in rest if queue], policy, run=run, at=at)
        assert best is not None
        found.append(best)
        place = next(place for place, queue in enumerate(rest) if queue and queue[-1] == best.head)
        rest[place].pop()
        if full[place] and not rest[place]:
            break
    return found


def few_left(given: int, cap: int | None, warning_at: int | None) -> int | None:
    """
    Return how many numbers are left today when people should be told; None while there are plenty or no cap.

    given: numbers given so far. warning_at: told from this number on; without, only when none is left.
    """
    if cap is None:
        return None
    left = max(0, cap - given)
    return left if left == 0 or (warning_at is not None and given >= warning_at) else None
