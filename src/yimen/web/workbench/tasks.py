"""My tasks: what is overdue, what is due today, what comes later."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yimen.cases import queries
from yimen.cases.models import Task
from yimen.web.workbench.guard import StaffRequest, staff_page

# More than anybody can have in front of him; the list of cases has the rest.
MOST = 200


@staff_page("cases.review", "cases.decide")
@require_safe
def tasks(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    today = localdate(now)
    found = list(queries.open_tasks(request.staff).prefetch_related("case__clocks")[: MOST + 1])
    clocks = queries.promised_views([task.case for task in found[:MOST]], today=today)
    groups: dict[str, list[dict[str, Any]]] = {}
    for task in found[:MOST]:
        row = {"task": task, "case": task.case, "clock": clocks.get(task.case_id)}
        groups.setdefault(group_of(task, today), []).append(row)
    titles = {"overdue": _("这一步已经过期，先办"), "today": _("今天到期"), "later": _("以后到期")}
    return render(
        request,
        "workbench/tasks.html",
        {
            "groups": [(key, titles[key], groups[key]) for key in titles if key in groups],
            "count": len(found[:MOST]),
            "has_more": len(found) > MOST,
            "first": [row for key in ("overdue", "today") for row in groups.get(key, [])][:3],
        },
    )


def group_of(task: Task, today: date) -> str:
    if task.due_on < today:
        return "overdue"
    return "today" if task.due_on == today else "later"
