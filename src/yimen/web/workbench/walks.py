"""换位体验 (S4-26): rounds of walk-throughs, who has done his two errands, and the report of each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import queries as catalog
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.supervision import actions, queries
from yimen.web.once import Done, keyed
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.supervision import csv

MOST_FOUND = 12


def _posted_day(request: StaffRequest, name: str) -> Any:
    try:
        day = parse_date(posted_text(request, name).strip())
    except ValueError:
        day = None
    if day is None:
        raise DomainError(_("日期请写成 2026-11-18 这样。"))
    return day


def _walks(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    staff, today = request.staff, localdate(timezone.now())
    names = queries.campaigns(staff.region_id)
    chosen = request.GET.get("round", "")
    chosen = chosen if chosen in names else names[0] if names else ""
    walkers = queries.walkers(staff.region_id, chosen) if chosen else []
    context = {
        "names": names,
        "chosen": chosen,
        "walkers": walkers,
        "done": sum(walker.done_count for walker in walkers),
        "total": sum(len(walker.walks) for walker in walkers),
        "problems": [
            (walker.leader, walk, problem)
            for walker in walkers
            for walk in walker.walks.values()
            for problem in walk.problems
        ],
        "may_begin": access.allowed(staff, "supervision.manage"),
        "today": today,
        "typed": request.POST,
        "refused": refused,
    }
    return render(request, "workbench/supervision/walks.html", context)


@staff_page("supervision.view")
@require_safe
def walks(request: StaffRequest) -> HttpResponse:
    return _walks(request)


@staff_page("supervision.manage")
@require_POST
@keyed("supervision.begin_campaign", stay=_walks)
def begin(request: StaffRequest) -> Done:
    new = actions.begin_campaign(
        request.staff.region_id,
        posted_text(request, "name"),
        due_on=_posted_day(request, "due_on"),
        by=request.staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:walks"), _("布置好了，新增 %(n)s 项体验。") % {"n": len(new)})


@staff_page("supervision.view")
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    at = timezone.now()
    rows = queries.export_walks(request.staff, posted_text(request, "round"), at=at)
    return csv(rows, f"walks-{localdate(at):%Y%m%d}.csv")


def _walk(request: StaffRequest, pk: UUID, *, refused: str = "", **_context: Any) -> HttpResponse:
    found = queries.walk_of(request.staff, pk)
    if found is None:
        raise Http404
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    items = catalog.editable_items(request.staff.region_id, text=text, state="published")[:MOST_FOUND]
    context = {
        "walk": found,
        "today": localdate(timezone.now()),
        "typed": request.POST,
        "items": items,
        "refused": refused,
    }
    return render(request, "workbench/supervision/walk.html", context)


@staff_page("supervision.view")
@require_http_methods(["GET", "HEAD", "POST"])
def walk(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One errand of the reader's own; a POST reports it."""
    return _report(request, pk) if request.method == "POST" else _walk(request, pk)


@keyed("supervision.report_walk", stay=_walk)
def _report(request: StaffRequest, pk: UUID) -> Done:
    if queries.walk_of(request.staff, pk) is None:
        raise Http404
    minutes = posted_text(request, "minutes").strip()
    try:
        item = UUID(posted_text(request, "item"))
    except ValueError:
        item = None
    actions.report_walk(
        pk,
        done_on=_posted_day(request, "done_on"),
        minutes=int(minutes) if minutes.isdecimal() and len(minutes) < 6 else 0,
        report=posted_text(request, "report"),
        problems=posted_text(request, "problems").splitlines(),
        item=item,
        by=request.staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:walks"), _("体验报告交上去了，谢谢您走这一趟。"))


urlpatterns = [
    path("walks", walks, name="walks"),
    path("walks/begin", begin, name="walks-begin"),
    path("walks/export", export, name="walks-export"),
    path("walks/<uuid:pk>", walk, name="walk"),
]
