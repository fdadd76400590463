"""
Drawing a graph without loops in layers, as flow charts are drawn: nothing overlaps, every line bends at right angles.

Deterministic: the same nodes and edges in the same order give the same drawing. Lengths are in the caller's units; the
drawing runs down the page, across() turns it to the right.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

Point = tuple[float, float]
SWEEPS = 6


class HasLoop(ValueError):
    """The edges go round in a circle: there are no layers."""


@dataclass(frozen=True)
class Node:
    """What is to be placed. band: nodes of the same band share a strip along the drawing's way (lanes of a pool)."""

    key: str
    width: float
    height: float
    band: int = 0


@dataclass(frozen=True)
class Placed:
    """Where a node stands: its upper left corner, its size and its layer, 0 the first."""

    key: str
    x: float
    y: float
    width: float
    height: float
    rank: int
    band: int = 0

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Line:
    """An edge from the lower side of its source to the upper side of its target; every part is level or upright."""

    source: str
    target: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Drawing:
    """bands: (begin, end) of each band across the drawing's way."""

    nodes: Mapping[str, Placed]
    lines: tuple[Line, ...]
    width: float
    height: float
    bands: tuple[tuple[float, float], ...]

    def across(self) -> Drawing:
        """Return the drawing turned: it runs to the right, bands lie below one another."""
        return Drawing(
            {
                key: replace(node, x=node.y, y=node.x, width=node.height, height=node.width)
                for key, node in self.nodes.items()
            },
            tuple(replace(line, points=tuple((y, x) for x, y in line.points)) for line in self.lines),
            self.height,
            self.width,
            self.bands,
        )


def ranks(keys: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each key: one more than the deepest it comes from. Raises HasLoop."""
    found: dict[str, int] = dict.fromkeys(keys, 0)
    following: dict[str, list[str]] = {key: [] for key in found}
    waiting = dict.fromkeys(found, 0)
    for source, target in edges:
        following[source].append(target)
        waiting[target] += 1
    ready = [key for key, count in waiting.items() if not count]
    for key in ready:
        for target in following[key]:
            found[target] = max(found[target], found[key] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < len(found):
        raise HasLoop("the edges go round in a circle")
    return found


def draw(
    nodes: Sequence[Node],
    edges: Sequence[tuple[str, str]],
    *,
    gap: float = 24,
    rank_gap: float = 32,
    track: float = 10,
    band_pad: float = 0,
) -> Drawing:
    """
    Place `nodes` in layers along `edges` (source, target) and lead a line along each.

    gap: least distance beside each other; rank_gap: least distance between layers; track: more of it for each line
    that runs level there; band_pad: room at both sides of a band. Raises HasLoop, KeyError for an edge to nowhere.
    """
    return _Drawer(nodes, list(dict.fromkeys(edges)), gap, rank_gap, track, band_pad).drawing


@dataclass(frozen=True)
class _Slot:
    """A node, or the place where a long edge passes a layer."""

    key: Hashable
    width: float
    band: int


class _Drawer:
    def __init__(
        self,
        nodes: Sequence[Node],
        edges: Sequence[tuple[str, str]],
        gap: float,
        rank_gap: float,
        track: float,
        band_pad: float,
    ) -> None:
        self.nodes = {node.key: node for node in nodes}
        self.edges = edges
        self.gap, self.rank_gap, self.track, self.band_pad = gap, rank_gap, track, band_pad
        self.rank = ranks(self.nodes, edges)
        self.slots: dict[Hashable, _Slot] = {node.key: _Slot(node.key, node.width, node.band) for node in nodes}
        self.layers: list[list[Hashable]] = [[] for _ in range(max(self.rank.values(), default=-1) + 1)]
        for node in nodes:
            self.layers[self.rank[node.key]].append(node.key)
        self.ways: dict[tuple[str, str], list[Hashable]] = {}
        self.above: dict[Hashable, list[Hashable]] = {key: [] for key in self.nodes}
        self.below: dict[Hashable, list[Hashable]] = {key: [] for key in self.nodes}
        for source, target in edges:
            self._lead(source, target)
        self._order()
        self.bands = self._bands()
        self.centre = self._across()

    def _lead(self, source: str, target: str) -> None:
        way: list[Hashable] = [source]
        for rank in range(self.rank[source] + 1, self.rank[target]):
            pass_by = (source, target, rank)
            self.slots[pass_by] = _Slot(pass_by, 0, self.nodes[source].band)
            self.above[pass_by], self.below[pass_by] = [], []
            self.layers[rank].append(pass_by)
            way.append(pass_by)
        way.append(target)
        for upper, lower in pairwise(way):
            self.below[upper].append(lower)
            self.above[lower].append(upper)
        self.ways[source, target] = way

    # Order within the layers: few crossings.

    def _order(self) -> None:
        best, fewest = [list(layer) for layer in self.layers], None
        for sweep in range(SWEEPS + 1):
            crossings = self._crossings()
            if fewest is None or crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
            if not crossings and sweep:
                break
            downward = sweep % 2 == 0
            for layer in self.layers if downward else reversed(self.layers):
                self._sort(layer, self.above if downward else self.below)
        self.layers = best

    def _sort(self, layer: list[Hashable], beside: Mapping[Hashable, list[Hashable]]) -> None:
        place = {key: n for others in self.layers for n, key in enumerate(others)}

        def wish(key: Hashable) -> tuple[int, float, int]:
            near = [place[other] for other in beside[key]]
            return self.slots[key].band, sum(near) / len(near) if near else place[key], place[key]

        layer.sort(key=wish)

    def _crossings(self) -> int:
        count = 0
        for upper, lower in pairwise(self.layers):
            place = {key: n for n, key in enumerate(lower)}
            ends = [place[target] for key in upper for target in sorted(self.below[key], key=place.__getitem__)]
            count += sum(one > other for n, one in enumerate(ends) for other in ends[n + 1 :])
        return count

    # Across the way: as straight as order and distance allow.

    def _bands(self) -> list[tuple[float, float]]:
        count = max((slot.band for slot in self.slots.values()), default=0) + 1
        begin, found = 0.0, []
        for band in range(count):
            most = 0.0
            for layer in self.layers:
                widths = [self.slots[key].width for key in layer if self.slots[key].band == band]
                most = max(most, sum(widths) + self.gap * max(len(widths) - 1, 0))
            found.append((begin, begin + most + 2 * self.band_pad))
            begin = found[-1][1]
        return found

    def _across(self) -> dict[Hashable, float]:
        centre: dict[Hashable, float] = {}
        for layer in self.layers:
            self._place(layer, centre, {})
        for sweep in range(2 * SWEEPS):
            beside = (self.above, self.below)[sweep % 2]
            for layer in self.layers if sweep % 2 == 0 else reversed(self.layers):
                self._place(layer, centre, beside)
        # In the end each takes the middle of all its neighbours, and what follows one alone stands straight below it.
        both = {key: [*self.above[key], *self.below[key]] for key in self.slots}
        straight = {key: self.above[key] if self._is_straight(key) else [key] for key in self.slots}
        for beside in (both, straight):
            for layer in self.layers:
                self._place(layer, centre, beside)
        return centre

    def _is_straight(self, key: Hashable) -> bool:
        above = self.above[key]
        if len(above) != 1 or self.slots[above[0]].band != self.slots[key].band:
            return False
        return not isinstance(key, str) or len(self.below[above[0]]) == 1

    def _place(
        self, layer: list[Hashable], centre: dict[Hashable, float], beside: Mapping[Hashable, list[Hashable]]
    ) -> None:
        for band, (begin, end) in enumerate(self.bands):
            keys = [key for key in layer if self.slots[key].band == band]
            if not keys:
                continue
            begin, end = begin + self.band_pad, end - self.band_pad
            wishes = []
            for key in keys:
                others = beside.get(key, ())
                # Neighbours of another band cannot be faced; they pull only where there is no other.
                others = [other for other in others if self.slots[other].band == band] or others
                near = [centre[other] for other in others]
                wishes.append(sum(near) / len(near) if near else centre.get(key, (begin + end) / 2))
            offsets, at = [], 0.0
            for key in keys:
                offsets.append(at + self.slots[key].width / 2)
                at += self.slots[key].width + self.gap
            total = at - self.gap
            # Least squares under "in this order, this far apart": pool what would overlap, then keep it within.
            starts = _pooled([wish - offset for wish, offset in zip(wishes, offsets, strict=True)])
            for key, start, offset in zip(keys, starts, offsets, strict=True):
                centre[key] = round(min(max(start, begin), max(end - total, begin)) + offset, 2)

    # Along the way: layers, and between them a level track for each bundle of lines.

    @cached_property
    def drawing(self) -> Drawing:
        tracks = [self._tracks(rank) for rank in range(len(self.layers) - 1)]
        placed: dict[str, Placed] = {}
        tops: list[float] = []
        heights: list[float] = []
        at = 0.0
        for rank, layer in enumerate(self.layers):
            height = max((self.nodes[key].height for key in layer if isinstance(key, str)), default=0.0)
            tops.append(at)
            heights.append(height)
            for key in layer:
                if isinstance(key, str):
                    node = self.nodes[key]
                    x = self.centre[key] - node.width / 2
                    y = at + (height - node.height) / 2
                    placed[key] = Placed(key, x, y, node.width, node.height, rank, node.band)
            if rank < len(tracks):
                at += height + self.rank_gap + self.track * max(len(set(tracks[rank].values())) - 1, 0)
            else:
                at += height
        lines = tuple(self._line(edge, placed, tops, heights, tracks) for edge in self.edges)
        return Drawing(placed, lines, self.bands[-1][1] if self.bands else 0, at, tuple(self.bands))

    def _line(
        self,
        edge: tuple[str, str],
        placed: Mapping[str, Placed],
        tops: Sequence[float],
        heights: Sequence[float],
        tracks: Sequence[Mapping[tuple[Hashable, Hashable], int]],
    ) -> Line:
        source, target = edge
        begin, end = placed[source], placed[target]
        points = [(self.centre[source], begin.y + begin.height)]
        for upper, lower in pairwise(self.ways[edge]):
            x, x_next = self.centre[upper], self.centre[lower]
            if x == x_next:
                continue
            rank = begin.rank + self.ways[edge].index(upper)
            count = max(len(set(tracks[rank].values())), 1)
            bottom = tops[rank] + heights[rank]
            room = tops[rank + 1] - bottom
            y = bottom + (room - (count - 1) * self.track) / 2 + tracks[rank][upper, lower] * self.track
            points += [(x, y), (x_next, y)]
        points.append((self.centre[target], end.y))
        return Line(source, target, tuple((round(x, 2), round(y, 2)) for x, y in points))

    def _tracks(self, rank: int) -> dict[tuple[Hashable, Hashable], int]:
        """
        Return on which level track each bent part between two layers runs.

        Sources with the same targets share one, so that a fork or a join is one beam; nobody else does.
        """
        bundles: dict[tuple[Hashable, ...], list[Hashable]] = {}
        for upper in self.layers[rank]:
            if self.below[upper]:
                bundles.setdefault(tuple(sorted(self.below[upper], key=str)), []).append(upper)
        bent = [
            [(upper, lower) for upper in uppers for lower in lowers]
            for lowers, uppers in bundles.items()
            if any(self.centre[upper] != self.centre[lower] for upper in uppers for lower in lowers)
        ]
        # An upright part down to a lower track may not lie on one that comes down from a higher track.
        ahead = {
            n: {
                m
                for m, other in enumerate(bent)
                if m != n
                and {self.centre[lower] for _upper, lower in parts} & {self.centre[upper] for upper, _lower in other}
            }
            for n, parts in enumerate(bent)
        }
        order = _in_order(ahead)
        return {part: order.index(n) for n, parts in enumerate(bent) for part in parts}


def _in_order(ahead: Mapping[int, Collection[int]]) -> list[int]:
    """Return the keys with those in `ahead` before each, as far as that is possible."""
    left, order = list(ahead), list[int]()
    while left:
        free = next((n for n in left if not set(ahead[n]) & set(left) - {n}), left[0])
        left.remove(free)
        order.append(free)
    return order


def _pooled(values: Sequence[float]) -> list[float]:
    """Return the nearest (least squares) values that never fall."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            before, size = pools.pop()
            mean, count = (before * size + mean * count) / (size + count), size + count
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]
