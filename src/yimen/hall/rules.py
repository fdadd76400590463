"""Calling order, labels and waiting estimates: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil
from uuid import UUID

from yimen.lib.text import listed

# The nearest two are told to come back to the seats.
NEARLY = 2
# From here on a queue is called long on the screen.
BUSY_PEOPLE = 20
BUSY_MINUTES = 30


@dataclass(frozen=True)
class Head:
    """A waiting ticket as the calling policy sees it: the first, or next, of its series."""

    ticket_id: UUID
    series_id: UUID
    taken_at: datetime
    number: int


Policy = Callable[[Sequence[Head]], Head | None]


def strict(heads: Sequence[Head]) -> Head | None:
    """Return whoever has waited longest; None when nobody waits. Ties go to the lower number."""
    return min(heads, key=lambda head: (head.taken_at, head.number, head.series_id), default=None)


def calling_order(queues: Iterable[Sequence[Head]], policy: Policy = strict) -> list[Head]:
    """
    Return the tickets of all queues in the order `policy` would call them.

    queues: one per series, each in its own order; the policy only ever sees their heads.
    """
    rest = [list(reversed(queue)) for queue in queues if queue]
    order = []
    while rest:
        best = policy([queue[-1] for queue in rest])
        if best is None:
            break
        order.append(best)
        for queue in rest:
            if queue[-1] == best:
                queue.pop()
                break
        rest = [queue for queue in rest if queue]
    return order


def label(letter: str, number: int) -> str:
    """A027: what people read and hear."""
    return f"{letter}{number:03d}"


def seconds_between(start: datetime | None, end: datetime | None) -> int:
    """Whole seconds, never below 0: a clock set back does not make a negative wait."""
    if start is None or end is None:
        return 0
    return max(0, int((end - start).total_seconds()))


def estimate_minutes(ahead: int, service_seconds: float | None, windows: int) -> int | None:
    """
    Return the minutes until the person behind `ahead` others is called; None when it cannot be known.

    service_seconds: mean of the last finished tickets of the series, None when there are none yet.
    windows: how many windows call this series now.
    """
    if ahead == 0:
        return 0
    if service_seconds is None or windows < 1:
        return None
    return max(1, ceil(ahead * service_seconds / windows / 60))


def is_busy(waiting: int, minutes: int | None) -> bool:
    return waiting >= BUSY_PEOPLE or (minutes or 0) >= BUSY_MINUTES


def ranges(numbers: Iterable[int]) -> str:
    """1–8、14: window numbers as people read them, neighbours closed up."""
    found = sorted(set(numbers))
    if not found:
        return ""
    cuts = [0, *(i for i, (a, b) in enumerate(pairwise(found), 1) if b != a + 1), len(found)]
    parts = []
    for start, end in pairwise(cuts):
        run = found[start:end]
        parts += [f"{run[0]}–{run[-1]}"] if len(run) > 1 else [str(run[0])]
    return listed(parts)
