"""A hall at one moment as a forecast needs it: plain values, seconds from now."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from uuid import UUID

from yimen.insight.forecasts.fitting import Fit
from yimen.insight.simulation.kernel import Policy

# What a service is measured by: an item, a series, or the hall.
Kind = Hashable


@dataclass(frozen=True)
class Place:
    """
    Somebody in the queue. joined: the time he stands in it with, in seconds from now; later than now for whoever came
    before his appointment. kinds: how to measure his service, best first. only_window: he was sent to that one.
    """

    ticket: UUID
    series: UUID
    joined: float
    kinds: Sequence[Kind] = ()
    is_priority: bool = False
    skill: UUID | None = None
    only_window: UUID | None = None


@dataclass(frozen=True)
class Expected:
    """
    Somebody who may still come: an appointment, or a ticket on hold. at: seconds from now; joins: with which time he
    stands in the queue; comes: how likely he is to.
    """

    series: UUID
    at: float
    joins: float
    comes: float
    kinds: Sequence[Kind] = ()
    is_priority: bool = False


@dataclass(frozen=True)
class Seat:
    """
    A window somebody sits at, or will today. busy: how the service in front of it is measured, None when it is free.
    elapsed: since when, in seconds. shifts: from when until when it calls people, in seconds from now. run: what it
    has called lately (hall.rules.ran).
    """

    window: UUID
    series: frozenset[UUID]
    skills: frozenset[UUID] = frozenset()
    busy: Sequence[Kind] | None = None
    elapsed: float = 0.0
    shifts: Sequence[tuple[float, float]] = ((0.0, inf),)
    run: int = 1000


@dataclass(frozen=True)
class State:
    """
    waiting: in the order of their numbers. measured: seconds from call to the next call, of the last ones finished, by
    kind. passes: the same for those who did not come; passed: their share of calls. fits: by how much the last
    forecasts of each series were wrong (fitting).
    """

    series: Sequence[UUID]
    waiting: Sequence[Place]
    seats: Sequence[Seat]
    measured: Mapping[Kind, Sequence[float]]
    expected: Sequence[Expected] = ()
    hall: Kind = None
    passes: Sequence[float] = ()
    passed: float = 0.0
    policy: Policy = field(default_factory=Policy)
    fits: Mapping[UUID, Fit] = field(default_factory=dict)
