"""Due dates worked out again: after the calendar changed (CAL-7), and whenever a stop or an extension moves them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from yimen.cases import queries
from yimen.cases.actions.common import locked, record
from yimen.cases.actions.steps import plain_decision
from yimen.cases.models import Case, Clock
from yimen.catalog import queries as catalog
from yimen.ledger.actions import Actor
from yimen.lib.each import is_cut_off
from yimen.people import access


@dataclass(frozen=True)
class Moved:
    """One due date that moved. clock: the clock's kind, or "task" with the step's key in `task`."""

    clock: str
    was: date
    now: date
    is_provisional: bool
    task: str = ""

    @property
    def as_data(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        data: dict[str, Any] = {"clock": self.clock, "from": self.was.isoformat(), "to": self.now.isoformat()}
        return data | ({"task": self.task} if self.task else {"provisional": self.is_provisional})


def move_due_dates(region: str, *, by: Actor, at: datetime) -> int:
    """
    Recompute every running clock and open task after the calendar changed; each move is a ledger row (CAL-7).

    Each case is committed by itself; one that fails does not keep the others back, and its error is raised at the
    end. Calling again does what is left. Returns how many clocks moved.
    """
    access.require(by, "catalog.calendar", region=region)
    moved, failure = 0, None
    for case_id in queries.cases_to_move(region):
        try:
            moved += _move_case(case_id, by=by, at=at)
        except Exception as error:
            if is_cut_off():
                raise
            failure = failure or error
    if failure:
        raise failure
    return moved


@transaction.atomic
def _move_case(case_id: UUID, *, by: Actor, at: datetime) -> int:
    """What is written is worked out under the lock: since it was listed the case may have been decided."""
    case = locked(case_id)
    moved = work_out_again(case)
    for one in moved:
        record(case, "case.due_moved", by=by, at=at, data=one.as_data)
    return sum(not one.task for one in moved)


def work_out_again(case: Case) -> list[Moved]:
    """
    Store where the running clocks and open tasks of a locked case end by its rows and the calendar as they are now.

    Returns what moved, for the caller to record. A date that only became certain or provisional counts as moved.
    """
    calendar, pauses, moved = catalog.work_calendar(), queries.pauses_of(case), []
    for clock in case.clocks.filter(ended_on=None):
        due_on, provisional = queries.due_of(clock, case, calendar, pauses)
        if (due_on, provisional) == (clock.due_on, clock.is_provisional):
            continue
        moved.append(Moved(clock.kind, clock.due_on, due_on, provisional))
        clock.due_on, clock.is_provisional = due_on, provisional
        clock.save(update_fields=["due_on", "is_provisional"])
        if clock.kind == Clock.Kind.PROMISED:
            case.due_on, case.due_is_provisional = due_on, provisional
            case.save(update_fields=["due_on", "due_is_provisional"])
    steps = {step.key: step for step in case.version.steps.all()}
    for task in case.tasks.filter(done_at=None):
        step = steps.get(task.step_key) or (plain_decision() if task.step_key == queries.PLAIN else None)
        if step is None:
            continue  # not of the flow: handed on to another unit with a day of its own
        if step.limit_days is None:
            assert case.due_on is not None
            due_on = case.due_on
        else:
            due_on = queries.task_due_on(localdate(task.opened_at), step.limit_days, calendar, pauses.stops)
        if due_on != task.due_on:
            moved.append(Moved("task", task.due_on, due_on, False, task.step_key))
            task.due_on = due_on
            task.save(update_fields=["due_on"])
    return moved
