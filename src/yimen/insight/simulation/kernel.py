"""
The simulation kernel: customers with what they need and when, servers with skills and shifts, a calling policy.

    outcome = kernel.run(Customers(arrival=[0, 10], service=[300, 60]), [Server()], Policy())
    outcome.waits  # [0.0, 290.0]

The policies are those of the hall (docs/rules/calling.md). Times are seconds of one origin of your choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from yimen.insight.simulation import engine, loop

# Whoever checks in up to so many seconds after the agreed time still joins the queue at that time.
GRACE = 900.0


class BadScenario(ValueError):
    """Columns of different length, a negative service, a shift that ends before it begins …"""


@dataclass(frozen=True)
class Customers:
    """
    Columns of equal length, one entry a person, in any order; who comes first of two at the same moment is called
    first. Left out: all of group 0, ordinary, without appointment, patient.

    arrival, service: seconds. group: the skill that is needed, from 0. rank: 0 ordinary, higher comes first.
    appointment: the agreed time, None or inf without one. patience: seconds after which somebody leaves unserved.
    joined: the time each stands in the queue with; without it, the arrival, or the agreed time for whoever kept it.
    """

    arrival: Sequence[float]
    service: Sequence[float]
    group: Sequence[int] | None = None
    rank: Sequence[int] | None = None
    appointment: Sequence[float | None] | None = None
    patience: Sequence[float] | None = None
    joined: Sequence[float] | None = None


@dataclass(frozen=True)
class Server:
    """
    skills: the groups he serves, None for all. shifts: (from, until) in which he begins with people; a service begun
    is ended. breaks: taken out of the shifts. busy_until: at the start he has somebody until then. run: what he called
    before, -n for n of a higher rank in a row, n for n others since the last of those, loop.LONG for none of those.
    """

    skills: frozenset[int] | None = None
    shifts: Sequence[tuple[float, float]] = ((-inf, inf),)
    breaks: Sequence[tuple[float, float]] = ()
    busy_until: float = -inf
    run: int = loop.LONG


@dataclass(frozen=True)
class Policy:
    """
    Who is called next of those a server serves; each server by what it called before.

    strict: whoever joined first, whatever his rank. ratio: the higher rank first, but after each one
    `ordinary_per_priority` others have their turn. ageing: whoever joined first, each rank counted `head_start` seconds
    earlier for every step, so an ordinary person who has waited that much longer goes before. priority: the higher rank
    first, always. cap (not for strict): at most so many of a higher rank in a row while others wait; 0 for no limit.
    """

    kind: str = "strict"
    ordinary_per_priority: int = 3
    head_start: float = 900.0
    cap: int = 0


@dataclass(frozen=True)
class Outcome:
    """
    In the order of the customers given: when each began to be served (inf: never), by which server (-1: nobody),
    and what it is worked out from.
    """

    arrival: Sequence[float] = field(repr=False)
    service: Sequence[float] = field(repr=False)
    began: Sequence[float] = field(repr=False)
    by: Sequence[int] = field(repr=False)
    patience: Sequence[float] | None = field(repr=False, default=None)

    @property
    def waits(self) -> list[float]:
        """Seconds each waited who was served, in their order."""
        return [began - arrived for began, arrived in zip(self.began, self.arrival, strict=True) if began < inf]

    @property
    def left(self) -> list[int]:
        """Who lost patience and went away."""
        if self.patience is None:
            return []
        return [n for n, (began, can) in enumerate(zip(self.began, self.patience, strict=True)) if began == inf > can]

    @property
    def busy_seconds(self) -> float:
        return sum(took for took, began in zip(self.service, self.began, strict=True) if began < inf)


KINDS = {"strict": loop.STRICT, "ratio": loop.RATIO, "ageing": loop.AGEING, "priority": loop.PRIORITY}


@dataclass
class Prepared:
    """
    A scenario as the loop wants it: `arguments` are those of loop.simulate, by name.

    order: places in the columns given, in order of arrival; None when they were in order.
    """

    order: Sequence[int] | None
    arguments: dict[str, Any]


def run(
    customers: Customers, servers: Sequence[Server], policy: Policy | None = None, *, fast: bool | None = None
) -> Outcome:
    """
    Serve everybody and return who began when and by whom. Same input, same output, to the bit.

    fast: see engine.columns. Raises BadScenario.
    """
    columns = engine.columns(fast)
    ready = prepare(customers, servers, policy or Policy(), columns)
    columns.loop.simulate(**ready.arguments)
    began, by = columns.back(ready.arguments["began"], ready.order), columns.back(ready.arguments["by"], ready.order)
    return Outcome(customers.arrival, customers.service, began, by, customers.patience)


def prepare(customers: Customers, servers: Sequence[Server], policy: Policy, columns: engine.Columns) -> Prepared:
    """Lay a scenario out in columns. Raises BadScenario."""
    count = len(customers.arrival)
    if not servers:
        raise BadScenario("no server")
    if policy.kind not in KINDS or policy.ordinary_per_priority < 0 or policy.cap < 0:
        raise BadScenario(f"no such policy: {policy}")
    given: dict[str, Sequence[Any] | None] = {
        "service": customers.service,
        "group": customers.group,
        "rank": customers.rank,
    }
    given |= {"appointment": customers.appointment, "patience": customers.patience, "joined": customers.joined}
    for name, values in given.items():
        if values is not None and len(values) != count:
            raise BadScenario(f"{len(values)} of {name}, {count} of arrival")
    arrival = columns.floats(customers.arrival)
    service = columns.floats(customers.service)
    if not (columns.all_finite(arrival) and columns.all_finite(service)):
        raise BadScenario("arrival and service have to be numbers of seconds")
    if count and columns.least(service) < 0:
        raise BadScenario("a service takes less than no time")
    patience = columns.full(count, inf) if customers.patience is None else columns.floats(customers.patience)
    key = arrival
    if customers.joined is not None:
        key = columns.floats(customers.joined)
    elif customers.appointment is not None:
        agreed = zip(customers.appointment, arrival, strict=True)
        key = columns.floats([_joins(at, came) for at, came in agreed])
    group = columns.ints(customers.group) if customers.group is not None else columns.empty_ints(count)
    rank = columns.ints(customers.rank) if customers.rank is not None else columns.empty_ints(count)
    if count and (columns.least(group) < 0 or columns.least(rank) < 0):
        raise BadScenario("groups and ranks count from 0")
    order = columns.order(arrival)
    if order is not None:
        columns_given = [arrival, service, group, rank, key, patience]
        arrival, service, group, rank, key, patience = (columns.taken(each, order) for each in columns_given)
    groups = 1 + max([int(columns.most(group)) if count else 0, *(max(each.skills or {0}) for each in servers)])
    ranks = 1 + (int(columns.most(rank)) if count else 0)
    bonus = policy.head_start if policy.kind == "ageing" else 0.0
    places = groups * ranks
    floats, ints = columns.empty_floats, columns.empty_ints
    return Prepared(
        order,
        {
            "arrival": arrival,
            "service": service,
            "group": group,
            "rank": rank,
            "key": key,
            "patience": patience,
            **_laid_out(servers, groups, columns),
            "groups": groups,
            "ranks": ranks,
            "policy": columns.ints([KINDS[policy.kind], policy.ordinary_per_priority, policy.cap]),
            "bonus": columns.floats([bonus * step for step in range(ranks)]),
            "began": floats(count),
            "by": ints(count),
            "head": ints(places),
            "tail": ints(places),
            "after": ints(count),
            "before": ints(count),
            "times": floats(len(servers)),
            "servers": ints(len(servers)),
            "idle": floats(len(servers)),
            "interval": ints(len(servers)),
            "runs": columns.ints([each.run for each in servers]),
            "waiting": ints(1),
        },
    )


def _joins(agreed: float | None, came: float) -> float:
    """The time at which somebody joins the queue: the agreed one, unless he comes long after it."""
    return agreed if agreed is not None and came <= agreed + GRACE and isfinite(agreed) else came


def _laid_out(servers: Sequence[Server], groups: int, columns: engine.Columns) -> dict[str, Any]:
    intervals = [working_intervals(each.shifts, each.breaks) for each in servers]
    first = [0]
    for found in intervals:
        first.append(first[-1] + len(found))
    opens = sorted((begin, n) for n, found in enumerate(intervals) for begin, _end in found if begin > -inf)
    able = [each.skills is None or group in each.skills for each in servers for group in range(groups)]
    return {
        "skill": columns.ints(able),
        "begins": columns.floats([begin for found in intervals for begin, _end in found]),
        "ends": columns.floats([end for found in intervals for _begin, end in found]),
        "first": columns.ints(first),
        "open_at": columns.floats([at for at, _n in opens]),
        "open_by": columns.ints([n for _at, n in opens]),
        "free_at": columns.floats([each.busy_until for each in servers]),
    }


def working_intervals(
    shifts: Sequence[tuple[float, float]], breaks: Sequence[tuple[float, float]] = ()
) -> list[tuple[float, float]]:
    """Return the shifts without the breaks, in order, those that touch made one. Raises BadScenario."""
    if any(not begin <= end for begin, end in (*shifts, *breaks)):
        raise BadScenario("a shift or break ends before it begins")
    found: list[tuple[float, float]] = []
    for begin, end in sorted(shifts):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    for away, back in sorted(breaks):
        cut = [part for begin, end in found for part in ((begin, min(end, away)), (max(begin, back), end))]
        found = [(begin, end) for begin, end in cut if begin < end]
    return [(begin, end) for begin, end in found if begin < end]


def first_run(module: Any) -> None:
    """Run the compiled functions once, so that they are compiled."""
    columns = engine.Compiled(module)
    ready = prepare(Customers([0.0, 1.0], [1.0, 1.0]), [Server()], Policy(), columns)
    module.simulate(**ready.arguments)
    sampling = Sampling((0, 0), (0.0, 0.0), (1.0, 1.0), ((1.0, 2.0),), 0, (-1,), (0.0,), 0.1)
    module.sample_runs(**sampling_arguments(sampling, ready, columns, plays=1, seed=1))


@dataclass(frozen=True)
class Sampling:
    """
    How services are drawn when the same queue is played many times; see loop.sample_runs.

    kind, passed, comes: of each customer, in order of arrival. measured: the seconds of each kind, ascending, never
    empty. busy_kind, elapsed: of each server.
    """

    kind: Sequence[int]
    passed: Sequence[float]
    comes: Sequence[float]
    measured: Sequence[Sequence[float]]
    pass_kind: int
    busy_kind: Sequence[int]
    elapsed: Sequence[float]
    spread: float


def play(
    customers: Customers,
    servers: Sequence[Server],
    policy: Policy,
    sampling: Sampling,
    *,
    plays: int,
    seed: int,
    fast: bool | None = None,
) -> Any:
    """
    Play the queue `plays` times and return when each customer began: out[play * customers + who], as they were given.

    The customers have to be in order of arrival. Raises BadScenario.
    """
    columns = engine.columns(fast)
    ready = prepare(customers, servers, policy, columns)
    if ready.order is not None:
        raise BadScenario("customers have to be in order of arrival")
    arguments = sampling_arguments(sampling, ready, columns, plays=plays, seed=seed)
    columns.loop.sample_runs(**arguments)
    return arguments["out"]


def sampling_arguments(
    sampling: Sampling, ready: Prepared, columns: engine.Columns, *, plays: int, seed: int
) -> dict[str, Any]:
    begin_of = [0]
    for each in sampling.measured:
        begin_of.append(begin_of[-1] + len(each))
    return ready.arguments | {
        "plays": plays,
        "runs_before": ready.arguments["runs"][:],
        "state": columns.ints(seeded(seed)),
        "kind": columns.ints(sampling.kind),
        "passed": columns.floats(sampling.passed),
        "comes": columns.floats(sampling.comes),
        "values": columns.floats([seconds for each in sampling.measured for seconds in each]),
        "begin_of": columns.ints(begin_of),
        "pass_kind": sampling.pass_kind,
        "busy_kind": columns.ints(sampling.busy_kind),
        "elapsed": columns.floats(sampling.elapsed),
        "spread": float(sampling.spread),
        "out": columns.empty_floats(plays * len(ready.arguments["arrival"])),
    }


def seeded(seed: int) -> list[int]:
    """Return a state for loop.draw: six numbers well mixed from one (splitmix64)."""
    found, mixed = [], seed & 0xFFFFFFFFFFFFFFFF
    for modulus in (4294967087,) * 3 + (4294944443,) * 3:
        mixed = (mixed + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = mixed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        found.append((z ^ (z >> 31)) % (modulus - 1) + 1)
    return found
