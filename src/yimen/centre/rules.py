"""What changed between two texts: pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Line:
    """One line of a comparison. sign: " " in both, "-" only before, "+" only now."""

    sign: str
    text: str


def compared(before: str, now: str) -> list[Line]:
    """Return both texts line by line: what was removed, then what came in its place."""
    return list(_lines(before.splitlines(), now.splitlines()))


def _lines(before: list[str], now: list[str]) -> Iterator[Line]:
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Line(" ", text) for text in before[i1:i2])
        else:
            yield from (Line("-", text) for text in before[i1:i2])
            yield from (Line("+", text) for text in now[j1:j2])


def changed_count(lines: list[Line]) -> tuple[int, int]:
    """Return how many lines were removed and how many came."""
    return sum(line.sign == "-" for line in lines), sum(line.sign == "+" for line in lines)
