"""Due dates after the calendar changed (CAL-7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils.timezone import localdate

from yimen.cases import queries
from yimen.cases.actions.common import locked, record
from yimen.cases.actions.steps import plain_decision, task_due
from yimen.cases.models import Clock
from yimen.catalog import queries as catalog
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access


def move_due_dates(region: str, *, by: Actor, at: datetime) -> int:
    """
    Recompute every running clock and open task after the calendar changed; each move is a ledger row (CAL-7).

    Each case is committed by itself; one that fails does not keep the others back, and its error is raised at the
    end. Calling again does what is left. Returns how many clocks moved.
    """
    access.require(by, "catalog.calendar", region=region)
    moved, failure = 0, None
    for case_id in queries.cases_to_move(region, today=localdate(at)):
        try:
            moved += _move_case(case_id, by=by, at=at)
        except (DomainError, DatabaseError) as error:
            if connection.connection is None or connection.connection.closed:
                raise
            failure = failure or error
    if failure:
        raise failure
    return moved


@transaction.atomic
def _move_case(case_id: UUID, *, by: Actor, at: datetime) -> int:
    """What is written is worked out under the lock: since it was listed the case may have been decided."""
    case = locked(case_id)
    calendar, moved = catalog.work_calendar(), 0
    for clock in case.clocks.filter(ended_on=None):
        due_on, provisional = queries.due_now(clock, case, calendar, today=localdate(at))
        if (due_on, provisional) == (clock.due_on, clock.is_provisional):
            continue
        data = {"clock": clock.kind, "from": clock.due_on.isoformat(), "to": due_on.isoformat()}
        clock.due_on, clock.is_provisional = due_on, provisional
        clock.save(update_fields=["due_on", "is_provisional"])
        if clock.kind == Clock.Kind.PROMISED:
            case.due_on, case.due_is_provisional = due_on, provisional
            case.save(update_fields=["due_on", "due_is_provisional"])
        record(case, "case.due_moved", by=by, at=at, data=data | {"provisional": provisional})
        moved += 1
    steps = {step.key: step for step in case.version.steps.all()}
    for task in case.tasks.filter(done_at=None):
        due_on = task_due(case, steps.get(task.step_key) or plain_decision(), localdate(task.opened_at), calendar)
        if due_on != task.due_on:
            data = {"clock": "task", "task": task.step_key, "from": task.due_on.isoformat(), "to": due_on.isoformat()}
            task.due_on = due_on
            task.save(update_fields=["due_on"])
            record(case, "case.due_moved", by=by, at=at, data=data)
    return moved
