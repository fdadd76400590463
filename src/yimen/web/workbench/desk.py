"""The help desk: who waits, a number for somebody, and a passed number back into its queue."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import queries as case_queries
from yimen.catalog.models import ServiceItem
from yimen.hall import actions, queries
from yimen.hall.models import Hall, Ticket
from yimen.web.once import Done, keyed
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

SEARCH_MAX = 40


def _halls(request: StaffRequest) -> tuple[list[Hall], Hall | None]:
    """The reader's halls, and the one asked for or the first; 404 for one that is not theirs."""
    halls = queries.halls_for(request.staff)
    code = request.POST.get("hall") or request.GET.get("hall")
    if not code:
        return halls, halls[0] if halls else None
    found = next((hall for hall in halls if hall.code == code), None)
    if found is None:
        raise Http404
    return halls, found


def _my_hall(request: StaffRequest) -> Hall:
    _all, hall = _halls(request)
    if hall is None:
        raise Http404
    return hall


def _address(hall: Hall, **more: str) -> str:
    return f"{reverse('workbench:desk')}?{urlencode({'hall': hall.code, **more})}"


def at_desk(request: StaffRequest, *, refused: str = "") -> HttpResponse:
    """The page, also after a POST that stays on it."""
    halls, hall = _halls(request)
    if hall is None:
        return render(request, "workbench/desk.html", {"hall": None})
    queues = queries.desk(hall, timezone.now())
    waiting = [ticket for queue in queues for ticket in queue.waiting]
    put_first = case_queries.ticket_priorities(hall.region_id, [ticket.pk for ticket in waiting])
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_MAX]
    posted = request.POST
    open_series = [queue.wait for queue in queues if queue.wait.is_open]
    first = str(open_series[0].series_id) if open_series else ""
    context: dict[str, Any] = {
        "hall": hall,
        "halls": halls,
        "queues": queues,
        "open_series": open_series,
        "priorities": [(ticket, put_first[ticket.pk]) for ticket in waiting if ticket.pk in put_first],
        "passed": [(queue.wait, ticket) for queue in queues for ticket in queue.passed],
        "asked": asked,
        "found": queries.items_in(hall, asked) if asked else [],
        "item": _item(hall, posted.get("item") or request.GET.get("item", "")),
        "chosen": posted.get("series") or request.GET.get("series") or first,
        "last_four": posted.get("last_four", ""),
        "taken": _taken(hall, request.GET.get("taken", "")),
        "refused": refused,
    }
    return render(request, "workbench/desk.html", context)


def _item(hall: Hall, text: str) -> ServiceItem | None:
    try:
        return ServiceItem.objects.filter(region_id=hall.region_id, pk=UUID(text)).first()
    except ValueError:
        return None


def _taken(hall: Hall, text: str) -> Ticket | None:
    """The ticket just taken, to be handed over."""
    try:
        return (
            Ticket.objects.filter(region_id=hall.region_id, hall=hall, pk=UUID(text)).select_related("series").first()
        )
    except ValueError:
        return None


@staff_page("hall.take")
@require_safe
def desk(request: StaffRequest) -> HttpResponse:
    return at_desk(request)


@staff_page("hall.take")
@require_POST
@keyed("hall.take", stay=at_desk)
def take(request: StaffRequest) -> Done:
    hall = _my_hall(request)
    series = get_object_or_404(hall.series, pk=posted_id(request, "series"))
    ticket = actions.take_ticket(
        series.pk,
        by=request.staff,
        at=timezone.now(),
        source=Ticket.Source.DESK,
        item=_item(hall, posted_text(request, "item")),
        phone_last_four=posted_text(request, "last_four").strip(),
    )
    return Done(_address(hall, taken=str(ticket.pk)), _("取好了，%(label)s。") % {"label": ticket.label})


@staff_page("hall.take")
@require_POST
@keyed("hall.put_back", stay=at_desk)
def put_back(request: StaffRequest) -> Done:
    hall = _my_hall(request)
    ticket = get_object_or_404(Ticket, pk=posted_id(request, "ticket"), region_id=hall.region_id, hall=hall)
    actions.put_back(ticket.pk, by=request.staff, at=timezone.now())
    message = _("%(label)s 又排上了，照原来取号的时间排，很快叫到。") % {"label": ticket.label}
    return Done(_address(hall), message)


urlpatterns = [
    path("desk", desk, name="desk"),
    path("desk/take", take, name="desk-take"),
    path("desk/put-back", put_back, name="desk-put-back"),
]
