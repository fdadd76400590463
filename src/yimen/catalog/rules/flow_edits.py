"""
Changing the order of a flow without breaking it: whoever waited goes on waiting for the right steps.

Pure; every function returns new steps in their new order and leaves a flow without order faults without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from yimen.catalog.rules.flows import Step


def new_key(steps: Sequence[Step]) -> str:
    """Return a key no step has: "step-7"."""
    known = {step.key for step in steps}
    n = len(steps) + 1
    while f"step-{n}" in known:
        n += 1
    return f"step-{n}"


def put_after(steps: Sequence[Step], new: Step, key: str) -> list[Step]:
    """Put `new` behind the step `key`: it waits for that one, and whoever waited for that one waits for it."""
    changed = [replace(step, after=_swap(step.after, key, (new.key,))) for step in steps]
    place = _place(steps, key) + 1
    return [*changed[:place], replace(new, after=(key,)), *changed[place:]]


def put_first(steps: Sequence[Step], new: Step) -> list[Step]:
    """Put `new` before all others: every step that waited for nobody waits for it."""
    return [replace(new, after=()), *(step if step.after else replace(step, after=(new.key,)) for step in steps)]


def put_beside(steps: Sequence[Step], new: Step, key: str) -> list[Step]:
    """Put `new` beside the step `key`, to be done at the same time: it waits for the same, and the same wait for it."""
    place = _place(steps, key)
    changed = [
        replace(step, after=(*step.after, new.key)) if key in step.after and new.key not in step.after else step
        for step in steps
    ]
    return [*changed[: place + 1], replace(new, after=steps[place].after), *changed[place + 1 :]]


def without(steps: Sequence[Step], key: str) -> list[Step]:
    """Take the step `key` out: whoever waited for it waits for what it waited for."""
    before = tuple(name for name in steps[_place(steps, key)].after if name != key)
    return [replace(step, after=_swap(step.after, key, before)) for step in steps if step.key != key]


def earlier(steps: Sequence[Step], key: str) -> list[Step]:
    """
    Move the step `key` one place up.

    Where it follows the step above it directly and alone, the two change places in the order of doing as well;
    otherwise only the order in which they are listed changes.
    """
    place = _place(steps, key)
    if place == 0:
        return list(steps)
    upper, lower = steps[place - 1], steps[place]
    listed = [*steps[: place - 1], lower, upper, *steps[place + 1 :]]
    followers = [step.key for step in steps if upper.key in step.after]
    if lower.after != (upper.key,) or followers != [lower.key]:
        return listed
    found = []
    for step in listed:
        if step.key == lower.key:
            step = replace(step, after=upper.after)
        elif step.key == upper.key:
            step = replace(step, after=(lower.key,))
        else:
            step = replace(step, after=_swap(step.after, lower.key, (upper.key,)))
        found.append(step)
    return found


def later(steps: Sequence[Step], key: str) -> list[Step]:
    """Move the step `key` one place down, as earlier() moves the one below it up."""
    place = _place(steps, key)
    return earlier(steps, steps[place + 1].key) if place + 1 < len(steps) else list(steps)


def _place(steps: Sequence[Step], key: str) -> int:
    return next(n for n, step in enumerate(steps) if step.key == key)


def _swap(after: Sequence[str], key: str, instead: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in after for name in (instead if each == key else (each,))))
