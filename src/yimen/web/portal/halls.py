"""A hall as anybody sees it: its zones, windows and units, facilities and notices; and the bulletin."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from yimen.hall import queries
from yimen.hall.models import Hall, Window
from yimen.hall.queries import boards
from yimen.hall.queries import screens as reads
from yimen.hall.rules.opening import Opening
from yimen.web import bulletins, context

LONGEST = 366
DAYS_AHEAD = 7


def _halls() -> list[Hall]:
    return [one for one in queries.halls() if one.region_id == context.center().region]


@require_safe
def halls(request: HttpRequest) -> HttpResponse:
    """The halls there are; with one, that one."""
    found = _halls()
    if len(found) == 1:
        return redirect("portal:hall", found[0].code)
    return render(request, "portal/halls.html", {"halls": found})


@require_safe
def hall(request: HttpRequest, code: str) -> HttpResponse:
    """Which unit sits at which window of which zone, what else is there, what is announced (S1-18, S3-20, S4-36)."""
    try:
        found = queries.get_hall(code)
    except Hall.DoesNotExist:
        raise Http404 from None
    if found.code != code:  # merged
        return redirect("portal:hall", found.code)
    today = timezone.localdate()
    places = reads.places(found)
    windows: list[Window] = [window for place in places for window in place.windows]
    units = {unit.pk for place in places for window in place.windows for unit in place.units[window.pk]}
    values = {
        "hall": found,
        "places": places,
        "window_count": len(windows),
        "unit_count": len(units),
        "states": {one.number: one.state for one in boards.windows_now(found)},
        "facilities": reads.facilities(found, on=today),
        "hours": _hours(found, today),
        "notices": reads.notices_of([found], today),
        "others": [one for one in _halls() if one.pk != found.pk],
    }
    return render(request, "portal/hall.html", values)


def _hours(hall: Hall, today: date) -> list[Opening]:
    """The coming week, once somebody has written hours down."""
    found = list(queries.openings(hall, [today + timedelta(days=n) for n in range(DAYS_AHEAD)]).values())
    return found if any(one.is_set for one in found) else []


def _period(request: HttpRequest) -> tuple[date, date]:
    """Return the days asked for; the last thirty when nothing, or nothing sensible, was."""
    today = timezone.localdate()
    start, end = (_day(request, name) for name in ("from", "until"))
    end = end or today
    start = start or end - timedelta(days=29)
    if not timedelta(0) <= end - start <= timedelta(days=LONGEST):
        return today - timedelta(days=29), today
    return start, end


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return parse_date(request.GET.get(name, ""))
    except ValueError:
        return None


@require_safe
def bulletin(request: HttpRequest) -> HttpResponse:
    """工作简报: the notices of some days and the items that changed in them, as they stand now (S1-5)."""
    start, end = _period(request)
    found = bulletins.bulletin(context.center().region, start, end, on=timezone.localdate())
    return render(request, "portal/bulletin.html", {"bulletin": found, "start": start, "end": end})


@require_safe
def bulletin_file(request: HttpRequest) -> HttpResponse:
    """The bulletin on paper."""
    start, end = _period(request)
    found = bulletins.bulletin(context.center().region, start, end, on=timezone.localdate())
    response = HttpResponse(bulletins.paper(found, at=timezone.now()), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="bulletin-{start:%Y%m%d}-{end:%Y%m%d}.pdf"'
    return response


urlpatterns = [
    path("halls", halls, name="halls"),
    path("halls/<slug:code>", hall, name="hall"),
    path("bulletin", bulletin, name="bulletin"),
    path("bulletin.pdf", bulletin_file, name="bulletin-file"),
]
