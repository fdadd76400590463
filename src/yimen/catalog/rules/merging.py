"""Two processes side by side, and made into one (S4-31): what is the same once, nothing lost."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import Any, Protocol, TypeVar

from django.utils.translation import gettext as _

from yimen.catalog.rules.flows import BrokenFlow, Step, flow_faults

# Acts a process does once, whoever does them; everything else is the same only in the same hands.
ONCE = ("receive", "accept", "decide", "make", "deliver")
_ORDER = ("receive", "accept", "review", "visit", "expert", "decide", "make", "deliver")
# The stricter comes first.
_NECESSITIES = ("required", "gap_allowed", "optional")


class Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def same_name(text: str) -> str:
    """Return what two names share when they differ only in width, case, spaces and punctuation."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in wide if unicodedata.category(each)[0] in "LN")


def pairs(left: Sequence[N], right: Sequence[N], *, key: Callable[[N], Any]) -> list[tuple[N | None, N | None]]:
    """Return what stands on both sides, then on the left or right alone; each appears once, in its own order."""
    waiting: dict[Any, list[N]] = {}
    for one in right:
        waiting.setdefault(key(one), []).append(one)
    found: list[tuple[N | None, N | None]] = []
    for one in left:
        others = waiting.get(key(one), [])
        found.append((one, others.pop(0) if others else None))
    taken = {id(other) for _one, other in found if other is not None}
    return found + [(None, one) for one in right if id(one) not in taken]


@dataclass(frozen=True)
class Piece:
    """A step and whose it is: steps of one name at two organs are two steps."""

    step: Step
    owner: str

    @property
    def name(self) -> str:
        return self.step.name

    @property
    def sameness(self) -> tuple[str, ...]:
        kind = self.step.kind
        return (kind,) if kind in ONCE else (kind, same_name(self.step.name), self.owner)


def merge_steps(
    left: Sequence[Piece], right: Sequence[Piece], *, renamed: Mapping[str, str], suffix: str
) -> list[tuple[Step, Piece]]:
    """
    Return the steps of both, each with the piece whose organ it keeps; what is the same once, with the longer limit.

    renamed: the right side's conditions ("question.option") as they are called now; suffix: added to a name that is
    taken. A step waits for everything it waited for on either side; where the two orders contradict each other, the
    left one stands. Raises BrokenFlow when they cannot be reconciled even so.
    """
    found = pairs(left, right, key=lambda piece: piece.sameness)
    keys, names = {one.step.key for one in left}, {same_name(one.name) for one in left}
    new_key: dict[str, str] = {}
    for one, other in found:
        if other is not None:
            new_key[other.step.key] = one.step.key if one else _free(other.step.key, keys)
            keys.add(new_key[other.step.key])
    whens = {other.step.key: tuple(renamed.get(w, w) for w in other.step.when) for _one, other in found if other}

    def merged(one: Piece | None, other: Piece | None, *, both_orders: bool) -> Step:
        if other is None:
            assert one is not None
            return one.step
        theirs = tuple(new_key[name] for name in other.step.after if name in new_key)
        if one is None:
            taken = same_name(other.name) in names
            name = f"{other.name}{suffix}"[:80] if taken else other.name
            return replace(other.step, key=new_key[other.step.key], name=name, after=theirs, when=whens[other.step.key])
        after = dict.fromkeys((*one.step.after, *(theirs if both_orders else ())))
        after.pop(one.step.key, None)
        limits = [limit for limit in (one.step.limit_days, other.step.limit_days) if limit is not None]
        return replace(
            one.step,
            limit_days=max(limits, default=None),
            after=tuple(after),
            when=_either(one.step.when, whens[other.step.key]),
        )

    steps = [merged(one, other, both_orders=True) for one, other in found]
    if flow_faults(steps):
        steps = _decided_last([merged(one, other, both_orders=False) for one, other in found])
    if faults := flow_faults(steps):
        raise BrokenFlow([_("这两个流程的先后顺序对不上，请先改其中一个。"), *faults])
    owners = {step.key: one or other for step, (one, other) in zip(steps, found, strict=True)}
    return [(step, owner) for step in _in_order(steps) if (owner := owners[step.key])]


def _free(key: str, taken: set[str]) -> str:
    base, n = key[:36], 2
    while key in taken:
        key, n = f"{base}-{n}", n + 1
    return key


def _either(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    """Conditions of what is needed on either side; always on one side is always."""
    return tuple(dict.fromkeys((*left, *right))) if left and right else ()


def _decided_last(steps: Sequence[Step]) -> list[Step]:
    """Let the decision wait for every step before it that nothing waits for."""
    awaited = {name for step in steps for name in step.after}
    before = ("receive", "accept", "review", "visit", "expert")
    loose = [step.key for step in steps if step.kind in before and step.key not in awaited]
    return [
        replace(step, after=tuple(dict.fromkeys((*step.after, *loose)))) if step.kind == "decide" else step
        for step in steps
    ]


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """Every step after what it waits for; of those that may begin, the kind that comes earlier in a process first."""
    rank = {
        step.key: (_ORDER.index(step.kind) if step.kind in _ORDER else len(_ORDER), place)
        for place, step in enumerate(steps)
    }
    by_key = {step.key: step for step in steps}
    waits = {step.key: set(step.after) for step in steps}
    ready = [(rank[key], key) for key, after in waits.items() if not after]
    heapify(ready)
    ordered = []
    while ready:
        _rank, key = heappop(ready)
        ordered.append(by_key[key])
        for other, after in waits.items():
            if key in after:
                after.discard(key)
                if not after:
                    heappush(ready, (rank[other], other))
    return ordered


def merge_materials(left: Sequence[Any], right: Sequence[Any], *, renamed: Mapping[str, str]) -> list[Any]:
    """
    Return the materials of both (MaterialDraft), each name once (LAW-22): the stricter need, the larger number of
    copies, and looked up by us when either side already does.
    """
    found = pairs(left, right, key=lambda one: same_name(one.name))
    merged = []
    for one, other in found:
        if other is not None:
            other = replace(other, when=tuple(renamed.get(w, w) for w in other.when))
        if one is None or other is None:
            merged.append(one or other)
            continue
        necessity = min(one.necessity, other.necessity, key=_NECESSITIES.index)
        merged.append(
            replace(
                one,
                necessity=necessity,
                kind=one.kind if one.kind == other.kind else "both",
                source="shared" if "shared" in (one.source, other.source) else one.source,
                copies=max(one.copies, other.copies),
                note=one.note or other.note,
                legal_basis="；".join(dict.fromkeys(text for text in (one.legal_basis, other.legal_basis) if text)),
                when=_either(tuple(one.when), tuple(other.when)),
            )
        )
    return merged
