"""导办: who is called where, help noted in two taps, its rating by QR; for managers the roster and figures."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.hall import queries
from yimen.hall.actions import helping
from yimen.hall.models import GuideCall, GuideDuty, GuideHelp, Hall, Ticket
from yimen.hall.queries import kiosks as reads
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import access
from yimen.people.models import Role, Staff
from yimen.ratings import actions as ratings
from yimen.ratings import queries as rating_queries
from yimen.web.once import Done, keyed
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

LATEST = 8


def _halls(request: StaffRequest) -> tuple[list[Hall], Hall | None]:
    halls = queries.halls_for(request.staff)
    code = request.POST.get("hall") or request.GET.get("hall")
    if not code:
        return halls, halls[0] if halls else None
    found = next((hall for hall in halls if hall.code == code), None)
    if found is None:
        raise Http404
    return halls, found


def _hall(request: StaffRequest) -> Hall:
    _all, hall = _halls(request)
    if hall is None:
        raise Http404
    return hall


def _page(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    halls, hall = _halls(request)
    now, today = timezone.now(), timezone.localdate()
    values: dict[str, Any] = {"halls": halls, "hall": hall, "refused": refused}
    if hall is not None:
        mine = reads.helps_of(request.staff, today)
        values |= {
            "may_help": access.allowed(request.staff, "hall.guide"),
            "may_manage": access.allowed(request.staff, "hall.manage"),
            "calls": reads.open_calls(hall),
            "on_duty": reads.on_duty(hall, now),
            "kinds": GuideHelp.Kind.choices,
            "mine": mine[:LATEST],
            "count": mine.count(),
            "faults": reads.faulty_printers(hall),
            "just": _just(request),
        }
    return render(request, "workbench/guides/page.html", values)


def _just(request: StaffRequest) -> dict[str, Any] | None:
    """The help noted a moment ago, with the link for whoever was helped."""
    try:
        pk = UUID(request.GET.get("just", ""))
    except ValueError:
        return None
    help_ = GuideHelp.objects.filter(pk=pk, staff=request.staff).select_related("ticket").first()
    if help_ is None:
        return None
    invitation = getattr(help_, "invitation", None)
    if invitation is None:
        return {"help": help_, "address": ""}
    address = str(settings.BASE_URL).rstrip("/") + reverse("portal:rate", args=[invitation.token])
    return {"help": help_, "address": address}


@staff_page("hall.guide", "hall.manage")
@require_safe
def guides(request: StaffRequest) -> HttpResponse:
    return _page(request)


@staff_page("hall.guide")
@require_POST
@keyed("hall.note_help", stay=_page)
def note(request: StaffRequest) -> Done:
    """The second tap: what was done. The link for its rating is made at once."""
    hall, now = _hall(request), timezone.now()
    label = posted_text(request, "label").strip().upper()[:12]
    ticket = None
    if label:
        ticket = Ticket.objects.filter(
            region_id=hall.region_id, hall=hall, day=timezone.localdate(now), label=label
        ).first()
        if ticket is None:
            raise helping.NotAHelp(_("今天没有 %(label)s 这个号。不填号也能记。") % {"label": label})
    help_ = helping.note_help(
        hall, posted_text(request, "kind"), by=request.staff, at=now, ticket=ticket, note=posted_text(request, "note")
    )
    ratings.invite_for_help(help_, at=now)
    return Done(f"{reverse('workbench:guides')}?hall={hall.code}&just={help_.pk}", _("记下了。"))


@staff_page("hall.guide")
@require_POST
@keyed("hall.answer_call", stay=_page)
def go(request: StaffRequest) -> Done:
    hall = _hall(request)
    call = get_object_or_404(GuideCall, pk=posted_id(request, "call"), region_id=hall.region_id, hall=hall)
    call = helping.answer_call(call.pk, by=request.staff, at=timezone.now())
    if call.answered_by_id != request.staff.pk:
        message = _("已经有同事过去了，谢谢您。")
    else:
        message = _("请过去吧，自助机上已经告诉群众有人来了。")
    return Done(f"{reverse('workbench:guides')}?hall={hall.code}", message)


# The roster and the figures, for managers


def _roster(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    halls, hall = _halls(request)
    today = timezone.localdate()
    values: dict[str, Any] = {"halls": halls, "hall": hall, "today": today, "refused": refused, "typed": request.POST}
    if hall is not None:
        start = datetime.combine(today, time(), LOCAL_ZONE)
        guides_ = (
            Staff.objects.filter(region_id=hall.region_id, grants__role__in=[Role.GUIDE, Role.CLERK])
            .distinct()
            .order_by("name")
        )
        values |= {
            "duties": reads.duties(hall, start, start + timedelta(days=7)),
            "staff": guides_,
            "figures": rating_queries.guide_figures(hall.region_id, today - timedelta(days=29), today),
        }
    return render(request, "workbench/guides/roster.html", values)


@staff_page("hall.manage")
@require_safe
def roster(request: StaffRequest) -> HttpResponse:
    return _roster(request)


@staff_page("hall.manage")
@require_POST
@keyed("hall.put_on_duty", stay=_roster)
def put_on(request: StaffRequest) -> Done:
    hall = _hall(request)
    somebody = get_object_or_404(Staff, pk=posted_id(request, "staff"), region_id=hall.region_id)
    day, start, end = (posted_text(request, name) for name in ("day", "from", "until"))
    try:
        on = date.fromisoformat(day)
        begin = datetime.combine(on, time.fromisoformat(start), LOCAL_ZONE)
        until = datetime.combine(on, time.fromisoformat(end), LOCAL_ZONE)
    except ValueError:
        raise helping.BadDuty(_("请填日期、开始和结束的时间。")) from None
    helping.put_on_duty(
        hall, somebody, from_at=begin, until_at=until, place=posted_text(request, "place"),
        by=request.staff, at=timezone.now(),
    )  # fmt: skip
    return Done(f"{reverse('workbench:guides-roster')}?hall={hall.code}", _("排好了。"))


@staff_page("hall.manage")
@require_POST
@keyed("hall.take_off_duty", stay=_roster)
def take_off(request: StaffRequest) -> Done:
    hall = _hall(request)
    duty = get_object_or_404(GuideDuty, pk=posted_id(request, "duty"), region_id=hall.region_id, hall=hall)
    helping.take_off_duty(duty.pk, by=request.staff, at=timezone.now())
    return Done(f"{reverse('workbench:guides-roster')}?hall={hall.code}", _("去掉了。"))


urlpatterns = [
    path("guides", guides, name="guides"),
    path("guides/note", note, name="guides-note"),
    path("guides/go", go, name="guides-go"),
    path("guides/roster", roster, name="guides-roster"),
    path("guides/roster/add", put_on, name="guides-put-on"),
    path("guides/roster/drop", take_off, name="guides-take-off"),
]
