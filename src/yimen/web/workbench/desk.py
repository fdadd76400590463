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
from yimen.hall.queries.finding import find_tickets
from yimen.hall.rules.care import offers_care
from yimen.people import identity
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import verbs
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

SEARCH_MAX = 40
ORDER_SHOWN = 60


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


def at_desk(request: StaffRequest, *, refused: str = "", looks: bool = False) -> HttpResponse:
    """The page, also after a POST that stays on it."""
    halls, hall = _halls(request)
    if hall is None:
        return render(request, "workbench/desk.html", {"hall": None})
    now = timezone.now()
    queues, given = queries.desk(hall, now), queries.given_today(hall, now)
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
        "offer": Ticket.Care.OLD if request.GET.get("offer") == Ticket.Care.OLD else "",
        "order": queries.order_of_today(hall, now)[:ORDER_SHOWN],
        "not_called": queries.not_called(hall, now),
        "few": [(queue.wait, given[queue.wait.series_id]) for queue in queues if _is_short(given, queue)],
        "cares": Ticket.Care.choices,
        "typed": {name: posted.get(name, "") for name in ("care", "name", "again_reason")},
        "undoable": queries.undoable(request.staff, _key(request.GET.get("undo", "")), now),
        "refused": refused,
        "looks": looks,
        "tickets": find_tickets(hall, posted_text(request, "who")[:SEARCH_MAX], now) if looks else [],
        "label": request.GET.get("label", "").replace("\x00", "")[:12],
    }
    context |= verbs.targets(request.staff, None, hall.pk)
    return render(request, "workbench/desk.html", context)


def _is_short(given: dict[UUID, queries.Given], queue: queries.Queue) -> bool:
    return given[queue.wait.series_id].left is not None


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


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
        care=posted_text(request, "care"),
        id_number=posted_text(request, "id_number"),
        name=posted_text(request, "name"),
        again_reason=posted_text(request, "again_reason"),
    )
    message = _("取好了，%(label)s。") % {"label": ticket.label}
    if not ticket.care and _is_old(posted_text(request, "id_number")):
        message += _("他 65 岁以上，要照顾的话点“照顾他”。")
        return Done(_address(hall, taken=str(ticket.pk), offer="old"), message)
    return Done(_address(hall, taken=str(ticket.pk)), message)


@staff_page("hall.take")
@require_POST
def find(request: StaffRequest) -> HttpResponse:
    """Somebody who does not know his number any more. A POST: names and numbers never stand in addresses."""
    return at_desk(request, looks=True)


def _is_old(id_number: str) -> bool:
    """Of a number that take_ticket has found possible; a number not given says nothing."""
    if not id_number.strip():
        return False
    today = timezone.localdate()
    return offers_care(identity.check_resident_id(id_number.strip(), today).birth_on, today)


@staff_page("hall.take")
@require_POST
@keyed("hall.give_care", stay=at_desk)
def care(request: StaffRequest) -> Done:
    """Special care for a ticket that waits already."""
    hall = _my_hall(request)
    ticket = get_object_or_404(Ticket, pk=posted_id(request, "ticket"), region_id=hall.region_id, hall=hall)
    ticket = actions.give_care(ticket.pk, posted_text(request, "care"), by=request.staff, at=timezone.now())
    values = {"label": ticket.label, "care": ticket.get_care_display()}
    return Done(_address(hall), _("%(label)s 记成%(care)s了，窗口会看到。") % values)


@staff_page("hall.take")
@require_POST
@keyed("hall.desk_transfer", stay=at_desk)
def transfer(request: StaffRequest) -> Done:
    """A ticket by its label, to a window or into another queue."""
    hall, at = _my_hall(request), timezone.now()
    label = posted_text(request, "label").strip().upper()
    ticket = Ticket.objects.filter(region_id=hall.region_id, hall=hall, day=timezone.localdate(at), label=label).first()
    if ticket is None:
        raise Stay(refused=_("今天没有这个号。请看他的小票，例如 A027。"))
    moved = verbs.move_ticket(request, ticket)
    return Done(_address(hall, undo=str(moved.pk)), verbs.said(moved))


@staff_page("hall.take")
@require_POST
@keyed("hall.put_back", stay=at_desk)
def put_back(request: StaffRequest) -> Done:
    hall = _my_hall(request)
    ticket = get_object_or_404(Ticket, pk=posted_id(request, "ticket"), region_id=hall.region_id, hall=hall)
    actions.put_back(ticket.pk, by=request.staff, at=timezone.now())
    message = _("%(label)s 又排上了，照原来取号的时间排，很快叫到。") % {"label": ticket.label}
    return Done(_address(hall, undo=str(ticket.pk)), message)


urlpatterns = [
    path("desk", desk, name="desk"),
    path("desk/find", find, name="desk-find"),
    path("desk/take", take, name="desk-take"),
    path("desk/put-back", put_back, name="desk-put-back"),
    path("desk/care", care, name="desk-care"),
    path("desk/transfer", transfer, name="desk-transfer"),
]
