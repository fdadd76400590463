"""The other ways of the kiosk: progress, papers verified, opinions, appointments, items, the hall, a guide called."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_http_methods, require_safe

from yimen.cases import queries as cases
from yimen.cases.queries import documents
from yimen.catalog import queries as catalog
from yimen.catalog.queries import guides
from yimen.hall.actions import appointments, helping, printing
from yimen.hall.models import Appointment, Facility, Window
from yimen.hall.queries import appointments as booked
from yimen.hall.queries import kiosks
from yimen.hall.queries.kiosks import Stand
from yimen.hall.rules import ranges
from yimen.ledger.actions import PUBLIC
from yimen.lib.errors import DomainError
from yimen.lib.ids import read_code
from yimen.people.queries import main_center
from yimen.ratings import opinions
from yimen.ratings.models import Opinion
from yimen.web.checking import published
from yimen.web.kiosk import slips
from yimen.web.kiosk.common import acts_limit, address_of, at_kiosk, page
from yimen.web.kiosk.views import asked_text
from yimen.web.limits import Limit
from yimen.web.once import Done, key_of, keyed
from yimen.web.portal import reads
from yimen.web.portal.forms import ProgressForm, VerifyForm

OPENS = ["GET", "HEAD", "POST"]
FOUND = 8
# Numbers of appointments are short: whoever guesses is slowed down.
checkin_limit = Limit(30)
opinions_limit = Limit(20)


class TooMany(DomainError):
    """So many of them in a minute come from no crowd."""


@at_kiosk
@require_http_methods(OPENS)
def progress(request: HttpRequest, stand: Stand) -> HttpResponse:
    """
    Where a case is: by number and last four of the telephone, with the portal's limit of tries.

    The answer stands on this page alone: no session is opened, going back finds an empty form (SEC-43).
    """
    form = ProgressForm(request.POST or None)
    status, found = 200, None
    if request.method == "POST":
        status = 422
        if form.is_valid():
            asked = {name: form.cleaned_data[name] for name in ("number", "last_four")}
            try:
                found = cases.find_for_citizen(**asked, asker=address_of(request), at=timezone.now())
            except DomainError as error:
                form.add_error(None, str(error))
                status = 429
            else:
                if found is None:
                    form.add_error(None, _("没有查到。请对一对编号和手机号后四位；凭证不在手边，请导办员帮您查。"))
    if found is None:
        return page(request, stand, "progress", status=status, form=form)
    clocks = cases.clock_views(found, today=timezone.localdate())
    values: dict[str, Any] = {
        "case": found,
        "clock": clocks.get("promised") or clocks.get("statutory"),
        "waits": cases.waits_for_applicant(found),
        "rows": cases.timeline(found)[:6],
    }
    return page(request, stand, "progress_found", **values)


@at_kiosk
@require_http_methods(OPENS)
def verify(request: HttpRequest, stand: Stand) -> HttpResponse:
    """Is this paper real? What it is, not about whom (CERT-11)."""
    form = VerifyForm(request.POST or None)
    values: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        status = 422
        if not acts_limit.allows(address_of(request)):
            form.add_error(None, _("刚才查的人太多，请稍等半分钟再查。"))
            status = 429
        elif form.is_valid():
            code = form.cleaned_data["code"]
            checked = documents.check(read_code(code))
            paper = None if checked else reads.certificate_by_code(code, "", timezone.localdate())
            values |= {"asked": True, "checked": checked, "certificate": paper}
            status = 200 if checked or paper else 404
    return page(request, stand, "verify", status=status, **values)


def _opinion(request: HttpRequest, stand: Stand, *, refused: str = "") -> HttpResponse:
    values: dict[str, Any] = {
        "kinds": Opinion.Kind.choices,
        "topics": [(key, label) for key, label in opinions.TOPICS.items()],
        "typed": {name: request.POST.get(name, "") for name in ("kind", "text", "phone")},
        "picked": request.POST.getlist("topic"),
        "most": opinions.MAX_TEXT,
        "is_left": "left" in request.GET,
        "refused": refused,
    }
    return page(request, stand, "opinion", **values)


@at_kiosk
@require_http_methods(OPENS)
def opinion(request: HttpRequest, stand: Stand) -> HttpResponse:
    """Say something, without login or name (S3-30)."""
    return _leave_opinion(request, stand) if request.method == "POST" else _opinion(request, stand)


@keyed("kiosk.opinion", stay=_opinion)
def _leave_opinion(request: HttpRequest, stand: Stand) -> Done:
    if not opinions_limit.allows(address_of(request), key=key_of(request)):
        raise TooMany(_("这一会儿提意见的人太多，请过一分钟再交，您写的还在。"))
    opinions.leave_opinion(
        stand.hall.center,
        request.POST.get("kind", ""),
        request.POST.get("text", ""),
        topics=request.POST.getlist("topic"),
        phone=request.POST.get("phone", ""),
        hall=stand.hall,
        kiosk=stand.kiosk,
        at=timezone.now(),
    )
    return Done(f"{reverse('kiosk:opinion', args=[stand.code])}?left=1")


def _check_in(request: HttpRequest, stand: Stand, *, refused: str = "") -> HttpResponse:
    return page(request, stand, "checkin", refused=refused, number=request.POST.get("number", ""))


@at_kiosk
@require_http_methods(OPENS)
def check_in(request: HttpRequest, stand: Stand) -> HttpResponse:
    """He has an appointment: its number, and the ticket comes."""
    return _arrive(request, stand) if request.method == "POST" else _check_in(request, stand)


@keyed("kiosk.check_in", stay=_check_in)
def _arrive(request: HttpRequest, stand: Stand) -> Done:
    if not checkin_limit.allows(address_of(request), key=key_of(request)):
        raise TooMany(_("刚才签到的人太多，请稍等半分钟再点。"))
    number, now = "".join(request.POST.get("number", "").split()), timezone.now()
    # By the number, also of one that was moved, or by four digits of the telephone if they are one person's today.
    same = booked.find_today(stand.hall, number, now)
    one = same[0] if len(same) == 1 else None
    if one is None and number:
        one = Appointment.objects.filter(
            region_id=stand.hall.region_id, hall=stand.hall, number=number, slot__day=timezone.localdate(now)
        ).first()
    # The same answer for "no such number", "another hall" and "another day".
    if not number or one is None:
        raise NoAppointment(_("没有查到今天的这个预约。请对一对预约编号；记不得了，请导办员帮您找。"))
    ticket = appointments.check_in(one.pk, by=PUBLIC, at=now)
    return Done(reverse("kiosk:slip", args=[stand.code, ticket.pk]))


class NoAppointment(DomainError):
    """No appointment of today in this hall has this number."""


@at_kiosk
@require_safe
def items(request: HttpRequest, stand: Stand) -> HttpResponse:
    """Guides to read and print: search, or what people ask for most."""
    text = asked_text(request)
    found = catalog.search(text, limit=FOUND, region=stand.hall.region_id) if text else None
    common = None if text else list(guides.guides(stand.hall.region_id).filter(series__hall=stand.hall).distinct()[:6])
    return page(request, stand, "items", keep=not text, text=text, found=found, common=common)


def _item(request: HttpRequest, stand: Stand, item_id: UUID, *, refused: str = "") -> HttpResponse:
    item, version = published(stand.hall.region_id, str(item_id))
    sheet = guides.sheet_of(item, center=guides.place_of(main_center()), on=timezone.localdate(), version=version)
    values: dict[str, Any] = {
        "item": item,
        "sheet": sheet,
        "plain": sheet.plain,
        "address": str(settings.BASE_URL).rstrip("/") + reverse("portal:item", args=[item.task_code]),
        "leaflet": reverse("portal:leaflet", args=[item.task_code]),
        "printed": "printed" in request.GET,
        "has_paper": stand.printer is not None and not stand.printer.fault,
        "refused": refused,
    }
    return page(request, stand, "item", keep="printed" not in request.GET, **values)


@at_kiosk
@require_http_methods(OPENS)
def item(request: HttpRequest, stand: Stand, item_id: UUID) -> HttpResponse:
    """One guide in plain words; printed as a slip with what to bring, the rest by QR."""
    return _print_item(request, stand, item_id) if request.method == "POST" else _item(request, stand, item_id)


@keyed("kiosk.print_item", stay=_item)
def _print_item(request: HttpRequest, stand: Stand, item_id: UUID) -> Done:
    if not acts_limit.allows(address_of(request), key=key_of(request)):
        raise TooMany(_("刚才打印的人太多，请稍等半分钟再点。"))
    printer = stand.printer
    if printer is None:
        raise printing.PrinterOff(_("这台机器没有打印机。扫右边的码，在手机上看，或者请导办员打印。"))
    found, version = published(stand.hall.region_id, str(item_id))
    with override("zh-hans"):
        sheet = guides.sheet_of(found, center=guides.place_of(main_center()), on=timezone.localdate(), version=version)
        address = str(settings.BASE_URL).rstrip("/") + reverse("portal:item", args=[found.task_code])
        data = slips.bytes_of(slips.of_item(sheet, address), printer)
    printing.print_slip(printer, data, item=found.task_code, by=PUBLIC, at=timezone.now())
    return Done(f"{reverse('kiosk:item', args=[stand.code, item_id])}?printed=1")


@at_kiosk
@require_safe
def around(request: HttpRequest, stand: Stand) -> HttpResponse:
    """Where things are: zones with their windows and queues, facilities that work."""
    hall = stand.hall
    windows = list(
        Window.objects.filter(region_id=hall.region_id, hall=hall).select_related("zone").prefetch_related("series")
    )
    by_zone: dict[str, list[Window]] = {}
    for window in windows:
        by_zone.setdefault(window.zone.name if window.zone else "", []).append(window)
    zones = [
        {
            "name": zone.name,
            "windows": by_zone.get(zone.name, []),
            "numbers": ranges(one.number for one in by_zone.get(zone.name, [])),
        }
        for zone in hall.zones.all()
    ]
    if "" in by_zone:
        rest = by_zone[""]
        zones.append(
            {"name": _("其他窗口"), "windows": rest, "numbers": ranges(one.number for one in rest), "facilities": []}
        )
    facilities = Facility.objects.filter(region_id=hall.region_id, hall=hall, ended_on=None).select_related("zone")
    return page(request, stand, "map", keep=True, zones=zones, facilities=list(facilities))


def _help(request: HttpRequest, stand: Stand, *, refused: str = "") -> HttpResponse:
    now = timezone.now()
    call = kiosks.call_of(stand, now - timedelta(minutes=10)) if "called" in request.GET else None
    return page(request, stand, "help", call=call, guides=kiosks.on_duty(stand.hall, now), refused=refused)


@at_kiosk
@require_http_methods(OPENS)
def help_me(request: HttpRequest, stand: Stand) -> HttpResponse:
    """请导办员来: one tap, and whoever is on duty sees where."""
    return _call(request, stand) if request.method == "POST" else _help(request, stand)


@keyed("kiosk.call_guide", stay=_help)
def _call(request: HttpRequest, stand: Stand) -> Done:
    if not acts_limit.allows(address_of(request), key=key_of(request)):
        raise TooMany(_("刚才请人的太多，导办员已经知道了，请稍等。"))
    helping.call_guide(stand.hall, kiosk=stand.kiosk, at=timezone.now())
    return Done(f"{reverse('kiosk:help', args=[stand.code])}?called=1")
