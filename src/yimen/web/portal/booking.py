"""
约: a time for an item, without script and without account.

Three pages from the item: choose the time, say who comes, the number (S2-5). A place is kept while the form is filled
in; the address of an appointment is its secret.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog.models import ServiceItem
from yimen.hall.actions import appointments, booking, plans, waitlist
from yimen.hall.models import Appointment, Channel, Hall, WaitListEntry
from yimen.hall.queries import appointments as queries
from yimen.ledger.actions import PUBLIC, SYSTEM, Actor
from yimen.people import identity
from yimen.people.models import Applicant
from yimen.web import checking
from yimen.web.limits import Limit
from yimen.web.once import Done, Stay, actor_of, key_of, keyed, with_status
from yimen.web.portal import guide
from yimen.web.portal.ics import calendar_file

OFFERED = ["GET", "HEAD", "POST"]
_HELD = "held_appointment"
# Keeping a place takes it from others for a while; one address may be a whole hall behind a router.
_HOLDS = Limit(settings.BOOKINGS_PER_MINUTE)


class WhoForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("来办事的人的姓名"),
        max_length=60,
        required=False,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("手机号"),
        max_length=24,
        required=False,
        help_text=gettext_lazy("有变化时告诉您；签到时看后 4 位。"),
        widget=forms.TextInput({"autocomplete": "tel", "inputmode": "tel"}),
    )
    note = forms.CharField(
        label=gettext_lazy("要我们知道的（可以不填）"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("例如：坐轮椅来、要手语。"),
    )

    def __init__(self, *args: Any, applicant: Applicant | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.applicant = applicant
        if applicant is not None:
            self.initial.setdefault("name", applicant.name)
            hint = _("不填就用账户里的 %(phone)s。") % {"phone": applicant.masked_phone}
            self.fields["phone"].help_text = hint

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).replace("\x00", "").strip()
        if not name and self.applicant is None:
            raise forms.ValidationError(_("请填写来办事的人的姓名。"))
        return name

    def clean_phone(self) -> str:
        phone = str(self.cleaned_data["phone"])
        if not phone and self.applicant is not None:
            return ""
        try:
            return identity.check_phone(phone)
        except identity.InvalidIdentity as error:
            raise forms.ValidationError(str(error)) from error

    def clean_note(self) -> str:
        return str(self.cleaned_data["note"]).replace("\x00", "").strip()


class WaitForm(WhoForm):
    note = None  # type: ignore[assignment]
    from_day = forms.DateField(
        label=gettext_lazy("从哪天起"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages=dict.fromkeys(("required", "invalid"), gettext_lazy("请选从哪天起。")),
    )
    until_day = forms.DateField(
        label=gettext_lazy("到哪天止"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages=dict.fromkeys(("required", "invalid"), gettext_lazy("请选到哪天止。")),
    )
    field_order = ("from_day", "until_day", "name", "phone")

    def clean_note(self) -> str:
        return ""


def applicant_of(request: HttpRequest) -> Applicant | None:
    somebody = actor_of(request)
    return somebody if isinstance(somebody, Applicant) else None


def times_for(
    item: ServiceItem, at: datetime, *, hall: str = "", channel: str = Channel.WEB
) -> tuple[list[Hall], Hall | None, list[queries.Day]]:
    """The halls with booking for an item, the one asked for or the first, and its days; slots are made on demand."""
    on = localdate(at)
    found = queries.plans_for(item, on)
    halls = list({plan.hall_id: plan.hall for plan in found}.values())
    chosen = next((one for one in halls if one.code == hall), halls[0] if halls else None)
    mine = [plan for plan in found if chosen is not None and plan.hall_id == chosen.pk]
    for pk in queries.not_made(mine, on):
        plans.make_slots(pk, by=SYSTEM, at=at)
    return halls, chosen, queries.free_times(mine, channel, at)


def _day(days: list[queries.Day], text: str) -> queries.Day | None:
    """The day asked for, else the first with a free time, else the first."""
    asked = next((day for day in days if day.day.isoformat() == text), None)
    return asked or next((day for day in days if day.left), None) or (days[0] if days else None)


def _choose_page(
    request: HttpRequest, item: ServiceItem, *, action: str, refused: str = "", moving: Appointment | None = None
) -> HttpResponse:
    asked = request.GET.get("hall", "")
    halls, chosen, days = times_for(item, timezone.now(), hall=moving.hall.code if moving else asked)
    day = _day(days, request.GET.get("day", ""))
    values = {
        "item": item,
        "sheet_name": item.name,
        "halls": [] if moving else halls,
        "hall": chosen,
        "days": days,
        "day": day,
        "party": max((time.slot.plan.party for time in day.times), default=1) if day else 1,
        "typed": request.POST.get("slot", ""),
        "typed_party": request.POST.get("party", "1"),
        "campaigns": list({time.slot.plan.campaign for one in days for time in one.times if time.slot.plan.campaign}),
        "action": action,
        "moving": moving,
        "refused": refused,
    }
    return render(request, "portal/booking/choose.html", values)


@never_cache
@require_http_methods(OFFERED)
def choose(request: HttpRequest, code: str) -> HttpResponse:
    """Page 1: the days and times of an item; a POST keeps a place."""
    if request.method != "POST":
        return _choose(request, code)
    if not _HOLDS.allows(str(request.META.get("REMOTE_ADDR", "")), key=key_of(request)):
        response = with_status(_choose(request, code, refused=_("刚才预约的人太多，请等半分钟再点一次。")), 429)
        response["Retry-After"] = "30"
        return response
    return _hold(request, code)


def _choose(request: HttpRequest, code: str, *, refused: str = "") -> HttpResponse:
    item = guide.find(code)
    return _choose_page(request, item, action=reverse("portal:book", args=[code]), refused=refused)


def _slot_of(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("slot", ""))
    except ValueError:
        raise Stay(refused=_("请先选一个时间，再点下一步。")) from None


@keyed("hall.hold", stay=_choose)
def _hold(request: HttpRequest, code: str) -> Done:
    item, slot, at = guide.find(code), _slot_of(request), timezone.now()
    party = request.POST.get("party", "1").strip()
    number = int(party) if party.isdecimal() and len(party) < 4 else 0
    one = appointments.hold(slot, item=item, channel=Channel.WEB, by=_citizen(request), at=at, party=number)
    _let_go(request, at)
    request.session[_HELD] = str(one.pk)
    return Done(reverse("portal:appointment", args=[one.token]))


def _citizen(request: HttpRequest) -> Actor:
    """Staff who book for themselves here are citizens like others: the web's rules count."""
    return applicant_of(request) or PUBLIC


def _let_go(request: HttpRequest, at: datetime) -> None:
    """Whoever went back to choose another time keeps one place only."""
    before = request.session.get(_HELD)
    if before is None:
        return
    held = Appointment.objects.filter(pk=before, status=Appointment.Status.HELD).first()
    if held is not None:
        appointments.cancel(held.pk, by=_citizen(request), at=at)


def _find(token: str) -> Appointment:
    try:
        return queries.by_token(token)
    except Appointment.DoesNotExist:
        raise Http404 from None


@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Page 2 while the place is kept: who comes. Page 3 once it is booked: the number."""
    return _page(request, token)


def _page(request: HttpRequest, token: str, *, form: WhoForm | None = None, refused: str = "") -> HttpResponse:
    one, at = _find(token), timezone.now()
    if one.token != token:
        return redirect("portal:appointment", one.token)
    status = Appointment.Status
    early = booking.rule(one.region_id, booking.EARLY_KEY, at, booking.EARLY_MINUTES)
    left = (one.hold_until - at).total_seconds() if one.hold_until else 0
    values: dict[str, Any] = {
        "one": one,
        "item": one.item,
        "refused": refused,
        "is_open": one.status == status.BOOKED and one.slot.begins_at > at,
        "minutes": max(1, int(left) // 60) if left > 0 else 0,
        "address": settings.BASE_URL.rstrip("/") + reverse("portal:appointment", args=[one.token]),
        "arrive": one.slot.begins_at - timedelta(minutes=early),
        "late": booking.rule(one.region_id, booking.LATE_KEY, at, booking.LATE_MINUTES),
        "checked": checking.said_of(one),
    }
    if one.status == status.HELD:
        values["form"] = form or WhoForm(applicant=applicant_of(request))
        return render(request, "portal/booking/who.html", values)
    return render(request, "portal/booking/appointment.html", values)


@never_cache
@require_POST
@keyed("hall.book", stay=_page)
def book(request: HttpRequest, token: str) -> Done:
    one, who = _find(token), applicant_of(request)
    form = WhoForm(request.POST, applicant=who)
    if not form.is_valid():
        raise Stay(form=form)
    appointments.book(one.pk, by=_citizen(request), at=timezone.now(), applicant=who, **form.cleaned_data)
    request.session.pop(_HELD, None)
    return Done(reverse("portal:appointment", args=[one.token]))


@never_cache
@require_http_methods(OFFERED)
def papers(request: HttpRequest, token: str) -> HttpResponse:
    """
    核一核材料 while one books, as at the kiosk: the item's questions one by one, then which papers he does not have.

    a: answers so far (keys of options). A POST keeps what he said; nothing here has to be answered.
    """
    return _keep_papers(request, token) if request.method == "POST" else _papers_page(request, token)


def _papers_page(request: HttpRequest, token: str, *, refused: str = "") -> HttpResponse:
    one = _find(token)
    back = reverse("portal:appointment", args=[one.token])
    if one.item is None or one.status not in booking.TAKES_PLACES:
        return redirect(back)
    check = checking.check(one.region_id, str(one.item_id), request.GET)
    question = check.walk.next
    values = {
        "one": one,
        "item": one.item,
        "check": check,
        "question": question,
        "options": list(zip(question.names(), question.options, strict=True)) if question else [],
        "back": back,
        "refused": refused,
    }
    return render(request, "portal/booking/papers.html", values)


@keyed("hall.keep_check", stay=_papers_page)
def _keep_papers(request: HttpRequest, token: str) -> Done:
    one = _find(token)
    if one.item is None:
        raise Http404
    check = checking.check(one.region_id, str(one.item_id), request.GET)
    if not check.is_whole:
        raise Stay(refused=_("请先把前面的问题答完。"))
    kept = checking.kept(check, request.POST.getlist("miss"))
    appointments.keep_check(one.pk, kept, by=_citizen(request), at=timezone.now())
    return Done(reverse("portal:appointment", args=[one.token]), _("记下了，窗口会看到。"))


@never_cache
@require_POST
@keyed("hall.cancel", stay=_page)
def cancel(request: HttpRequest, token: str) -> Done:
    one = _find(token)
    appointments.cancel(one.pk, by=_citizen(request), at=timezone.now())
    if one.status == Appointment.Status.HELD and one.item is not None:
        return Done(reverse("portal:book", args=[one.item.task_code]), _("这个时间放出去了，您重新选。"))
    return Done(reverse("portal:appointment", args=[one.token]), _("预约取消了，谢谢您让给别人。"))


@never_cache
@require_http_methods(OFFERED)
def move(request: HttpRequest, token: str) -> HttpResponse:
    """Another time for a booking; a POST changes it."""
    return _move(request, token) if request.method == "POST" else _move_page(request, token)


def _move_page(request: HttpRequest, token: str, *, refused: str = "") -> HttpResponse:
    one = _find(token)
    if one.status != Appointment.Status.BOOKED or one.item is None:
        return redirect("portal:appointment", one.token)
    action = reverse("portal:appointment-move", args=[one.token])
    return _choose_page(request, one.item, action=action, refused=refused, moving=one)


@keyed("hall.move", stay=_move_page)
def _move(request: HttpRequest, token: str) -> Done:
    one, slot = _find(token), _slot_of(request)
    new = appointments.move(one.pk, slot, by=_citizen(request), at=timezone.now())
    return Done(reverse("portal:appointment", args=[new.token]), _("改好了，原来的时间让给别人了。"))


@never_cache
@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The appointment as a file for the calendar of a phone."""
    one = _find(token)
    if one.status not in (Appointment.Status.BOOKED, Appointment.Status.ARRIVED):
        raise Http404
    address = settings.BASE_URL.rstrip("/") + reverse("portal:appointment", args=[one.token])
    text = calendar_file(one, address=address, at=timezone.now())
    return HttpResponse(
        text,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


@never_cache
@require_http_methods(OFFERED)
def wait(request: HttpRequest, code: str) -> HttpResponse:
    """候补: to be told when a place is free."""
    return _wait(request, code) if request.method == "POST" else _wait_page(request, code)


def _wait_page(request: HttpRequest, code: str, *, form: WaitForm | None = None, refused: str = "") -> HttpResponse:
    item, today = guide.find(code), localdate()
    halls = queries.halls_with_booking(item, today)
    if not halls:
        raise Http404
    hall = next((one for one in halls if one.code == request.GET.get("hall")), halls[0])
    first = {"from_day": today, "until_day": today + timedelta(days=14)}
    form = form or WaitForm(applicant=applicant_of(request), initial=first)
    values = {"item": item, "hall": hall, "form": form, "refused": refused}
    return render(request, "portal/booking/wait.html", values)


@keyed("hall.wait", stay=_wait_page)
def _wait(request: HttpRequest, code: str) -> Done:
    item, who, at = guide.find(code), applicant_of(request), timezone.now()
    halls = queries.halls_with_booking(item, localdate(at))
    hall = next((one for one in halls if one.code == request.GET.get("hall")), halls[0] if halls else None)
    form = WaitForm(request.POST, applicant=who)
    if hall is None:
        raise Http404
    if not form.is_valid():
        raise Stay(form=form)
    said = {key: value for key, value in form.cleaned_data.items() if key != "note"}
    entry = waitlist.wait(hall, item, by=_citizen(request), at=at, applicant=who, **said)
    return Done(reverse("portal:waiting", args=[entry.token]))


def _entry(token: str) -> WaitListEntry:
    try:
        return queries.wait_by_token(token)
    except WaitListEntry.DoesNotExist:
        raise Http404 from None


@never_cache
@require_safe
def waiting(request: HttpRequest, token: str) -> HttpResponse:
    return _waiting(request, token)


def _waiting(request: HttpRequest, token: str, *, refused: str = "") -> HttpResponse:
    entry = _entry(token)
    values = {"entry": entry, "ahead": queries.ahead_in_list(entry), "refused": refused}
    return render(request, "portal/booking/waiting.html", values)


@never_cache
@require_POST
@keyed("hall.take_offer", stay=_waiting)
def take_offer(request: HttpRequest, token: str) -> Done:
    one = waitlist.take_offer(_entry(token).pk, by=_citizen(request), at=timezone.now())
    return Done(reverse("portal:appointment", args=[one.token]))


@never_cache
@require_POST
@keyed("hall.leave_list", stay=_waiting)
def leave_list(request: HttpRequest, token: str) -> Done:
    waitlist.leave(_entry(token).pk, by=_citizen(request), at=timezone.now())
    return Done(reverse("portal:waiting", args=[token]), _("不再候补了。"))


urlpatterns = [
    path("items/<str:code>/book", choose, name="book"),
    path("items/<str:code>/wait", wait, name="wait"),
    path("a/<str:token>", page, name="appointment"),
    path("a/<str:token>/papers", papers, name="appointment-papers"),
    path("a/<str:token>/book", book, name="appointment-book"),
    path("a/<str:token>/cancel", cancel, name="appointment-cancel"),
    path("a/<str:token>/move", move, name="appointment-move"),
    path("a/<str:token>/calendar.ics", calendar, name="appointment-calendar"),
    path("w/<str:token>", waiting, name="waiting"),
    path("w/<str:token>/take", take_offer, name="waiting-take"),
    path("w/<str:token>/leave", leave_list, name="waiting-leave"),
]
