"""双公示: what was granted lately, by when each is to be uploaded, and which is (LAW-18)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import queries
from yimen.cases.actions.publicity import note_uploaded
from yimen.people import access
from yimen.web.once import Done, keyed
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 50


def _list(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    """What waits, the most urgent first; with ?done=1 what was uploaded lately."""
    today, is_done = localdate(timezone.now()), request.GET.get("done") == "1"
    found = queries.publicity(request.staff.region_id, today=today, is_uploaded=is_done)
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(one, due_on, getattr(one, "publicity", None)) for one, due_on in queries.with_last_day(page)],
        "is_done": is_done,
        "may_mark": access.allowed(request.staff, "cases.publicize"),
        "today": today,
        "refused": refused,
    }
    return render(request, "workbench/results/publicity.html", context)


@staff_page("insight.view", "cases.publicize")
@require_safe
def publicity(request: StaffRequest) -> HttpResponse:
    return _list(request)


@staff_page("cases.publicize")
@require_POST
@keyed("cases.note_uploaded", stay=_list)
def mark(request: StaffRequest) -> Done:
    chosen = set()
    for text in request.POST.getlist("notice")[:1000]:
        try:
            chosen.add(UUID(text))
        except ValueError:
            continue
    count = note_uploaded(chosen, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:publicity"), _("记下了：%(n)s 件已经上传。") % {"n": count})


urlpatterns = [
    path("publicity", publicity, name="publicity"),
    path("publicity/uploaded", mark, name="publicity-mark"),
]
