"""Service points: the same catalogue, filtered by place (S1-25)."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from yimen.catalog.queries import guides
from yimen.people import points
from yimen.people.models import ServicePoint
from yimen.web import context

PAGE = 20


@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """All open service points, with how many items each handles."""
    region, on = context.center().region, timezone.localdate()
    found = Paginator(points.points_of(region), PAGE).get_page(request.GET.get("page"))
    counts = guides.counts_at(found.object_list, on)
    rows = [(point, counts.get(point.pk, 0)) for point in found.object_list]
    return render(request, "portal/points.html", {"page": found, "rows": rows, "kinds": ServicePoint.Kind})


@require_safe
def one(request: HttpRequest, code: str) -> HttpResponse:
    """What one can have done at this point, and when it is open."""
    point = points.open_point_of(context.center().region, code)
    if point is None:
        raise Http404
    on = timezone.localdate()
    page = Paginator(guides.items_at(point, on), PAGE).get_page(request.GET.get("page"))
    acts = guides.acts_at(point, [item.pk for item in page.object_list], on)
    rows = [(item, guides.what_happens(acts.get(item.pk, frozenset()))) for item in page.object_list]
    return render(request, "portal/point.html", {"point": point, "page": page, "rows": rows})


urlpatterns = [path("points", every, name="points"), path("points/<slug:code>", one, name="point")]
