"""The work calendar, year by year."""

from __future__ import annotations

import io
from calendar import Calendar as Grid
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yimen.catalog import actions, queries
from yimen.catalog.actions import AnnouncedDay
from yimen.catalog.models import (
    CalendarDay,
)
from yimen.lib.errors import DomainError
from yimen.web.workbench.catalog.common import required
from yimen.web.workbench.guard import StaffRequest, staff_page

FIRST_YEAR, LAST_YEAR = 2007, 2100
LARGEST_FILE = 100_000


class DayForm(forms.Form):
    on = forms.DateField(
        label=gettext_lazy("哪一天"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("请选哪一天。"),
            "invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。"),
        },
    )
    is_workday = forms.ChoiceField(
        label=gettext_lazy("上不上班"), choices=(("0", gettext_lazy("休息")), ("1", gettext_lazy("上班")))
    )
    name = forms.CharField(
        label=gettext_lazy("叫什么"), max_length=40, **required(gettext_lazy("请写这一天叫什么，例如“国庆节”。"))
    )
    reason = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=190,
        help_text=gettext_lazy("通知的文号或原因，会记进台账。"),
        **required(gettext_lazy("请写明改这一天的依据。")),
    )


class YearForm(forms.Form):
    year = forms.IntegerField(
        label=gettext_lazy("哪一年"),
        min_value=1949,
        max_value=LAST_YEAR,
        **required(gettext_lazy("请写年份，例如 2027。")),
    )
    notice = forms.CharField(
        label=gettext_lazy("通知的文号或网址"),
        max_length=200,
        **required(gettext_lazy("请写通知的文号或网址，别人才查得到依据。")),
    )
    lines = forms.CharField(
        label=gettext_lazy("放假和调休的日子"),
        required=False,
        max_length=LARGEST_FILE,
        widget=forms.Textarea({"rows": 10}),
        help_text=gettext_lazy("一行一天：2027-02-08,休,春节；补班写“班”。也可以上传 CSV。"),
    )
    file = forms.FileField(label=gettext_lazy("CSV 文件"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text = cleaned.get("lines", "")
        if upload := cleaned.get("file"):
            if upload.size > LARGEST_FILE:
                raise forms.ValidationError(_("文件太大了，一年的日子不会超过 100 KB。"))
            try:
                text = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError(_("文件不是 UTF-8 编码的 CSV，请另存为 UTF-8 再上传。")) from None
        cleaned["days"] = read_days(text)
        return cleaned


_WORDS = {"休": False, "放假": False, "0": False, "班": True, "上班": True, "1": True}


def read_days(text: str) -> list[AnnouncedDay]:
    """Return the days of pasted lines "2027-02-08,休,春节". Raises ValidationError naming each bad line."""
    days: list[AnnouncedDay] = []
    faults: list[str] = []
    for number, line in enumerate(io.StringIO(text.replace("，", ",").replace("\x00", "")), 1):
        cells = [cell.strip().strip('"') for cell in line.split(",")]
        if not any(cells) or (number == 1 and cells[0] in {"date", "日期"}):
            continue
        try:
            on, word, name = date.fromisoformat(cells[0]), _WORDS[cells[1]], cells[2]
        except (ValueError, KeyError, IndexError):
            faults.append(_("第 %(number)d 行读不懂，请写成：2027-02-08,休,春节") % {"number": number})
            continue
        days.append(AnnouncedDay(on, word, name))
    if faults:
        raise forms.ValidationError(faults[:10])
    return days


@staff_page("catalog.calendar")
@require_safe
def calendar(request: StaffRequest, year: int | None = None) -> HttpResponse:
    year = year or localdate(timezone.now()).year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Http404
    return _calendar_page(request, year, DayForm(), YearForm(initial={"year": year}))


def _calendar_page(
    request: StaffRequest, year: int, day_form: DayForm, year_form: YearForm, *, refused: str = "", status: int = 200
) -> HttpResponse:
    named = queries.calendar_days(year)
    known = queries.calendar_year(year)
    work = queries.work_calendar()
    grid = Grid()
    context = {
        "year": year,
        "known": known,
        "before": year - 1 if year > FIRST_YEAR else None,
        "after": year + 1 if year < LAST_YEAR else None,
        "months": [
            {
                "number": month,
                "weeks": [
                    [_cell(day, month, named, work) for day in week] for week in grid.monthdatescalendar(year, month)
                ],
                "count": sum(work.is_workday(day) for day in grid.itermonthdates(year, month) if day.month == month),
            }
            for month in range(1, 13)
        ],
        "named": sorted(named.values(), key=lambda day: day.on),
        "day_form": day_form,
        "year_form": year_form,
        "refused": refused,
    }
    return render(request, "workbench/catalog/calendar.html", context, status=status)


def _cell(day: date, month: int, named: dict[date, CalendarDay], work: Any) -> dict[str, Any] | None:
    if day.month != month:
        return None
    row, is_workday = named.get(day), work.is_workday(day)
    return {
        "day": day,
        "is_workday": is_workday,
        "name": row.name if row else "",
        # The words that stand in the cell: colour alone says nothing.
        "word": (_("班") if is_workday else _("休")) if row or not is_workday else "",
        "is_local": bool(row and row.is_local),
    }


@staff_page("catalog.calendar")
@require_POST
def set_day(request: StaffRequest) -> HttpResponse:
    form = DayForm(request.POST)
    year = localdate(timezone.now()).year
    if form.is_valid():
        said = form.cleaned_data
        year = min(max(said["on"].year, FIRST_YEAR), LAST_YEAR)
        try:
            moved = actions.set_calendar_day(
                said["on"],
                said["is_workday"] == "1",
                said["name"].replace("\x00", ""),
                reason=said["reason"].replace("\x00", ""),
                by=request.staff,
                at=timezone.now(),
            )
        except DomainError as error:
            return _calendar_page(request, year, form, YearForm(), refused=str(error), status=422)
        if moved is None:
            messages.info(request, _("这一天本来就是这样，没有改动。"))
        else:
            messages.success(request, _("已改好，记进了台账。在办件的到期日会照新日历重算。"))
        return redirect("workbench:calendar-year", year)
    return _calendar_page(request, year, form, YearForm(), status=422)


@staff_page("catalog.calendar")
@require_POST
def announce(request: StaffRequest) -> HttpResponse:
    form = YearForm(request.POST, request.FILES)
    year = localdate(timezone.now()).year
    refused = ""
    if form.is_valid():
        said = form.cleaned_data
        year = min(max(said["year"], FIRST_YEAR), LAST_YEAR)
        try:
            change = actions.announce_year(
                said["year"],
                said["notice"].replace("\x00", ""),
                said["days"],
                by=request.staff,
                at=timezone.now(),
            )
        except DomainError as error:
            refused = str(error)
        else:
            messages.success(
                request,
                _("%(year)d 年的安排已录入，有 %(count)d 天和原来不一样。")
                % {"year": year, "count": len(change.moved)},
            )
            if change.kept:
                days = "、".join(day.isoformat() for day in change.kept)
                messages.info(request, _("这些日子是手工改过的，没有动：%(days)s") % {"days": days})
            return redirect("workbench:calendar-year", year)
    return _calendar_page(request, year, DayForm(), form, refused=refused, status=422)


urlpatterns = [
    path("calendar", calendar, name="calendar"),
    path("calendar/<int:year>", calendar, name="calendar-year"),
    path("calendar/day", set_day, name="calendar-day"),
    path("calendar/announce", announce, name="calendar-announce"),
]
