"""谁在办: who has a waiting step, taking it, handing it on; and the next of one's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.actions.assigning import HandReason, is_fit, permission_of
from yimen.cases.models import Case, Task
from yimen.catalog.models import FlowStep
from yimen.people import access
from yimen.people.models import Department, Staff
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_ids, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

_AT_WINDOW = (FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER)


def panel(opened: Opened) -> Panel | None:
    """One statement for the colleagues, when a step of the reader's waits."""
    if opened.case.status != Case.Status.ACCEPTED:
        return None
    staff = opened.staff
    rows: list[dict[str, Any]] = []
    for task in opened.tasks:
        if task.done_at is not None or task.kind in _AT_WINDOW or not is_shown(task, staff):
            continue
        has = task.assignee_id == staff.pk
        may_hand = has or access.allowed(staff, "cases.assign", department=task.department)
        may_take = (
            not has and (task.assignee_id is None or task.assignee_id in staff.acting_for) and is_fit(task, staff)
        )
        rows.append({"task": task, "has": has, "may_take": may_take, "may_hand": may_hand})
    if not rows:
        return None
    people = _colleagues([row["task"] for row in rows if row["may_hand"]])
    for row in rows:
        task = row["task"]
        row["people"] = [
            one for one in people.get((task.department_id, permission_of(task)), []) if one.pk != task.assignee_id
        ]
        row["who"] = _who(task, staff)
    return Panel(
        "assign",
        _("谁在办"),
        facts="workbench/panels/assign.html",
        context={"case": opened.case, "rows": rows, "reasons": HandReason.choices},
        aside=True,
    )


def is_shown(task: Task, staff: Staff) -> bool:
    return is_fit(task, staff) or access.allowed(staff, "cases.assign", department=task.department)


def _who(task: Task, staff: Staff) -> str:
    if task.assignee_id is None:
        return _("还没人领")
    if task.assignee_id == staff.pk:
        return _("由我在办")
    assert task.assignee is not None
    return _("由%(name)s在办") % {"name": task.assignee.name}


def _colleagues(tasks: list[Task]) -> dict[tuple[UUID, str], list[Staff]]:
    """Those who may do each kind of step at its unit; one statement, none without steps."""
    found: dict[tuple[UUID, str], list[Staff]] = {}
    if not tasks:
        return found
    departments: dict[UUID, Department] = {task.department_id: task.department for task in tasks}
    wanted = {(task.department_id, permission_of(task)) for task in tasks}
    roles = {role for _department, permission in wanted for role in access.PERMISSIONS[permission]}
    people = (
        Staff.objects.filter(
            Q(grants__department__in=departments) | Q(grants__department=None),
            region__in={one.region_id for one in departments.values()},
            grants__role__in=roles,
            grants__ended_at=None,
            user__is_active=True,
        )
        .distinct()
        .order_by("number")
        .prefetch_related("grants")
    )
    for one in people:
        held = [(grant.role, grant.department_id) for grant in one.grants.all() if grant.ended_at is None]
        for department, permission in wanted:
            if departments[department].region_id == one.region_id and any(
                role in access.PERMISSIONS[permission] and at in (None, department) for role, at in held
            ):
                found.setdefault((department, permission), []).append(one)
    return found


def _task(request: StaffRequest, number: str, task_id: UUID) -> Case:
    case = acts.case_of(request, number)
    if not case.tasks.filter(pk=task_id).exists():
        raise Http404
    return case


@staff_page("cases.review", "cases.decide")
@require_POST
@keyed("cases.take_task", stay=acts.stay)
def take(request: StaffRequest, number: str, task_id: UUID) -> Done:
    case = _task(request, number, task_id)
    actions.take_task(task_id, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("领到您名下了。"))


@staff_page("cases.review", "cases.decide")
@require_POST
@keyed("cases.hand_task", stay=acts.stay)
def hand(request: StaffRequest, number: str, task_id: UUID) -> Done:
    case, to = _task(request, number, task_id), posted_ids(request, "to")
    task = actions.hand_task(
        task_id, to[0] if to else None, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now()
    )
    if task.assignee is None:
        return acts.done(request, case, _("放回岗位了，谁有空谁办。"))
    return acts.done(request, case, _("转给%(name)s了。") % {"name": task.assignee.name})


urlpatterns = [
    path("cases/<number:number>/tasks/<uuid:task_id>/take", take, name="task-take"),
    path("cases/<number:number>/tasks/<uuid:task_id>/hand", hand, name="task-hand"),
]
