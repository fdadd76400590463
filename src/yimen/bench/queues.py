"""
How fast queues are simulated and waits forecast: the kernel compiled and as it stands, beside a plain heapq loop.

Processor time of this process, so that a busy machine does not slow the figures.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.timezone import localdate

from yimen.bench.measure import Figure, figure
from yimen.hall.models import Hall, Series, Ticket, Window
from yimen.insight.forecasts import reads
from yimen.insight.forecasts.playing import forecast
from yimen.insight.forecasts.state import Place, Seat, State
from yimen.insight.simulation import engine, kernel
from yimen.insight.simulation.kernel import Customers, Policy, Server
from yimen.ledger.actions import SYSTEM
from yimen.lib.ids import uuid7
from yimen.people import actions as people
from yimen.people.models import Department, Region, ServiceCenter

REGION = "990000"
SERVERS, SKILLS, SEED = 10, 4, 7
MANY, FEW = 1_000_000, 50_000
SERIES = [UUID(int=n + 1) for n in range(6)]


def run(at: datetime, *, short: bool = False) -> list[Figure]:
    """Measure; the rows of the compiled kernel only where numba is installed."""
    fast = engine.is_available()
    rounds = 3 if short else 8
    rows = []
    if fast:
        engine.compiled()
        rows.append(_simulated("customers simulated (numba)", MANY, rounds, fast=True))
    rows.append(_simulated("customers simulated (no numba)", FEW, rounds, fast=False))
    rows.append(_plain("customers, bare heapq loop", FEW * 4, rounds))
    for waiting in (200, 2000):
        state = _state(waiting)
        if fast:
            rows.append(_timed(f"forecast, {waiting:,} waiting (numba)", rounds * 5, partial(forecast, state)))
        rows.append(_timed(f"forecast, {waiting:,} (no numba)", rounds, partial(forecast, state, simulate=False)))
        place = _hall(waiting, at)
        look = at + timedelta(minutes=1)
        what = f"hall read and forecast, {waiting:,}"
        rows.append(_timed(what, rounds * 3, partial(reads.of_hall, place, look, fresh=True)))
    return rows


def _timed(what: str, rounds: int, act: Callable[[], object]) -> Figure:
    took = []
    for _n in range(rounds):
        before = time.process_time()
        act()
        took.append(time.process_time() - before)
    return figure(what, 1, [sum(took), *took])


def _per_customer(what: str, count: int, rounds: int, act: Callable[[], object]) -> Figure:
    found = _timed(what, rounds, act)
    found.per_second *= count
    return found


def _arrivals(count: int) -> tuple[list[float], list[float], random.Random]:
    """Nine in ten of the servers' time is asked for."""
    chance = random.Random(SEED)
    came, at = [], 0.0
    for _n in range(count):
        at += chance.expovariate(0.9 * SERVERS / 300)
        came.append(at)
    return came, [chance.expovariate(1 / 300) for _n in range(count)], chance


def _simulated(what: str, count: int, rounds: int, *, fast: bool) -> Figure:
    """Skills, two ranks, ratio: what a hall has."""
    came, took, chance = _arrivals(count)
    group = [chance.randrange(SKILLS) for _n in came]
    rank = [int(chance.random() < 0.2) for _n in came]
    columns: list[Any] = [came, took, group, rank]
    if fast:
        import numpy

        columns = [numpy.array(each) for each in columns]
    customers = Customers(columns[0], columns[1], group=columns[2], rank=columns[3])
    servers = [Server(None if n % 2 else frozenset({n % SKILLS, (n + 1) % SKILLS})) for n in range(SERVERS)]
    return _per_customer(what, count, rounds, lambda: kernel.run(customers, servers, Policy("ratio"), fast=fast))


def _plain(what: str, count: int, rounds: int) -> Figure:
    """First come first served with equal servers, and nothing else."""
    came, took, _chance = _arrivals(count)

    def act() -> None:
        free = [0.0] * SERVERS
        for at, service in zip(came, took, strict=True):
            heapq.heapreplace(free, max(at, free[0]) + service)

    return _per_customer(what, count, rounds, act)


def _state(waiting: int) -> State:
    """Six series, twenty windows, one in seven with priority."""
    seconds = [60.0 + n * 37 % 9 * 60 for n in range(60)]
    return State(
        series=SERIES,
        waiting=[
            Place(UUID(int=1000 + n), SERIES[n % 6], -10.0 * (waiting - n), is_priority=n % 7 == 0)
            for n in range(waiting)
        ],
        seats=[
            Seat(UUID(int=100 + n), frozenset(SERIES[n % 6 :]), busy=[SERIES[n % 6]], elapsed=30.0 * n)
            for n in range(20)
        ],
        measured=dict.fromkeys(SERIES, seconds),
        policy=Policy("ratio", 3, cap=2),
        passed=0.05,
    )


def _hall(waiting: int, at: datetime) -> Hall:
    """A hall with so many people in one series, and some served before."""
    region = Region.objects.get_or_create(code=REGION, defaults={"name": "测速区"})[0]
    tag = uuid7().hex[-8:]
    center = ServiceCenter.objects.create(
        region=region, code=f"queue-{tag}", letters=tag[:4].upper(), name="测速中心", address="", hours="", phone=""
    )
    department = Department.objects.create(region=region, code=f"queue-{tag}", name="测速部门")
    clerk = people.open_account(
        region=region, department=department, number=tag, name="测速员", username=f"queue-{tag}", password=None,
        by=SYSTEM, at=at,
    )  # fmt: skip
    hall = Hall.objects.create(region=region, center=center, code=f"q-{tag}", name="测速大厅")
    series = Series.objects.create(region=region, hall=hall, letter="A", name="综合窗口")
    window = Window.objects.create(region=region, hall=hall, number=1, name="1 号窗口", staff=clerk, opened_at=at)
    window.series.add(series)

    def ticket(n: int, **fields: Any) -> Ticket:
        return Ticket(
            region_id=series.region_id, hall_id=series.hall_id, series=series, day=localdate(at), number=n,
            label=f"{series.letter}{n:03d}", queue_at=at, taken_at=at, **fields,
        )  # fmt: skip

    before = [at - timedelta(minutes=n) for n in range(60)]
    served = {"status": Ticket.Status.FINISHED}
    rows = [
        ticket(n + 1, called_at=one - timedelta(minutes=5), announced_at=one - timedelta(minutes=5), finished_at=one,
               **served)
        for n, one in enumerate(before)
    ]  # fmt: skip
    Ticket.objects.bulk_create([*rows, *(ticket(100 + n) for n in range(waiting))], batch_size=500)
    return hall
