"""What needs looking after besides the tasks: cases handed on, promised materials, commitments to check."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from yimen.cases import queries
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20
# Beside a list with pages of its own; more than anybody can have in front of him.
MOST = 100


def _page(request: StaffRequest, rows: QuerySet[Any]) -> Any:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


@staff_page("cases.view")
@require_safe
def moves(request: StaffRequest) -> HttpResponse:
    """What came to us, and what we sent and is not back; the overdue first."""
    context = {
        "page": _page(request, queries.moves_here(request.staff)),
        "sent": queries.moves_sent(request.staff)[:MOST],
        "today": localdate(timezone.now()),
    }
    return render(request, "workbench/handling/moves.html", context)


@staff_page("cases.view")
@require_safe
def gaps(request: StaffRequest) -> HttpResponse:
    context = {"page": _page(request, queries.open_gaps(request.staff)), "today": localdate(timezone.now())}
    return render(request, "workbench/handling/gaps.html", context)


@staff_page("cases.view")
@require_safe
def commitments(request: StaffRequest) -> HttpResponse:
    context = {
        "page": _page(request, queries.commitments_to_check(request.staff)),
        "broken": queries.broken_commitments(request.staff)[:MOST],
        "today": localdate(timezone.now()),
    }
    return render(request, "workbench/handling/commitments.html", context)


urlpatterns = [
    path("moves", moves, name="moves"),
    path("gaps", gaps, name="gaps"),
    path("commitments", commitments, name="commitments"),
]
