"""Who is called next: pure functions over the heads of the queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Head:
    """A waiting ticket as the calling policy sees it: the first, or next, of its series."""

    ticket_id: UUID
    series_id: UUID
    queue_at: datetime
    number: int


Policy = Callable[[Sequence[Head]], Head | None]


def strict(heads: Sequence[Head]) -> Head | None:
    """Return whoever has waited longest; None when nobody waits. Ties go to the lower number."""
    return min(heads, key=lambda head: (head.queue_at, head.number, head.series_id), default=None)


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
