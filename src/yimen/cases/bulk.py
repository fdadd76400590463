"""
Many past cases at once: imports and generated years. The same columns, clocks, tasks and ledger rows as the actions.

Not written: the documents (收件凭证 and so on), which were given out where the cases were handled. Everything was
handed in, and nobody is asked whether they may: whoever calls this brings in history (`exchange.import`).
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import actions, rules
from yimen.cases.models import Case, CaseMaterial, Clock, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion
from yimen.ledger.actions import Actor
from yimen.ledger.bulk import NewEvent, record_many
from yimen.lib.errors import DomainError
from yimen.lib.workdays import Calendar, Limit, Unit
from yimen.people import access
from yimen.people.models import Applicant, ServiceCenter, Staff

AT_ONCE = 5_000


class CannotLoad(DomainError):
    """A row that the actions could not have produced."""


@dataclass(frozen=True, slots=True)
class PastCase:
    """
    What happened to one case, granted in the end. Times ascend; an empty one: it has not happened.

    Review and expert steps are taken as passed by `decided_by` just before the decision.
    """

    version: ItemVersion
    applicant: Applicant
    received_at: datetime
    accepted_at: datetime | None
    completed_at: datetime | None
    delivered_at: datetime | None
    clerk: Staff
    decided_by: Staff
    channel: str = Case.Channel.WINDOW


def load(rows: Iterable[PastCase], *, center: ServiceCenter, by: Actor) -> int:
    """
    Write the cases and their history, all or nothing, and return how many.

    Numbers go on from what the centre has given already, in the order of receipt. Raises access.NotAllowed,
    CannotLoad for times out of order, a version not in force, or a flow with a site visit (nobody can say who went).
    """
    access.require(by, "exchange.import")
    past = sorted(rows, key=lambda row: row.received_at)
    with transaction.atomic():
        numbers = _Numbers(past, center)
        for start in range(0, len(past), AT_ONCE):
            part = _Part(center, numbers, catalog.work_calendar())
            for row in past[start : start + AT_ONCE]:
                part.add(row)
            part.write()
    return len(past)


class _Numbers:
    """The serials of each item and of the centre by day, taken from the counters in one statement."""

    def __init__(self, rows: Sequence[PastCase], center: ServiceCenter) -> None:
        self.center = center
        wanted: Tally[tuple[str, str, date]] = Tally()
        for row in rows:
            wanted.update(self._names(row))
        # In one order, so that two loads at once wait for each other instead of deadlocking.
        keys = sorted(wanted)
        columns = [[key[part] for key in keys] for part in range(3)] + [[wanted[key] for key in keys]]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO cases_counter (region_id, name, day, value)"
                " SELECT * FROM unnest(%s::text[], %s::text[], %s::date[], %s::int[])"
                " ON CONFLICT (region_id, name, day) DO UPDATE SET value = cases_counter.value + excluded.value"
                " RETURNING region_id, name, day, value",
                columns,
            )
            self.last = {(region, name, day): value - wanted[region, name, day] for region, name, day, value in cursor}

    def _names(self, row: PastCase) -> tuple[tuple[str, str, date], tuple[str, str, date]]:
        item, day = row.version.item, localdate(row.received_at)
        return (
            (item.region_id, f"case:{item.task_code}"[:80], day),
            (item.region_id, f"query:{self.center.letters}", day),
        )

    def of(self, row: PastCase) -> tuple[str, str]:
        """Return the next case number and query number."""
        day, serials = localdate(row.received_at), []
        for name in self._names(row):
            self.last[name] += 1
            serials.append(self.last[name])
        return (
            rules.case_no(row.version.item.task_code, day, serials[0]),
            rules.query_no(self.center.letters, day, serials[1]),
        )


class _Part:
    """Some thousand cases on their way into the tables."""

    def __init__(self, center: ServiceCenter, numbers: _Numbers, calendar: Calendar) -> None:
        self.center = center
        self.numbers = numbers
        self.due = cache(lambda day, limit: rules.due(day, limit, (), calendar, today=day))
        self.due_of_step = cache(lambda day, days: calendar.due(day, days).on)
        self.limits: dict[tuple[UUID, date], list[tuple[str, Limit]]] = {}
        self.steps: dict[UUID, list[FlowStep]] = {}
        self.listed: dict[UUID, list[ItemMaterial]] = {}
        self.cases: list[Case] = []
        self.materials: list[CaseMaterial] = []
        self.clocks: list[Clock] = []
        self.tasks: list[Task] = []
        self.events: list[NewEvent] = []

    def add(self, row: PastCase) -> None:
        _check(row)
        item = row.version.item
        case_no, query_no = self.numbers.of(row)
        case = Case(
            region_id=item.region_id,
            center=self.center,
            case_no=case_no,
            query_no=query_no,
            item=item,
            version=row.version,
            department_id=item.department_id,
            applicant=row.applicant,
            case_type=row.version.case_type,
            channel=row.channel,
            status=Case.Status.RECEIVED,
            received_at=row.received_at,
            received_by=row.clerk,
            is_demo=row.applicant.is_demo,
        )
        self.cases.append(case)
        self.materials += [
            CaseMaterial(region_id=case.region_id, case=case, material=material, state=CaseMaterial.State.COMPLETE)
            for material in self._materials(row.version)
        ]
        self._record(case, "case.received", row.clerk, row.received_at, case_no=case_no, channel=row.channel)
        if row.accepted_at:
            self._accept(case, row, row.accepted_at)
        if row.completed_at:
            self._decide(case, row, row.completed_at)
        if row.delivered_at:
            self._deliver(case, row, row.delivered_at)

    def _accept(self, case: Case, row: PastCase, at: datetime) -> None:
        day = localdate(at)
        key = (row.version.pk, day)
        if key not in self.limits:
            self.limits[key] = [
                (clock.kind, Limit(clock.limit, Unit(clock.unit))) for clock in actions.clocks_for(case, day)
            ]
        for kind, limit in self.limits[key]:
            clock = self._clock(case, kind, day, limit)
            if kind == Clock.Kind.PROMISED:
                case.due_on, case.due_is_provisional = clock.due_on, clock.is_provisional
        assert case.due_on is not None
        case.status, case.accepted_at, case.accepted_by = Case.Status.ACCEPTED, at, row.clerk
        said = {"due_on": case.due_on.isoformat(), "provisional": case.due_is_provisional}
        self._record(case, "case.accepted", row.clerk, at, **said)
        self._open_tasks(case, at)

    def _decide(self, case: Case, row: PastCase, at: datetime) -> None:
        day = localdate(at)
        while reviews := [task for task in self._open(case) if task.kind not in _AT_THE_END]:
            for task in reviews:
                _finish(task, row.decided_by, at)
                data = {"task": task.step_key, "outcome": Task.Outcome.PASSED.value, "surveyors": []}
                self._record(case, "case.task_done", row.decided_by, at, **data)
            self._open_tasks(case, at)
        for task in self._open(case):
            if task.kind != FlowStep.Kind.DECIDE:
                raise CannotLoad(_("“%(step)s”没有办完，不能作决定。") % {"step": task.name})
            _finish(task, row.decided_by, at)
        for clock in self._own(case, self.clocks):
            clock.ended_on = day
        assert case.due_on is not None
        case.outcome, case.status, case.completed_at = Case.Outcome.GRANTED, Case.Status.COMPLETED, at
        case.completed_on_time = day <= case.due_on
        self._clock(case, Clock.Kind.DELIVERY, day, Limit(actions.DELIVERY_DAYS))
        self._record(
            case, "case.decided", row.decided_by, at, outcome=case.outcome.value, on_time=case.completed_on_time
        )
        self._open_tasks(case, at)

    def _deliver(self, case: Case, row: PastCase, at: datetime) -> None:
        for task in self._open(case):
            _finish(task, row.clerk, at)
        for clock in self._own(case, self.clocks):
            clock.ended_on = clock.ended_on or localdate(at)
        case.status, case.delivered_at = Case.Status.DELIVERED, at
        self._record(case, "case.delivered", row.clerk, at, how="window", by_agent=False)

    def _record(self, case: Case, kind: str, by: Staff, at: datetime, **data: Any) -> None:
        heads = {"item": case.item.task_code, "department": str(case.department_id), "case_type": case.case_type}
        self.events.append(NewEvent(case.region_id, case.stream, kind, by.ledger_ref, by.role_name, at, heads | data))

    def _own(self, case: Case, rows: Sequence[Any]) -> Iterator[Any]:
        """The rows of the case being added: always the last ones."""
        for row in reversed(rows):
            if row.case_id != case.pk:
                return
            yield row

    def _open(self, case: Case) -> list[Task]:
        return [task for task in self._own(case, self.tasks) if task.done_at is None]

    def _clock(self, case: Case, kind: str, day: date, limit: Limit) -> Clock:
        due_on, provisional = self.due(day, limit)
        clock = Clock(
            region_id=case.region_id,
            case=case,
            kind=kind,
            started_on=day,
            limit=limit.number,
            unit=limit.unit.value,
            due_on=due_on,
            is_provisional=provisional,
        )
        self.clocks.append(clock)
        return clock

    def _open_tasks(self, case: Case, at: datetime) -> None:
        steps, own = self._steps(case), {task.step_key: task for task in self._own(case, self.tasks)}
        done = {key for key, task in own.items() if task.done_at}
        done |= {step.key for step in steps if step.kind in actions.DONE_BY_ACCEPTING}
        self.tasks += [
            Task(
                region_id=case.region_id,
                case=case,
                department_id=step.department_id or case.department_id,
                step_key=step.key,
                name=step.name,
                kind=step.kind,
                post=step.post,
                opened_at=at,
                due_on=self.due_of_step(localdate(at), step.limit_days),
            )
            for step in steps
            if step.key not in own and step.key not in done and set(step.after) <= done
        ]

    def _steps(self, case: Case) -> list[FlowStep]:
        if case.version_id not in self.steps:
            steps = list(case.version.steps.all()) or [actions._plain_decision(case)]
            if any(step.kind == FlowStep.Kind.VISIT for step in steps):
                raise CannotLoad(
                    _("“%(item)s”要现场核查，批量导入说不出是谁去的，请逐件办理。") % {"item": case.version.name}
                )
            self.steps[case.version_id] = steps
        return self.steps[case.version_id]

    def _materials(self, version: ItemVersion) -> list[ItemMaterial]:
        if version.pk not in self.listed:
            self.listed[version.pk] = list(version.materials.all())
        return self.listed[version.pk]

    def write(self) -> None:
        for model, rows in (
            (Case, self.cases),
            (CaseMaterial, self.materials),
            (Clock, self.clocks),
            (Task, self.tasks),
        ):
            _copy(model, rows)
        # Streams are new, so their order among each other is free; the ledger reads best in order of time.
        record_many(sorted(self.events, key=lambda event: event.at))


_AT_THE_END = frozenset({FlowStep.Kind.DECIDE, FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER})


def _check(row: PastCase) -> None:
    times = [row.received_at, row.accepted_at, row.completed_at, row.delivered_at]
    happened = [at for at in times if at]
    if times[: len(happened)] != happened or happened != sorted(happened):
        raise CannotLoad(_("收件、受理、办结、送达的时间要一个接一个，不能缺中间的，也不能倒着来。"))
    if row.version.item.published_id != row.version.pk:
        raise CannotLoad(_("“%(item)s”不是现行版本，不能导入。") % {"item": row.version.name})


def _finish(task: Task, by: Staff, at: datetime) -> None:
    task.outcome, task.done_at, task.done_by = Task.Outcome.PASSED, at, by


def _copy(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    fields = model._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(each.column) for each in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_stored(getattr(row, each.attname)) for each in fields])


def _stored(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
