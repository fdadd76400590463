"""
Many past cases at once: imports and generated years. The same columns, clocks, tasks and ledger rows as the actions.

Not written: the documents (收件凭证 and so on), which were given out where the cases were handled. Everything was
handed in, and nobody is asked whether they may: whoever calls this brings in history (`exchange.import`).
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from yimen.cases import actions, rules
from yimen.cases.models import Case, CaseMaterial, Clock, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger.actions import Actor
from yimen.ledger.bulk import NewEvent, record_many
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit
from yimen.people import access
from yimen.people.models import Applicant, ServiceCenter, Staff

AT_ONCE = 5_000
LINES = 500

_Row = dict[str, Any]


class CannotLoad(DomainError):
    """A row that the actions could not have produced."""


@dataclass(frozen=True, slots=True)
class PastCase:
    """
    What happened to one case, granted in the end. Times ascend; an empty one: it has not happened.

    Review and expert steps are taken as passed by `reviewed_by`, or else `decided_by`, just before the decision.
    chosen: the answers to the item's questions; () where the source does not say, then only what everybody needs is
    taken as done.
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
    chosen: tuple[str, ...] = ()
    reviewed_by: Staff | None = None


def load(rows: Iterable[PastCase], *, center: ServiceCenter, by: Actor) -> int:
    """
    Write the cases and their history, all or nothing, and return how many.

    Numbers go on from what the centre has given already, in the order of receipt. Raises access.NotAllowed,
    CannotLoad for times out of order, a version not in force, or a flow with a site visit (nobody can say who went).
    """
    access.require(by, "exchange.import")
    past = sorted(rows, key=lambda row: row.received_at)
    with transaction.atomic():
        numbers, versions = _Numbers(past, center), _Versions(catalog.work_calendar())
        for start in range(0, len(past), AT_ONCE):
            part = _Part(center, numbers, versions)
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
        item, day = row.version.item, _day(row.received_at)
        return (
            (item.region_id, f"case:{item.task_code}"[:80], day),
            (item.region_id, f"query:{self.center.letters}", day),
        )

    def of(self, row: PastCase) -> tuple[str, str]:
        """Return the next case number and query number."""
        day, serials = _day(row.received_at), []
        for name in self._names(row):
            self.last[name] += 1
            serials.append(self.last[name])
        return (
            rules.case_no(row.version.item.task_code, day, serials[0]),
            rules.query_no(self.center.letters, day, serials[1]),
        )


class _Part:
    """Some thousand cases on their way into the tables, as rows: a model instance each would take most of the time."""

    def __init__(self, center: ServiceCenter, numbers: _Numbers, versions: _Versions) -> None:
        self.center = center
        self.numbers = numbers
        self.versions = versions
        self.tables: dict[type[models.Model], list[_Row]] = {Case: [], CaseMaterial: [], Clock: [], Task: []}
        self.events: list[NewEvent] = []

    def add(self, row: PastCase) -> None:
        _check(row)
        item, known = row.version.item, self.versions.of(row.version, row.chosen)
        case_no, query_no = self.numbers.of(row)
        case = _new(
            Case,
            region_id=item.region_id,
            center_id=self.center.pk,
            case_no=case_no,
            query_no=query_no,
            item_id=item.pk,
            version_id=row.version.pk,
            department_id=item.department_id,
            applicant_id=row.applicant.pk,
            case_type=row.version.case_type,
            channel=row.channel,
            status=Case.Status.RECEIVED.value,
            received_at=row.received_at,
            received_by_id=row.clerk.pk,
            chosen=list(row.chosen),
            visit_days=[_day(row.received_at)] if row.channel == Case.Channel.WINDOW else [],
            is_demo=row.applicant.is_demo,
        )
        told = _Case(row, known, case, f"case:{case['id']}")
        self.tables[Case].append(case)
        for material in known.materials:
            self._add(told, CaseMaterial, material_id=material, state=CaseMaterial.State.COMPLETE.value)
        more = {"chosen": list(row.chosen)} if row.chosen else {}
        self._record(told, "case.received", row.clerk, row.received_at, case_no=case_no, channel=row.channel, **more)
        if row.accepted_at:
            self._accept(told, row.accepted_at)
        if row.completed_at:
            self._decide(told, row.completed_at)
        if row.delivered_at:
            self._deliver(told, row.delivered_at)

    def _accept(self, told: _Case, at: datetime) -> None:
        day, case = _day(at), told.case
        for kind, limit in told.known.limits(day):
            clock = self._start(told, kind, day, limit, started_at=at)
            if kind == Clock.Kind.PROMISED:
                case["due_on"], case["due_is_provisional"] = clock["due_on"], clock["is_provisional"]
        case.update(
            status=Case.Status.ACCEPTED.value,
            accept_mode=Case.AcceptMode.DECIDED.value,
            accepted_at=at,
            accepted_by_id=told.row.clerk.pk,
        )
        said = {"due_on": case["due_on"].isoformat(), "provisional": case["due_is_provisional"], "mode": "decided"}
        self._record(told, "case.accepted", told.row.clerk, at, **said)
        self._open_tasks(told, at)

    def _decide(self, told: _Case, at: datetime) -> None:
        day, case, by = _day(at), told.case, told.row.decided_by
        reviewer = told.row.reviewed_by or by
        while reviews := [task for task in told.open_tasks() if task["kind"] not in _AT_THE_END]:
            for task in reviews:
                _finish(task, reviewer, at)
                data = {"task": task["step_key"], "outcome": Task.Outcome.PASSED.value, "surveyors": []}
                self._record(told, "case.task_done", reviewer, at, **data)
            self._open_tasks(told, at)
        for task in told.open_tasks():
            if task["kind"] != FlowStep.Kind.DECIDE:
                raise CannotLoad(_("“%(step)s”没有办完，不能作决定。") % {"step": task["name"]})
            _finish(task, by, at)
        for clock in told.clocks:
            clock["ended_on"] = day
        case.update(
            outcome=Case.Outcome.GRANTED.value,
            status=Case.Status.COMPLETED.value,
            completed_at=at,
            completed_on_time=day <= case["due_on"],
        )
        self._start(told, Clock.Kind.DELIVERY, day, Limit(actions.DELIVERY_DAYS))
        said = {"outcome": case["outcome"], "on_time": case["completed_on_time"]}
        self._record(told, "case.decided", by, at, **said)
        self._open_tasks(told, at)

    def _deliver(self, told: _Case, at: datetime) -> None:
        for task in told.open_tasks():
            _finish(task, told.row.clerk, at)
        for clock in told.clocks:
            clock["ended_on"] = clock["ended_on"] or _day(at)
        told.case.update(status=Case.Status.DELIVERED.value, delivered_at=at)
        told.case["visit_days"] = sorted({*told.case["visit_days"], _day(at)})
        self._record(told, "case.delivered", told.row.clerk, at, how="window", by_agent=False)

    def _add(self, told: _Case, model: type[models.Model], **values: Any) -> _Row:
        row = _new(model, region_id=told.case["region_id"], case_id=told.case["id"], **values)
        self.tables[model].append(row)
        return row

    def _start(self, told: _Case, kind: str, day: date, limit: Limit, *, started_at: datetime | None = None) -> _Row:
        due_on, provisional = self.versions.due(day, limit, started_at if limit.unit is Unit.HOUR else None)
        clock = self._add(
            told,
            Clock,
            kind=str(kind),
            started_on=day,
            limit=limit.number,
            unit=limit.unit.value,
            due_on=due_on,
            is_provisional=provisional,
        )
        told.clocks.append(clock)
        return clock

    def _open_tasks(self, told: _Case, at: datetime) -> None:
        there = {task["step_key"] for task in told.tasks}
        done = {task["step_key"] for task in told.tasks if task["done_at"]} | told.known.done_by_accepting
        for step in told.known.steps:
            if step.key in there or step.key in done or not done.issuperset(step.after):
                continue
            task = self._add(
                told,
                Task,
                department_id=step.department_id or told.case["department_id"],
                step_key=step.key,
                name=step.name,
                kind=str(step.kind),
                post=step.post,
                opened_at=at,
                due_on=told.case["due_on"]
                if step.limit_days is None
                else self.versions.due_of_step(_day(at), step.limit_days),
            )
            told.tasks.append(task)

    def _record(self, told: _Case, kind: str, by: Staff, at: datetime, **data: Any) -> None:
        region = told.case["region_id"]
        self.events.append(
            NewEvent(region, told.stream, kind, by.ledger_ref, by.role_name, at, told.known.heads | data)
        )

    def write(self) -> None:
        for model, rows in self.tables.items():
            _copy(model, rows)
        # Streams are new, so their order among each other is free; the ledger reads best in order of time.
        record_many(sorted(self.events, key=lambda event: event.at))


class _Case:
    """One case being told; its rows are the same objects as in the tables."""

    def __init__(self, row: PastCase, known: _Version, case: _Row, stream: str) -> None:
        self.row, self.known, self.case, self.stream = row, known, case, stream
        self.clocks: list[_Row] = []
        self.tasks: list[_Row] = []

    def open_tasks(self) -> list[_Row]:
        return [task for task in self.tasks if task["done_at"] is None]


class _Version:
    """What a version says, read once."""

    def __init__(self, version: ItemVersion, chosen: tuple[str, ...]) -> None:
        item = version.item
        if chosen:
            chosen = scenario_rules.check_answers(scenario.questions_of(version), chosen)
        self._case = Case(region_id=item.region_id, version=version, case_type=version.case_type, chosen=list(chosen))
        self.materials = [material.pk for material in scenario_rules.applying(version.materials.all(), chosen)]
        self.steps = scenario.applying_steps(version.steps.all(), chosen) or [actions.plain_decision()]
        if any(step.kind == FlowStep.Kind.VISIT for step in self.steps):
            raise CannotLoad(_("“%(item)s”要现场核查，批量导入说不出是谁去的，请逐件办理。") % {"item": version.name})
        self.done_by_accepting = {step.key for step in self.steps if step.kind in actions.DONE_BY_ACCEPTING}
        self.heads = {
            "item": item.task_code,
            "department": str(item.department_id),
            "case_type": str(version.case_type),
        }
        self._limits: dict[date, list[tuple[str, Limit]]] = {}

    def limits(self, day: date) -> list[tuple[str, Limit]]:
        """The clocks of a case accepted on `day`: a promise may follow a dated local rule."""
        if day not in self._limits:
            self._limits[day] = [
                (clock.kind, Limit(clock.limit, Unit(clock.unit))) for clock in actions.clocks_for(self._case, day)
            ]
        return self._limits[day]


class _Versions:
    def __init__(self, calendar: Calendar) -> None:
        self.due = cache(lambda day, limit, started_at: rules.due(day, limit, (), calendar, started_at=started_at))
        self.due_of_step = cache(lambda day, days: calendar.due(day, days).on)
        self._known: dict[tuple[UUID, tuple[str, ...]], _Version] = {}

    def of(self, version: ItemVersion, chosen: tuple[str, ...]) -> _Version:
        key = version.pk, chosen
        if key not in self._known:
            self._known[key] = _Version(version, chosen)
        return self._known[key]


_AT_THE_END = frozenset({FlowStep.Kind.DECIDE, FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER})


def _day(at: datetime) -> date:
    """The local day; Django's localdate() looks its zone up each time, which counts here."""
    return at.astimezone(LOCAL_ZONE).date()


def _check(row: PastCase) -> None:
    times = [row.received_at, row.accepted_at, row.completed_at, row.delivered_at]
    happened = [at for at in times if at]
    if times[: len(happened)] != happened or happened != sorted(happened):
        raise CannotLoad(_("收件、受理、办结、送达的时间要一个接一个，不能缺中间的，也不能倒着来。"))
    if row.version.item.published_id != row.version.pk:
        raise CannotLoad(_("“%(item)s”不是现行版本，不能导入。") % {"item": row.version.name})


def _finish(task: _Row, by: Staff, at: datetime) -> None:
    task.update(outcome=Task.Outcome.PASSED.value, done_at=at, done_by_id=by.pk)


@cache
def _empty(model: type[models.Model]) -> _Row:
    """A row of the model's defaults, by column."""
    return {str(each.column): None if each.primary_key else each.get_default() for each in model._meta.concrete_fields}


def _new(model: type[models.Model], **values: Any) -> _Row:
    return _empty(model) | {"id": str(uuid7())} | values


def _copy(model: type[models.Model], rows: Sequence[_Row]) -> None:
    columns = list(_empty(model))
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for start in range(0, len(rows), LINES):
            lines = ["\t".join([_text(row[column]) for column in columns]) for row in rows[start : start + LINES]]
            copy.write("\n".join(lines) + "\n")


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, list):  # of days, or of names without quotes or commas, such as the options of a question
        return "{" + ",".join(str(one) for one in value) + "}"
    return value.translate(_ESCAPES) if isinstance(value, str) else str(value)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
