"""The kiosk in the hall, and the page a phone follows its ticket on. Nothing here needs a login or script."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog.models import ServiceItem
from yimen.hall import actions, queries
from yimen.hall.models import Hall, Series, Ticket
from yimen.ledger.actions import PUBLIC
from yimen.ratings.models import Invitation
from yimen.web.limits import Limit
from yimen.web.once import Done, keyed, with_status

# One address may be a whole hall behind a router.
tickets_limit = Limit(getattr(settings, "TICKETS_PER_MINUTE", 600))
SEARCH_MAX = 40


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _hall(code: str) -> Hall:
    try:
        return queries.get_hall(code)
    except Hall.DoesNotExist:
        raise Http404 from None


def _series(hall: Hall, series_id: UUID) -> Series:
    try:
        return queries.get_series(hall, series_id)
    except Series.DoesNotExist:
        raise Http404 from None


def _ticket(ticket_id: UUID) -> Ticket:
    try:
        return queries.get_ticket(ticket_id)
    except Ticket.DoesNotExist:
        raise Http404 from None


def _item(hall: Hall, text: str) -> ServiceItem | None:
    """The item a citizen came for, if the address names one this hall's region has."""
    try:
        return ServiceItem.objects.filter(region_id=hall.region_id, pk=UUID(text)).first()
    except ValueError:
        return None


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The halls there are; with one, its start page."""
    halls = queries.halls()
    if len(halls) == 1:
        return redirect("kiosk:start", halls[0].code)
    return render(request, "kiosk/index.html", {"halls": halls})


@never_cache
@require_safe
def start(request: HttpRequest, code: str) -> HttpResponse:
    hall, now = _hall(code), timezone.now()
    series = queries.series_of(hall, now)
    return render(request, "kiosk/start.html", {"hall": hall, "now": now, "first": series[0] if series else None})


@never_cache
@require_safe
def choose(request: HttpRequest, code: str) -> HttpResponse:
    """Choose a series, or find the matter one came for."""
    hall, now = _hall(code), timezone.now()
    text = request.GET.get("q", "").strip()[:SEARCH_MAX]
    context = {
        "hall": hall,
        "now": now,
        "series": queries.series_of(hall, now),
        "text": text,
        "found": queries.items_in(hall, text) if text else None,
    }
    return render(request, "kiosk/choose.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, code: str, series_id: UUID) -> HttpResponse:
    """Confirm and take; one key, one ticket, however often it is tapped."""
    if request.method != "POST":
        return _confirm(request, code, series_id)
    if not tickets_limit.allows(address_of(request)):
        refused = _("刚才取号的人太多，请稍等半分钟再点。")
        response = with_status(_confirm(request, code, series_id, refused=refused), 429)
        response["Retry-After"] = "30"
        return response
    return _take(request, code, series_id)


def _confirm(request: HttpRequest, code: str, series_id: UUID, *, refused: str = "") -> HttpResponse:
    hall, now = _hall(code), timezone.now()
    series = _series(hall, series_id)
    context = {
        "hall": hall,
        "now": now,
        "series": series,
        "wait": queries.wait_of(series, now),
        "item": _item(hall, request.GET.get("item", "")),
        "phone": request.POST.get("phone", ""),
        "refused": refused,
    }
    return render(request, "kiosk/take.html", context)


@keyed("hall.take", stay=_confirm)
def _take(request: HttpRequest, code: str, series_id: UUID) -> Done:
    hall = _hall(code)
    ticket = actions.take_ticket(
        _series(hall, series_id).pk,
        by=PUBLIC,
        at=timezone.now(),
        source=Ticket.Source.KIOSK,
        item=_item(hall, request.GET.get("item", "")),
        phone_last_four=request.POST.get("phone", "").strip(),
    )
    return Done(reverse("kiosk:slip", args=[code, ticket.pk]))


def follow_address(ticket: Ticket) -> str:
    """Where a phone follows the ticket; goes into the QR code."""
    return str(settings.BASE_URL).rstrip("/") + reverse("ticket", args=[ticket.pk])


@never_cache
@require_safe
def slip(request: HttpRequest, code: str, ticket_id: UUID) -> HttpResponse:
    """The paper: what stands on it and on the kiosk's glass."""
    hall, ticket = _hall(code), _ticket(ticket_id)
    if ticket.hall_id != hall.pk:
        raise Http404
    context = {
        "hall": hall,
        "now": timezone.now(),
        "ticket": ticket,
        "ahead": queries.ahead_of(ticket),
        "wait": queries.wait_of(ticket.series, ticket.taken_at),
        "address": follow_address(ticket),
    }
    return render(request, "kiosk/slip.html", context)


@never_cache
@require_safe
def follow(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """The ticket on its holder's phone: waiting, nearly, called, passed or finished."""
    ticket = _ticket(ticket_id)
    context: dict[str, Any] = {
        "ticket": ticket,
        "now": timezone.now(),
        "ahead": queries.ahead_of(ticket),
        "rate_url": rate_address(ticket),
        "is_over": ticket.day != timezone.localdate(),
    }
    return render(request, "ticket/follow.html", context)


def rate_address(ticket: Ticket) -> str:
    """Where a finished visit is rated; empty when it is not finished, or rated already."""
    token = Invitation.objects.filter(ticket=ticket, rating=None).values_list("token", flat=True).first()
    return reverse("portal:rate", args=[token]) if token else ""
