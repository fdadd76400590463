"""名额、不得再次申请、收费: limited places and their queue, the list of bars, fees by month with their law."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import actions, exports, queries
from yimen.cases.models import Bar, Quota
from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.web.once import Done, keyed
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

PAGE = 30
FOUND = 12
MONTHS = 12


def _posted_day(request: StaffRequest, name: str) -> date | None:
    text = posted_text(request, name).strip()
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        raise DomainError(_("日期请写成 2026-11-18 这样。"))
    return day


def _items(request: StaffRequest) -> tuple[str, list[ServiceItem]]:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    found = catalog.editable_items(request.staff.region_id, text=text, state="published")[:FOUND] if text else []
    return text, list(found)


# -- limited places ---------------------------------------------------------------------------------------------------


def _quotas(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    text, found = _items(request)
    page = Paginator(queries.quotas(request.staff.region_id), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(quota, queries.granted_count(quota)) for quota in page],
        "text": text,
        "found": found,
        "may_set": access.allowed(request.staff, "cases.quota"),
        "today": localdate(timezone.now()),
        "typed": request.POST if request.method == "POST" else {},
        "refused": refused,
    }
    return render(request, "workbench/results/quotas.html", context)


@staff_page("cases.quota", "cases.view")
@require_safe
def quotas(request: StaffRequest) -> HttpResponse:
    return _quotas(request)


@staff_page("cases.quota")
@require_POST
@keyed("cases.set_quota", stay=_quotas)
def set_quota(request: StaffRequest) -> Done:
    item = catalog.item_for(request.staff.region_id, posted_id(request, "item"))
    if item is None:
        raise Http404
    at = timezone.now()
    number = posted_text(request, "number").strip()
    quota = actions.set_quota(
        item,
        int(number) if number.isdecimal() and len(number) < 9 else 0,
        basis=posted_text(request, "basis"),
        effective_on=_posted_day(request, "effective_on") or localdate(at),
        ends_on=_posted_day(request, "ends_on"),
        by=request.staff,
        at=at,
    )
    return Done(reverse("workbench:quota", args=[quota.pk]), _("名额定好了，以后受理的按先后排位。"))


@staff_page("cases.quota", "cases.view")
@require_safe
def quota(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The queue in its order, for whoever wants to check it."""
    found = Quota.objects.filter(region_id=request.staff.region_id, pk=pk).select_related("item").first()
    if found is None:
        raise Http404
    page = Paginator(queries.queue(found), PAGE).get_page(request.GET.get("page"))
    context = {"quota": found, "granted": queries.granted_count(found), "page": page}
    return render(request, "workbench/results/quota.html", context)


# -- bars -------------------------------------------------------------------------------------------------------------


def _bars(request: StaffRequest, pk: UUID | None = None, *, refused: str = "", **_context: Any) -> HttpResponse:
    text, found = _items(request)
    today = localdate(timezone.now())
    context = {
        "page": Paginator(queries.bars(request.staff.region_id), PAGE).get_page(request.GET.get("page")),
        "today": today,
        "may_lift": access.allowed(request.staff, "cases.lift_bar"),
        "may_flag": access.allowed(request.staff, "catalog.calendar"),
        "flagged": queries.public_safety_items(request.staff.region_id, today),
        "text": text,
        "found": found,
        "refused": refused,
        "typed": request.POST if request.method == "POST" else {},
        "lifting": pk,
    }
    return render(request, "workbench/results/bars.html", context)


@staff_page("cases.bar", "cases.lift_bar", "cases.view", "catalog.calendar")
@require_safe
def bars(request: StaffRequest) -> HttpResponse:
    return _bars(request)


@staff_page("cases.lift_bar")
@require_POST
@keyed("cases.lift_bar", stay=_bars)
def lift(request: StaffRequest, pk: UUID) -> Done:
    if not Bar.objects.filter(region_id=request.staff.region_id, pk=pk).exists():
        raise Http404
    actions.lift_bar(pk, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:bars"), _("解除了，可以重新申请。"))


@staff_page("catalog.calendar")
@require_POST
@keyed("cases.flag_public_safety", stay=_bars)
def flag(request: StaffRequest) -> Done:
    item = catalog.item_for(request.staff.region_id, posted_id(request, "item"))
    if item is None:
        raise Http404
    at = timezone.now()
    is_flagged = posted_text(request, "flag") == "1"
    actions.flag_public_safety(
        item,
        is_flagged,
        effective_on=_posted_day(request, "effective_on") or localdate(at),
        reason=posted_text(request, "reason"),
        by=request.staff,
        at=at,
    )
    message = _("“%(item)s”列为关系公共安全的事项。") if is_flagged else _("“%(item)s”不再列为关系公共安全的事项。")
    return Done(reverse("workbench:bars"), message % {"item": item.name})


# -- fees -------------------------------------------------------------------------------------------------------------


def _span(today: date) -> tuple[date, date]:
    """The last twelve months, this one included."""
    since = today.replace(day=1)
    for _n in range(MONTHS - 1):
        since = (since - timedelta(days=1)).replace(day=1)
    return since, today


@staff_page("insight.view")
@require_safe
def fees(request: StaffRequest) -> HttpResponse:
    """What was charged each month, by organ, item, fee and law; a month far above the usual is marked (S1-60)."""
    region, today = request.staff.region_id, localdate(timezone.now())
    since, until = _span(today)
    lines = queries.fee_lines(region, since=since, until=until)
    factor = queries.fee_factor(region, today)
    months = queries.fee_months(lines, since=since, until=until, factor=factor)
    wanted = request.GET.get("month", "")
    shown = next((one.month for one in months if f"{one.month:%Y-%m}" == wanted), today.replace(day=1))
    context = {
        "months": [one for one in months if one.total or one.count or one.month == shown],
        "shown": shown,
        "lines": [line for line in lines if line.month == shown],
        "jumps": [one for one in months if one.has_jumped],
        "factor": factor,
        "has_any": bool(lines),
    }
    return render(request, "workbench/results/fees.html", context)


@staff_page("insight.view")
@require_POST
def fees_export(request: StaffRequest) -> HttpResponse:
    at = timezone.now()
    since, until = _span(localdate(at))
    parts = exports.fees(request.staff, since=since, until=until, at=at)
    return _csv(parts, f"fees-{until:%Y%m%d}.csv")


@staff_page("insight.view")
@require_POST
def publicity_export(request: StaffRequest) -> HttpResponse:
    """The licences granted in the last thirty days with the day by which each is uploaded (双公示)."""
    at = timezone.now()
    today = localdate(at)
    parts = exports.publicity(request.staff, since=today - timedelta(days=30), until=today, at=at)
    return _csv(parts, f"publicity-{today:%Y%m%d}.csv")


def _csv(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text.encode(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


urlpatterns = [
    path("quotas", quotas, name="quotas"),
    path("quotas/set", set_quota, name="quota-set"),
    path("quotas/<uuid:pk>", quota, name="quota"),
    path("bars", bars, name="bars"),
    path("bars/safety", flag, name="bar-safety"),
    path("bars/<uuid:pk>/lift", lift, name="bar-lift"),
    path("fees", fees, name="fees"),
    path("fees/export", fees_export, name="fees-export"),
    path("fees/publicity", publicity_export, name="publicity-export"),
]
