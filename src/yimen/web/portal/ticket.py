"""A ticket on its holder's phone: taken at the door, followed, put off, given back. Works without script."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.hall import actions, queries
from yimen.hall.actions import joining
from yimen.hall.models import Hall, Series, Ticket
from yimen.hall.rules import joining as rules
from yimen.ledger.actions import PUBLIC
from yimen.lib.errors import DomainError
from yimen.ratings.models import Invitation
from yimen.web import waits
from yimen.web.checking import missing_of
from yimen.web.headers import PERMISSIONS_POLICY
from yimen.web.limits import Limit
from yimen.web.once import Done, key_of, keyed

# A phone is one person: whoever takes more in a minute from one address is a crowd behind one router, or a program.
joins_limit = Limit(60)
tries_limit = Limit(12)
OPENS = ["GET", "HEAD", "POST"]
# So few minutes from his turn he is told to walk now.
WALK_MINUTES = 10


class TooManyJoins(DomainError):
    """More numbers asked for from one address than people take."""


def _ticket(ticket_id: UUID) -> Ticket:
    try:
        return queries.get_ticket(ticket_id)
    except Ticket.DoesNotExist:
        raise Http404 from None


def _hall(code: str) -> Hall:
    try:
        return queries.get_hall(code)
    except Hall.DoesNotExist:
        raise Http404 from None


def _follow(request: HttpRequest, ticket_id: UUID, *, refused: str = "") -> HttpResponse:
    ticket, now = _ticket(ticket_id), timezone.now()
    ahead = queries.ahead_of(ticket)
    said, is_over = waits.of_ticket(ticket, now), ticket.day != timezone.localdate(now)
    context: dict[str, Any] = {
        "ticket": ticket,
        "now": now,
        "ahead": ahead,
        "range": said,
        "walk_now": ticket.status == "waiting" and (ahead.is_nearly or bool(said and said.likely[0] <= WALK_MINUTES)),
        "may_put_off": ticket.status == "waiting" and ticket.put_off_at is None,
        "may_leave": ticket.status in {"waiting", "held", "passed"},
        "missing": missing_of(ticket),
        "rate_url": rate_address(ticket),
        "is_over": is_over,
        # Nobody calls it any more; whoever is being served over midnight still is.
        "is_lost": is_over and ticket.status in {"waiting", "called", "held", "passed"},
        "refused": refused,
    }
    return render(request, "ticket/follow.html", context)


@never_cache
@require_safe
def follow(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """The ticket on its holder's phone: waiting, nearly, called, passed, given back or finished."""
    return _follow(request, ticket_id)


@never_cache
@require_POST
@keyed("ticket.leave", stay=_follow)
def leave(request: HttpRequest, ticket_id: UUID) -> Done:
    actions.leave(_ticket(ticket_id).pk, by=PUBLIC, at=timezone.now())
    return Done(reverse("ticket", args=[ticket_id]))


@never_cache
@require_POST
@keyed("ticket.put_off", stay=_follow)
def put_off(request: HttpRequest, ticket_id: UUID) -> Done:
    joining.put_off(_ticket(ticket_id).pk, by=PUBLIC, at=timezone.now())
    return Done(reverse("ticket", args=[ticket_id]))


def rate_address(ticket: Ticket) -> str:
    """Where a finished visit is rated; empty when it is not finished, or rated already."""
    token = Invitation.objects.filter(ticket=ticket, rating=None).values_list("token", flat=True).first()
    return reverse("portal:rate", args=[token]) if token else ""


def _join(request: HttpRequest, code: str, *, refused: str = "") -> HttpResponse:
    hall, now = _hall(code), timezone.now()
    forecast = waits.of_hall(hall, now)
    by_code, by_place = joining.may_join(hall)
    context = {
        "hall": hall,
        "now": now,
        "series": [(one, forecast.series.get(one.series_id)) for one in queries.series_of(hall, now)],
        "by_code": by_code,
        "by_place": by_place,
        "typed": {name: request.POST.get(name) or request.GET.get(name, "") for name in ("code", "phone", "series")},
        "refused": refused,
    }
    response = render(request, "ticket/join.html", context)
    if by_place:
        # The only page that may ask the phone where it is, and only after a tap.
        response["Permissions-Policy"] = PERMISSIONS_POLICY.replace("geolocation=()", "geolocation=(self)")
    return response


@never_cache
@require_http_methods(OPENS)
def join(request: HttpRequest, code: str) -> HttpResponse:
    """Take a number by phone: with the code at the door, or from near by."""
    return _take(request, code) if request.method == "POST" else _join(request, code)


@keyed("hall.join", stay=_join)
def _take(request: HttpRequest, code: str) -> Done:
    hall, address = _hall(code), str(request.META.get("REMOTE_ADDR", ""))
    typed = request.POST.get("code", "").strip()[:12]
    is_right = rules.same_code(typed, hall.join_code)
    # Guessing the code is slow; those who stand in the hall behind one address are not.
    if not (joins_limit.allows(address, key=key_of(request)) if is_right else tries_limit.allows(address)):
        raise TooManyJoins(_("这一会儿取号的人太多，请过一分钟再点；在大厅的话，用自助机更快。"))
    try:
        series = queries.get_series(hall, UUID(request.POST.get("series", "")))
    except (Series.DoesNotExist, ValueError):
        raise TooManyJoins(_("请先选办哪一类事。")) from None
    ticket = joining.join(
        series.pk,
        by=PUBLIC,
        at=timezone.now(),
        code=typed,
        place=_place(request),
        phone_last_four=request.POST.get("phone", "").strip(),
    )
    return Done(reverse("ticket", args=[ticket.pk]))


def _place(request: HttpRequest) -> tuple[float, float, float] | None:
    """Where the phone says it is; read, compared, and kept nowhere."""
    try:
        latitude, longitude, doubt = (float(request.POST.get(name, "")) for name in ("latitude", "longitude", "doubt"))
    except ValueError:
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 <= doubt < 1e6):
        return None
    return latitude, longitude, doubt


urlpatterns = [path("queues/<slug:code>/join", join, name="join")]
