"""How far an application for several items is: what begins now, and whether it goes on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What has become of a part: "" not begun, else one of these.
RUNNING, GRANTED, FAILED = "running", "granted", "failed"


@dataclass(frozen=True)
class Planned:
    """One part of the plan. after: parts that must be granted first."""

    key: str
    after: tuple[str, ...] = ()
    is_optional: bool = False


@dataclass(frozen=True)
class Standing:
    """begin: parts whose turn it is; failed: those that ended without a grant and hold the whole up."""

    begin: tuple[str, ...]
    failed: tuple[str, ...]
    is_done: bool


def standing(plan: Sequence[Planned], states: Mapping[str, str]) -> Standing:
    """
    Return what is to happen. An optional part that fails holds up only when another one waits for it.

    Nothing begins any more once a part that is needed has failed; what runs is finished by itself.
    """
    awaited = {key for part in plan for key in part.after}
    failed = tuple(
        part.key for part in plan if states.get(part.key) == FAILED and (not part.is_optional or part.key in awaited)
    )
    begin = tuple(
        part.key
        for part in plan
        if not failed and not states.get(part.key) and all(states.get(key) == GRANTED for key in part.after)
    )
    return Standing(begin, failed, is_done=all(states.get(part.key) in {GRANTED, FAILED} for part in plan))
