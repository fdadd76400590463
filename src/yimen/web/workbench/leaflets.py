"""Papers printed for the hall: leaflets by window or unit, one-time notices, the booklet."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from procrastinate.exceptions import AlreadyEnqueued

from yimen.catalog import booklets, prints
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import guides
from yimen.hall.models import Window
from yimen.lib.errors import DomainError
from yimen.people.models import Department
from yimen.people.queries import main_center
from yimen.web import leaflet_lists
from yimen.web.jobs import make_booklet
from yimen.web.portal import leaflets as portal
from yimen.web.workbench.guard import StaffRequest, staff_page

# Whoever meets people or looks after what they read.
PRINTS = ("hall.take", "hall.call", "hall.manage", "catalog.edit", "catalog.publish")
PAGE = 50


@dataclass(frozen=True)
class Run:
    """What is to be printed: a name for people, its items, and the address that asks for it again."""

    title: str
    items: QuerySet[ServiceItem]
    query: str


@staff_page(*PRINTS)
@require_safe
def choose(request: StaffRequest) -> HttpResponse:
    region = request.staff.region_id
    found = booklets.find(booklets.root(), region, guides.place_of(main_center()))
    context = {
        "windows": leaflet_lists.windows_to_print(region),
        "departments": Paginator(leaflet_lists.departments_to_print(region), PAGE).get_page(request.GET.get("page")),
        "booklet": found,
    }
    return render(request, "workbench/leaflets/choose.html", context)


@staff_page(*PRINTS)
@require_safe
def preview(request: StaffRequest) -> HttpResponse:
    """What a run holds, before it is printed."""
    run, per_page = _asked(request), _per_page(request)
    count = run.items.count()
    page = Paginator(run.items, PAGE).get_page(request.GET.get("page"))
    context = {
        "run": run,
        "page": page,
        "count": count,
        "per_page": per_page,
        "choices": prints.PER_PAGE,
        "papers": -(-count // per_page),
        "pieces": _pieces(count),
    }
    return render(request, "workbench/leaflets/preview.html", context)


@staff_page(*PRINTS)
@require_safe
def as_pdf(request: StaffRequest) -> HttpResponse:
    run = _asked(request)
    try:
        made = leaflet_lists.leaflets(
            run.items,
            request.staff.region_id,
            at=timezone.now(),
            per_page=_per_page(request),
            title=run.title,
            piece=_piece(request),
        )
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('workbench:leaflets-preview')}?{run.query}")
    return portal.pdf(made, f"{run.title}.pdf")


@staff_page(*PRINTS)
@require_POST
def renew_booklet(request: StaffRequest) -> HttpResponse:
    """The booklet takes longer than a page may, so the worker makes it."""
    try:
        with transaction.atomic():
            make_booklet.defer(timestamp=int(timezone.now().timestamp()))  # type: ignore[call-arg]
    except AlreadyEnqueued:
        messages.info(request, _("汇编已经在排队，好了会换成新的。"))
    else:
        messages.success(request, _("汇编开始做了，好了会换成新的；过一会儿刷新这一页。"))
    return redirect("workbench:leaflets")


@staff_page("cases.receive", "cases.view", *PRINTS)
@require_safe
def one_time_notice(request: StaffRequest, version: UUID) -> HttpResponse:
    """The one-time notice of an edition: a running case keeps the words it was accepted under."""
    item, edition = guides.edition(request.staff.region_id, version) or (None, None)
    if item is None or edition is None:
        raise Http404
    return portal.pdf(portal.notice_of(item, edition), f"一次性告知书-{edition.name}.pdf")


def _per_page(request: HttpRequest) -> int:
    asked = request.GET.get("per_page", "")
    return int(asked) if asked in {str(n) for n in prints.PER_PAGE} else 1


def _piece(request: HttpRequest) -> int:
    asked = request.GET.get("piece", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 5 else 1


def _pieces(count: int) -> list[tuple[int, int, int]]:
    """Return (number, first, last) of the files a run of `count` leaflets is printed in."""
    size = leaflet_lists.PIECE
    return [(n + 1, n * size + 1, min(count, (n + 1) * size)) for n in range(-(-count // size))]


def _asked(request: StaffRequest) -> Run:
    """Return the run the address names; 404 for none, and for another region's."""
    region = request.staff.region_id
    if window := _id(request, "window"):
        found = get_object_or_404(Window.objects.select_related("hall"), pk=window, region_id=region)
        title = _("%(window)s的明白纸") % {"window": found.name}
        return Run(title, leaflet_lists.of_window(found), urlencode({"window": found.pk}))
    if department := _id(request, "department"):
        organ = get_object_or_404(Department, pk=department, region_id=region)
        title = _("%(department)s的明白纸") % {"department": organ.name}
        return Run(title, leaflet_lists.of_department(organ), urlencode({"department": organ.pk}))
    if request.GET.get("all") == "1":
        return Run(_("全部事项的明白纸"), leaflet_lists.of_all(region), "all=1")
    raise Http404


def _id(request: HttpRequest, name: str) -> UUID | None:
    try:
        return UUID(request.GET[name]) if request.GET.get(name) else None
    except ValueError:
        raise Http404 from None


urlpatterns = [
    path("leaflets", choose, name="leaflets"),
    path("leaflets/list", preview, name="leaflets-preview"),
    path("leaflets/print.pdf", as_pdf, name="leaflets-pdf"),
    path("leaflets/booklet", renew_booklet, name="leaflets-booklet"),
    path("editions/<uuid:version>/notice.pdf", one_time_notice, name="one-time-notice"),
]
