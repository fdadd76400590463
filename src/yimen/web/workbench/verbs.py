"""The window's other verbs: hold, call back, a chosen number, transfer, the next matter, undo, and on to the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.hall import actions, queries
from yimen.hall.models import Series, Ticket, Window
from yimen.hall.rules.reasons import CHOSEN
from yimen.people.models import Staff
from yimen.ratings import actions as ratings
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import window
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page


def _at_window(request: StaffRequest, **context: Any) -> HttpResponse:
    return window.at_window(request, **context)


def address(ticket: Ticket, **more: str) -> str:
    """The window, with what was done last to be undone."""
    return f"{reverse('workbench:window')}?{urlencode({**more, 'undo': str(ticket.pk)})}"


def targets(staff: Staff, here: Window | None, hall_id: UUID) -> dict[str, Any]:
    """Where a ticket of this hall can go: windows with somebody at them, and queues."""
    windows = Window.objects.filter(region_id=staff.region_id, hall=hall_id, staff__isnull=False, paused_at=None)
    if here is not None:
        windows = windows.exclude(pk=here.pk)
    series = Series.objects.filter(region_id=staff.region_id, hall=hall_id)
    return {"to_windows": list(windows.order_by("number")), "to_series": list(series)}


@staff_page("hall.call")
@require_POST
@keyed("hall.hold", stay=_at_window)
def hold(request: StaffRequest) -> Done:
    ticket = actions.hold(window.my_ticket(request).pk, by=request.staff, at=timezone.now())
    return Done(address(ticket), _("%(label)s 挂起了，回来时点“回呼”接着办。") % {"label": ticket.label})


@staff_page("hall.call")
@require_POST
@keyed("hall.call_back", stay=_at_window)
def call_back(request: StaffRequest) -> Done:
    here, ticket = window.my_window(request), window.my_ticket(request)
    ticket = actions.call_back(here.pk, ticket.pk, by=request.staff, at=timezone.now())
    return Done(address(ticket), _("已回呼 %(label)s。") % {"label": ticket.label})


@staff_page("hall.call")
@require_POST
@keyed("hall.call_chosen", stay=_at_window)
def call_chosen(request: StaffRequest) -> Done:
    here, at = window.my_window(request), timezone.now()
    label = posted_text(request, "label").strip().upper()
    found = Ticket.objects.filter(
        region_id=here.region_id, hall=here.hall_id, day=timezone.localdate(at), label=label
    ).first()
    if found is None:
        raise Stay(refused=_("今天没有这个号。请看他的小票，例如 A027。"), chosen=request.POST)
    ticket = actions.call_chosen(
        here.pk,
        found.pk,
        reason=posted_text(request, "reason"),
        note=posted_text(request, "note"),
        by=request.staff,
        at=at,
    )
    return Done(address(ticket), _("已叫 %(label)s。") % {"label": ticket.label})


@staff_page("hall.call")
@require_POST
@keyed("hall.transfer", stay=_at_window)
def transfer(request: StaffRequest) -> Done:
    ticket = move_ticket(request, window.my_ticket(request))
    return Done(address(ticket), said(ticket))


def move_ticket(request: StaffRequest, ticket: Ticket) -> Ticket:
    """to: "w:" and a window, or "s:" and a series."""
    kind, _colon, pk = posted_text(request, "to").partition(":")
    try:
        key = UUID(pk)
    except ValueError:
        raise Stay(refused=_("请选转到哪个窗口，或者哪一队。")) from None
    region = request.staff.region_id
    to_window = get_object_or_404(Window, pk=key, region_id=region) if kind == "w" else None
    to_series = get_object_or_404(Series, pk=key, region_id=region) if kind != "w" else None
    return actions.transfer(ticket.pk, to_window=to_window, to_series=to_series, by=request.staff, at=timezone.now())


def said(ticket: Ticket) -> str:
    if ticket.only_window is not None:
        values = {"label": ticket.label, "number": ticket.only_window.number}
        return _("%(label)s 转到 %(number)s 号窗口了，还是原来的时间，不用重新排。") % values
    values = {"label": ticket.label, "name": ticket.series.name}
    return _("%(label)s 转到%(name)s了，还是原来的时间，不用重新排。") % values


@staff_page("hall.call")
@require_POST
@keyed("hall.next_matter", stay=_at_window)
def next_matter(request: StaffRequest) -> Done:
    at, ticket = timezone.now(), window.my_ticket(request)
    series = get_object_or_404(Series, pk=posted_id(request, "series"), region_id=request.staff.region_id)
    new = actions.next_matter(ticket.pk, series.pk, by=request.staff, at=at)
    if new.status == Ticket.Status.SERVING:
        return Done(reverse("workbench:window"), _("接着办下一件，号是 %(label)s。") % {"label": new.label})
    values = {"label": new.label, "name": series.name}
    message = _("下一件去%(name)s，号是 %(label)s，还是他原来的时间。请写给他。")
    return Done(f"{reverse('workbench:window')}?served={ticket.pk}&next={new.pk}", message % values)


@staff_page("hall.call")
@require_POST
@keyed("hall.call_after", stay=_at_window)
def call_after(request: StaffRequest) -> Done:
    """The confirm step: what becomes of who is here, and then the next one; together or not at all."""
    at, staff, here = timezone.now(), request.staff, window.my_window(request)
    ticket, query = window.my_ticket(request), ""
    match posted_text(request, "how"):
        case "finish":
            ticket = actions.finish(ticket.pk, by=staff, at=at)
            ratings.invite_for_visit(ticket, at=at)
            query = f"&served={ticket.pk}"
        case "hold":
            actions.hold(ticket.pk, by=staff, at=at)
        case "pass":
            actions.pass_over(ticket.pk, by=staff, at=at)
        case _other:
            raise Stay(refused=_("请选他办完了、挂起还是过号。"))
    called = actions.call_next(here.pk, by=staff, at=at)
    if called is None:
        return Done(f"{address(ticket)}{query}", _("现在没有人在等。"))
    return Done(f"{address(called)}{query}", _("已叫 %(label)s。") % {"label": called.label})


@staff_page("hall.call", "hall.take")
@require_POST
@keyed("hall.undo", stay=_at_window)
def undo(request: StaffRequest) -> Done:
    ticket = actions.undo(window.my_ticket(request).pk, by=request.staff, at=timezone.now())
    back = "workbench:desk" if posted_text(request, "from") == "desk" else "workbench:window"
    return Done(reverse(back), _("撤销了，%(label)s 和刚才一样。") % {"label": ticket.label})


def more_context(staff: Staff, here: Window, ticket: Ticket | None, request: StaffRequest) -> dict[str, Any]:
    """What the window's page needs for these verbs."""
    now = timezone.now()
    try:
        last = UUID(request.GET.get("undo", ""))
    except ValueError:
        last = None
    values: dict[str, Any] = {
        "standing": queries.standing(here, now),
        "aside": queries.set_aside(here, now),
        "undoable": queries.undoable(staff, last, now),
        "chosen_reasons": CHOSEN.items(),
    }
    if ticket is not None:
        values |= targets(staff, here, here.hall_id)
        values |= {"reason": queries.reason_of(ticket), "name": queries.name_of(ticket)}
        values |= {"first": queries.first_of(ticket)}
    return values


urlpatterns = [
    path("window/hold", hold, name="window-hold"),
    path("window/back", call_back, name="window-back"),
    path("window/chosen", call_chosen, name="window-chosen"),
    path("window/transfer", transfer, name="window-transfer"),
    path("window/next-matter", next_matter, name="window-matter"),
    path("window/after", call_after, name="window-after"),
    path("window/undo", undo, name="window-undo"),
]
