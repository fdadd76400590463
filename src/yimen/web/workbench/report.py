"""The page of figures: a period, the report with its chart, and what is still open, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yimen.insight import actions, queries, rules, sheets
from yimen.insight.ledger_report import BadPeriod, Report, Row, check_period
from yimen.people import access
from yimen.web.workbench.guard import StaffRequest, staff_page

MOST_BARS = 12


class PeriodForm(forms.Form):
    """Which days, and by what: a named period, else two dates; without anything chosen, this month by case type."""

    period = forms.ChoiceField(
        label=gettext_lazy("期间"),
        choices=[
            ("month", gettext_lazy("本月")),
            ("quarter", gettext_lazy("本季度")),
            ("year", gettext_lazy("今年")),
        ],
        required=False,
    )
    start = forms.DateField(
        label=gettext_lazy("从"),
        required=False,
        error_messages={"invalid": gettext_lazy("开始日期要写成 2026-01-31 这样。")},
    )
    end = forms.DateField(
        label=gettext_lazy("到"),
        required=False,
        error_messages={"invalid": gettext_lazy("结束日期要写成 2026-01-31 这样。")},
    )
    by = forms.ChoiceField(
        label=gettext_lazy("按什么分"),
        choices=[
            ("case_type", gettext_lazy("办件类型")),
            ("department", gettext_lazy("部门")),
            ("month", gettext_lazy("月份")),
            ("item", gettext_lazy("事项")),
        ],
        required=False,
    )

    def __init__(self, values: Any, *, today: date) -> None:
        super().__init__(values, auto_id="%s")
        self.today = today

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if self.errors:
            return found
        found["by"] = found.get("by") or "case_type"
        start, end = found.get("start"), found.get("end")
        if found.get("period") or not (start or end):
            days = rules.named_period(found.get("period") or "month", self.today)
            found |= {"start": days.start, "end": days.end}
        elif not (start and end):
            self.add_error("end" if start else "start", _("请把开始和结束两个日期都选上。"))
        else:
            try:
                check_period(start, end)
            except BadPeriod as error:
                self.add_error("end", str(error))
        return found


@dataclass(frozen=True)
class Bar:
    """One bar as drawn: x is 0, so only its place from the top and its length; words stand at its end."""

    y: int
    length: int
    fill: str
    words: str
    words_x: int
    words_y: int


@dataclass(frozen=True)
class BarGroup:
    label: str
    label_y: int
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Chart:
    """Groups of two bars from 0, labelled directly, to be drawn by attributes alone. width, height: user units."""

    width: int
    height: int
    groups: Sequence[BarGroup]


def chart(rows: Sequence[Row], width: int) -> Chart:
    """Lay out accepted and finished of each row; the longest bar leaves room for its words."""
    text, bar, gap, room = 15, 18, 14, 120
    most = max((max(row.accepted, row.finished) for row in rows), default=0) or 1
    groups, y = [], 0
    for row in rows:
        label_y = y + text
        y += text + 8
        bars = []
        for count, fill, words in (
            (row.accepted, "var(--chart-1)", _("受理 %(n)s 件")),
            (row.finished, "var(--chart-2)", _("办结 %(n)s 件")),
        ):
            length = max(round(count * (width - room) / most), 1 if count else 0)
            bars.append(Bar(y, length, fill, words % {"n": f"{count:,}"}, length + 8, y + bar - 4))
            y += bar + 4
        groups.append(BarGroup(row.label, label_y, bars))
        y += gap
    return Chart(width, max(y - gap, 0), groups)


def sentence(report: Report, rows: Sequence[Row]) -> str:
    """The chart for those who listen to it."""
    parts = [
        _("%(label)s受理 %(accepted)s 件，办结 %(finished)s 件")
        % {"label": row.label, "accepted": f"{row.accepted:,}", "finished": f"{row.finished:,}"}
        for row in rows
    ]
    return _("%(start)s 到 %(end)s：") % {"start": report.start, "end": report.end} + "；".join(parts) + "。"


def _drawn(report: Report) -> list[Row]:
    """The rows the chart has room for: the latest months, else the first ones; the table has them all."""
    return list(report.rows[-MOST_BARS:] if report.by == "month" else report.rows[:MOST_BARS])


def _balance(total: Row) -> list[dict[str, str]]:
    """The sum that leads to what is open (TRAP-12)."""
    lines = [
        ("", _("期初在办"), total.carried_in, _("上一期留下来的")),
        ("＋", _("本期受理"), total.accepted, ""),
        ("−", _("本期办结"), total.finished, _("含上一期受理的")),
        ("−", _("撤回"), total.withdrawn, ""),
        ("＝", _("期末在办"), total.open, _("其中超期 %(n)s 件") % {"n": f"{total.open_overdue:,}"}),
    ]
    return [{"op": op, "label": label, "value": f"{value:,}", "why": why} for op, label, value, why in lines]


@staff_page("insight.view")
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    today = timezone.localdate()
    form = PeriodForm(request.GET, today=today)
    if not form.is_valid():
        return render(request, "workbench/report/page.html", {"form": form}, status=400)
    chosen = form.cleaned_data
    report = queries.report_for(request.staff, chosen["start"], chosen["end"], today=today, group=chosen["by"])
    drawn = _drawn(report)
    return render(
        request,
        "workbench/report/page.html",
        {
            "form": form,
            "report": report,
            "total": report.total,
            "chosen": chosen,
            "by_words": dict(form.fields["by"].choices)[chosen["by"]],  # type: ignore[attr-defined]
            "balance": _balance(report.total),
            "charts": [("hand", chart(drawn, 340)), ("desk", chart(drawn, 1200))] if drawn else [],
            "chart_sentence": sentence(report, drawn),
            "is_cut": len(drawn) < len(report.rows),
            "most": len(drawn),
            "open_page": queries.open_cases_for(request.staff, report.as_of, page=_page_number(request)),
            "may_open_cases": access.allowed(request.staff, "cases.view"),
        },
    )


@staff_page("insight.view")
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    """The same figures and the open cases as CSV; no applicant is in it. Who took which goes to the ledger."""
    now = timezone.now()
    today = timezone.localdate(now)
    form = PeriodForm(request.POST, today=today)
    if not form.is_valid():
        return render(request, "workbench/report/page.html", {"form": form}, status=400)
    chosen = form.cleaned_data
    report, listed, is_cut = actions.export(
        request.staff, chosen["start"], chosen["end"], group=chosen["by"], today=today, at=now
    )
    text = sheets.as_csv(report, listed)
    if is_cut:
        text += _("在办的件只列最急的 %(most)d 件。") % {"most": len(listed)} + "\r\n"
    return HttpResponse(
        text.encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="report-{report.start:%Y%m%d}-{report.end:%Y%m%d}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _page_number(request: StaffRequest) -> int:
    text = request.GET.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


urlpatterns = [
    path("report", page, name="report"),
    path("report/export", export, name="report-export"),
]
