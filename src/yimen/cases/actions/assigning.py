"""Whose a waiting step is: taken by one of those who may do it, handed to another, or given back to the post."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import queries
from yimen.cases.actions.common import WrongStep, expect, locked, record
from yimen.cases.models import Case, Task
from yimen.catalog.models import FlowStep
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff


class HandReason(models.TextChoices):
    """Why a step goes to somebody else; a closed list, because the ledger keeps it for good."""

    AWAY = "away", gettext_lazy("人不在岗")
    LOAD = "load", gettext_lazy("手上的件太多")
    SKILL = "skill", gettext_lazy("对方更熟悉这类件")
    RECUSAL = "recusal", gettext_lazy("需要回避")
    BACK = "back", gettext_lazy("先放回岗位，谁有空谁办")


class TakenByOther(DomainError):
    """Somebody else has the step in hand."""


class BadHand(DomainError):
    """The step cannot go to this person, or not for this reason."""


def permission_of(task: Task) -> str:
    """Return the right that doing this step needs."""
    return "cases.decide" if task.kind == FlowStep.Kind.DECIDE else "cases.review"


def is_fit(task: Task, staff: Staff) -> bool:
    """Tell whether somebody may do this step."""
    organ = task.department
    return access.allowed(staff, permission_of(task), department=organ, region=organ.region_id)


def expect_mine(task: Task, by: Staff) -> None:
    """Raise TakenByOther when somebody else took this step, unless `by` stands in for him (HALL-6)."""
    if task.assignee_id is None or task.assignee_id in by.acting_for:
        return
    assert task.assignee is not None
    raise TakenByOther(
        _("“%(step)s”由%(name)s在办。请他办，或者请负责人转给您。") % {"step": task.name, "name": task.assignee.name}
    )


@transaction.atomic
def take_task(task_id: UUID, *, by: Staff, at: datetime) -> Task:
    """
    Take a waiting step on oneself; taking it again changes nothing. Of two at once the first has it.

    Raises TakenByOther, BadHand for who stood aside (SUP-11), WrongStep when it is done, access.NotAllowed.
    """
    task = _locked(task_id)
    access.require(by, permission_of(task), department=task.department, region=task.department.region_id)
    if task.assignee_id == by.pk:
        return task
    expect_mine(task, by)
    _refuse_recused(task, by)
    task.assignee = by
    task.save(update_fields=["assignee"])
    record(task.case, "case.task_taken", by=by, at=at, data={"task": task.step_key})
    return task


@transaction.atomic
def hand_task(task_id: UUID, to_id: UUID | None, *, reason: str, by: Staff, at: datetime) -> Task:
    """
    Hand a waiting step to a colleague who may do it, or back to the post (None): whoever has it, or who leads there.

    reason: of HandReason. Raises BadHand, WrongStep when it is done, access.NotAllowed.
    """
    task = _locked(task_id)
    if task.assignee_id != by.pk:
        access.require(by, "cases.assign", department=task.department, region=task.department.region_id)
    if reason not in HandReason.values:
        raise BadHand(_("请选择为什么转。"))
    to = None
    if to_id is not None:
        to = Staff.objects.select_related("user").filter(region=task.department.region_id, pk=to_id).first()
        if to is None or not is_fit(task, to):
            raise BadHand(_("这一步要转给同一岗位上有权办的同事，请另选一位。"))
    if to is not None:
        _refuse_recused(task, to)
    if task.assignee_id == (to.pk if to else None):
        return task
    before, task.assignee = task.assignee_id, to
    task.save(update_fields=["assignee"])
    data = {"task": task.step_key, "reason": reason, "from": _ref(before), "to": _ref(to.pk if to else None)}
    record(task.case, "case.task_handed", by=by, at=at, data=data)
    return task


def _refuse_recused(task: Task, staff: Staff) -> None:
    if queries.is_recused(task.case, staff):
        raise BadHand(_("%(name)s已经回避这件，请换一位同事来办。") % {"name": staff.name})


def _ref(pk: UUID | None) -> str | None:
    return str(pk) if pk else None


def _locked(task_id: UUID) -> Task:
    """Return a waiting step with its case, which is locked: two at once queue here."""
    case = locked(Task.objects.values_list("case_id", flat=True).get(pk=task_id))
    task = Task.objects.select_related("department", "assignee").get(pk=task_id)
    task.case = case
    expect(case, Case.Status.ACCEPTED)
    if task.done_at is not None:
        raise WrongStep(_("这一步已经有人办完了，请刷新看最新进度。"))
    return task
