"""
Cases lived through over HTTP while web processes and the database are killed (REL-24): each act is asked for again with
the same key until it is answered; what was acknowledged is there once, whatever died in between.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg

from yimen.faults.client import Client, NoAnswer, Reply
from yimen.faults.platform import Platform
from yimen.faults.seed import Seed

PATIENCE = 90.0  # seconds somebody keeps asking before the check gives up
AGAIN = 0.05  # seconds before asking again
# What each act leaves in the ledger, in the order of a case's life.
LEAVES = {
    "receive": "case.received",
    "accept": "case.accepted",
    "review": "case.task_done",
    "decide": "case.decided",
    "deliver": "case.delivered",
}
_TASK = (
    "SELECT t.id::text FROM cases_task t JOIN cases_case c ON c.id = t.case_id"
    " WHERE c.query_no = %s AND t.kind = 'review' ORDER BY t.round DESC"
)
_EVENTS = (
    "SELECT c.query_no, e.kind FROM ledger_event e JOIN cases_case c ON e.stream = 'case:' || c.id::text"
    " WHERE e.kind = ANY(%s)"
)
_NOTICES = "SELECT c.query_no, n.kind FROM cases_notice n JOIN cases_case c ON c.id = n.case_id"
# Documents a case of this kind has once.
_ONCE = frozenset({"receipt", "acceptance", "decision", "delivery"})


@dataclass
class Told:
    """acked: (query number, act) that were answered; wishes: keys of receiving, answered or not."""

    acked: list[tuple[str, str]] = field(default_factory=list)
    wishes: set[str] = field(default_factory=set)


@dataclass
class Verdict:
    lost: int = 0
    doubled: int = 0
    words: list[str] = field(default_factory=list)


def judge(told: Told, events: Iterable[tuple[str, str]], notices: Iterable[tuple[str, str]]) -> Verdict:
    """
    Compare what was acknowledged with the ledger's rows (query number, kind) and the documents, when all is quiet.

    lost: acknowledged and not there. doubled: an act there twice, a document of LAW-6 twice, a case nobody wished for.
    """
    verdict, there = Verdict(), Counter(events)

    def say(text: str) -> None:
        if len(verdict.words) < 12:
            verdict.words.append(text)

    for number, act in told.acked:
        if not there[number, LEAVES[act]]:
            verdict.lost += 1
            say(f"{act} of {number} was answered and is not there")
    papers = Counter((number, f"document {kind}") for number, kind in notices if kind in _ONCE)
    for (number, kind), times in (there + papers).items():
        if times > 1:
            verdict.doubled += times - 1
            say(f"{kind} of {number} is there {times} times")
    received = sum(1 for _number, kind in there if kind == LEAVES["receive"])
    if (extra := received - len(told.wishes)) > 0:
        verdict.doubled += extra
        say(f"{extra} cases more than wishes")
    return verdict


class CaseLoad:
    """
    desks: how many people live through one case after another. keyed: False makes every try a wish of its own, as a
    client without keys would (the check must then find doubles).
    """

    def __init__(self, platform: Platform, seed: Seed, *, desks: int = 6, keyed: bool = True) -> None:
        self.platform, self.seed, self.keyed = platform, seed, keyed
        self.told, self.moments, self.wrong = Told(), list[float](), Counter[str]()
        self.asked_again = self.busy = self.stuck = 0
        self.lock, self.stopping = threading.Lock(), threading.Event()
        rows = platform.rows(
            "SELECT id::text FROM catalog_itemmaterial WHERE version_id = %s", [seed.versions["promised"]]
        )
        self.materials = [row[0] for row in rows]
        self.threads = [threading.Thread(target=self._live, args=[n], daemon=True) for n in range(desks)]

    def __enter__(self) -> CaseLoad:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Nobody begins a new case; who waits for an answer goes on asking until there is one."""
        self.stopping.set()
        deadline = time.monotonic() + PATIENCE + 15
        for thread in self.threads:
            thread.join(max(0.1, deadline - time.monotonic()))
            self.stuck += thread.is_alive()

    def verdict(self) -> Verdict:
        rows = self.platform.rows
        events = [(str(number), str(kind)) for number, kind in rows(_EVENTS, [list(LEAVES.values())])]
        return judge(self.told, events, [(str(number), str(kind)) for number, kind in rows(_NOTICES)])

    def first_after(self, moment: float) -> float | None:
        """Seconds from `moment` to the next answer; None when there was none."""
        return min((one - moment for one in list(self.moments) if one > moment), default=None)

    # -- the people ----------------------------------------------------------------------------------------------

    def _live(self, n: int) -> None:
        seed, port, chance = self.seed, self.platform.port, random.Random(n)
        clerk = Client(port, seed.windows[n % len(seed.windows)][1], seconds=10)
        approver, leader = Client(port, seed.people["approver"], seconds=10), Client(port, seed.people["leader"])
        while not self.stopping.is_set():
            self._one_case(clerk, approver, leader, chance)
        for client in (clerk, approver, leader):
            client.close()

    def _one_case(self, clerk: Client, approver: Client, leader: Client, chance: random.Random) -> None:
        fields = {
            "version": self.seed.versions["promised"],
            "known": chance.choice(self.seed.applicants),
            **{f"state-{pk}": "complete" for pk in self.materials},
        }
        reply = self._ask(clerk, f"/workbench/window/receive/{self.seed.items['promised']}", fields, "receive")
        found = re.search(r"case=([A-Z0-9-]+)", reply.headers.get("location", "")) if reply else None
        if found is None:
            return
        number = found[1]
        self._acked(number, "receive")
        at = f"/workbench/cases/{number}"
        if not self._done(clerk, f"{at}/accept", {}, number, "accept"):
            return
        task = self._task(number)
        if task is None or not self._done(
            approver, f"{at}/tasks/{task}", {"outcome": "passed", "opinion": "符合要求"}, number, "review"
        ):
            return
        if self._done(leader, f"{at}/decide", {"outcome": "granted"}, number, "decide"):
            self._done(clerk, f"{at}/deliver", {"how": "window"}, number, "deliver")

    def _done(self, client: Client, path: str, fields: dict[str, str], number: str, act: str) -> bool:
        if self._ask(client, path, fields, act) is None:
            return False
        self._acked(number, act)
        return True

    def _acked(self, number: str, act: str) -> None:
        with self.lock:
            self.told.acked.append((number, act))

    def _task(self, number: str) -> str | None:
        """The step that waits for its review; the database may be away just now."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                rows = self.platform.rows(_TASK, [number])
                return str(rows[0][0]) if rows else None
            except psycopg.Error:
                time.sleep(4 * AGAIN)
        return None

    def _ask(self, client: Client, path: str, fields: dict[str, str], act: str) -> Reply | None:
        """Ask until there is an answer, with the same key; None when the answer is no."""
        key, deadline = uuid4().hex, time.monotonic() + PATIENCE
        with self.lock:
            if act == "receive":
                self.told.wishes.add(key)
        while time.monotonic() < deadline:
            try:
                reply = client.submit(path, fields, key=key)
            except NoAnswer:
                reply = None
            if reply is None or reply.status == 503:
                with self.lock:
                    self.asked_again += 1
                    self.busy += reply is not None
                key = key if self.keyed else uuid4().hex
                time.sleep(AGAIN if reply is None else 4 * AGAIN)
                continue
            with self.lock:
                self.moments.append(time.monotonic())
                if reply.status != 303:
                    self.wrong[f"{reply.status} to {act}"] += 1
            return reply if reply.status == 303 else None
        with self.lock:
            self.stuck += 1
        return None
