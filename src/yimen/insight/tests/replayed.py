"""Real arrivals and services (tests only) played through a hall of ours, and what was forecast on the way."""

import csv
import gzip
import io
import random
from bisect import bisect_right
from collections import defaultdict
from math import inf
from uuid import UUID

from yimen.insight.forecasts import playing
from yimen.insight.forecasts.ranges import AT_ONCE
from yimen.insight.forecasts.state import Expected, Place, Seat, State
from yimen.insight.simulation import loop
from yimen.insight.simulation.kernel import Customers, Server, run
from yimen.testing import shared

SERIES = {name: UUID(int=n + 1) for n, name in enumerate(("PS", "NW", "NE", "TT", "IN", "PE"))}
NAMES = list(SERIES)
HOUR = 3600
LAST = 60
SHOWN = UUID(int=99)


def _seconds(text):
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def days():
    """The calls of each day that were served, or queued and hung up: (arrival, service, group, rank, patience)."""
    found = defaultdict(list)
    with gzip.open(shared("data/queue/calls_1999_02.csv.gz")) as packed:
        for row in csv.DictReader(io.TextIOWrapper(packed)):
            group, rank = NAMES.index(row["service"]), int(int(row["priority"]) == 2 and row["service"] != "NW")
            came = _seconds(row["leave_menu"])
            queued = int(row["queue_seconds"])
            if row["outcome"] == "AGENT" and int(row["service_seconds"]) > 0:
                found[row["date"]].append((came, int(row["service_seconds"]), group, rank, inf))
            elif row["outcome"] == "HANG" and queued > 0:
                found[row["date"]].append((came, None, group, rank, queued * 4.0))
    return {day: sorted(calls, key=lambda call: call[0]) for day, calls in sorted(found.items())}


class Day:
    """
    One day as a hall of six series and `windows` windows saw it: the first half take everything, the others the two
    largest series; lunch in two shifts. Whoever hung up in truth has four times that patience here.
    """

    def __init__(self, calls, windows, policy, before=()):
        chance = random.Random(len(calls))
        served = [call[1] for call in calls if call[1] is not None]
        self.calls = [(c, chance.choice(served) if s is None else s, g, r, p) for c, s, g, r, p in calls]
        self.policy, self.before = policy, before
        arrival, service, group, rank, patience = map(list, zip(*self.calls, strict=True))
        noon = [(12 * HOUR, 12.75 * HOUR), (12.75 * HOUR, 13.5 * HOUR)]
        self.servers = [
            Server(None if n < (windows + 1) // 2 else frozenset({0, 1}), breaks=[noon[n % 2]]) for n in range(windows)
        ]
        customers = Customers(arrival, service, group=group, rank=rank, patience=patience)
        self.outcome = run(customers, self.servers, policy, fast=False)
        self.ends = sorted(
            (began + took, took, g, r)
            for began, took, g, r in zip(self.outcome.began, service, group, rank, strict=True)
            if began < inf
        )
        self.of_server = defaultdict(list)
        for n, s in enumerate(self.outcome.by):
            self.of_server[s].append(n)
        self.end_times = [end for end, *_rest in self.ends]
        self.left = sorted(c + p for n, (c, _s, _g, _r, p) in enumerate(self.calls) if self.outcome.began[n] == inf)
        self.came = [c for c, *_rest in self.calls]

    def kinds(self, who):
        _came, _took, group, rank, _patience = self.calls[who]
        return [(SERIES[NAMES[group]], rank), SERIES[NAMES[group]]]

    def again(self, who, now):
        """Somebody like one who came in the last hour, an hour later."""
        came, _took, group, rank, _patience = self.calls[who]
        at = came - now + HOUR
        return Expected(SERIES[NAMES[group]], at, at, 1.0, self.kinds(who), bool(rank))

    def measured(self, now):
        known = [*self.before, *self.ends[: bisect_right(self.end_times, now)]]
        found = defaultdict(list)
        for _end, took, g, r in reversed(known):
            for kind in ("hall", SERIES[NAMES[g]], (SERIES[NAMES[g]], r)):
                if len(found[kind]) < LAST:
                    found[kind].append(took)
        return found

    def state(self, who):
        """What is known the moment `who` has taken his number."""
        now, began = self.calls[who][0], self.outcome.began
        waiting = [
            Place(UUID(int=1000 + n), SERIES[NAMES[g]], c - now, [(SERIES[NAMES[g]], r)], bool(r))
            for n, (c, _s, g, r, p) in enumerate(self.calls[: who + 1])
            if began[n] > now and c + p >= now
        ]
        seats = []
        for s, server in enumerate(self.servers):
            mine = [n for n in self.of_server[s] if began[n] <= now < began[n] + self.calls[n][1]]
            able = range(len(NAMES)) if server.skills is None else server.skills
            series = frozenset(SERIES[NAMES[g]] for g in able)
            busy = self.kinds(mine[0]) if mine else None
            ((away, back),) = server.breaks
            shifts = [(0.0, max(away - now, 0.0)), (max(back - now, 0.0), inf)]
            elapsed = now - began[mine[0]] if mine else 0.0
            memory = loop.LONG
            for n in sorted((n for n in self.of_server[s] if began[n] <= now), key=began.__getitem__)[-8:]:
                memory = loop.ran(memory, self.calls[n][3])
            seats.append(Seat(UUID(int=100 + s), series, busy=busy, elapsed=elapsed, shifts=shifts, run=memory))
        done = bisect_right(self.end_times, now) - bisect_right(self.end_times, now - HOUR)
        gone = bisect_right(self.left, now) - bisect_right(self.left, now - HOUR)
        recent = range(bisect_right(self.came, now - HOUR), who) if self.policy.kind != "strict" else ()
        return State(
            list(SERIES.values())[:1],
            waiting,
            seats,
            self.measured(now),
            expected=[self.again(n, now) for n in recent],
            hall="hall",
            passes=[1.0],
            passed=gone / max(done + gone, 1),
            policy=self.policy,
        )


def checked(day, *, simulate, count, seed=1):
    """Forecast for `count` people who had to wait: waits in the 50 % range, in the 90 % range, all, hidden ones."""
    waited = [
        n for n, (came, *_rest) in enumerate(day.calls) if came < day.outcome.began[n] < inf and day.end_times[0] < came
    ]
    half = nine = hidden = 0
    chosen = random.Random(seed).sample(waited, min(count, len(waited)))
    for who in chosen:
        found = playing.forecast(day.state(who), simulate=simulate).tickets[UUID(int=1000 + who)]
        if found is None or found.p75 <= AT_ONCE:  # within a minute: no range to be right about
            hidden += 1
            continue
        in_half, in_nine = found.holds(day.outcome.began[who] - day.calls[who][0])
        half += in_half
        nine += in_nine
    return half, nine, len(chosen) - hidden, hidden
