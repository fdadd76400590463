"""The faults themselves: each check runs a platform of its own under load, breaks something, and counts."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from yimen.faults import acts, slow
from yimen.faults.cases import LEAVES, CaseLoad
from yimen.faults.client import Client, NoAnswer
from yimen.faults.load import Load
from yimen.faults.platform import Platform, copy_home
from yimen.faults.proxy import Proxy
from yimen.faults.result import Result
from yimen.faults.seed import Seed
from yimen.lib import embedded

GAP_SECONDS = 1.0  # REL-1: the longest time without any answer
BACK_SECONDS = 5.0  # REL-2: the database is back unaided
WINDOW_SECONDS = 1.0  # REL-16: window page and call-next, throughout
REFUSE_SECONDS = 2.0  # REL-16: a body that is too large is refused


@dataclass
class Run:
    """One run: where its homes are, and whether it is the short or the deliberately broken one."""

    folder: Path
    golden: Path
    short: bool = False
    broken: bool = False

    def home(self, name: str) -> Path:
        return copy_home(self.golden, self.folder / name)

    def environment(self) -> dict[str, str | None]:
        return {"DJANGO_SETTINGS_MODULE": "yimen.faults.broken"} if self.broken else {}

    @contextlib.contextmanager
    def platform(self, name: str) -> Iterator[tuple[Platform, Seed]]:
        home = self.home(name)
        with Platform(home, self.environment()) as platform:
            if self.broken:
                break_tables(platform.urls)
            yield platform, Seed.read(home)


def slowdown() -> float:
    """How much slower this machine is now than when it is idle, from 1: what else runs on it is not our fault."""
    wall, own = time.perf_counter(), time.process_time()
    while time.process_time() - own < 0.25:
        pass
    return max(1.0, (time.perf_counter() - wall) / (time.process_time() - own))


class Limits:
    """
    Limits on time, stretched by what else the machine was busy with before and after the load.

    The short run belongs to the test suite, whose machine runs other tests beside it: there times are told, not judged.
    """

    def __init__(self, run: Run) -> None:
        self.judged = not run.short
        self.factor = slowdown()

    def close(self, result: Result) -> None:
        self.factor = max(self.factor, slowdown())
        if self.factor > 1.3:
            result.notes.append(f"the machine was busy with other things: times stretched {self.factor:.1f}-fold")

    def exceeded(self, seconds: float, limit: float) -> bool:
        return self.judged and seconds > limit * (self.factor if self.factor > 1.3 else 1.0)


def break_tables(urls: embedded.Urls) -> None:
    """Take away the constraint that would catch a broken call-next before the checker does."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("DROP INDEX one_open_ticket_per_window")


def rel_1(run: Run) -> Result:
    """kill -9 a random web process every 3 to 4 seconds."""
    result, chance, limits = Result("REL-1"), random.Random(1), Limits(run)
    seconds, size = (8, (10, 20)) if run.short else (20, (20, 40))
    with run.platform("rel-1") as (platform, seed):
        _warm(platform, seed)
        with Load(platform, seed, takers=size[0], windows=size[1], keyed=not run.broken) as load:
            end = time.monotonic() + seconds
            while (pause := chance.uniform(3, 4)) and time.monotonic() + pause < end:
                time.sleep(pause)
                pids = platform.web_pids()
                if pids:
                    os.kill(chance.choice(pids), signal.SIGKILL)
                    result.survived += 1
            time.sleep(max(0.0, end - time.monotonic()))
        limits.close(result)
        _report(result, load)
        gap = load.longest_gap()
        result.notes.append(f"longest gap {gap:.2f} s")
        if limits.exceeded(gap, GAP_SECONDS):
            result.problems.append(f"nobody was answered for {gap:.2f} s")
    return result


def rel_2(run: Run) -> Result:
    """kill -9 the postmaster, then one backend, while everybody works."""
    result, chance, limits = Result("REL-2"), random.Random(2), Limits(run)
    times, size = (1, (10, 20)) if run.short else (3, (20, 40))
    back: list[float] = []
    with run.platform("rel-2") as (platform, seed):
        _warm(platform, seed)
        with Load(platform, seed, takers=size[0], windows=size[1], keyed=not run.broken) as load:
            time.sleep(2)
            for what in ["postmaster"] * times + ["backend"] * times:
                pid = platform.postmaster_pid() if what == "postmaster" else _any(platform.backend_pids(), chance)
                if pid is None:
                    result.problems.append(f"there was no {what} to kill")
                    continue
                os.kill(pid, signal.SIGKILL)
                killed = time.monotonic()
                result.survived += 1
                waited = _until_back(load, killed)
                back.append(waited)
                time.sleep(1.5)
            time.sleep(1)
        limits.close(result)
        _report(result, load)
        version = platform.rows("SHOW server_version")[0][0]
        longest = max(back, default=0.0)
        result.notes.append(f"back after {longest:.2f} s at most; PostgreSQL {version}")
        if limits.exceeded(longest, BACK_SECONDS):
            result.problems.append(f"the platform was back only after {longest:.1f} s")
        if not load.notes.busy:
            result.problems.append("no answer 503 was seen while the database was away")
    return result


def rel_5(run: Run) -> Result:
    """A network between application and database that resets, delays, goes away, and cuts after COMMIT was sent."""
    result = Result("REL-5")
    home = run.home("rel-5")
    seed = Seed.read(home)
    seconds, size = (3, (8, 12)) if run.short else (8, (20, 40))
    with embedded.Server(home / "postgres") as server, Proxy(server.urls.app) as proxy:
        environment = run.environment() | {"DATABASE_URL": proxy.url, "DATABASE_OWNER_URL": server.urls.owner}
        if run.broken:
            break_tables(server.urls)
        with Platform(home, environment) as platform:
            _warm(platform, seed)
            with Load(platform, seed, takers=size[0], windows=size[1], keyed=not run.broken) as load:
                time.sleep(1)
                for mischief, length in (
                    ({"reset": 0.02}, seconds),
                    ({"delay": 0.05}, seconds),
                    ({"down": True}, 2),
                    ({}, 1),
                    ({"cut": 0.25}, seconds),
                    ({"reset": 0.02, "delay": 0.005, "cut": 0.1}, seconds),
                ):
                    proxy.be(**mischief)
                    time.sleep(length)
                proxy.be()
                time.sleep(1)
            _report(result, load)
    faults = proxy.faults
    result.survived = faults["resets"] + faults["cuts"] + faults["downs"]
    result.notes.append(f"{faults['resets']} resets, {faults['cuts']} cuts after COMMIT, {faults['delays']} delays")
    for name in ("resets", "cuts", "delays"):
        if not faults[name]:
            result.problems.append(f"the proxy made no {name}")
    return result


def rel_16(run: Run) -> Result:
    """Slow headers, slow bodies, slow readers, and bodies that are too large, while windows work."""
    result, limits = Result("REL-16"), Limits(run)
    crowd_of, seconds = ((200, 300, 300), 5) if run.short else ((1000, 300, 300), 15)
    with run.platform("rel-16") as (platform, seed):
        # the pool of database connections grows with the first load and stays
        with Load(platform, seed, takers=4, windows=6, think=0.1) as warm:
            time.sleep(3)
        descriptors, memory = platform.open_descriptors(), platform.memory_mb()
        big = max((path for path in (platform.home / "static").rglob("*") if path.suffix in {".js", ".css", ".svg"}),
                  key=lambda path: path.stat().st_size)  # fmt: skip
        big_path = "/static/" + str(big.relative_to(platform.home / "static"))
        crowd = slow.Crowd(platform.port, *crowd_of, seconds=seconds, big_path=big_path)
        with (
            Load(platform, seed, takers=2, windows=6, think=0.4, before=warm) as load,
            _page_watch(platform, seed) as pages,
            crowd,
        ):
            most = platform.open_descriptors()
            _too_large(result, platform, limits)
            over = time.monotonic() + max(0.0, seconds - 2)
            while time.monotonic() < over:
                most = max(most, platform.open_descriptors())
                time.sleep(0.5)
        limits.close(result)
        load_seconds = load.notes.slowest
        result.survived = crowd.held
        _report(result, load)
        result.notes.append(
            f"call-next {load_seconds:.2f} s and window page {max(pages, default=0.0):.2f} s at the slowest"
        )
        if crowd.held < crowd.count:
            result.problems.append(f"only {crowd.held} of {crowd.count} slow clients got in")
        for what, worst in (("a call", load_seconds), ("the window page", max(pages, default=99.0))):
            if limits.exceeded(worst, WINDOW_SECONDS):
                result.problems.append(f"{what} took {worst:.2f} s")
        left = _descriptors_back(platform, descriptors)
        result.notes.append(f"descriptors {descriptors} before, {most} during, {left} after")
        result.notes.append(f"memory {platform.memory_mb() - memory:+.0f} MB")
        if left > descriptors + 10:
            result.problems.append(f"{left - descriptors} descriptors did not come back")
    return result


def _too_large(result: Result, platform: Platform, limits: Limits) -> None:
    """300 MB, said beforehand or not, and a few requests nobody should send."""
    head = b"POST /api/v1/halls/main/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    size = 300_000_000
    slowest = 0.0
    for name, lines, body, chunked, wanted in (
        ("300 MB said", b"Content-Length: %d\r\n\r\n" % size, size, False, {413}),
        ("300 MB in pieces", b"Transfer-Encoding: chunked\r\n\r\n", size, True, {413}),
        ("length below zero", b"Content-Length: -5\r\n\r\n", 0, False, {400}),
        ("length twice", b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", 0, False, {400}),
        ("200 kB of headers", b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n", 0, False, {400, 431}),
    ):
        status, took = slow.answer_to(platform.port, head + lines, body, chunked=chunked)
        result.bad += 1
        slowest = max(slowest, took)
        if status not in wanted:
            result.problems.append(f"{name}: answered {status} instead of {min(wanted)}")
        elif limits.exceeded(took, REFUSE_SECONDS):
            result.problems.append(f"{name}: refused only after {took:.1f} s")
    result.notes.append(f"bad requests refused within {slowest:.2f} s")


@contextlib.contextmanager
def _page_watch(platform: Platform, seed: Seed) -> Iterator[list[float]]:
    """Look at the window page again and again; collects the seconds each look took."""
    took: list[float] = []
    over = threading.Event()
    client = Client(platform.port, seed.windows[0][1], seconds=20)

    def look() -> None:
        while not over.wait(0.3):
            started = time.monotonic()
            try:
                reply = client.get("/workbench/window")
                took.append(time.monotonic() - started if reply.status == 200 else 99.0)
            except NoAnswer:
                took.append(99.0)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join(30)
        client.close()


def _descriptors_back(platform: Platform, wanted: int) -> int:
    deadline = time.monotonic() + 25  # keep-alive connections end by themselves
    while (count := platform.open_descriptors()) > wanted + 10 and time.monotonic() < deadline:
        time.sleep(0.5)
    return count


def _warm(platform: Platform, seed: Seed) -> None:
    """The first request of a process compiles templates; that is no fault."""
    client = Client(platform.port, seed.windows[0][1], seconds=30)
    for _n in range(8):
        client.get("/workbench/window")
        client.close()  # the next connection may reach the other process


def _any(pids: list[int], chance: random.Random) -> int | None:
    return chance.choice(pids) if pids else None


def _until_back(load: Load | CaseLoad, killed: float) -> float:
    """Seconds until somebody was answered who asked after the kill."""
    time.sleep(0.2)  # answers on their way at the kill are no sign of life
    deadline = killed + 30
    while time.monotonic() < deadline:
        found = load.first_after(killed + 0.15)
        if found is not None:
            return found + 0.15
        time.sleep(0.02)
    return 30.0


def _report(result: Result, load: Load) -> None:
    """Fill in what every check under load has in common."""
    notes, verdict = load.notes, load.verdict()
    result.held = notes.told.count
    result.lost = verdict.lost
    result.notes.append(
        f"{len(notes.told.taken):,} tickets, {len(notes.told.called):,} calls;"
        f" asked again {notes.unanswered + notes.busy:,}"
    )
    result.notes.append(
        f"doubles {verdict.doubled}, called twice {verdict.called_twice},"
        f" called but never delivered {verdict.undelivered}"
    )
    if not verdict.is_clean:
        result.problems += verdict.words
    result.problems += load.problems()
    if any(what.startswith("500") for what in notes.wrong):
        result.problems.append(f"the platform said:\n{load.platform.last_words()}")
    if not notes.told.taken or not notes.told.called:
        result.problems.append("nothing was held: a check without load proves nothing")


def rel_6(run: Run) -> Result:
    """Every act there is, with keys."""
    with run.platform("rel-6") as (platform, seed):
        return acts.rel_6(platform, seed, short=run.short)


def rel_24(run: Run) -> Result:
    """kill -9 of web processes and of the database, twenty in all, while cases are received, decided, handed over."""
    result, chance, limits = Result("REL-24"), random.Random(24), Limits(run)
    kills = ["web", "postmaster", "web"] if run.short else ["web", "postmaster", "web", "backend"] * 5
    back: list[float] = []
    with run.platform("rel-24") as (platform, seed):
        _warm(platform, seed)
        with CaseLoad(platform, seed, desks=4 if run.short else 8, keyed=not run.broken) as load:
            time.sleep(2)
            for what in kills:
                time.sleep(chance.uniform(0.3, 1.3))
                pids = {
                    "web": platform.web_pids,
                    "backend": platform.backend_pids,
                    "postmaster": lambda: [pid for pid in [platform.postmaster_pid()] if pid],
                }[what]()
                pid = _any(pids, chance)
                if pid is None:
                    result.problems.append(f"there was no {what} to kill")
                    continue
                os.kill(pid, signal.SIGKILL)
                result.survived += 1
                back.append(_until_back(load, time.monotonic()))
            time.sleep(1.5)
        limits.close(result)
        verdict = load.verdict()
        result.held, result.lost = len(load.told.acked), verdict.lost
        result.notes.append(f"{len(load.told.wishes):,} cases; asked again {load.asked_again:,}")
        result.notes.append(f"doubles {verdict.doubled}; back after {max(back, default=0.0):.2f} s at most")
        result.problems += verdict.words
        result.problems += [f"{count} answers were {what}" for what, count in load.wrong.items()]
        if any(what.startswith("500") for what in load.wrong):
            result.problems.append(f"the platform said:\n{platform.last_words()}")
        if load.stuck:
            result.problems.append(f"{load.stuck} were never answered")
        if {act for _number, act in load.told.acked} != set(LEAVES):
            result.problems.append("not every act was held: a check without load proves nothing")
        if limits.exceeded(max(back, default=0.0), BACK_SECONDS):
            result.problems.append(f"the platform was back only after {max(back):.1f} s")
    return result


CHECKS = {"REL-1": rel_1, "REL-2": rel_2, "REL-5": rel_5, "REL-6": rel_6, "REL-16": rel_16, "REL-24": rel_24}
