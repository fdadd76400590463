"""What a forecast is: seconds between which a wait will lie, with the share of waits that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor
from uuid import UUID

# What share of waits lies below each end of a range.
SHARES = (0.05, 0.25, 0.75, 0.95)
# Within a minute is the least anybody can say: the next one is called by hand.
AT_ONCE = 60.0


@dataclass(frozen=True)
class Range:
    """
    Seconds from now until somebody is called: half of all waits lie from p25 to p75, nine in ten from p5 to p95.

    0 ≤ p5 ≤ p25 ≤ p75 ≤ p95.
    """

    p5: float
    p25: float
    p75: float
    p95: float

    @property
    def ends(self) -> tuple[float, float, float, float]:
        """The four in order, as SHARES says them."""
        return self.p5, self.p25, self.p75, self.p95

    @property
    def likely(self) -> tuple[int, int]:
        """Whole minutes of the 50 % range, rounded outward so that people can keep them in mind."""
        return rounded(self.p25, self.p75)

    @property
    def almost_sure(self) -> tuple[int, int]:
        """Whole minutes of the 90 % range, rounded outward."""
        return rounded(self.p5, self.p95)

    def holds(self, seconds: float) -> tuple[bool, bool]:
        """Whether an actual wait lies in the 50 % and in the 90 % range."""
        return self.p25 <= seconds <= self.p75, self.p5 <= seconds <= self.p95


@dataclass(frozen=True)
class Forecast:
    """
    A hall at one moment. None: it cannot be said honestly, or (tickets) it does not wait.

    series: for somebody who takes a number of that series now; tickets: for those who wait. played: those
    of the tickets before they were put right (fitting) or hidden, to learn from.
    """

    series: Mapping[UUID, Range | None] = field(default_factory=dict)
    tickets: Mapping[UUID, Range | None] = field(default_factory=dict)
    played: Mapping[UUID, Range] = field(default_factory=dict)


def rounded(low: float, high: float) -> tuple[int, int]:
    """
    Return whole minutes around seconds: single ones up to 10, fives up to an hour, tens above; low never above high.
    """
    down, up = floor(low / 60), ceil(high / 60)
    return down - down % _step(down), up + -up % _step(up)


def _step(minutes: int) -> int:
    return 1 if minutes <= 10 else 5 if minutes <= 60 else 10
