from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yimen.cases.queries import documents
from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.hall import queries as hall
from yimen.hall.actions import joining
from yimen.insight.forecasts import Range
from yimen.lib.ids import read_code
from yimen.people.models import Department
from yimen.ratings import queries as ratings
from yimen.ratings.rules import Figures
from yimen.web import context, waits
from yimen.web.portal import reads
from yimen.web.portal.forms import VerifyForm
from yimen.web.portal.themes import BY_SLUG, THEMES

PAGE = 20


def _region() -> str:
    return context.center().region


def _page(request: HttpRequest, items: QuerySet[ServiceItem] | list[ServiceItem]) -> Any:
    return Paginator(items, PAGE).get_page(request.GET.get("page"))


def _boards() -> list[tuple[hall.Board, Mapping[UUID, Range | None]]]:
    """The halls as they are now, each with the range of its waits by series."""
    now, region = timezone.now(), _region()
    return [(hall.board(one, now), waits.of_hall(one, now).series) for one in hall.halls() if one.region_id == region]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    region = _region()
    if not region:
        return render(request, "portal/empty.html")
    shown = catalog.items_by_department(region)
    return render(
        request,
        "portal/home.html",
        {
            "themes": THEMES,
            "department_count": len(shown),
            "item_count": sum(one.item_count for one in shown),  # type: ignore[attr-defined]
            "boards": _boards(),
            "ratings": _ratings_this_month(region),
            "now": timezone.now(),
        },
    )


def _ratings_this_month(region: str) -> Figures | None:
    figures = ratings.figures(region, *ratings.days_of("month", timezone.localdate()))
    return figures if figures.rateable or figures.total else None


@require_safe
def theme(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in BY_SLUG:
        raise Http404
    chosen = BY_SLUG[slug]
    page = _page(request, reads.items_of_themes(_region(), chosen.names))
    return render(request, "portal/items.html", {"heading": chosen.name, "hint": chosen.hint, "page": page})


@require_safe
def departments(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/departments.html", {"departments": catalog.items_by_department(_region())})


@require_safe
def department(request: HttpRequest, pk: UUID) -> HttpResponse:
    chosen = get_object_or_404(Department, region_id=_region(), pk=pk)
    page = _page(request, reads.items_of_department(_region(), pk))
    return render(request, "portal/items.html", {"heading": chosen.name, "phone": chosen.phone, "page": page})


@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """约: how long it takes now, and how to take a number."""
    joins = [one for one in hall.halls() if one.region_id == _region() and any(joining.may_join(one))]
    return render(request, "portal/queues.html", {"boards": _boards(), "joins": joins, "now": timezone.now()})


@never_cache
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Anybody may check that a printed document is real; the page says what it is, not about whom (CERT-11)."""
    if request.method == "POST":
        form = VerifyForm(request.POST)
        if form.is_valid():
            return redirect("portal:verify", code=form.cleaned_data["code"])
        return render(request, "portal/verify.html", {"form": form}, status=422)
    if not code:
        return render(request, "portal/verify.html", {"form": VerifyForm()})
    checked = documents.check(read_code(code))
    certificate = None if checked else reads.certificate_by_code(code, request.GET.get("on", ""), timezone.localdate())
    bundle = None if checked or certificate else reads.bundle_by_code(code)
    values = {
        "bundle": bundle,
        "form": VerifyForm(initial={"code": code}),
        "asked": True,
        "checked": checked,
        "certificate": certificate,
        "code": code,
    }
    return render(request, "portal/verify.html", values, status=200 if checked or certificate or bundle else 404)


@require_safe
def unresolved(request: HttpRequest) -> HttpResponse:
    """办不成事反映窗口: where to turn when something could not be done."""
    return render(request, "portal/unresolved.html")
