"""The steps of a running case: opened when what they wait for is done, finished with an opinion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.cases.actions import course
from yimen.cases.actions.assigning import expect_mine
from yimen.cases.actions.common import (
    MOVED,
    WrongStep,
    checked_reasons,
    expect,
    locked,
    locked_with,
    record,
    refuse_recused,
)
from yimen.cases.actions.visits import TooFewSurveyors, done_plainly, expect_fit, open_visits
from yimen.cases.models import Case, CaseMove, Task
from yimen.cases.rules import modes as flows
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.catalog.queries import scenario
from yimen.lib.acts import act, add, save
from yimen.lib.dates import long_moment
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Calendar
from yimen.people import access
from yimen.people.models import Staff

# Steps that the act of acceptance itself has done.
DONE_BY_ACCEPTING = frozenset({FlowStep.Kind.RECEIVE, FlowStep.Kind.ACCEPT})


AFTER_DECISION = frozenset({FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER})


class TooEarly(DomainError):
    """Nothing is done before it began: steps are not back-dated (S2-10)."""


@act
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

    Raises WrongStep when it is done already, is a decision, is a visit with checkpoints (surveying.close_visit), or
    while the case is with another unit; TakenByOther while a colleague has it in hand; TooFewSurveyors for a visit by
    fewer than two staff (LAW-15), BadPlan for somebody named who may not do this step, Recused, ReasonsMissing for a
    rejection without an opinion, TooEarly for a moment before the step was opened.
    """
    case = locked_with(task_id)
    course.read(case, "tasks", "steps", at=at)
    tasks = list(case.tasks.all())
    task = next((one for one in tasks if one.pk == task_id), None)
    if task is None:
        raise Task.DoesNotExist
    # A step of another region's department is that region's to do (HALL-17).
    access.require(by, "cases.review", department=task.department, region=task.department.region_id)
    expect(case, Case.Status.ACCEPTED)
    if task.done_at is not None:
        raise WrongStep(_("这一步已经有人办完了，请刷新看最新进度。"))
    if task.kind in {FlowStep.Kind.DECIDE, FlowStep.Kind.DELIVER, FlowStep.Kind.MAKE}:
        raise WrongStep(_("这一步要用“作出决定”或“送达”来办。"))
    expect_mine(task, by)
    expect_here(tasks)
    if outcome not in Task.Outcome.values:
        raise DomainError(_("请选择：符合要求，或者不符合。"))
    people = list(surveyors)
    if task.kind == FlowStep.Kind.VISIT:
        if case.version.check_points.exists():
            raise WrongStep(_("这一步要在现场核查单上逐项记，记完在那里办结。"))
        if len({person.pk for person in people}) < 2:
            raise TooFewSurveyors(_("现场核查要两名以上工作人员一起去，请把两个人都选上。"))
    expect_fit(task, people)
    refuse_recused(case, [by, *people])
    if outcome == Task.Outcome.REJECTED:
        checked_reasons(opinion)
    finish(task, outcome=outcome, opinion=opinion, by=by, at=at)
    if people:
        task.surveyors.set(people)
    if task.kind == FlowStep.Kind.VISIT:
        done_plainly(task, people, at=at)
    data = {"task": task.step_key, "outcome": outcome, "surveyors": [str(person.pk) for person in people]}
    record(case, "case.task_done", by=by, at=at, data=data | ({"round": task.round} if task.round > 1 else {}))
    open_tasks(case, at=at, tasks=tasks)
    return task


@transaction.atomic
def send_back(case_id: UUID, step_key: str, *, reason: str, by: Staff, at: datetime) -> Task:
    """
    Open a done step again under the next round, with a reason everybody in the case sees; what followed it is to be
    done again. Earlier rounds stay as they are, the day the whole case is due does not move.

    Raises WrongStep before acceptance, after the decision, while the case is with another unit and for a step that
    is not done; ReasonsMissing; TooEarly.
    """
    case = locked(case_id)
    access.require(by, "cases.send_back", department=case.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    tasks = list(case.tasks.select_related("department").order_by("opened_at", "round"))
    expect_here(tasks)
    steps = steps_for(case)
    flow = flow_of(steps, tasks)
    step = next((one for one in steps if one.key == step_key), None)
    again = {task.step_key: task for task in tasks}.get(step_key)
    if step is None or again is None or again.done_at is None or step_key not in flow.done:
        raise WrongStep(_("只有办完的步骤才能退回重办，请刷新看最新进度。"))
    reason = checked_reasons(reason)
    expect_not_before(max(task.done_at or task.opened_at for task in tasks), at)
    after = flows.following({one.key: one.after for one in steps}, step_key)
    for task in tasks:
        if task.done_at is None and task.step_key in after:
            # Not done by anybody: overtaken, and opened again when its turn comes.
            task.done_at, task.opinion = at, ""
            task.save(update_fields=["done_at", "opinion"])
    task = _task_of(case, step, at=at, round=max(one.round for one in tasks) + 1, calendar=catalog.work_calendar())
    task.save(force_insert=True)
    open_visits(case, [task], steps, at=at)
    # Typed by hand, so it may name somebody, and the ledger cannot forget: the words stay with the step.
    again.opinion = "\n".join(filter(None, [again.opinion, f"退回重办：{reason}"]))
    again.save(update_fields=["opinion"])
    data = {"task": step_key, "round": task.round, "reason_length": len(reason)}
    record(case, "case.sent_back", by=by, at=at, data=data)
    return task


def open_tasks(
    case: Case, *, at: datetime, tasks: Iterable[Task] | None = None, steps: Sequence[FlowStep] | None = None
) -> None:
    """
    Open every step whose `after` is met and that has no task yet. Steps that do not apply to the case's answers are
    passed over: whoever waits for them waits for what they would have waited for.

    tasks, steps: the case's own, all of them, when they are read already.
    """
    steps = steps_for(case) if steps is None else steps
    tasks = list(case.tasks.all() if tasks is None else tasks)
    opening = flow_of(steps, tasks).opening
    if not opening:
        return
    calendar, number = catalog.work_calendar(), max((task.round for task in tasks), default=1)
    opened = [_task_of(case, step, at=at, round=number, calendar=calendar) for step in steps if step.key in opening]
    add(opened)
    course.also(case, "tasks", opened)
    open_visits(case, opened, steps, at=at)


def _task_of(case: Case, step: FlowStep, *, at: datetime, round: int, calendar: Calendar) -> Task:
    return Task(
        region_id=case.region_id,
        case=case,
        department_id=step.department_id or case.department_id,
        step_key=step.key,
        name=step.name,
        kind=step.kind,
        post=step.post,
        opened_at=at,
        due_on=task_due(case, step, localdate(at), calendar),
        round=round,
    )


def steps_for(case: Case) -> list[FlowStep]:
    """Return the steps of the case's flow that apply to its answers; a plain decision for an item without a flow."""
    return scenario.applying_steps(case.version.steps.all(), case.chosen) or [plain_decision()]


def flow_of(steps: Iterable[FlowStep], tasks: Iterable[Task]) -> flows.Flow:
    """Return where the flow stands. tasks: all of the case, in any order."""
    steps = list(steps)
    stands = {
        task.step_key: flows.Stand(task.round, task.done_at is not None)
        for task in sorted(tasks, key=lambda task: task.round)
    }
    given = [step.key for step in steps if step.kind in DONE_BY_ACCEPTING]
    return flows.flow_now({step.key: step.after for step in steps}, stands, given)


def expect_here(tasks: Iterable[Task]) -> None:
    """Raise WrongStep while the case is with another unit. tasks: of the case; those of moves may be done."""
    if any(task.done_at is None and is_move(task) for task in tasks):
        raise WrongStep(MOVED)


def expect_nothing_skipped(steps: Iterable[FlowStep], tasks: Iterable[Task]) -> None:
    """Raise WrongStep, naming them, while steps before the decision are not done in their latest round (S2-10)."""
    steps = list(steps)
    waits_for = {step.key: step.after for step in steps}
    decisions = [step.key for step in steps if step.kind == FlowStep.Kind.DECIDE]
    later = frozenset().union(*(flows.following(waits_for, key) for key in decisions))
    done = flow_of(steps, tasks).done
    left = [
        step.name
        for step in steps
        if step.key not in done and step.key not in later and step.kind not in {FlowStep.Kind.DECIDE, *AFTER_DECISION}
    ]
    if left:
        raise WrongStep(_("这几步不能跳过：%(names)s。办完才能作决定。") % {"names": listed(left)})


def is_move(task: Task) -> bool:
    return task.step_key.startswith(CaseMove.STEP)


def expect_not_before(began: datetime, at: datetime) -> None:
    """Raise TooEarly when `at` lies before what it follows (S2-10)."""
    if at < began:
        raise TooEarly(
            _("%(began)s才到这一步，办理时间不能写得比它早。请按实际时间办。") % {"began": long_moment(began)}
        )


def plain_decision() -> FlowStep:
    """An item that came without a flow (an imported guide) is simply decided; no limit: by the day the case is due."""
    return FlowStep(key="decide", name=_("决定"), kind=FlowStep.Kind.DECIDE, post=_("审批岗"), after=[])


def task_due(case: Case, step: FlowStep, opened_on: date, calendar: Calendar) -> date:
    if step.limit_days is None:
        assert case.due_on is not None
        return case.due_on
    # Only a stop that runs now reaches past the day a step opens; while one does the case's own day is provisional or
    # was over before.
    may_run = case.due_is_provisional or (case.due_on is not None and opened_on > case.due_on)
    stops = queries.pauses_of(case).stops if may_run else ()
    return queries.task_due_on(opened_on, step.limit_days, calendar, stops)


def finish(task: Task, *, outcome: str, opinion: str, by: Staff, at: datetime) -> None:
    """Close a task with what was said; raises TooEarly for a moment before it was opened."""
    expect_not_before(task.opened_at, at)
    task.outcome, task.opinion, task.done_at, task.done_by = outcome, opinion.strip(), at, by
    save(task, "outcome", "opinion", "done_at", "done_by")
