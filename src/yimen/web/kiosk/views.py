"""The kiosk in the hall: start, language and letters, taking a ticket, its slip. Nothing needs a login or script."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog.models import ServiceItem
from yimen.hall import actions, queries
from yimen.hall.actions import kiosks as kiosk_actions
from yimen.hall.actions import printing
from yimen.hall.models import Series, Ticket
from yimen.hall.queries import kiosks
from yimen.hall.queries.kiosks import Stand
from yimen.ledger.actions import PUBLIC
from yimen.lib.errors import DomainError
from yimen.people import identity
from yimen.web import checking, waits
from yimen.web.kiosk import slips
from yimen.web.kiosk.common import KEEP_HEADER, LOOK_COOKIE, PATH, address_of, at_kiosk, forget, notices, page
from yimen.web.limits import Limit
from yimen.web.once import Done, Stay, key_of, keyed, with_status

# One address may be a whole hall behind a router.
tickets_limit = Limit(getattr(settings, "TICKETS_PER_MINUTE", 600))
SEARCH_MAX = 40
OLD_AGE = 65
# What he answers who was offered care and does not want it.
NO_CARE = "none"
# So long a ticket just taken may stand on the glass.
FRESH_MINUTES = 10
KEPT_FILES = (
    *("tokens.css", "base.css", "components.css", "kiosk.css", "kiosk-ticket.css", "kiosk-ways.css", "mark.svg"),
    *("js/kiosk.js", "js/kiosk-keys.js"),
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The halls there are; with one, its start page."""
    halls = queries.halls()
    if len(halls) == 1:
        return redirect("kiosk:start", halls[0].code)
    return render(request, "kiosk/index.html", {"halls": halls})


@at_kiosk
@require_safe
def start(request: HttpRequest, stand: Stand) -> HttpResponse:
    now = timezone.now()
    series = kiosks.waits_at(stand, now)
    first = series[0] if series else None
    return page(
        request,
        stand,
        "start",
        keep=True,
        first=first,
        first_range=waits.of_hall(stand.hall, now).series.get(first.series_id) if first else None,
        guides=len(kiosks.on_duty(stand.hall, now)),
        notices=notices(stand),
    )


@at_kiosk
@require_safe
def done(request: HttpRequest, stand: Stand) -> HttpResponse:
    """The visit is over: what it left in the browser goes, and the next person begins at the start (SEC-43)."""
    return forget(redirect("kiosk:start", stand.code))


@at_kiosk
@require_POST
def look(request: HttpRequest, stand: Stand) -> HttpResponse:
    """Language, larger letters, buttons lower: for this visit only."""
    here = request.POST.get("next", "")
    if not here.startswith(f"{PATH}{stand.code}/") or "//" in here or "\\" in here:
        here = reverse("kiosk:start", args=[stand.code])
    response = redirect(here)
    if (language := request.POST.get("language", "")) in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, path=PATH, httponly=True, samesite="Lax")
    if (flag := request.POST.get("flag", "")) in {"b", "l"}:
        kept = {one for one in request.COOKIES.get(LOOK_COOKIE, "") if one in "bl"} ^ {flag}
        response.set_cookie(LOOK_COOKIE, "".join(sorted(kept)), path=PATH, httponly=True, samesite="Lax")
    return response


@at_kiosk
@require_POST
def alive(_request: HttpRequest, stand: Stand) -> HttpResponse:
    """The glass says that it lives; it learns whether numbers can be taken."""
    if stand.kiosk is not None:
        kiosk_actions.seen(stand.kiosk, timezone.now())
    return JsonResponse({"ok": True})


def _series(stand: Stand, series_id: UUID) -> Series:
    try:
        if stand.offers(series_id):
            return queries.get_series(stand.hall, series_id)
    except Series.DoesNotExist:
        pass
    raise Http404


def _ticket(ticket_id: UUID) -> Ticket:
    try:
        return queries.get_ticket(ticket_id)
    except Ticket.DoesNotExist:
        raise Http404 from None


def _item(stand: Stand, text: str) -> ServiceItem | None:
    """The item a citizen came for, if the address names one this hall's region has."""
    try:
        return ServiceItem.objects.filter(region_id=stand.hall.region_id, pk=UUID(text)).first()
    except ValueError:
        return None


def asked_text(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_MAX]


@at_kiosk
@require_safe
def choose(request: HttpRequest, stand: Stand) -> HttpResponse:
    """Choose a series, or find the matter one came for: by its words, everyday words, or initials of their pinyin."""
    now, text = timezone.now(), asked_text(request)
    series = kiosks.waits_at(stand, now)
    forecast = waits.of_hall(stand.hall, now)
    return page(
        request,
        stand,
        "choose",
        keep=not text,
        series=[(one, forecast.series.get(one.series_id)) for one in series],
        text=text,
        found=kiosks.find_items(stand, text) if text else None,
    )


@at_kiosk
@require_safe
def check(request: HttpRequest, stand: Stand, series_id: UUID, item_id: UUID) -> HttpResponse:
    """
    Before he queues: the item's questions one by one, then which papers he does not have; what is missing is told.

    a: answers so far (keys of options); checked: the papers were gone through; miss: places of those he has not.
    """
    series = _series(stand, series_id)
    one = checking.check(stand.hall.region_id, str(item_id), request.GET)
    take_at = reverse("kiosk:take", args=[stand.code, series.pk])
    values: dict[str, Any] = {
        "series": series,
        "item": one.item,
        "check": one,
        "take_at": f"{take_at}?item={one.item.pk}",
    }
    if not one.is_whole:
        question = one.walk.next
        options = zip(question.names(), question.options, strict=True) if question else ()
        return page(request, stand, "question", question=question, options=list(options), **values)
    query = {"item": str(one.item.pk), "a": one.answers, "checked": "1"}
    if "checked" not in request.GET and one.materials:
        return page(request, stand, "papers", **values)
    missing = [(n, one.materials[int(n)]) for n in _places(request.GET.getlist("miss")) if int(n) < len(one.materials)]
    query["miss"] = ",".join(n for n, _line in missing)
    take_at = f"{take_at}?{urlencode(query)}"
    if not missing:
        return redirect(take_at)
    return page(request, stand, "missing", **{**values, "take_at": take_at}, missing=[line for _n, line in missing])


def _places(texts: list[str]) -> list[str]:
    found = [part for text in texts for part in text.split(",")]
    return [part for part in dict.fromkeys(found) if part.isascii() and part.isdigit() and len(part) < 3]


@at_kiosk
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, stand: Stand, series_id: UUID) -> HttpResponse:
    """Confirm and take; one key, one ticket, however often it is tapped."""
    if request.method != "POST":
        return _confirm(request, stand, series_id)
    if not tickets_limit.allows(address_of(request), key=key_of(request)):
        refused = _("刚才取号的人太多，请稍等半分钟再点。")
        response = with_status(_confirm(request, stand, series_id, refused=refused), 429)
        response["Retry-After"] = "30"
        return response
    return _take(request, stand, series_id)


def _confirm(
    request: HttpRequest, stand: Stand, series_id: UUID, *, refused: str = "", offer_care: bool = False
) -> HttpResponse:
    now = timezone.now()
    series = _series(stand, series_id)
    checked = _checked(request, stand)
    context = {
        "series": series,
        "wait": queries.wait_of(series, now),
        "range": waits.of_hall(stand.hall, now).series.get(series.pk),
        "item": _item(stand, request.GET.get("item", "")),
        "typed": {name: request.POST.get(name, "") for name in ("phone", "id_number", "name", "care")},
        "cares": Ticket.Care.choices,
        "missing": checked["missing"] if checked else [],
        "offer_care": offer_care,
        "refused": refused,
    }
    return page(request, stand, "take", **context)


def _checked(request: HttpRequest, stand: Stand) -> dict[str, Any] | None:
    """What the check before said, worked out again from the address."""
    if "checked" not in request.GET or (item := _item(stand, request.GET.get("item", ""))) is None:
        return None
    one = checking.check(stand.hall.region_id, str(item.pk), request.GET)
    return checking.kept(one, _places(request.GET.getlist("miss"))) if one.is_whole else None


@keyed("hall.take", stay=_confirm)
def _take(request: HttpRequest, stand: Stand, series_id: UUID) -> Done:
    now = timezone.now()
    id_number = request.POST.get("id_number", "").strip().upper()
    care = request.POST.get("care", "")
    if id_number and not care and is_old(id_number, now):
        # He is asked, not sorted: care is offered, and "no" is an answer (S0-29).
        raise Stay(offer_care=True)
    ticket = actions.take_ticket(
        _series(stand, series_id).pk,
        by=PUBLIC,
        at=now,
        source=Ticket.Source.KIOSK,
        item=_item(stand, request.GET.get("item", "")),
        phone_last_four=request.POST.get("phone", "").strip(),
        care=care if care != NO_CARE else "",
        id_number=id_number,
        name=request.POST.get("name", "").strip(),
        checked=_checked(request, stand),
    )
    if (printer := stand.printer) is not None:
        ticket = queries.get_ticket(ticket.pk)
        data = slips.ticket_bytes(ticket, follow_address(ticket), printer)
        printing.print_slip(printer, data, ticket=ticket, by=PUBLIC, at=now)
    return Done(reverse("kiosk:slip", args=[stand.code, ticket.pk]))


def is_old(id_number: str, at: Any) -> bool:
    """Tell whether the identity number is of somebody of 65 or more. A wrong number is for take_ticket to say."""
    today = timezone.localdate(at)
    try:
        born = identity.check_resident_id(id_number, today).birth_on
    except DomainError:
        return False
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) >= OLD_AGE


def follow_address(ticket: Ticket) -> str:
    """Where a phone follows the ticket; goes into the QR code."""
    return str(settings.BASE_URL).rstrip("/") + reverse("ticket", args=[ticket.pk])


def _own_ticket(stand: Stand, ticket_id: UUID) -> Ticket:
    ticket = _ticket(ticket_id)
    if ticket.hall_id != stand.hall.pk:
        raise Http404
    return ticket


@at_kiosk
@require_safe
def slip(request: HttpRequest, stand: Stand, ticket_id: UUID) -> HttpResponse:
    """What stands on the paper, on the glass; and whether the paper came out."""
    ticket = _own_ticket(stand, ticket_id)
    now = timezone.now()
    context: dict[str, Any] = {
        "ticket": ticket,
        "ahead": queries.ahead_of(ticket),
        "ahead_words": slips.ahead_words(ticket),
        "sure": waits.sure_words(waits.of_ticket(ticket, now)),
        "wait": queries.wait_of(ticket.series, ticket.taken_at),
        "address": follow_address(ticket),
        "missing": checking.missing_of(ticket),
        "print": kiosks.last_slip(ticket),
        # The page of a ticket is nobody's after a while, even if the glass was left alone.
        "is_fresh": now - ticket.taken_at < timedelta(minutes=FRESH_MINUTES),
    }
    return page(request, stand, "slip", **context)


@at_kiosk
@require_safe
def offline(request: HttpRequest, stand: Stand) -> HttpResponse:
    """What the glass shows when the network is away; the worker of /kiosk/ keeps it."""
    return page(request, stand, "offline", keep=True)


@cache
def _version() -> str:
    """What the kept files hold, in twelve characters."""
    found = [finders.find(f"yimen/{name}") for name in KEPT_FILES]
    return hashlib.sha256(b"".join(Path(str(path)).read_bytes() for path in found if path)).hexdigest()[:12]


@never_cache
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The worker of /kiosk/: shows pages that were loaded before while the network is away. Named by what it keeps."""
    files = [static(f"yimen/{name}") for name in KEPT_FILES]
    values = {"data": json.dumps({"version": _version(), "files": files, "header": KEEP_HEADER, "path": PATH})}
    return render(request, "kiosk/worker.js", values, content_type="text/javascript; charset=utf-8")
