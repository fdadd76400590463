"""停计和延长: the special procedures that run, the extensions that wait for a leader, who withdrew and came again."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from yimen.cases import queries
from yimen.web.workbench.guard import StaffRequest, staff_page

# More than anybody can have in front of him; the oldest come first.
MOST = 100
# How far back a withdrawal is looked for whose applicant came again.
SINCE = timedelta(days=180)


@staff_page("cases.view")
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    today, mine = localdate(now), queries.visible_to(request.staff)
    context = {
        "stops": [
            (stop, max((today - stop.planned_last).days, 0))
            for stop in queries.stopped(request.staff.region_id).filter(case__in=mine)[:MOST]
        ],
        "extensions": queries.extensions_asked(request.staff.region_id).filter(case__in=mine)[:MOST],
        "pairs": queries.withdrawn_and_again(request.staff.region_id, since=now - SINCE, among=mine)[:MOST],
        "today": today,
    }
    return render(request, "workbench/handling/special.html", context)


urlpatterns = [path("special", page, name="special")]
