"""What people read of numbers: labels of tickets, ranges of windows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from yimen.lib.text import listed


def label(letter: str, number: int) -> str:
    """A027: what people read and hear."""
    return f"{letter}{number:03d}"


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
