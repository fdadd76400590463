"""Figures about the catalogue: what editors have to look at, shorter limits, faster handling, fewer steps, failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries.reform import merge_links
from yimen.insight import actions, catalogue_sheets, quality
from yimen.insight.catalogue_figures import (
    READERS,
    compression_report,
    compression_total,
    departments_of,
    first_day,
    history_of,
    reduction_report,
)
from yimen.insight.failures import Failure, by_item, failures
from yimen.insight.handling import PeriodsOverlap, Trend, trend
from yimen.insight.ledger_report import BadPeriod, check_period
from yimen.insight.rules import Period
from yimen.insight.tables import Table, as_csv
from yimen.people import access
from yimen.web.workbench.guard import StaffRequest, staff_page
from yimen.web.workbench.report import Bar, BarGroup, Chart

PAGE = 30
MOST_BARS = 8


@dataclass(frozen=True)
class Tab:
    name: str
    word: str | Promise


TABS = (
    Tab("quality", gettext_lazy("总览")),
    Tab("compression", gettext_lazy("时限压缩")),
    Tab("handling", gettext_lazy("办得快了多少")),
    Tab("reduction", gettext_lazy("环节和材料")),
    Tab("failures", gettext_lazy("最常见的问题")),
    Tab("visit-failures", gettext_lazy("现场核查")),
    Tab("trips", gettext_lazy("跑了几趟")),
    Tab("reform", gettext_lazy("流程再造")),
)


def show(request: HttpRequest, tab: str, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    values = {**context, "tabs": TABS, "tab": tab}
    return render(request, f"workbench/quality/{template}.html", values, status=status)


def day_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("日期要写成 2026-01-31 这样。")},
    )


class DaysForm(forms.Form):
    """One period; without anything chosen, the last year."""

    start = day_field(gettext_lazy("从"))
    end = day_field(gettext_lazy("到"))

    def __init__(self, values: Any, *, today: date) -> None:
        super().__init__(values, auto_id="%s")
        self.today = today

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        found["start"] = found.get("start") or self.today - timedelta(days=364)
        found["end"] = found.get("end") or self.today
        if not self.errors:
            try:
                check_period(found["start"], found["end"])
            except BadPeriod as error:
                self.add_error("end", str(error))
        return found


class TwoDaysForm(forms.Form):
    """Two days to compare; without anything chosen, today and a year before, or the day the catalogue began."""

    first = day_field(gettext_lazy("原来，截至"))
    last = day_field(gettext_lazy("现在，截至"))

    def __init__(self, values: Any, *, today: date, began: date | None) -> None:
        super().__init__(values, auto_id="%s")
        self.today, self.began = today, began

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        found["last"] = found.get("last") or self.today
        if not found.get("first"):
            found["first"] = found["last"] - timedelta(days=365)
            if self.began and found["first"] < self.began < found["last"]:
                found["first"] = self.began
        if not self.errors and found["first"] >= found["last"]:
            self.add_error("last", _("后一天要在前一天之后。"))
        return found


class TwoPeriodsForm(forms.Form):
    """Two periods; without anything chosen, the last 30 days and the 30 before."""

    old_start = day_field(gettext_lazy("前一段，从"))
    old_end = day_field(gettext_lazy("到"))
    new_start = day_field(gettext_lazy("后一段，从"))
    new_end = day_field(gettext_lazy("到"))

    def __init__(self, values: Any, *, today: date) -> None:
        super().__init__(values, auto_id="%s")
        self.today = today

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        found["new_end"] = found.get("new_end") or self.today
        found["new_start"] = found.get("new_start") or found["new_end"] - timedelta(days=29)
        found["old_end"] = found.get("old_end") or found["new_start"] - timedelta(days=1)
        found["old_start"] = found.get("old_start") or found["old_end"] - timedelta(days=29)
        return found

    def periods(self) -> tuple[Period, Period]:
        said = self.cleaned_data
        return Period(said["old_start"], said["old_end"]), Period(said["new_start"], said["new_end"])


def _page(request: HttpRequest, rows: Any) -> Any:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


@staff_page(*READERS)
@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """What editors have to look at; every figure leads to its list."""
    region, today = request.staff.region_id, timezone.localdate()
    departments = departments_of(request.staff)
    found = failures(region, today - timedelta(days=364), today, departments=departments)
    context = {
        "findings": quality.findings(region, on=today, departments=departments),
        "fullness": quality.fullness(region, departments=departments),
        "compression": compression_total(region, departments=departments),
        "misses": quality.search_misses(region)[:5],
        "miss_count": quality.search_misses(region).count(),
        "failing": by_item(found)[:5],
        "may_edit": access.allowed(request.staff, "catalog.edit"),
    }
    return show(request, "quality", "board", context)


@staff_page(*READERS)
@require_safe
def found_list(request: StaffRequest, key: str) -> HttpResponse:
    if key not in quality.BY_KEY:
        raise Http404
    look, may_edit = quality.BY_KEY[key], access.allowed(request.staff, "catalog.edit")
    items = quality.found_items(
        request.staff.region_id, key, on=timezone.localdate(), departments=departments_of(request.staff)
    )
    return show(request, "quality", "items", {"look": look, "page": _page(request, items), "may_edit": may_edit})


@staff_page(*READERS)
@require_safe
def compression(request: StaffRequest) -> HttpResponse:
    report = compression_report(request.staff.region_id, departments=departments_of(request.staff))
    return show(request, "compression", "compression", {"report": report, "page": _page(request, report.items)})


@staff_page(*READERS)
@require_safe
def handling(request: StaffRequest) -> HttpResponse:
    form = TwoPeriodsForm(request.GET, today=timezone.localdate())
    found: Trend | None = None
    if form.is_valid():
        try:
            found = trend(request.staff.region_id, *form.periods(), departments=departments_of(request.staff))
        except (BadPeriod, PeriodsOverlap) as error:
            form.add_error("new_start", str(error))
    if found is None:
        return show(request, "handling", "handling", {"form": form}, status=400)
    drawn = found.rows[:MOST_BARS]
    context = {
        "form": form,
        "trend": found,
        "page": _page(request, found.rows),
        "charts": [("hand", chart(drawn, 340)), ("desk", chart(drawn, 1200))] if drawn else [],
        "chart_sentence": sentence(drawn),
        "is_cut": len(drawn) < len(found.rows),
        "most": len(drawn),
    }
    return show(request, "handling", "handling", context)


def chart(rows: Sequence[Any], width: int) -> Chart:
    """Lay out the mean days of both periods for each row; the longest bar leaves room for its words."""
    text, bar, gap, room = 15, 18, 14, 190
    most = max((max(row.old, row.new) for row in rows), default=1) or 1
    groups, y = [], 0
    for row in rows:
        label_y = y + text
        y += text + 8
        bars = []
        for mean, shown, fill, words in (
            (row.old, row.old_days, "var(--chart-2)", _("前一段 %(n)s 个工作日")),
            (row.new, row.new_days, "var(--chart-1)", _("后一段 %(n)s 个工作日")),
        ):
            length = max(round(mean * (width - room) / most), 1 if mean else 0)
            bars.append(Bar(y, length, fill, words % {"n": shown}, length + 8, y + bar - 4))
            y += bar + 4
        groups.append(BarGroup(row.label, label_y, bars))
        y += gap
    return Chart(width, max(y - gap, 0), groups)


def sentence(rows: Sequence[Any]) -> str:
    """The chart for those who listen to it."""
    parts = [
        _("%(label)s原来平均 %(old)s 个工作日，现在 %(new)s 个")
        % {"label": row.label, "old": row.old_days, "new": row.new_days}
        for row in rows
    ]
    return "；".join(parts) + "。"


@staff_page(*READERS)
@require_safe
def reduction(request: StaffRequest) -> HttpResponse:
    form = TwoDaysForm(request.GET, today=timezone.localdate(), began=first_day(request.staff.region_id))
    if not form.is_valid():
        return show(request, "reduction", "reduction", {"form": form}, status=400)
    said = form.cleaned_data
    departments = departments_of(request.staff)
    report = reduction_report(request.staff.region_id, said["first"], said["last"], departments=departments)
    return show(
        request, "reduction", "reduction", {"form": form, "report": report, "page": _page(request, report.rows)}
    )


@staff_page(*READERS)
@require_safe
def failing(request: StaffRequest) -> HttpResponse:
    form = DaysForm(request.GET, today=timezone.localdate())
    if not form.is_valid():
        return show(request, "failures", "failures", {"form": form}, status=400)
    said = form.cleaned_data
    departments = departments_of(request.staff)
    found = failures(request.staff.region_id, said["start"], said["end"], departments=departments)
    context = {"form": form, "start": said["start"], "end": said["end"], "page": _page(request, by_item(found))}
    return show(request, "failures", "failures", context)


@staff_page(*READERS)
@require_safe
def item(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One item: what its editions changed, why applications fail, what it was made of."""
    found = _item(request, pk)
    today = timezone.localdate()
    reasons = failures(found.region_id, today - timedelta(days=364), today, item=found.pk)
    most = max((one.count for one in reasons), default=0)
    context = {
        "item": found,
        "history": history_of(found),
        "reasons": [(one, round(one.count * 100 / most)) for one in reasons[:10]],
        "links": merge_links(found),
    }
    return show(request, "quality", "item", context)


def _item(request: StaffRequest, pk: UUID) -> ServiceItem:
    found = catalog.item_for(request.staff.region_id, pk)
    departments = departments_of(request.staff)
    if found is None or (departments is not None and found.department_id not in departments):
        raise Http404
    return found


def _compression_units(request: StaffRequest, departments: Any, today: date) -> Table:
    return catalogue_sheets.compression_by_unit(compression_report(request.staff.region_id, departments=departments))


def _compression_items(request: StaffRequest, departments: Any, today: date) -> Table:
    return catalogue_sheets.compression_by_item(compression_report(request.staff.region_id, departments=departments))


def _handling(request: StaffRequest, departments: Any, today: date) -> Table:
    form = _valid(TwoPeriodsForm(request.POST, today=today))
    found = trend(request.staff.region_id, *form.periods(), departments=departments)
    return catalogue_sheets.trend_sheet(found)


def _reduction(request: StaffRequest, departments: Any, today: date) -> Table:
    said = _valid(TwoDaysForm(request.POST, today=today, began=None)).cleaned_data
    report = reduction_report(request.staff.region_id, said["first"], said["last"], departments=departments)
    return catalogue_sheets.reduction_sheet(report)


def _failures(request: StaffRequest, departments: Any, today: date) -> Table:
    said = _valid(DaysForm(request.POST, today=today)).cleaned_data
    found = failures(request.staff.region_id, said["start"], said["end"], departments=departments)
    return catalogue_sheets.failures_sheet(found, _names(found))


def _visit_failures(request: StaffRequest, departments: Any, today: date) -> Table:
    from yimen.web.workbench import visit_figures  # it stands on this page's forms

    return visit_figures.sheet(request, departments, today)


def _trips(request: StaffRequest, departments: Any, today: date) -> Table:
    from yimen.web.workbench import trips  # it stands on this page's forms

    return trips.sheet(request, departments, today)


def _names(found: Sequence[Failure]) -> dict[str, str]:
    rows = ServiceItem.objects.filter(pk__in={one.item for one in found}).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}


def _findings(request: StaffRequest, departments: Any, today: date) -> Table:
    found = quality.findings(request.staff.region_id, on=today, departments=departments)
    return catalogue_sheets.quality_sheet(found)


def _valid(form: Any) -> Any:
    if not form.is_valid():
        raise Http404
    return form


EXPORTS: dict[str, Callable[[StaffRequest, Any, date], Table]] = {
    "compression-units": _compression_units,
    "compression-items": _compression_items,
    "handling": _handling,
    "reduction": _reduction,
    "failures": _failures,
    "visit-failures": _visit_failures,
    "trips": _trips,
    "quality": _findings,
}


@staff_page(*READERS)
@require_POST
def export(request: StaffRequest, what: str) -> HttpResponse:
    """The same figures as CSV. Who took which goes to the ledger."""
    now = timezone.now()
    if what not in EXPORTS:
        raise Http404
    try:
        table = EXPORTS[what](request, departments_of(request.staff), timezone.localdate(now))
    except (BadPeriod, PeriodsOverlap):
        raise Http404 from None
    filters = {name: request.POST[name][:20] for name in _FILTERS if name in request.POST}
    actions.note_export(request.staff, what, filters, count=len(table.rows), at=now)
    return HttpResponse(
        as_csv(table).encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{what}-{timezone.localdate(now):%Y%m%d}.csv"',
            "Cache-Control": "no-store",
        },
    )


_FILTERS = ("start", "end", "first", "last", "old_start", "old_end", "new_start", "new_end")

urlpatterns = [
    path("quality", board, name="quality"),
    path("quality/items/<slug:key>", found_list, name="quality-items"),
    path("quality/item/<uuid:pk>", item, name="quality-item"),
    path("quality/compression", compression, name="compression"),
    path("quality/handling", handling, name="handling"),
    path("quality/reduction", reduction, name="reduction"),
    path("quality/failures", failing, name="failures"),
    path("quality/export/<slug:what>", export, name="quality-export"),
]
