"""My tasks, my team's and my unit's: what is overdue, what is due today and this week, what waits elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import lists, queries
from yimen.cases.actions import HandReason
from yimen.cases.actions.bulk_acts import MOST as MOST_AT_ONCE
from yimen.cases.models import SavedFilter, Task
from yimen.cases.queries import worklists
from yimen.cases.queries.worklists import Desk
from yimen.catalog.models import FlowStep
from yimen.hall import queries as halls
from yimen.people import access
from yimen.people.models import Department, Staff
from yimen.web.templatetags.yimen import NOTHING, chip, clocks_drawn, day
from yimen.web.workbench import sheets
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 30
# Nobody turns more pages; the list of cases has the rest.
MOST_PAGES = 100
WEEK = timedelta(days=7)
WHOSE = {
    "": gettext_lazy("我的"),
    "taken": gettext_lazy("我领的"),
    "team": gettext_lazy("全岗位"),
    "unit": gettext_lazy("全单位"),
    "elsewhere": gettext_lazy("等别处"),
}
DUE = {
    "": gettext_lazy("不限"),
    "overdue": gettext_lazy("已过期"),
    "today": gettext_lazy("今天"),
    "week": gettext_lazy("七天内"),
}
KINDS = [
    (kind.value, kind.label)
    for kind in (FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT, FlowStep.Kind.DECIDE)
]
_TITLES = {
    "overdue": gettext_lazy("这一步已经过期，先办"),
    "today": gettext_lazy("今天到期"),
    "week": gettext_lazy("七天内到期"),
    "later": gettext_lazy("以后到期"),
}
RIGHTS = ("cases.review", "cases.decide")


def desk_of(values: QueryDict) -> Desk:
    """Return the list an address asks for; a value nobody offers is as good as none."""
    try:
        department = UUID(values.get("department", ""))
    except ValueError:
        department = None
    chosen = {name: values.get(name, "") for name in ("whose", "due", "kind")}
    return Desk(
        whose=chosen["whose"] if chosen["whose"] in WHOSE else "",
        due=chosen["due"] if chosen["due"] in DUE else "",
        department=department,
        kind=chosen["kind"] if chosen["kind"] in dict(KINDS) else "",
    )


@staff_page(*RIGHTS)
@require_safe
def tasks(request: StaffRequest) -> HttpResponse:
    return listed(request)


def listed(request: StaffRequest, **context: Any) -> HttpResponse:
    """The page of a list, also after a POST that stays on it."""
    now, staff = timezone.now(), request.staff
    today = localdate(now)
    values = request.POST if request.method == "POST" else request.GET
    desk = desk_of(values)
    away = worklists.elsewhere(staff) if desk.whose == "elsewhere" else []
    page = _page(values)
    found = []
    if desk.whose != "elsewhere":
        steps = worklists.steps_for(staff, desk, today=today)
        found = worklists.page_of(steps, (page - 1) * PAGE, PAGE + 1)
    groups = _rows(found[:PAGE], today, me=staff, with_unit=bool(desk.whose))
    return render(
        request,
        "workbench/tasks.html",
        {
            "desk": desk,
            "whose": [(key, word, _address(desk, whose=key), key == desk.whose) for key, word in WHOSE.items()],
            "dues": DUE.items(),
            "kinds": KINDS,
            "departments": _departments(request) if desk.whose == "unit" else [],
            "groups": [(key, title, groups[key]) for key, title in _TITLES.items() if key in groups],
            "away": away,
            "count": len(away) or len(found[:PAGE]),
            "number": page,
            "from": (page - 1) * PAGE + 1,
            "until": (page - 1) * PAGE + len(found[:PAGE]),
            "has_more": len(found) > PAGE,
            "first": [row for key in ("overdue", "today") for row in groups.get(key, [])][:3]
            if not desk.whose and page == 1
            else [],
            "pressure": halls.pressure(staff, now),
            "filters": worklists.saved_filters(staff, SavedFilter.Place.TASKS),
            "place": SavedFilter.Place.TASKS.value,
            "kept": {name: values.get(name, "") for name in lists.KEPT[SavedFilter.Place.TASKS] if values.get(name)},
            "hand_reasons": HandReason.choices,
            "most": MOST_AT_ONCE,
        }
        | context,
    )


def _rows(tasks: Sequence[Task], today: date, *, me: Staff, with_unit: bool) -> dict[str, list[dict[str, Any]]]:
    """The lines of a list by their group, each value as it is shown."""
    clocks = queries.promised_views([task.case for task in tasks], today=today)
    looks = clocks_drawn(clocks)
    mine, nobody = chip("go", _("我")), format_html('<span class="note">{}</span>', _("没人领"))
    urgent, due_today = chip("wait", _("优先")), chip("wait", _("今天"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        group, case, due = group_of(task, today), task.case, day(task.due_on)
        strip, left = looks.get(case.pk, (NOTHING, NOTHING))
        row = {
            "pk": str(task.pk),
            "url": reverse("workbench:case", args=[case.query_no]),
            "number": case.query_no,
            "item": case.version.name,
            "urgent": urgent if case.is_urgent else "",
            "who": case.applicant.masked_name,
            "step": task.name,
            "post": task.post,
            "unit": (task.department.short_name or task.department.name) if with_unit else "",
            "holder": mine if task.assignee_id == me.pk else task.assignee.name if task.assignee else nobody,
            "due": {"overdue": chip("bad", due), "today": due_today}.get(group, due),
            "strip": strip,
            "left": left,
        }
        groups.setdefault(group, []).append(row)
    return groups


def _page(values: QueryDict) -> int:
    try:
        return min(max(int(values.get("page", 1)), 1), MOST_PAGES)
    except ValueError:
        return 1


def _address(desk: Desk, **changes: str) -> str:
    values = {"whose": desk.whose, "due": desk.due, "kind": desk.kind} | changes
    query = urlencode({name: value for name, value in values.items() if value})
    return f"?{query}" if query else "?"


def _departments(request: StaffRequest) -> list[Department]:
    """The units to choose from in the list of a whole unit; none for who sees only one."""
    grants = [grant for grant in request.staff.granted if grant.role in access.PERMISSIONS["cases.view"]]
    found = Department.objects.filter(region_id=request.staff.region_id).order_by("name")
    if all(grant.department_id for grant in grants):
        found = found.filter(pk__in=[grant.department_id for grant in grants if grant.department_id])
    return list(found)


def group_of(task: Task, today: date) -> str:
    if task.due_on < today:
        return "overdue"
    if task.due_on == today:
        return "today"
    return "week" if task.due_on <= today + WEEK else "later"


@staff_page(*RIGHTS)
@require_safe
def next_one(request: StaffRequest) -> HttpResponse:
    """To the case of the next of one's own steps after that of the case named, then from the first again."""
    steps = worklists.steps_for(request.staff, Desk(), today=localdate(timezone.now()))
    numbers = list(dict.fromkeys(steps.values_list("case__query_no", flat=True)[: PAGE * 10]))
    after = request.GET.get("after", "")
    place = numbers.index(after) + 1 if after in numbers else 0
    left = [number for number in numbers[place:] + numbers[:place] if number != after]
    if not left:
        messages.info(request, _("没有别的任务了。"))
        return redirect("workbench:tasks")
    return redirect("workbench:case", left[0])


@staff_page(*RIGHTS)
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    """The list as a table, names masked; who took how many by which filter is in the ledger."""
    now = timezone.now()
    desk = desk_of(request.POST)
    steps = worklists.steps_for(request.staff, desk, today=localdate(now))
    found = lists.export_tasks(request.staff, steps, vars(desk), at=now)
    heads = [_("编号"), _("事项"), _("申请人"), _("步骤"), _("部门"), _("岗位"), _("谁在办"), _("这一步最晚")]
    heads.append(_("整件最晚"))
    rows = (
        [
            task.case.query_no,
            task.case.version.name,
            task.case.applicant.masked_name,
            task.name,
            task.department.name,
            task.post,
            str(task.assignee or ""),
            task.due_on.isoformat(),
            task.case.due_on.isoformat() if task.case.due_on else "",
        ]
        for task in found
    )
    return sheets.download(request, "tasks", _("任务"), heads, rows, day=localdate(now))


urlpatterns = [
    path("tasks/next", next_one, name="task-next"),
    path("tasks/export", export, name="tasks-export"),
]
