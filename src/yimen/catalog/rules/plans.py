"""
The plan of a flow in days: what is done on the first day, on the second … (S1-54).

Pure. Day 1 is the day of acceptance, which the law does not count (LAW-2); a step with a limit of n working days ends
at the latest n working days after those it waits for, one without a limit on the same day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Protocol


class Walked(Protocol):
    """A step as far as the plan asks, a model's row or a rule's value."""

    @property
    def key(self) -> str: ...

    @property
    def limit_days(self) -> int | None: ...

    @property
    def after(self) -> Sequence[str]: ...


def day_of_steps(steps: Iterable[Walked]) -> dict[str, int]:
    """
    Return the working day on which each step ends at the latest, by key; {} for steps without order.

    What a step waits for and that is not among `steps` (it does not apply to these answers) takes no time.
    """
    by_key = {step.key: step for step in steps}
    days: dict[str, int] = {}
    try:
        order = list(TopologicalSorter({key: step.after for key, step in by_key.items()}).static_order())
    except CycleError:
        return {}
    for key in order:
        step = by_key.get(key)
        before = max((days[name] for name in step.after), default=1) if step else 1
        days[key] = before + ((step.limit_days or 0) if step else 0)
    return {key: days[key] for key in by_key}
