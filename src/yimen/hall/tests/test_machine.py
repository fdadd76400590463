"""All verbs in any order against a model of their own: who is called, where each ticket is, its periods, undo."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yimen.hall import actions
from yimen.hall.models import Hall, Ticket, TicketPeriod, Window
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.actions import PUBLIC
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("YIMEN_EXAMPLES", "25"))
OPEN, STATES = {"called", "serving"}, {"waiting", "called", "serving", "held"}


@dataclass
class One:
    """A ticket in the model."""

    label: str
    number: int
    series: str
    queue_at: datetime
    first: bool
    status: str = "waiting"
    window: int | None = None
    only: int | None = None


@dataclass
class Undo:
    by: str
    at: datetime
    before: One
    run: tuple[int, int | None] | None = None


@dataclass
class Model:
    """Written from docs/rules/calling.md, without the rules' own code."""

    policy: tuple[str, int, int, int]
    calls: dict[int, set[str]]
    tickets: dict[str, One] = field(default_factory=dict)
    runs: dict[int, int | None] = field(default_factory=dict)
    undos: dict[str, Undo] = field(default_factory=dict)

    def at(self, window: int) -> One | None:
        return next((one for one in self.tickets.values() if one.status in OPEN and one.window == window), None)

    def best(self, window: int, now: datetime) -> One | None:
        kind, ratio, ageing, cap = self.policy
        mine = [
            one
            for one in self.tickets.values()
            if one.status == "waiting"
            and (one.only == window if one.only is not None else one.series in self.calls[window])
        ]

        order = list(self.tickets)

        def key(one: One, ahead: timedelta = timedelta(0)) -> tuple[datetime, int, str, int]:
            # At the same moment: the lower number, then the series made first, those sent here last.
            queue = one.series if one.only is None else "~"
            return one.queue_at - ahead, one.number, queue, order.index(one.label)

        first, rest = [one for one in mine if one.first], [one for one in mine if not one.first]
        if kind == "strict" or not first or not rest:
            return min(mine, key=key, default=None)
        a, b, run = min(first, key=key), min(rest, key=key), self.runs.get(window)
        if run is not None and run <= -max(1, cap):
            return b
        if kind == "ratio":
            return b if ratio and run is not None and run < ratio else a
        return a if key(a, timedelta(minutes=ageing)) <= key(b) else b

    def remember(self, by: str, one: One, now: datetime, window: int | None = None) -> None:
        run = (window, self.runs.get(window)) if window is not None else None
        self.undos[one.label] = Undo(by, now, copy.copy(one), run)

    def count(self, window: int, one: One) -> None:
        run = self.runs.get(window)
        self.runs[window] = min(run or 0, 0) - 1 if one.first else 1000 if run is None else min(max(run, 0) + 1, 1000)


class World:
    """The hall and its model side by side."""

    def __init__(self, policy: tuple[str, int, int, int]) -> None:
        kind, ratio, ageing, cap = policy
        hall: Hall = make_hall(policy=kind, ratio=ratio, ageing_minutes=ageing, cap=cap)
        self.series = {letter: make_series(hall, letter) for letter in "AB"}
        layout = {1: "AB", 2: "A", 3: "B"}
        self.windows = {
            number: make_window([self.series[letter] for letter in letters], number=number)
            for number, letters in layout.items()
        }
        self.clerks = {number: window.staff for number, window in self.windows.items()}
        self.guide = make_staff(Role.GUIDE)
        self.now = NOW
        self.model = Model(policy, {number: set(letters) for number, letters in layout.items()})
        self.ids: dict[str, Any] = {}

    def act(self, verb: str, number: int, choice: int, flag: bool) -> None:
        labels = sorted(self.model.tickets)
        label = labels[choice % len(labels)] if labels else None
        if verb == "tick":
            self.now += timedelta(seconds=[5, 40, 61, 600][choice % 4])
            return
        if label is None and verb not in ("take", "next"):
            return
        before = copy.deepcopy(self.model)
        allowed = getattr(self, f"model_{verb}")(number, label, flag)
        if not allowed:
            self.model = before
        try:
            with transaction.atomic():
                getattr(self, f"real_{verb}")(number, label, flag)
            assert allowed, f"{verb} {label} at {number} went through"
        except DomainError as error:
            assert not allowed, f"{verb} {label} at {number}: {error!r}"
        self.compare()

    # -- what the model says; False: refused ---------------------------------------------------------------------------

    def model_take(self, number: int, label: str | None, flag: bool) -> bool:
        letter = "AB"[number % 2]
        count = sum(one.label[0] == letter for one in self.model.tickets.values()) + 1
        one = One(f"{letter}{count:03d}", count, letter, self.now, flag)
        self.model.tickets[one.label] = one
        return True

    def model_next(self, number: int, label: str | None, flag: bool) -> bool:
        here = self.model.at(number)
        if here is not None:
            return here.status == "called"
        one = self.model.best(number, self.now)
        if one is not None:
            self.model.remember(self.who(number), one, self.now, number)
            self.model.count(number, one)
            one.status, one.window = "called", number
        return True

    def _change(self, number: int, label: str, wanted: set[str], status: str, same: str = "") -> bool:
        one = self.model.tickets[label]
        if one.window != number:
            return False
        if one.status == same:
            return True
        if one.status not in wanted:
            return False
        self.model.remember(self.who(number), one, self.now)
        one.status = status
        return True

    def model_recall(self, number: int, label: str, flag: bool) -> bool:
        return self._change(number, label, {"called"}, "called")

    def model_start(self, number: int, label: str, flag: bool) -> bool:
        return self._change(number, label, {"called"}, "serving", "serving")

    def model_finish(self, number: int, label: str, flag: bool) -> bool:
        return self._change(number, label, OPEN, "finished", "finished")

    def model_pass(self, number: int, label: str, flag: bool) -> bool:
        return self._change(number, label, {"called"}, "passed", "passed")

    def model_hold(self, number: int, label: str, flag: bool) -> bool:
        return self._change(number, label, OPEN, "held", "held")

    def _call(self, number: int, label: str, wanted: set[str]) -> bool:
        one, here = self.model.tickets[label], self.model.at(number)
        if here is not None:
            return here is one
        if one.status not in wanted:
            return False
        self.model.remember(self.who(number), one, self.now)
        one.status, one.window = "called", number
        return True

    def model_back(self, number: int, label: str, flag: bool) -> bool:
        return self._call(number, label, {"held", "passed"})

    def model_chosen(self, number: int, label: str, flag: bool) -> bool:
        return self._call(number, label, {"waiting"})

    def model_transfer(self, number: int, label: str, flag: bool) -> bool:
        """flag: the window that has it sends it to window `number`; else the desk puts it into the other queue."""
        one = self.model.tickets[label]
        letter, only = (one.series, number) if flag else ("AB"[number % 2], None)
        if one.status in OPEN and not flag:
            return False  # the guide has no window
        if one.status in {"finished", "left"} or (one.status in OPEN and only == one.window):
            return False
        if one.status == "waiting" and (one.series, one.only) == (letter, only):
            return True
        by = self.who(one.window) if flag and one.status in OPEN else "guide"
        self.model.remember(by, one, self.now)
        one.status, one.window, one.series, one.only = "waiting", None, letter, only
        return True

    def model_put_back(self, number: int, label: str, flag: bool) -> bool:
        one = self.model.tickets[label]
        if one.status == "waiting":
            return True
        if one.status != "passed":
            return False
        self.model.remember("guide", one, self.now)
        one.status, one.window = "waiting", None
        return True

    def model_leave(self, number: int, label: str, flag: bool) -> bool:
        one = self.model.tickets[label]
        if one.status == "left":
            return True
        if one.status not in {"waiting", "held", "passed"}:
            return False
        self.model.remember("public", one, self.now)
        one.status = "left"
        return True

    def model_undo(self, number: int, label: str, flag: bool) -> bool:
        note, one = self.model.undos.get(label), self.model.tickets[label]
        by = "guide" if flag else self.who(number)
        if note is None or note.by != by or self.now > note.at + timedelta(seconds=60):
            return False
        back = note.before.window if note.before.status in OPEN else None
        if back is not None:
            here = self.model.at(back)
            if here is not None and here is not one:
                return False
        self.model.tickets[label] = note.before
        if note.run:
            self.model.runs[note.run[0]] = note.run[1]
        del self.model.undos[label]
        return True

    # -- what the hall does -------------------------------------------------------------------------------------------

    def who(self, number: int | None) -> str:
        return f"window {number}"

    def real_take(self, number: int, label: str | None, flag: bool) -> None:
        ticket = actions.take_ticket(
            self.series["AB"[number % 2]].pk, by=PUBLIC, at=self.now, source="kiosk", care="old" if flag else ""
        )
        self.ids[ticket.label] = ticket.pk

    def real_next(self, number: int, label: str | None, flag: bool) -> None:
        ticket = actions.call_next(self.windows[number].pk, by=self.clerks[number], at=self.now)
        here = self.model.at(number)
        assert (ticket.label if ticket else None) == (here.label if here else None)

    def _verb(self, do: Any, number: int, label: str) -> None:
        do(self.ids[label], by=self.clerks[number], at=self.now)

    def real_recall(self, number: int, label: str, flag: bool) -> None:
        self._at(label, number)
        self._verb(actions.recall, number, label)

    def real_start(self, number: int, label: str, flag: bool) -> None:
        self._at(label, number)
        self._verb(actions.start, number, label)

    def real_finish(self, number: int, label: str, flag: bool) -> None:
        self._at(label, number)
        self._verb(actions.finish, number, label)

    def real_pass(self, number: int, label: str, flag: bool) -> None:
        self._at(label, number)
        self._verb(actions.pass_over, number, label)

    def real_hold(self, number: int, label: str, flag: bool) -> None:
        self._at(label, number)
        self._verb(actions.hold, number, label)

    def _at(self, label: str, number: int) -> None:
        """A ticket at no window has no holder; the model refuses those alike."""
        if Ticket.objects.get(pk=self.ids[label]).window_id is None:
            raise actions.WrongStep

    def real_back(self, number: int, label: str, flag: bool) -> None:
        actions.call_back(self.windows[number].pk, self.ids[label], by=self.clerks[number], at=self.now)

    def real_chosen(self, number: int, label: str, flag: bool) -> None:
        actions.call_chosen(
            self.windows[number].pk, self.ids[label], reason="urgent", by=self.clerks[number], at=self.now
        )

    def real_transfer(self, number: int, label: str, flag: bool) -> None:
        ticket = Ticket.objects.get(pk=self.ids[label])
        holds = flag and ticket.status in OPEN
        by = next(c for n, c in self.clerks.items() if self.windows[n].pk == ticket.window_id) if holds else self.guide
        to = {"to_window": self.windows[number]} if flag else {"to_series": self.series["AB"[number % 2]]}
        actions.transfer(ticket.pk, by=by, at=self.now, **to)

    def real_put_back(self, number: int, label: str, flag: bool) -> None:
        actions.put_back(self.ids[label], by=self.guide, at=self.now)

    def real_leave(self, number: int, label: str, flag: bool) -> None:
        actions.leave(self.ids[label], by=PUBLIC, at=self.now)

    def real_undo(self, number: int, label: str, flag: bool) -> None:
        actions.undo(self.ids[label], by=self.guide if flag else self.clerks[number], at=self.now)

    # -- the two compared ---------------------------------------------------------------------------------------------

    def compare(self) -> None:
        rows = {row.label: row for row in Ticket.objects.select_related("window", "only_window", "series")}
        assert rows.keys() == self.model.tickets.keys()
        for label, one in self.model.tickets.items():
            row = rows[label]
            real = (row.status, row.series.letter, row.window and row.window.number)
            assert real == (one.status, one.series, one.window), label
            assert (row.only_window and row.only_window.number) == one.only, label
            assert (row.is_priority, row.queue_at) == (one.first, one.queue_at), label
        assert {w.number: w.run for w in Window.objects.all()} == {n: self.model.runs.get(n) for n in self.windows}
        periods: dict[Any, list[TicketPeriod]] = {}
        for period in TicketPeriod.objects.order_by("from_at", "pk"):
            periods.setdefault(period.ticket_id, []).append(period)
        for row in rows.values():
            mine = periods[row.pk]
            running = [period.state for period in mine if period.until_at is None]
            assert running == ([row.status] if row.status in STATES else []), row.label
            ends = [period.until_at for period in mine if period.until_at is not None]
            assert all(period.until_at is None or period.from_at <= period.until_at for period in mine)
            assert all(end <= after.from_at for end, after in zip(ends, mine[1:], strict=False)), row.label


verbs = [
    "take", "take", "next", "next", "start", "finish", "pass", "hold", "back", "chosen", "transfer", "recall",
    "put_back", "leave", "undo", "undo", "tick",
]  # fmt: skip
schedules = st.lists(
    st.tuples(st.sampled_from(verbs), st.integers(1, 3), st.integers(0, 30), st.booleans()), min_size=10, max_size=60
)
policies = st.tuples(st.sampled_from(["strict", "ratio", "ageing"]), st.integers(0, 3), st.sampled_from([0, 5, 20]),
                     st.integers(1, 3))  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules, policies)
def test_any_order_of_verbs_does_what_the_model_says(schedule, policy):
    with transaction.atomic():
        world = World(policy)
        for step in schedule:
            world.act(*step)
        replay(world)
        transaction.set_rollback(True)


def replay(world: World) -> None:
    """The ledger alone tells the same story: where every ticket is at the end."""
    state: dict[str, list[Any]] = {}
    undo: dict[str, list[Any]] = {}
    after = {
        "hall.called": "called", "hall.chosen": "called", "hall.called_back": "called", "hall.started": "serving",
        "hall.finished": "finished", "hall.passed": "passed", "hall.held": "held", "hall.transferred": "waiting",
        "hall.put_back": "waiting", "hall.left": "left",
    }  # fmt: skip
    for event in Event.objects.filter(stream__startswith="ticket:").order_by("id"):
        label = event.data["label"]
        if event.kind == "hall.taken":
            state[label] = ["waiting", None]
        elif event.kind == "hall.undone":
            state[label] = undo.pop(label)
        elif event.kind in after:
            undo[label] = list(state[label])
            state[label] = [after[event.kind], event.data["window"]]
        elif event.kind == "hall.recalled":
            undo[label] = list(state[label])
        open_at = [window for status, window in state.values() if status in OPEN]
        assert len(open_at) == len(set(open_at)), "two tickets at one window"
    told = {label: status for label, (status, _window) in state.items()}
    assert told == {label: one.status for label, one in world.model.tickets.items()}
