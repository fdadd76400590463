"""预计等候准不准: how often the ranges people were told held their waits, by day and series."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from yimen.insight.forecasts.checks import ENOUGH, Accuracy, Share, accuracy
from yimen.web.workbench import managing
from yimen.web.workbench.guard import StaffRequest, staff_page

DAYS, MOST_DAYS = 14, 366


class PeriodForm(forms.Form):
    """Two days; without them, the last two weeks."""

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

    def __init__(self, values: Any, *, today: date) -> None:
        super().__init__(values, auto_id="%s")
        self.today = today

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if self.errors:
            return found
        end = found.get("end") or self.today
        start = found.get("start") or end - timedelta(days=DAYS - 1)
        if start > end:
            self.add_error("end", _("结束日期在开始日期前面，请换一下。"))
        elif (end - start).days >= MOST_DAYS:
            self.add_error("end", _("一次最多看一年，请选短一些。"))
        return {"start": start, "end": end}


def sentence(found: Accuracy) -> str:
    """What the figures mean, and what to do about it."""
    total = found.total
    values = {"known": f"{total.known:,}", "half": total.half_percent, "nine": total.nine_percent, "enough": ENOUGH}
    match total.verdict:
        case "few":
            return _("叫到号、能对上的才 %(known)s 次，满 %(enough)s 次再看准不准。") % values
        case "right":
            return (
                _(
                    "%(known)s 次里，“大约”的范围说中了 %(half)s%%（应当是一半左右），"
                    "“十次有九次”的范围说中了 %(nine)s%%。"
                    "可以放心给群众看。"
                )
                % values
            )
        case "narrow":
            return (
                _(
                    "%(known)s 次里，“大约”的范围说中了 %(half)s%%（应当是一半左右），"
                    "“十次有九次”的范围只说中了 %(nine)s%%。"
                    "多半是窗口临时开关、离开没有按“暂离”，或者办完没有马上按“办完”，请先看看这些。"
                )
                % values
            )
        case _:
            return (
                _(
                    "%(known)s 次里，“大约”的范围说中了 %(half)s%%（应当是一半左右），"
                    "“十次有九次”的范围说中了 %(nine)s%%。"
                    "说得太宽了：办理时间忽长忽短时会这样，把时间差得多的事项分成不同的队会好些。"
                )
                % values
            )


def _row(label: Any, share: Share) -> dict[str, Any]:
    words = {"few": _("次数还少"), "right": _("准"), "narrow": _("偏窄"), "wide": _("偏宽")}
    chips = {"few": "off", "right": "done", "narrow": "bad", "wide": "wait"}
    return {"label": label, "share": share, "word": words[share.verdict], "chip": chips[share.verdict]}


@staff_page(*managing.READERS)
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    hall = managing._hall(request)
    form = PeriodForm(request.GET, today=timezone.localdate())
    context: dict[str, Any] = {"hall": hall, "halls": managing._halls(request), "form": form, "tab": "forecasts"}
    if form.is_valid() and hall is not None:
        said = form.cleaned_data
        found = accuracy(hall, said["start"], said["end"])
        context |= {
            "said": said,
            "total": found.total,
            "sentence": sentence(found),
            "days": [_row(day, share) for day, share in found.days],
            "series": [_row(name, share) for name, share in found.series],
        }
    return render(request, "workbench/forecasts/page.html", context, status=200 if form.is_valid() else 400)


urlpatterns = [path("floor/forecasts", page, name="forecasts")]
