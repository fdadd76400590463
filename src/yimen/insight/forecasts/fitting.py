"""Ranges put right by how wrong the last ones were: conformal, each of the four ends by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, log
from uuid import UUID

from yimen.insight.forecasts.ranges import AT_ONCE, SHARES, Range

# So many of the last compared forecasts are looked at; fewer than LEAST say nothing yet.
LAST, LEAST = 150, 40
# Seconds added before two waits are compared as a ratio, so that one of 2 s and one of 20 are alike.
_SOFT = 60.0


@dataclass(frozen=True)
class Told:
    """A forecast before it was put right, and how long the wait was, in seconds."""

    found: Range
    waited: float


@dataclass(frozen=True)
class Fit:
    """By what the ends of a range are multiplied: those within a minute, and the longer ones, are wrong differently."""

    soon: tuple[float, ...] | None = None
    later: tuple[float, ...] | None = None

    def of(self, found: Range) -> Range:
        """Return a range as the last ones would have been right; the same where too few are known."""
        factors = self.soon if _is_soon(found) else self.later
        if factors is None:
            return found
        ends = zip(found.ends, factors, strict=True)
        return Range(*sorted(max((end + _SOFT) * factor - _SOFT, 0.0) for end, factor in ends))


def _is_soon(found: Range) -> bool:
    return found.p75 <= AT_ONCE


def fit(told: Sequence[Told]) -> Fit:
    """
    Return what would have put the last forecasts right: of each end, the share of waits below it is the one it says.

    told: the latest first. An end takes the conformal rank, (n + 1) times its share rounded outward.

    Source: docs/forecast.md
    """
    soon, later = (_factors([one for one in told if _is_soon(one.found) is is_soon]) for is_soon in (True, False))
    return Fit(soon, later)


def _factors(told: Sequence[Told]) -> tuple[float, ...] | None:
    if len(told) < LEAST:
        return None
    last = told[:LAST]
    found = []
    for place, share in enumerate(SHARES):
        off = sorted(log((one.waited + _SOFT) / (one.found.ends[place] + _SOFT)) for one in last)
        rank = (floor if share < 0.5 else ceil)((len(off) + 1) * share)
        found.append(exp(off[min(max(rank, 1), len(off)) - 1]))
    return tuple(found)


def fits(told: Mapping[UUID, Sequence[Told]], everybody: Sequence[Told]) -> dict[UUID, Fit]:
    """Return the fit of each series; where a series has too few, that of all of the hall."""
    hall = fit(everybody)
    found = {key: fit(mine) for key, mine in told.items()}
    return {key: Fit(one.soon or hall.soon, one.later or hall.later) for key, one in found.items()}
