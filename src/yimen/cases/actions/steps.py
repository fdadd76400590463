"""The steps of a running case: opened when what they wait for is done, finished with an opinion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep, checked_reasons, expect, locked, record
from yimen.cases.models import Case, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.catalog.queries import scenario
from yimen.lib.errors import DomainError
from yimen.lib.workdays import Calendar
from yimen.people import access
from yimen.people.models import Staff

# Steps that the act of acceptance itself has done.
DONE_BY_ACCEPTING = frozenset({FlowStep.Kind.RECEIVE, FlowStep.Kind.ACCEPT})


AFTER_DECISION = frozenset({FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER})


class TooFewSurveyors(DomainError):
    """A site visit needs two or more staff (LAW-15)."""


@transaction.atomic
def complete_task(
    task_id: UUID,
    *,
    outcome: str,
    opinion: str,
    by: Staff,
    at: datetime,
    surveyors: Iterable[Staff] = (),
) -> Task:
    """
    Finish a review, visit or expert step with an opinion; steps that waited for it open.

    Raises WrongStep when it is done already or is a decision, TooFewSurveyors for a visit by fewer than two
    staff (LAW-15), ReasonsMissing for a rejection without an opinion.
    """
    task = Task.objects.select_related("department").get(pk=task_id)
    case = locked(task.case_id)
    task = Task.objects.select_for_update(of=("self",)).select_related("department").get(pk=task_id)
    access.require(by, "cases.review", department=task.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    if task.done_at is not None:
        raise WrongStep(_("这一步已经有人办完了，请刷新看最新进度。"))
    if task.kind in {FlowStep.Kind.DECIDE, FlowStep.Kind.DELIVER, FlowStep.Kind.MAKE}:
        raise WrongStep(_("这一步要用“作出决定”或“送达”来办。"))
    if outcome not in Task.Outcome.values:
        raise DomainError(_("请选择：符合要求，或者不符合。"))
    people = list(surveyors)
    if task.kind == FlowStep.Kind.VISIT and len({person.pk for person in people}) < 2:
        raise TooFewSurveyors(_("现场核查要两名以上工作人员一起去，请把两个人都选上。"))
    if outcome == Task.Outcome.REJECTED:
        checked_reasons(opinion)
    finish(task, outcome=outcome, opinion=opinion, by=by, at=at)
    task.surveyors.set(people)
    data = {"task": task.step_key, "outcome": outcome, "surveyors": [str(person.pk) for person in people]}
    record(case, "case.task_done", by=by, at=at, data=data)
    open_tasks(case, at=at)
    return task


def open_tasks(case: Case, *, at: datetime) -> None:
    """
    Open every step whose `after` is met and that has no task yet. Steps that do not apply to the case's answers are
    passed over: whoever waits for them waits for what they would have waited for.
    """
    steps = scenario.applying_steps(case.version.steps.all(), case.chosen) or [plain_decision()]
    tasks = {task.step_key: task for task in case.tasks.all()}
    done = {key for key, task in tasks.items() if task.done_at} | {
        step.key for step in steps if step.kind in DONE_BY_ACCEPTING
    }
    calendar, day = catalog.work_calendar(), localdate(at)
    Task.objects.bulk_create(
        Task(
            region_id=case.region_id,
            case=case,
            department_id=step.department_id or case.department_id,
            step_key=step.key,
            name=step.name,
            kind=step.kind,
            post=step.post,
            opened_at=at,
            due_on=task_due(case, step, day, calendar),
        )
        for step in steps
        if step.key not in tasks and step.key not in done and set(step.after) <= done
    )


def plain_decision() -> FlowStep:
    """An item that came without a flow (an imported guide) is simply decided; no limit: by the day the case is due."""
    return FlowStep(key="decide", name=_("决定"), kind=FlowStep.Kind.DECIDE, post=_("审批岗"), after=[])


def task_due(case: Case, step: FlowStep, opened_on: date, calendar: Calendar) -> date:
    if step.limit_days is None:
        assert case.due_on is not None
        return case.due_on
    return calendar.due(opened_on, step.limit_days).on


def finish(task: Task, *, outcome: str, opinion: str, by: Staff, at: datetime) -> None:
    task.outcome, task.opinion, task.done_at, task.done_by = outcome, opinion.strip(), at, by
    task.save(update_fields=["outcome", "opinion", "done_at", "done_by"])
