"""Timing, and sending an act's statements again without the platform around them."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import re
import statistics
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Json, Jsonb

Statement = tuple[str, Any]
# Rounds before it counts, until every statement of a client's connection is prepared and planned for good.
WARM, WAIT_SECONDS = 12, 120
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Figure:
    """
    One row of the table. clients: how many at once; per_second over all of them; median and p99 of one in ms.

    raw_per_second: the same SQL sent by psycopg alone with as many connections; ratio: how many times quicker it is.
    statements: how many the database sees for one, BEGIN and COMMIT not counted. web_ms, database_ms: processor time of
    the web processes and of the database's for one act of it.
    """

    what: str
    clients: int
    per_second: float
    median_ms: float
    p99_ms: float
    raw_per_second: float | None = None
    statements: int | None = None
    web_ms: float | None = None
    database_ms: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.raw_per_second / self.per_second if self.raw_per_second else None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio}


def run_for(
    seconds: float, clients: int, make: Callable[[int], Callable[[], object]], *, most: int = 10**9
) -> list[float]:
    """
    Let `clients` threads each do make(n)() again and again; return the seconds each one took, the wall time first.

    most: the most rounds altogether. The first error of a thread is raised here.
    """
    took: list[float] = []
    wrong: list[Exception] = []
    start, rounds, over = threading.Barrier(clients + 1), count(), threading.Event()

    def work(n: int) -> None:
        from django.db import connection

        try:
            act = make(n)
            start.wait()
            while not over.is_set() and next(rounds) < most:
                began = time.perf_counter()
                act()
                took.append(time.perf_counter() - began)
        except threading.BrokenBarrierError:
            pass
        except Exception as error:
            wrong.append(error)
            start.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[n], daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        start.wait()
    began = time.perf_counter()
    while any(thread.is_alive() for thread in threads) and time.perf_counter() - began < seconds:
        threads[0].join(0.01)
    over.set()
    for thread in threads:
        thread.join(60)
    if wrong:
        raise wrong[0]
    return [time.perf_counter() - began, *took]


def run_apart(
    seconds: float, clients: int, make: Callable[[int], Callable[[], float | None]], *, most: int = 10**9
) -> list[float]:
    """
    As run_for(), with a process for each client, so that one Python's lock is not what is measured.

    What make() made before is the same in each of them: nothing may be counted across clients. An act that returns a
    number of seconds is taken at its word, so it can leave out what belongs to the test alone.
    """
    from django.db import connections

    connections.close_all()  # a child must not speak over its parent's
    context = multiprocessing.get_context("fork")
    start = context.Barrier(clients + 1)

    def work(n: int, answer: Any) -> None:
        found: list[float] = []
        wrong: str | None = None
        try:
            act = make(n)
            for _warm in range(min(WARM, most // clients // 4)):
                act()
            start.wait(WAIT_SECONDS)
            until = time.perf_counter() + seconds
            while len(found) < max(1, most // clients) and (began := time.perf_counter()) < until:
                took = act()
                found.append(time.perf_counter() - began if took is None else took)
        except Exception:
            start.abort()
            wrong = traceback.format_exc()
        answer.send((found, wrong))
        answer.close()
        connections.close_all()

    pipes, children = [], []
    for n in range(clients):
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=work, args=(n, there), daemon=True)
        child.start()
        there.close()
        pipes.append(here)
        children.append(child)
    with contextlib.suppress(threading.BrokenBarrierError):
        start.wait(WAIT_SECONDS)
    began = time.perf_counter()
    answers = [pipe.recv() for pipe in pipes]
    wall = time.perf_counter() - began
    for child in children:
        child.join(60)
    for _found, wrong in answers:
        if wrong and "BrokenBarrierError" not in wrong:
            raise RuntimeError(wrong)
    return [wall, *(took for found, _wrong in answers for took in found)]


def figure(what: str, clients: int, took: Sequence[float], **more: Any) -> Figure:
    """Make a row of what run_for() returned."""
    wall, times = took[0], sorted(took[1:])
    if not times:
        raise RuntimeError(f"{what}: nothing was done in {wall:.0f} s")
    p99 = times[min(len(times) - 1, math.ceil(len(times) * 0.99) - 1)]
    return Figure(what, clients, len(times) / wall, statistics.median(times) * 1000, p99 * 1000, **more)


@contextlib.contextmanager
def recording() -> Iterator[list[Statement]]:
    """Collect what the ORM and our own cursors send in this thread."""
    from django.db import connection

    sent: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent


def processor(pids: Iterable[int]) -> float:
    """Seconds of processor these processes have used so far."""
    return sum(sum(map(int, _stat(pid)[11:13])) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 13


class Replay:
    """
    Statements of recorded acts, sent raw with fresh ids and numbers each time.

    acts: one list of statements for each transaction. known: ids that stay as they are (whatever was there before).
    fresh: texts that must be unique, replaced by themselves with a running number.
    """

    _numbers = count(1)

    def __init__(self, acts: Sequence[Sequence[Statement]], known: set[str], fresh: Sequence[str]) -> None:
        self.acts = [list(statements) for statements in acts]
        # longer first: a number may be part of another
        self.fresh = sorted({text for text in fresh if text}, key=len, reverse=True)
        self.ids = [text for text in dict.fromkeys(UUIDS.findall(repr(self.acts))) if text not in known]

    @property
    def statements(self) -> int:
        return sum(len(statements) for statements in self.acts)

    def once(self, connection: psycopg.Connection) -> None:
        """Send everything once, each act in its transaction."""
        n = next(self._numbers)
        swap = {old: str(uuid4()) for old in self.ids}
        swap |= {old: f"{old}r{n}" for old in self.fresh}
        for statements in self.acts:
            with connection.transaction(), connection.cursor() as cursor:
                for sql, params in statements:
                    cursor.execute(sql, _swapped(params, swap))
                    if cursor.description:
                        cursor.fetchall()


def raw_client(url: str, replay: Replay) -> Callable[[], None]:
    """A connection of its own that sends the replay; binds and prepares as the platform does, on the server's side."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=2)
    return lambda: replay.once(connection)


def _swapped(value: Any, swap: dict[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in swap.items():
            if old in value:
                value = value.replace(old, new)
        return value
    if isinstance(value, UUID):
        return UUID(swap[str(value)]) if str(value) in swap else value
    if isinstance(value, bytes):
        for old, new in swap.items():
            if old.encode() in value:
                value = value.replace(old.encode(), new.encode())
        return value
    if isinstance(value, list):
        return [_swapped(one, swap) for one in value]
    if isinstance(value, tuple):
        return tuple(_swapped(one, swap) for one in value)
    if isinstance(value, dict):
        return {key: _swapped(one, swap) for key, one in value.items()}
    if isinstance(value, Json | Jsonb):
        return type(value)(_swapped(value.obj, swap), value.dumps)
    return value
