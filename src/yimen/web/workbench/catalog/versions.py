"""Editions of an item: published, approved, taken back, withdrawn; the list of them, and any two compared."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.catalog import actions, queries
from yimen.catalog.compare_sheet import compare_pdf
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries import editions
from yimen.lib.errors import DomainError
from yimen.web.portal.guide import guide_page
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20
READERS = ("catalog.edit", "catalog.publish", "catalog.review", "insight.view")


@staff_page("catalog.publish")
@require_POST
def publish(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = item_or_404(request, pk)
    version = found.versions.filter(state=ItemVersion.State.DRAFT).first()
    if version is None:
        messages.error(request, _("没有草稿可以发布。"))
        return redirect("workbench:item", pk)
    try:
        done = actions.publish(
            version,
            by=request.staff,
            at=timezone.now(),
            seen=posted_text(request, "seen"),
            despite=posted_text(request, "despite")[:200],
        )
    except actions.NotReady as error:
        for reason in error.reasons:
            messages.error(request, reason)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        if done.state == ItemVersion.State.APPROVED:
            day = f"{done.effective_on:%Y-%m-%d}"
            messages.success(request, _("已核准，%(day)s 自动生效。在那以前，大家看到的还是原来的。") % {"day": day})
        else:
            messages.success(request, _("已发布，大家现在看到的就是这一版。正在办的件仍按原来的版本办。"))
    return redirect("workbench:item", pk)


@staff_page("catalog.publish")
@require_POST
def take_back(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = item_or_404(request, pk)
    version = found.versions.filter(state=ItemVersion.State.APPROVED).first()
    if version is None:
        messages.error(request, _("没有在等生效的版本。"))
        return redirect("workbench:item", pk)
    try:
        actions.take_back(version, by=request.staff, at=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已收回，又是草稿了。"))
    return redirect("workbench:item", pk)


@staff_page("catalog.publish")
@require_POST
def withdraw(request: StaffRequest, pk: UUID) -> HttpResponse:
    try:
        actions.withdraw(
            item_or_404(request, pk), reason=posted_text(request, "reason")[:200], by=request.staff, at=timezone.now()
        )
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已停办，大家查不到了。正在办的件接着办完。"))
    return redirect("workbench:item", pk)


@staff_page(*READERS)
@require_safe
def versions(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = item_or_404(request, pk)
    page = CappedPaginator(editions.editions_of(found), PAGE).get_page(request.GET.get("page"))
    numbers = [row.number for row in page]
    context = {"item": found, "page": page, "newest": numbers[:1], "before": numbers[1:2]}
    return render(request, "workbench/catalog/versions.html", context)


@staff_page(*READERS)
@require_safe
def compare(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Two editions by number, ?old=1&new=3; without numbers the latest two."""
    found = item_or_404(request, pk)
    old, new = _both(request, found)
    difference = editions.compare_editions(found, old, new)
    if difference is None:
        raise Http404
    every = list(editions.editions_of(found)[:100])
    context = {"item": found, "difference": difference, "every": every, "old": old, "new": new}
    return render(request, "workbench/catalog/compare.html", context)


@staff_page(*READERS)
@require_safe
def compare_paper(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The same comparison on paper."""
    found = item_or_404(request, pk)
    old, new = _both(request, found)
    content = compare_pdf(found, old, new, at=timezone.now())
    if content is None:
        raise Http404
    name = f"{found.task_code}-{old}-{new}.pdf"
    headers = {"Content-Disposition": content_disposition_header(False, name) or "inline"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _both(request: StaffRequest, item: ServiceItem) -> tuple[int, int]:
    """Return the numbers of the two editions that are asked for, else of the latest two."""
    numbers = list(item.versions.order_by("-number").values_list("number", flat=True)[:2])
    old = _number(request, "old", numbers[-1] if numbers else 0)
    return old, _number(request, "new", numbers[0] if numbers else 0)


@staff_page(*READERS)
@require_safe
def preview(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The guide as citizens would read it: of the open edition, else of the published one; ?number= another one."""
    found = item_or_404(request, pk)
    working = queries.working_edition(found)
    number = _number(request, "number", working.number if working else 0)
    version = editions.edition(found, number)
    if version is None:
        raise Http404
    return guide_page(request, found, version)


def _number(request: StaffRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise Http404
    return int(text)


urlpatterns = [
    path("items/<uuid:pk>/publish", publish, name="item-publish"),
    path("items/<uuid:pk>/take-back", take_back, name="item-take-back"),
    path("items/<uuid:pk>/withdraw", withdraw, name="item-withdraw"),
    path("items/<uuid:pk>/versions", versions, name="item-versions"),
    path("items/<uuid:pk>/compare", compare, name="item-compare"),
    path("items/<uuid:pk>/compare.pdf", compare_paper, name="item-compare-pdf"),
    path("items/<uuid:pk>/preview", preview, name="item-preview"),
]
