from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yimen.hall import queries
from yimen.hall.models import Screen
from yimen.hall.queries import screens as reads
from yimen.hall.queries.boards import Wait
from yimen.lib.text import listed
from yimen.web.display import payload, slides
from yimen.web.display.payload import Look, Spec
from yimen.web.headers import PERMISSIONS_POLICY

# The chime of a screen nobody touches.
_WITH_SOUND = PERMISSIONS_POLICY.replace("autoplay=()", "autoplay=(self)")
BELOW = 4
TEMPLATES = {
    Screen.Layout.WINDOW: "display/window.html",
    Screen.Layout.NOTICES: "display/notices.html",
    Screen.Layout.MAP: "display/map.html",
}


@dataclass(frozen=True)
class Row:
    """A queue as a board shows it; told: its live part; where: windows or zone; hall: named when there are several."""

    told: dict[str, Any]
    wait: Wait
    hall: str


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The screens there are; with one hall and no screens set up, its screen."""
    halls = queries.halls()
    screens = list(Screen.objects.filter(is_on=True).select_related("hall").order_by("region_id", "code"))
    if len(halls) == 1 and not screens:
        return redirect("display:screen", halls[0].code)
    return render(request, "display/index.html", {"halls": halls, "screens": screens})


def _screen(code: str) -> Screen:
    try:
        return reads.get_screen(code)
    except Screen.DoesNotExist:
        raise Http404 from None


@never_cache
@require_safe
def screen(request: HttpRequest, code: str) -> HttpResponse:
    """A screen by its code, or a hall's by the hall's; live with script, every ten seconds without."""
    found, now = _screen(code), timezone.now()
    # A screen has no reader of its own: it speaks the centre's language whatever its browser asks for.
    with translation.override(settings.LANGUAGE_CODE):
        context = page_of(found, now, turn=_turn(request))
        response = render(request, TEMPLATES.get(Screen.Layout(found.layout), "display/screen.html"), context)
    response["Permissions-Policy"] = _WITH_SOUND
    return response


@never_cache
@require_safe
def turns(request: HttpRequest, code: str) -> HttpResponse:
    """What takes turns on a screen, for its page to put in place of the old ones."""
    found = _screen(code)
    with translation.override(settings.LANGUAGE_CODE):
        shown = slides.slides(found, timezone.now())
        return render(request, "display/turns.html", {"screen": found, "slides": shown, "turn": 0})


def _turn(request: HttpRequest) -> int:
    given = request.GET.get("turn", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0


def page_of(found: Screen, now: datetime, *, turn: int = 0) -> dict[str, Any]:
    """Return what a screen's page is drawn from."""
    spec = payload.spec_of(found)
    looks = [payload.look(hall, now) for hall in reads.halls_of(found)]
    told = payload.of_screen(spec, looks)
    calls = told["calls"]
    shown = slides.slides(found, now)
    return {
        "screen": found,
        "hall": found.hall,
        "kind": "hall" if found._state.adding else "screen",
        "now": now,
        "told": told,
        "current": calls[0] if calls else None,
        "below": [*calls[1 : BELOW + 1], *[None] * (BELOW - len(calls[1 : BELOW + 1]))],
        "rows": _rows(told, spec, looks),
        "slides": shown,
        "turn": turn % len(shown) if shown else 0,
        "next_turn": (turn + 1) % len(shown) if shown else 0,
        "usual_speech": _("请{label}，到{window}号窗口"),
        **_more(found, looks[0]),
    }


def _rows(told: dict[str, Any], spec: Spec, looks: Sequence[Look]) -> list[Row]:
    queues = [(wait, look) for look in looks for wait in look.waits]
    if spec.layout == Screen.Layout.ZONE:
        queues = [(wait, look) for wait, look in queues if payload.in_zone(wait, spec.zone, look.windows)]
    several = len(looks) > 1
    pairs = zip(told.get("waits", []), queues, strict=False)
    return [Row(row, wait, look.name if several else "") for row, (wait, look) in pairs]


def _more(found: Screen, look: Look) -> dict[str, Any]:
    if found.layout == Screen.Layout.WINDOW:
        window = next((one for one in look.windows if one.id == found.window_id), None)
        series = [wait.name for wait in look.waits if window and window.number in wait.numbers]
        return {"window": window, "over": payload.of_window(window), "serves": listed(series)}
    if found.layout == Screen.Layout.MAP:
        return {"places": reads.places(found.hall), "states": {one.number: one for one in look.windows}}
    return {}
