"""
The forecast itself: pure, the same for the same state.

Where the compiled kernel is there, the present queue is played some hundred times with services drawn from those
measured. Where it is not, it is played once with mean services, and the spread is worked out from how many services lie
before each call. docs/forecast.md tells how both are calibrated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, sqrt
from statistics import fmean
from typing import Any
from uuid import UUID

from yimen.insight.forecasts.fitting import Fit
from yimen.insight.forecasts.ranges import AT_ONCE, SHARES, Forecast, Range
from yimen.insight.forecasts.state import Kind, Place, Seat, State
from yimen.insight.simulation import engine, kernel
from yimen.insight.simulation.kernel import Customers, Sampling, Server

# Fewer measured services than this, and nothing is said.
LEAST_MEASURED = 8
# Customers played in all, and how often at least and at most.
PLAYED, FEWEST_PLAYS, MOST_PLAYS = 18_000, 60, 300
# Standard deviation of one day's pace against another's, as a share.
SPREAD = 0.22
# Hidden when the 50 % range is wider than this share of its middle and more than so many seconds, or wider than WIDEST.
WIDE_SHARE, WIDE, WIDEST = 0.75, 1200.0, 5400.0
_PASS = "pass"  # noqa: S105 - the kind of a call nobody answers
_PASS_SECONDS = 60.0
_SEED = 20261122
_NEVER = 1e12
_Z = (-1.6449, -0.6745, 0.6745, 1.6449)


def forecast(state: State, *, simulate: bool | None = None) -> Forecast:
    """
    Return the range of every waiting ticket, and of every series for somebody who takes a number now.

    None where nobody can say: no window that calls it, too few services measured, too wide. simulate: True plays with
    the compiled kernel (ImportError without numba), False never, None where it is ready.
    """
    scene = _Scene(state)
    if not state.seats:
        found: list[Range | None] = [None] * len(scene.rows)
    elif simulate or (simulate is None and engine.is_ready()):
        found = _played(scene)
    else:
        found = _worked_out(scene)
    played = [kept if row.is_known else None for row, kept in zip(scene.rows, found, strict=True)]
    shown = [_said(kept, state.fits.get(row.series)) for row, kept in zip(scene.rows, played, strict=True)]
    told = [(row, kept) for row, kept in zip(scene.rows, played, strict=True) if row.ticket is not None]
    return Forecast(
        series={row.series: kept for row, kept in zip(scene.rows, shown, strict=True) if row.asks},
        tickets={row.ticket: kept for row, kept in zip(scene.rows, shown, strict=True) if row.ticket is not None},
        played={row.ticket: kept for row, kept in told if row.ticket is not None and kept is not None},
    )


def _said(found: Range | None, fit: Fit | None) -> Range | None:
    if found is None:
        return None
    right = fit.of(found) if fit is not None else found
    return None if _is_too_wide(right) else _at_once(right)


def _at_once(found: Range) -> Range:
    return replace(found, p75=max(found.p75, AT_ONCE), p95=max(found.p95, AT_ONCE))


def _is_too_wide(found: Range) -> bool:
    width = found.p75 - found.p25
    return width > WIDEST or width > max(WIDE, WIDE_SHARE * (found.p25 + found.p75) / 2)


@dataclass(frozen=True)
class _Row:
    """Somebody in the play: waiting (ticket), expected, or asking how long it would be (asks)."""

    ticket: UUID | None
    series: UUID
    at: float
    joins: float
    kind: int
    rank: int
    group: int
    comes: float
    asks: bool
    is_known: bool


class _Scene:
    """A state as the kernel wants it; rows in order of arrival."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.kinds: dict[Kind, int] = {}
        self.measured: list[Sequence[float]] = []
        self.groups: dict[tuple[UUID, UUID | None, UUID | None], int] = {}
        self.pass_kind = self._kind_of((_PASS,), {_PASS: sorted(state.passes or (_PASS_SECONDS,))}, least=1)[0]
        self.rows = self._rows()
        self.servers = [self._server(seat) for seat in state.seats]
        self.busy = [self._kind(seat.busy)[0] if seat.busy is not None else -1 for seat in state.seats]

    def _rows(self) -> list[_Row]:
        found = [self._row_of(place) for place in self.state.waiting]
        for one in sorted(self.state.expected, key=lambda one: one.at):
            kind, _known = self._kind((*one.kinds, one.series))
            group = self._group(one.series, None, None)
            rank = int(one.is_priority)
            row = _Row(None, one.series, max(one.at, 0.0), one.joins, kind, rank, group, one.comes, False, False)
            found.append(row)
        asking = [
            _Row(None, series, 0.0, 0.0, -1, 0, self._group(series, None, None), 1.0, True, self._kind((series,))[1])
            for series in self.state.series
        ]
        now = [row for row in found if row.at <= 0]
        return [*now, *asking, *(row for row in found if row.at > 0)]

    def _row_of(self, place: Place) -> _Row:
        kind, is_known = self._kind((*place.kinds, place.series))
        group = self._group(place.series, place.skill, place.only_window)
        rank = int(place.is_priority)
        return _Row(place.ticket, place.series, 0.0, place.joined, kind, rank, group, 1.0, False, is_known)

    def _group(self, series: UUID, skill: UUID | None, window: UUID | None) -> int:
        return self.groups.setdefault((series, skill, window), len(self.groups))

    def _kind(self, wanted: Sequence[Kind]) -> tuple[int, bool]:
        """The place of the first kind measured often enough, and whether there is one; the hall comes last."""
        return self._kind_of((*wanted, self.state.hall), self.state.measured)

    def _kind_of(self, wanted: Sequence[Kind], measured: Any, least: int = LEAST_MEASURED) -> tuple[int, bool]:
        for kind in wanted:
            values = measured.get(kind, ())
            if len(values) < least:
                continue
            if kind not in self.kinds:
                self.kinds[kind] = len(self.measured)
                self.measured.append(sorted(values))
            return self.kinds[kind], True
        return self.pass_kind, False

    def _server(self, seat: Seat) -> Server:
        able = {
            place
            for (series, skill, window), place in self.groups.items()
            if (window == seat.window if window else series in seat.series) and skill in (None, *seat.skills)
        }
        return Server(
            frozenset(able), [(-inf if begin <= 0 else begin, end) for begin, end in seat.shifts], run=seat.run
        )

    @cached_property
    def spread(self) -> float:
        """How far the pace may be off: from day to day, and because it was measured from few."""
        kinds = [row.kind for row in self.rows if not row.asks and row.is_known] or [0]
        few = fmean(self._unsure[kind] for kind in kinds)
        return sqrt(SPREAD**2 + few)

    @cached_property
    def _unsure(self) -> list[float]:
        """Of each kind: the variance of its mean, as a share of that squared."""
        return [
            _variance(values) / fmean(values) ** 2 / len(values) if any(values) else 0.0 for values in self.measured
        ]

    def customers(self, service: Sequence[float]) -> Customers:
        rows = self.rows
        return Customers(
            arrival=[row.at for row in rows],
            service=service,
            group=[row.group for row in rows],
            rank=[row.rank for row in rows],
            joined=[row.joins for row in rows],
        )


def _played(scene: _Scene) -> list[Range | None]:
    rows, state = scene.rows, scene.state
    plays = min(max(PLAYED // max(len(rows), 1), FEWEST_PLAYS), MOST_PLAYS)
    sampling = Sampling(
        kind=[row.kind if not row.asks else -1 for row in rows],
        passed=[state.passed] * len(rows),
        comes=[row.comes for row in rows],
        measured=scene.measured,
        pass_kind=scene.pass_kind,
        busy_kind=scene.busy,
        elapsed=[seat.elapsed for seat in state.seats],
        spread=scene.spread,
    )
    customers = scene.customers([0.0] * len(rows))
    out = kernel.play(customers, scene.servers, state.policy, sampling, plays=plays, seed=_SEED, fast=True)
    ordered = out.reshape(plays, len(rows))
    ordered[ordered == inf] = _NEVER
    ordered.sort(axis=0)
    columns = []
    for share in SHARES:
        place = share * (plays - 1)
        low = int(place)
        columns.append((ordered[low] + (ordered[min(low + 1, plays - 1)] - ordered[low]) * (place - low)).tolist())
    return [Range(*values) if values[-1] < _NEVER / 2 else None for values in zip(*columns, strict=True)]


def _worked_out(scene: _Scene) -> list[Range | None]:
    """
    One play with mean services; the windows that are busy end one after the other, not all at once.

    A call that comes after n services at c windows comes at a time whose variance is that of n of them over c², and of
    the day's own pace; its shape is a gamma distribution's (Wilson and Hilferty's approximation).
    """
    rows, state = scene.rows, scene.state
    passes = fmean(scene.measured[scene.pass_kind])
    means = [state.passed * passes + (1 - state.passed) * fmean(values) for values in scene.measured]
    deviations = [_variance(values) for values in scene.measured]
    service = [0.0 if row.asks else means[row.kind] * row.comes for row in rows]
    servers = [replace(server, busy_until=at) for server, at in zip(scene.servers, _ends(scene, means), strict=True)]
    outcome = kernel.run(scene.customers(service), servers, state.policy, fast=False)
    begins: dict[int, list[float]] = {server: [] for server in range(len(servers))}
    for row, began, by in zip(rows, outcome.began, outcome.by, strict=True):
        if by >= 0 and not row.asks:
            begins[by].append(began)
    # The pooled pace of all: a window's next one may be of any kind.
    mean = fmean(means[row.kind] for row in rows if not row.asks) if len(rows) > len(state.series) else fmean(means)
    counted = {row.kind for row in rows if not row.asks} or set(range(len(means)))
    variance = fmean(deviations[kind] + (means[kind] - mean) ** 2 for kind in counted)
    able = [server.skills or frozenset() for server in servers]
    before: dict[int, tuple[list[float], int]] = {}
    for group in {row.group for row in rows}:
        mine = [n for n, skills in enumerate(able) if group in skills]
        before[group] = sorted(at for n in mine for at in begins[n]), len(mine)
    # Where priority takes turns, whose turn it is at which window matters too.
    turns = 1.0 if state.policy.kind == "strict" else 1.5
    found: list[Range | None] = []
    for row, began in zip(rows, outcome.began, strict=True):
        times, windows = before[row.group]
        if began == inf or not windows:
            found.append(None)
            continue
        ahead = bisect_left(times, began) + 1
        spread = turns * ahead * max(variance, 0.3 * mean**2) / windows**2 + (scene.spread * began) ** 2
        found.append(_gamma(began, spread))
    return found


def _ends(scene: _Scene, means: Sequence[float]) -> list[float]:
    """When each window will be free: the one busy longest first, each at its share of what was measured."""
    found = [-inf] * len(scene.busy)
    busy = sorted((n for n, kind in enumerate(scene.busy) if kind >= 0), key=lambda n: -scene.state.seats[n].elapsed)
    for place, n in enumerate(busy):
        values, elapsed = scene.measured[scene.busy[n]], scene.state.seats[n].elapsed
        share = (place + 0.5) / len(busy)
        first = bisect_left(values, elapsed + 0.001)
        longer = values[first:]
        rest = longer[int(share * len(longer))] - elapsed if longer else means[scene.busy[n]] * share
        found[n] = max(rest, 0.0)
    return found


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return fmean([(value - mean) ** 2 for value in values])


def _gamma(mean: float, variance: float) -> Range:
    if mean <= 0:
        return Range(0.0, 0.0, 0.0, 0.0)
    shape = mean**2 / variance
    low = 1 - 1 / (9 * shape)
    return Range(*(mean * max(low + z / (3 * sqrt(shape)), 0.0) ** 3 for z in _Z))
