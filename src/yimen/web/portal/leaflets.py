"""What one takes along from the portal: leaflet, one-time notice, booklet."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from yimen.catalog import booklets, prints
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.notices import notice_parts
from yimen.catalog.queries import guides
from yimen.people.queries import main_center
from yimen.web import context
from yimen.web.portal import guide


@require_safe
def leaflet(request: HttpRequest, code: str) -> HttpResponse:
    """The item's leaflet; ?per_page=2 or 4 fills a page with it."""
    asked = request.GET.get("per_page", "1")
    per_page = int(asked) if asked in {str(n) for n in prints.PER_PAGE} else 1
    item = guide.find(code)
    with prints.in_chinese():
        sheet = guide.sheet_of(item)
        made = prints.leaflets([sheet], at=timezone.now(), per_page=per_page, title=f"明白纸 {sheet.name}")
    return pdf(made, f"明白纸-{sheet.name}.pdf")


@require_safe
def notice(request: HttpRequest, code: str) -> HttpResponse:
    """The one-time notice on the page; the paper holds the same words (CASE-14)."""
    sheet = guide.sheet_of(guide.find(code))
    return render(request, "portal/notice.html", {"sheet": sheet, "parts": notice_parts(sheet)})


@require_safe
def notice_pdf(request: HttpRequest, code: str) -> HttpResponse:
    item = guide.find(code)
    return pdf(notice_of(item), f"一次性告知书-{item.name}.pdf")


def notice_of(item: ServiceItem, version: ItemVersion | None = None) -> bytes:
    """Return the notice of an item of guides(), or of one of its editions, with its flow chart."""
    edition = version or item.published
    assert edition
    edition.item = item
    with prints.in_chinese():
        sheet = guides.sheet_of(
            item, center=guides.place_of(main_center()), on=timezone.localdate(), version=edition
        )  # fmt: skip
        drawn = guide.chart_of(edition)
        drawing, words = (drawn.svg(edition.name), drawn.summary()) if drawn else ("", "")
        return prints.notice(sheet, at=timezone.now(), chart_svg=drawing, chart_text=words)


@require_safe
def booklet(request: HttpRequest) -> HttpResponse:
    """The booklet to take along; the worker makes it anew after the catalogue changed."""
    region = context.center().region
    found = booklets.find(booklets.root(), region, guides.place_of(main_center())) if region else None
    rows = [(n, file.stat().st_size) for n, file in enumerate(found.files, 1)] if found else []
    return render(request, "portal/booklet.html", {"booklet": found, "volumes": rows})


@require_safe
def booklet_file(request: HttpRequest, number: int) -> HttpResponseBase:
    found = booklets.find(booklets.root(), context.center().region, guides.place_of(main_center()))
    if found is None or not 1 <= number <= len(found.files):
        raise Http404
    name = "办事指南汇编.pdf" if len(found.files) == 1 else f"办事指南汇编-{number}.pdf"
    return FileResponse(found.files[number - 1].open("rb"), filename=name, content_type="application/pdf")


def pdf(made: bytes, filename: str) -> HttpResponse:
    """Return a paper that anybody may have, shown in the browser."""
    headers = {"Content-Disposition": content_disposition_header(False, filename) or "inline"}
    return HttpResponse(made, content_type="application/pdf", headers=headers)


urlpatterns = [
    path("items/<str:code>/leaflet.pdf", leaflet, name="leaflet"),
    path("items/<str:code>/notice", notice, name="one-time-notice"),
    path("items/<str:code>/notice.pdf", notice_pdf, name="one-time-notice-pdf"),
    path("booklet", booklet, name="booklet"),
    path("booklet/<int:number>.pdf", booklet_file, name="booklet-file"),
]
