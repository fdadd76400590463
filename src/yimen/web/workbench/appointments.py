"""约 for staff: who comes today, booking for a caller, the wait list, and figures by week and window."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog.models import ServiceItem
from yimen.hall import queries as halls
from yimen.hall.actions import appointments, booking, waitlist
from yimen.hall.models import Appointment, Channel, Hall, WaitListEntry, Window
from yimen.hall.queries import appointments as queries
from yimen.insight import actions as insight
from yimen.lib import mask
from yimen.people import access, reasons
from yimen.web.checking import missing_of, said_of
from yimen.web.once import Done, Stay, keyed
from yimen.web.portal.booking import times_for
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page
from yimen.web.workbench.sheets import download

OPENS = ["GET", "HEAD", "POST"]
PAGE = 50
WEEKS = 8
MOST_WEEKS = 53


def hall_of(request: StaffRequest) -> tuple[list[Hall], Hall]:
    """The reader's halls, and the one asked for or the first; 404 for one that is not theirs."""
    mine = halls.halls_for(request.staff)
    code = request.POST.get("hall") or request.GET.get("hall")
    found = next((hall for hall in mine if hall.code == code), None) if code else mine[0] if mine else None
    if found is None:
        raise Http404
    return mine, found


def address(name: str, hall: Hall, *args: Any, **more: str) -> str:
    return f"{reverse(f'workbench:{name}', args=args)}?{urlencode({'hall': hall.code, **more})}"


def asked_day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def manages(request: StaffRequest) -> bool:
    return access.allowed(request.staff, "hall.manage")


def _row(one: Appointment, at: datetime, late: int, early: int) -> dict[str, Any]:
    begins = one.slot.begins_at
    is_booked = one.status == Appointment.Status.BOOKED
    return {
        "one": one,
        "name": mask.name(queries.name_of(one)),
        "phone": mask.phone(queries.phone_of(one)),
        "can_arrive": is_booked and one.slot.day == localdate(at) and begins - timedelta(minutes=early) <= at,
        "can_miss": is_booked and at > max(one.slot.ends_at, begins + timedelta(minutes=late)),
        "is_booked": is_booked,
        "missing": missing_of(one),
    }


@staff_page("hall.book")
@require_safe
def day_page(request: StaffRequest) -> HttpResponse:
    """Who comes on a day, by time; today without one named."""
    return _day_page(request)


def _day_page(request: StaffRequest, *, refused: str = "", **_kept: Any) -> HttpResponse:
    if not halls.halls_for(request.staff):
        return render(request, "workbench/appointments/day.html", {"hall": None})
    (all_halls, hall), at = hall_of(request), timezone.now()
    today = localdate(at)
    day = asked_day(request.POST.get("day") or request.GET.get("day", ""), today)
    windows = list(Window.objects.filter(region_id=hall.region_id, hall=hall, slot_plans__isnull=False).distinct())
    only = next((one for one in windows if str(one.number) == request.GET.get("window", "")), None)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:20]
    found = queries.find_today(hall, text, at) if text else queries.day_list(hall, day, window=only)
    late = booking.rule(hall.region_id, booking.LATE_KEY, at, booking.LATE_MINUTES)
    early = booking.rule(hall.region_id, booking.EARLY_KEY, at, booking.EARLY_MINUTES)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    values = {
        "hall": hall,
        "halls": all_halls,
        "day": day,
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "windows": windows,
        "only": only,
        "asked": text,
        "page": page,
        "rows": [_row(one, at, late, early) for one in page],
        "coming": sum(one.status == Appointment.Status.BOOKED for one in found),
        "people": len(found),
        "manages": manages(request),
        "may_take": access.allowed(request.staff, "hall.take"),
        "refused": refused,
    }
    return render(request, "workbench/appointments/day.html", values)


def _mine(request: StaffRequest, pk: UUID) -> Appointment:
    try:
        return queries.get_for(request.staff.region_id, pk)
    except Appointment.DoesNotExist:
        raise Http404 from None


def _back(request: StaffRequest, one: Appointment) -> str:
    return address("appointments", one.hall, day=one.slot.day.isoformat())


@staff_page("hall.take")
@require_POST
@keyed("hall.check_in", stay=_day_page)
def check_in(request: StaffRequest) -> Done:
    one = _mine(request, posted_id(request, "appointment"))
    ticket = appointments.check_in(one.pk, by=request.staff, at=timezone.now())
    said = _("%(number)s 到了，号是 %(label)s。") % {"number": one.number, "label": ticket.label}
    return Done(_back(request, one), said)


@staff_page("hall.book")
@require_POST
@keyed("hall.no_show", stay=_day_page)
def no_show(request: StaffRequest) -> Done:
    one = _mine(request, posted_id(request, "appointment"))
    appointments.note_no_show(one.pk, by=request.staff, at=timezone.now())
    return Done(_back(request, one), _("%(number)s 记为未到。") % {"number": one.number})


@staff_page("hall.book")
@require_http_methods(OPENS)
def one_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One appointment: what happened to it, another time, cancel, lift a block."""
    return _act(request, pk) if request.method == "POST" else _one_page(request, pk)


def _one_page(request: StaffRequest, pk: UUID, *, refused: str = "") -> HttpResponse:
    one, at = _mine(request, pk), timezone.now()
    days: list[queries.Day] = []
    if one.status == Appointment.Status.BOOKED and one.item is not None:
        _halls, _hall, days = times_for(one.item, at, hall=one.hall.code, channel=one.channel)
    index = bytes(one.phone_index) if one.phone_index else b""
    values = {
        "one": one,
        "name": mask.name(queries.name_of(one)),
        "phone": mask.phone(queries.phone_of(one)),
        "days": days,
        "missed": queries.no_shows_of(one.region_id, index) if index else 0,
        "blocked": appointments.blocked_through(one.region_id, index, at) if index else None,
        "may_override": access.allowed(request.staff, "hall.override"),
        "excused": reasons.said_in(one.stream, appointments.EXCUSED),
        "checked": said_of(one),
        "refused": refused,
        "typed": request.POST,
    }
    return render(request, "workbench/appointments/one.html", values)


@keyed("hall.appointment", stay=_one_page)
def _act(request: StaffRequest, pk: UUID) -> Done:
    one, at, by = _mine(request, pk), timezone.now(), request.staff
    here, reason = reverse("workbench:appointment", args=[pk]), posted_text(request, "reason")
    match request.POST.get("do"):
        case "cancel":
            appointments.cancel(one.pk, by=by, at=at, reason=reason)
            return Done(here, _("取消了，会告诉他。"))
        case "move":
            new = appointments.move(
                one.pk, posted_id(request, "slot"), by=by, at=at, over=posted_text(request, "over"), reason=reason
            )
            return Done(reverse("workbench:appointment", args=[new.pk]), _("改好了，会告诉他。"))
        case "excuse":
            count = appointments.excuse(one.pk, reason=reason, by=by, at=at)
            return Done(here, _("解除了，%(n)s 次未到不再算。") % {"n": count})
    raise Http404


class CallerForm(forms.Form):
    slot = forms.UUIDField(
        label=gettext_lazy("时间"),
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid"), gettext_lazy("请选一个时间。")),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("怎么来约的"), choices=[(one.value, one.label) for one in (Channel.PHONE, Channel.DESK)]
    )
    party = forms.IntegerField(label=gettext_lazy("几个人"), min_value=1, max_value=500, initial=1)
    name = forms.CharField(
        label=gettext_lazy("来办事的人的姓名"),
        max_length=60,
        error_messages={"required": gettext_lazy("请填写来办事的人的姓名。")},
    )
    phone = forms.CharField(
        label=gettext_lazy("手机号"),
        max_length=24,
        error_messages={"required": gettext_lazy("请填写能找到他的电话。")},
    )
    note = forms.CharField(label=gettext_lazy("备注（可以不填）"), max_length=120, required=False)
    over = forms.CharField(
        label=gettext_lazy("超出限制的原因（要超渠道名额、提前量或未到限制时才填）"), max_length=120, required=False
    )

    def __init__(self, *args: Any, may_override: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_override:
            del self.fields["over"]


@staff_page("hall.book")
@require_http_methods(OPENS)
def for_caller(request: StaffRequest) -> HttpResponse:
    """Book for somebody who calls or stands here: item, time, who."""
    return _book(request) if request.method == "POST" else _caller_page(request)


def _caller_page(request: StaffRequest, *, form: CallerForm | None = None, refused: str = "") -> HttpResponse:
    all_halls, hall = hall_of(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:40]
    item = _item(request, hall)
    days: list[queries.Day] = []
    if item is not None:
        _halls, chosen, days = times_for(item, timezone.now(), hall=hall.code, channel=Channel.PHONE)
        days = days if chosen == hall else []
    asked = asked_day(request.GET.get("day", ""), date.min)
    day = next((one for one in days if one.day == asked), next((one for one in days if one.left), None))
    may = access.allowed(request.staff, "hall.override")
    values = {
        "hall": hall,
        "halls": all_halls,
        "asked": text,
        "found": halls.items_in(hall, text) if text else [],
        "item": item,
        "days": days,
        "day": day,
        "form": form or CallerForm(may_override=may),
        "refused": refused,
        "typed": request.POST.get("slot", ""),
        "manages": manages(request),
        "may_override": may,
    }
    return render(request, "workbench/appointments/caller.html", values)


def _item(request: StaffRequest, hall: Hall) -> ServiceItem | None:
    try:
        pk = UUID(request.GET.get("item", ""))
    except ValueError:
        return None
    return ServiceItem.objects.filter(region_id=hall.region_id, pk=pk).first()


@keyed("hall.book_for", stay=_caller_page)
def _book(request: StaffRequest) -> Done:
    _all, hall = hall_of(request)
    item, at, by = _item(request, hall), timezone.now(), request.staff
    form = CallerForm(request.POST, may_override=access.allowed(by, "hall.override"))
    if item is None:
        raise Http404
    if not form.is_valid():
        raise Stay(form=form)
    said = form.cleaned_data
    over = said.get("over", "")
    with transaction.atomic():
        held = appointments.hold(
            said["slot"], item=item, channel=said["channel"], party=said["party"], by=by, at=at, over=over, hall=hall
        )
        one = appointments.book(
            held.pk, by=by, at=at, name=said["name"], phone=said["phone"], note=said["note"], over=over
        )
    return Done(reverse("workbench:appointment", args=[one.pk]), _("约好了，预约号 %(n)s。") % {"n": one.number})


@staff_page("hall.book")
@require_http_methods(OPENS)
def wait_list(request: StaffRequest) -> HttpResponse:
    return _leave(request) if request.method == "POST" else _wait_list(request)


def _wait_list(request: StaffRequest, *, refused: str = "") -> HttpResponse:
    all_halls, hall = hall_of(request)
    page = Paginator(queries.wait_list(hall), PAGE).get_page(request.GET.get("page"))
    rows = [(one, mask.name(queries.name_of(one)), mask.phone(queries.phone_of(one))) for one in page]
    values = {"hall": hall, "halls": all_halls, "page": page, "rows": rows, "refused": refused}
    values["manages"] = manages(request)
    return render(request, "workbench/appointments/wait_list.html", values)


@keyed("hall.leave_list_for", stay=_wait_list)
def _leave(request: StaffRequest) -> Done:
    _all, hall = hall_of(request)
    entry = WaitListEntry.objects.filter(region_id=hall.region_id, hall=hall, pk=posted_id(request, "entry")).first()
    if entry is None:
        raise Http404
    waitlist.leave(entry.pk, by=request.staff, at=timezone.now())
    return Done(address("wait-list", hall), _("不再候补了。"))


def _period(request: StaffRequest) -> tuple[date, date]:
    """Whole weeks; the last eight and the next one without any named."""
    today = localdate()
    monday = today - timedelta(days=today.weekday())
    values = request.POST if request.method == "POST" else request.GET
    start = asked_day(values.get("start", ""), monday - timedelta(weeks=WEEKS - 1))
    end = asked_day(values.get("end", ""), monday + timedelta(days=13))
    if end < start or (end - start).days > MOST_WEEKS * 7:
        return monday - timedelta(weeks=WEEKS - 1), monday + timedelta(days=13)
    return start, end


@staff_page("insight.view", "hall.manage")
@require_safe
def figures(request: StaffRequest) -> HttpResponse:
    """Bookings by week and window (S1-57), who did not come, how far the slots are used."""
    if not halls.halls_for(request.staff):
        return render(request, "workbench/appointments/figures.html", {"hall": None})
    (all_halls, hall), (start, end) = hall_of(request), _period(request)
    weeks = queries.weeks(hall, start, end)
    total = {
        name: sum(getattr(week, name) for week in weeks)
        for name in ("booked", "came", "no_shows", "cancelled", "places", "used")
    }
    values = {
        "hall": hall,
        "halls": all_halls,
        "start": start,
        "end": end,
        "weeks": weeks,
        "manages": manages(request),
        "books": access.allowed(request.staff, "hall.book"),
        "total": total,
        "use": round(100 * total["used"] / total["places"]) if total["places"] else None,
        "missed": round(100 * total["no_shows"] / (total["came"] + total["no_shows"]))
        if total["came"] + total["no_shows"]
        else None,
    }
    return render(request, "workbench/appointments/figures.html", values)


@staff_page("insight.view", "hall.manage")
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    """The same as a file; who took it goes to the ledger."""
    (_all, hall), (start, end), at = hall_of(request), _period(request), timezone.now()
    heads = [_("周一"), _("窗口"), _("预约"), _("到场"), _("未到"), _("取消"), _("名额"), _("用了")]
    rows = [
        [one.monday.isoformat(), one.window or _("不限窗口"), one.booked, one.came, one.no_shows, one.cancelled,
         one.places, one.used]
        for one in queries.weeks(hall, start, end)
    ]  # fmt: skip
    said = {"hall": hall.code, "start": start.isoformat(), "end": end.isoformat()}
    insight.note_export(request.staff, "bookings", said, count=len(rows), at=at)
    return download(request, "bookings", _("预约统计"), heads, rows, day=localdate(at))


urlpatterns = [
    path("appointments", day_page, name="appointments"),
    path("appointments/check-in", check_in, name="appointment-check-in"),
    path("appointments/no-show", no_show, name="appointment-no-show"),
    path("appointments/new", for_caller, name="appointment-new"),
    path("appointments/waiting", wait_list, name="wait-list"),
    path("appointments/figures", figures, name="booking-figures"),
    path("appointments/figures/export", export, name="booking-export"),
    path("appointments/<uuid:pk>", one_page, name="appointment"),
]
