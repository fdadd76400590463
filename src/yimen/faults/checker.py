"""
What was acknowledged against what is in the database: pure functions, so that a test can plant losses and doubles.

Lost = acknowledged − found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Taken:
    """An acknowledged ticket: what the citizen was told."""

    key: str
    ticket: str
    label: str


@dataclass(frozen=True)
class Called:
    """An acknowledged call: what the window was told."""

    window: str
    ticket: str


@dataclass(frozen=True)
class Row:
    """A ticket as the database has it; series: the row of numbers it belongs to, one for each day."""

    ticket: str
    label: str
    series: str
    number: int
    status: str
    window: str | None


@dataclass
class Told:
    """
    All that was acknowledged. wishes: keys somebody meant a ticket by, answered or not; finished: ticket ids.
    """

    taken: list[Taken] = field(default_factory=list)
    called: list[Called] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    wishes: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.taken) + len(self.called) + len(self.finished)


@dataclass
class Verdict:
    """Counts of each wrong; `words` names the first few."""

    lost: int = 0
    doubled: int = 0
    called_twice: int = 0
    undelivered: int = 0
    gaps: int = 0
    words: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.called_twice or self.undelivered or self.gaps)


def judge(told: Told, rows: Sequence[Row], calls_in_ledger: Iterable[str] = ()) -> Verdict:
    """
    Compare what was told with what is there, when everybody has been answered.

    lost: acknowledged and not there, or there otherwise. doubled: a number given twice, or more tickets than
    wishes. called_twice: a ticket two windows were told of, or two calls of one ticket in the ledger.
    undelivered: called in the database and no window learned it. gaps: numbers missing within a series.
    calls_in_ledger: ticket ids, one for each call event.
    """
    verdict = Verdict()
    there = {row.ticket: row for row in rows}

    def say(text: str) -> None:
        if len(verdict.words) < 12:
            verdict.words.append(text)

    for one in told.taken:
        row = there.get(one.ticket)
        if row is None or row.label != one.label:
            verdict.lost += 1
            say(f"ticket {one.label} was given and is not there")
    for call in told.called:
        row = there.get(call.ticket)
        if row is None or row.window != call.window or row.status == "waiting":
            verdict.lost += 1
            say(f"a call of window {call.window[-4:]} is not there")
    for ticket in told.finished:
        row = there.get(ticket)
        if row is None or row.status != "finished":
            verdict.lost += 1
            say(f"a finished ticket is {row.status if row else 'not there'}")

    for ticket, times in Counter(ticket for ticket, _key in {(one.ticket, one.key) for one in told.taken}).items():
        if times > 1:
            verdict.doubled += times - 1
            say(f"{_label(there, ticket)} was given to {times}")
    for (_series, number), times in Counter((row.series, row.number) for row in rows).items():
        if times > 1:
            verdict.doubled += times - 1
            say(f"number {number} is there {times} times")
    if (extra := len(rows) - len(told.wishes)) > 0:
        verdict.doubled += extra
        say(f"{extra} tickets more than wishes")

    for ticket, windows in _by_ticket(told.called).items():
        if len(windows) > 1:
            verdict.called_twice += len(windows) - 1
            say(f"ticket {_label(there, ticket)} was called by {len(windows)} windows")
    for ticket, times in Counter(calls_in_ledger).items():
        if times > 1:
            verdict.called_twice += times - 1
            say(f"ticket {_label(there, ticket)} has {times} calls in the ledger")

    heard = {call.ticket for call in told.called}
    for row in rows:
        if row.status != "waiting" and row.ticket not in heard:
            verdict.undelivered += 1
            say(f"{row.label} was called and no window learned it")

    for series in {row.series for row in rows}:
        numbers = {row.number for row in rows if row.series == series}
        missing = max(numbers) - len(numbers)
        if missing:
            verdict.gaps += missing
            say(f"{missing} numbers are missing")
    return verdict


def longest_gap(moments: Iterable[float], start: float, end: float) -> float:
    """Return the longest time between two answers, in seconds, from start to end."""
    last, longest = start, 0.0
    for moment in sorted(moments):
        if start <= moment <= end:
            longest, last = max(longest, moment - last), moment
    return max(longest, end - last)


def _by_ticket(calls: Iterable[Called]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for call in calls:
        found.setdefault(call.ticket, set()).add(call.window)
    return found


def _label(there: dict[str, Row], ticket: str) -> str:
    return there[ticket].label if ticket in there else ticket[-6:]
