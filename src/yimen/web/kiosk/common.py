"""What every page of a kiosk shares: which kiosk it is, how its visitor reads, what must not stay behind (SEC-43)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache

from yimen.hall.models import Hall, Notice
from yimen.hall.queries import kiosks
from yimen.hall.queries.kiosks import Stand
from yimen.web.limits import Limit

# How this visit reads: "b" larger letters, "l" buttons in the lower half. Gone with the visit.
LOOK_COOKIE = "yimen_kiosk"
PATH = "/kiosk/"
# Says to the worker of /kiosk/ that a page holds nothing of anybody and may be shown without the network.
KEEP_HEADER = "Yimen-Offline"
# One address may be a whole hall behind a router.
acts_limit = Limit(120)

View = Callable[..., HttpResponse]


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def stand_of(code: str) -> Stand:
    try:
        return kiosks.stand(code)
    except Hall.DoesNotExist:
        raise Http404 from None


def at_kiosk(view: View) -> View:
    """Give the view its Stand in place of the code in the address; never stored anywhere."""

    @never_cache
    @wraps(view)
    def inner(request: HttpRequest, code: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, stand_of(code), *args, **kwargs)

    return inner


def page(
    request: HttpRequest, stand: Stand, template: str, *, status: int = 200, keep: bool = False, **context: Any
) -> HttpResponse:
    """
    Render one page of the kiosk.

    keep: it holds nothing of the visitor and does not change within the minute, so that it may stand on the glass when
    the network is away.
    """
    look = request.COOKIES.get(LOOK_COOKIE, "")
    values = {
        "stand": stand,
        "hall": stand.hall,
        "now": timezone.now(),
        "is_big": "b" in look,
        "is_low": "l" in look,
        "idle_seconds": stand.idle_seconds,
        **context,
    }
    response = render(request, f"kiosk/{template}.html", values, status=status)
    if keep and status == 200 and request.method == "GET" and get_language() == settings.LANGUAGE_CODE and not look:
        response[KEEP_HEADER] = "keep"
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """
    Take away what a visit left in the browser: its language and letters.

    Nothing of the kiosk opens a session; somebody's who looks at these pages from a desk stays open.
    """
    for name in (LOOK_COOKIE, settings.LANGUAGE_COOKIE_NAME):
        response.delete_cookie(name, path=PATH, samesite="Lax")
    return response


def notices(stand: Stand) -> list[Notice]:
    """Return what the hall tells people today, three at most."""
    today = timezone.localdate()
    found = Notice.objects.filter(
        region_id=stand.hall.region_id, from_day__lte=today, until_day__gte=today, ended_at=None
    ).filter(hall__in=[stand.hall.pk]) | Notice.objects.filter(
        region_id=stand.hall.region_id, from_day__lte=today, until_day__gte=today, ended_at=None, hall=None
    )
    return list(found.order_by("position", "-from_day")[:3])
