"""A hall for its manager: what happens now, what calls for an act, and what the days before say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.hall import actions, merging, queries, setup
from yimen.hall.actions import alarms
from yimen.hall.models import Hall, HallAlarm, Series, Window
from yimen.hall.queries import figures
from yimen.hall.queries.floor import alarms as alarms_of
from yimen.hall.queries.floor import floor, running_alarms
from yimen.insight import actions as insight
from yimen.insight import hall_measures
from yimen.insight.ledger_report import BadPeriod, check_period
from yimen.insight.tables import Table, as_csv
from yimen.lib.dates import begin_of
from yimen.people import access
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

READERS = ("hall.manage", "insight.view")
REFRESH_SECONDS = 15
PAGE = 50
WIDE, HIGH = 960, 200
# In the first hours of a day the curve does not fill the box: it grows.
LEAST_QUARTERS = 16


def _halls(request: StaffRequest) -> list[Hall]:
    return queries.halls_for(request.staff)


def _hall(request: StaffRequest) -> Hall | None:
    """The hall the address names, else the first; 404 for one the reader does not work for."""
    halls = _halls(request)
    wanted = request.GET.get("hall") or request.POST.get("hall")
    if not wanted:
        return halls[0] if halls else None
    hall = next((one for one in halls if one.code == wanted), None)
    if hall is None:
        raise Http404
    return hall


@staff_page(*READERS)
@require_safe
def now(request: StaffRequest) -> HttpResponse:
    return _now(request)


def _now(request: StaffRequest, *_args: Any, refused: str = "") -> HttpResponse:
    hall, at, halls = _hall(request), timezone.now(), _halls(request)
    context: dict[str, Any] = {"hall": hall, "halls": halls, "now": at, "refused": refused, "tab": "now"}
    context["seconds"] = REFRESH_SECONDS
    context["held"] = request.GET.get("hold") == "1" or bool(refused)
    if hall is not None:
        context["floor"] = found = floor(hall, at)
        context["alarms"] = running_alarms(hall)
        context["may_manage"] = access.allowed(request.staff, "hall.manage", region=hall.region_id)
        context["proposals"] = [line for line in found.lines if line.proposed and _presses(line.pressed)]
        context["chart"] = _chart(_quarters(hall, at))
        context["levels"] = figures.levels(hall, timezone.localdate(at), timezone.localdate(at))
        context["limits"] = figures.LEVELS
    return render(request, "workbench/managing/now.html", context)


def _presses(pressed: Any) -> bool:
    return bool({"surge", "wait"} & set(alarms.due(pressed)))


def _quarters(hall: Hall, at: datetime) -> list[figures.Quarter]:
    """Today until now, from 7:00 or from when the first people were there."""
    begin = begin_of(timezone.localdate(at))
    rows, seven = figures.quarters(hall, begin, at), begin + timedelta(hours=7)
    starts = next((one.begins for one in rows if one.taken or one.waiting or one.begins >= seven), at)
    return [one for one in rows if one.begins >= starts.replace(minute=0)]


def _chart(quarters: list[figures.Quarter]) -> dict[str, Any]:
    """Points of two lines (waiting, taken) in a box WIDE × HIGH, and the hours under it; nothing of what is to come."""
    most = max((max(one.waiting, one.taken) for one in quarters), default=0) or 1
    step = WIDE / max(LEAST_QUARTERS, len(quarters) - 1)

    def line(name: str) -> str:
        points = [(n * step, HIGH - getattr(one, name) / most * HIGH) for n, one in enumerate(quarters)]
        points += [(x + 8, y) for x, y in points if len(points) == 1]  # a point alone draws nothing
        return " ".join(f"{x:.0f},{y:.0f}" for x, y in points)

    return {
        "rows": quarters,
        "any": any(one.waiting or one.taken for one in quarters),
        "waiting": line("waiting"),
        "taken": line("taken"),
        "most": most,
        "hours": [
            (round(n * step), one.begins)
            for n, one in enumerate(quarters)
            if timezone.localtime(one.begins).minute == 0 and (n == 0 or timezone.localtime(one.begins).hour % 2 == 0)
        ],
        "width": WIDE,
        "height": HIGH,
    }


@staff_page("hall.manage")
@require_POST
@keyed("hall.answer_alarm", stay=lambda request, *args, **kwargs: _now(request, **kwargs))
def answer(request: StaffRequest, alarm_id: UUID) -> Done:
    found = get_object_or_404(HallAlarm.objects.select_related("hall"), pk=alarm_id, hall__in=_halls(request))
    alarms.answer_alarm(found.pk, text=posted_text(request, "answer"), by=request.staff, at=timezone.now())
    return Done(_address("workbench:floor", found.hall), _("记下了。"))


@staff_page("hall.manage")
@require_POST
@keyed("hall.lend_window", stay=lambda request, *args, **kwargs: _now(request, **kwargs))
def lend(request: StaffRequest) -> Done:
    """A window calls one more series from now on; taken back on the hall's page."""
    halls = _halls(request)
    window = get_object_or_404(Window.objects.select_related("hall"), pk=posted_id(request, "window"), hall__in=halls)
    series = get_object_or_404(Series, pk=posted_id(request, "series"), hall_id=window.hall_id)
    wanted = {one.pk: one for one in [*window.series.all(), series]}.values()
    setup.set_series_of_window(window.pk, wanted, by=request.staff, at=timezone.now())
    words = _("%(number)s 号窗口现在也叫%(name)s了。") % {"number": window.number, "name": series.name}
    return Done(_address("workbench:floor", window.hall), words)


@staff_page("hall.manage")
@require_POST
@keyed("hall.sign_out_for", stay=lambda request, *args, **kwargs: _now(request, **kwargs))
def sign_out(request: StaffRequest) -> Done:
    """For somebody who has left without signing out, so that another can sit down there."""
    window = get_object_or_404(
        Window.objects.select_related("hall"), pk=posted_id(request, "window"), hall__in=_halls(request)
    )
    actions.sign_out(window.pk, by=request.staff, at=timezone.now())
    words = _("%(number)s 号窗口签退了，别人可以去签到。") % {"number": window.number}
    return Done(_address("workbench:floor", window.hall), words)


def _address(name: str, hall: Hall) -> str:
    return f"{reverse(name)}?hall={hall.code}"


@staff_page(*READERS)
@require_safe
def alarm_list(request: StaffRequest) -> HttpResponse:
    hall = _hall(request)
    page = Paginator(alarms_of(hall), PAGE).get_page(request.GET.get("page")) if hall else None
    context = {"hall": hall, "halls": _halls(request), "page": page, "tab": "alarms"}
    return render(request, "workbench/managing/alarms.html", context)


# --- the days before ---


class PeriodForm(forms.Form):
    """A period; without anything chosen, the last four weeks."""

    start = forms.DateField(label=gettext_lazy("从"), required=False)
    end = forms.DateField(label=gettext_lazy("到"), required=False)

    def __init__(self, values: Any, *, today: date) -> None:
        super().__init__(values, auto_id="%s")
        self.today = today

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        found["end"] = found.get("end") or self.today
        found["start"] = found.get("start") or found["end"] - timedelta(days=27)
        if self.errors:
            return found
        try:
            check_period(found["start"], found["end"])
        except BadPeriod as error:
            raise forms.ValidationError(str(error)) from error
        if (found["end"] - found["start"]).days > figures.MOST_DAYS:
            raise forms.ValidationError(_("一次最多看一年，请分段查。"))
        return found


@staff_page(*READERS)
@require_safe
def days(request: StaffRequest) -> HttpResponse:
    hall, at = _hall(request), timezone.now()
    form = PeriodForm(request.GET, today=timezone.localdate(at))
    context: dict[str, Any] = {"hall": hall, "halls": _halls(request), "form": form, "tab": "days"}
    if hall is None or not form.is_valid():
        return render(request, "workbench/managing/days.html", context, status=400 if form.errors else 200)
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    # What was counted in a hall that has been merged into this one counts here (S3-1).
    halls = [hall, *Hall.objects.filter(region_id=hall.region_id, merged_into=hall)]
    found = figures.visitors(halls, start, end)
    hours = figures.hours(halls, start, end)
    context |= {
        "days": found,
        "most": max((one.visitors for one in found), default=1),
        "sum": sum(one.visitors for one in found),
        "hours": hours,
        "most_hour": max((one.tickets for one in hours), default=1),
        "levels": figures.levels(hall, start, end),
        "limits": figures.LEVELS,
        "windows": figures.window_times(hall, start, end, now=at),
        "quick": hall_measures.quick(halls, start, end),
        "crossed": hall_measures.windows_per_visit(halls, start, end),
        "trips": hall_measures.measures(hall.region_id, start, end),
    }
    return render(request, "workbench/managing/days.html", context)


def _day_table(halls: list[Hall], hall: Hall, start: date, end: date, at: datetime) -> Table:
    rows: list[dict[str, Any]] = [
        {"day": one.key, "visitors": one.visitors, "tickets": one.tickets, "wait": _minutes(one.wait)}
        for one in figures.visitors(halls, start, end)
    ]
    return Table({"day": _("日期"), "visitors": _("来的人"), "tickets": _("取号"), "wait": _("平均等候（分钟）")}, rows)


def _window_table(halls: list[Hall], hall: Hall, start: date, end: date, at: datetime) -> Table:
    columns = {
        "window": _("窗口"),
        "people": _("办了几位"),
        "open": _("开着（分钟）"),
        "serving": _("办理（分钟）"),
        "calling": _("叫号（分钟）"),
        "paused": _("暂离（分钟）"),
        "idle": _("空闲（分钟）"),
    }
    names = ("open", "serving", "calling", "paused", "idle")
    rows: list[dict[str, Any]] = [
        {"window": one.number, "people": one.people, **{name: _minutes(getattr(one, name)) for name in names}}
        for one in figures.window_times(hall, start, end, now=at)
    ]
    return Table(columns, rows)


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)


TABLES = {"days": _day_table, "windows": _window_table}


@staff_page(*READERS)
@require_POST
def export(request: StaffRequest, what: str) -> HttpResponse:
    """The figures as CSV; who took which goes to the ledger."""
    hall, at = _hall(request), timezone.now()
    form = PeriodForm(request.POST, today=timezone.localdate(at))
    if hall is None or what not in TABLES or not form.is_valid():
        raise Http404
    halls = [hall, *Hall.objects.filter(region_id=hall.region_id, merged_into=hall)]
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    table = TABLES[what](halls, hall, start, end, at)
    filters = {"hall": hall.code, "start": str(start), "end": str(end)}
    insight.note_export(request.staff, f"hall-{what}", filters, count=len(table.rows), at=at)
    return HttpResponse(
        as_csv(table).encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="hall-{what}-{timezone.localdate(at):%Y%m%d}.csv"',
            "Cache-Control": "no-store",
        },
    )


# --- two halls become one ---


class MergeForm(forms.Form):
    source = forms.ModelChoiceField(
        label=gettext_lazy("哪个大厅并过去"), queryset=Hall.objects.none(), **required(gettext_lazy("请选择大厅。"))
    )
    into = forms.ModelChoiceField(
        label=gettext_lazy("并到哪个大厅"), queryset=Hall.objects.none(), **required(gettext_lazy("请选择大厅。"))
    )

    def __init__(self, values: Any, *, request: StaffRequest) -> None:
        super().__init__(values, auto_id="%s")
        halls = Hall.objects.filter(region_id=request.staff.region_id, merged_into=None).order_by("name")
        for name in ("source", "into"):
            self.fields[name].queryset = halls  # type: ignore[attr-defined]


@staff_page("hall.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: StaffRequest) -> HttpResponse:
    return _merge(request) if request.method == "POST" else _merge_page(request)


def _merge_page(request: StaffRequest, *, refused: str = "") -> HttpResponse:
    form = MergeForm(request.POST or request.GET or None, request=request)
    plan = None
    if form.is_bound and form.is_valid():
        try:
            plan = merging.plan(form.cleaned_data["source"], form.cleaned_data["into"])
        except merging.CannotMerge as error:
            refused = refused or str(error)
    context: dict[str, Any] = {"form": form, "plan": plan, "refused": refused, "tab": "merge", "halls": []}
    return render(request, "workbench/managing/merge.html", context)


@keyed("hall.merge", stay=_merge_page)
def _merge(request: StaffRequest) -> Done:
    form = MergeForm(request.POST, request=request)
    if not form.is_valid():
        raise Stay
    source, into = form.cleaned_data["source"], form.cleaned_data["into"]
    merging.merge(source, into, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:hall"), _("%(source)s并入%(into)s了。") % {"source": source.name, "into": into.name})


urlpatterns = [
    path("hall/now", now, name="floor"),
    path("hall/now/alarms", alarm_list, name="hall-alarms"),
    path("hall/now/alarms/<uuid:alarm_id>/answer", answer, name="hall-alarm-answer"),
    path("hall/now/lend", lend, name="hall-lend"),
    path("hall/now/sign-out", sign_out, name="hall-sign-out"),
    path("hall/days", days, name="hall-days"),
    path("hall/days/export/<slug:what>", export, name="hall-days-export"),
    path("hall/merge", merge, name="hall-merge"),
]
