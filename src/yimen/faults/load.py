"""People at work through HTTP: citizens take tickets, windows call and finish, each asking again until answered."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

from yimen.faults.checker import Called, Row, Taken, Told, Verdict, judge, longest_gap
from yimen.faults.client import Client, NoAnswer, Reply
from yimen.faults.platform import Platform
from yimen.faults.seed import Seed

PATIENCE = 60.0  # seconds somebody keeps asking before the check gives up
AGAIN = 0.05  # seconds before asking again


@dataclass
class Notes:
    """What the load saw, shared by its threads."""

    told: Told = field(default_factory=Told)
    moments: list[float] = field(default_factory=list)
    slowest: float = 0.0
    unanswered: int = 0
    busy: int = 0
    rude: int = 0
    stuck: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Load:
    """
    takers and windows: how many threads of each. keyed: False makes every try a wish of its own, as a client
    without keys would (the check must then find doubles). think: seconds somebody pauses between two acts.
    before: an earlier load on the same platform, whose promises are still to be kept.
    """

    def __init__(
        self,
        platform: Platform,
        seed: Seed,
        *,
        takers: int = 20,
        windows: int = 40,
        keyed: bool = True,
        think: float = 0.25,
        seconds: float = 10.0,
        before: Load | None = None,
    ) -> None:
        self.platform, self.seed, self.keyed, self.think, self.seconds = platform, seed, keyed, think, seconds
        self.notes = Notes()
        if before:
            self.notes.told = before.notes.told
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._take, args=[n], daemon=True) for n in range(takers)]
        self.threads += [
            threading.Thread(target=self._serve, args=[*pair], daemon=True) for pair in seed.windows[:windows]
        ]
        self.started = self.ended = 0.0

    def __enter__(self) -> Load:
        self.started = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Nobody begins anything new; who waits for an answer goes on asking until there is one."""
        self.ended = time.monotonic()
        self.stopping.set()
        deadline = time.monotonic() + PATIENCE + self.seconds + 5
        for thread in self.threads:
            thread.join(max(0.1, deadline - time.monotonic()))
            if thread.is_alive():
                self.notes.stuck += 1

    # -- what it found -------------------------------------------------------------------------------------------

    def verdict(self) -> Verdict:
        rows = self.platform.rows(
            "SELECT id::text, label, series_id || '/' || day, number, status, window_id::text FROM hall_ticket"
        )
        calls = self.platform.rows("SELECT split_part(stream, ':', 2) FROM ledger_event WHERE kind = 'hall.called'")
        return judge(self.notes.told, [Row(*row) for row in rows], [row[0] for row in calls])

    def longest_gap(self, start: float | None = None) -> float:
        return longest_gap(self.notes.moments, self.started if start is None else start, self.ended)

    def first_after(self, moment: float) -> float | None:
        """Seconds from `moment` to the next answer; None when there was none."""
        later = [one - moment for one in list(self.notes.moments) if one > moment]
        return min(later) if later else None

    def problems(self) -> list[str]:
        """Everything that must not happen, whatever the fault."""
        notes, found = self.notes, []
        found += [f"{count} answers were {what}" for what, count in notes.wrong.items()]
        if notes.rude:
            found.append(f"{notes.rude} answers 503 came without Retry-After")
        if notes.stuck:
            found.append(f"{notes.stuck} were never answered")
        return found

    # -- the people ----------------------------------------------------------------------------------------------

    def _take(self, n: int) -> None:
        client, chance = Client(self.platform.port, seconds=self.seconds), random.Random(n)
        series = list(self.seed.series)
        while not self._pause(chance):
            key, body = uuid4().hex, {"series": chance.choice(series)}
            with self.notes.lock:
                self.notes.told.wishes.add(key)
            reply = self._ask(client, f"/api/v1/halls/{self.seed.hall}/tickets", body, key)
            if reply is not None:
                ticket = reply.body
                with self.notes.lock:
                    self.notes.told.taken.append(Taken(key, ticket["id"], ticket["label"]))
        client.close()

    def _serve(self, window: str, session: str) -> None:
        client, chance = Client(self.platform.port, session, seconds=self.seconds), random.Random(window)
        while not self._pause(chance):
            reply = self._ask(client, f"/api/v1/windows/{window}/call-next", {}, uuid4().hex)
            ticket = reply.body["ticket"] if reply is not None else None
            if ticket is None:
                continue
            pk = ticket["id"]
            with self.notes.lock:
                self.notes.told.called.append(Called(window, pk))
            body = {"ticket": pk}
            if self._ask(client, f"/api/v1/windows/{window}/finish", body, uuid4().hex) is not None:
                with self.notes.lock:
                    self.notes.told.finished.append(pk)
        client.close()

    def _pause(self, chance: random.Random) -> bool:
        """True when it is time to go home."""
        return self.stopping.wait(chance.uniform(0.2, 1.8) * self.think)

    def _ask(self, client: Client, path: str, body: dict[str, str], key: str) -> Reply | None:
        """Ask until there is an answer, with the same key; None when the answer is no."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            asked = time.monotonic()
            try:
                reply = client.post(path, body, key=key)
            except NoAnswer:
                self._count("unanswered")
                key = key if self.keyed else uuid4().hex
                time.sleep(AGAIN)
                continue
            now = time.monotonic()
            if reply.status == 503:
                self._count("busy")
                if not reply.headers.get("retry-after", "").isdigit():
                    self._count("rude")
                key = key if self.keyed else uuid4().hex
                time.sleep(4 * AGAIN)
                continue
            with self.notes.lock:
                self.notes.moments.append(now)
                self.notes.slowest = max(self.notes.slowest, now - asked)
                if reply.status >= 400:
                    what = path.rsplit("/", 1)[-1]
                    self.notes.wrong[f"{reply.status} to {what}"] += 1
            return reply if reply.status < 400 else None
        self._count("stuck")
        return None

    def _count(self, name: str) -> None:
        with self.notes.lock:
            setattr(self.notes, name, getattr(self.notes, name) + 1)
