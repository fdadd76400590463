"""Single days with their own hours, and the hours of one window; each with whom it hits before it is saved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from yimen.hall import actions, queries
from yimen.hall.actions.hours import Spans
from yimen.hall.actions.moving import Outcome, tried
from yimen.hall.models import Hall, OpeningTime, Window
from yimen.lib.dates import short_day
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import required
from yimen.web.workbench.calling import WEEKDAYS, SpansField
from yimen.web.workbench.guard import StaffRequest, staff_page
from yimen.web.workbench.moving_people import SEEN, PeopleFields, shown

OPENS = ["GET", "HEAD", "POST"]
HINT = gettext_lazy("例如 9:00-12:00 14:00-17:00；不开门就空着。")


class DayForm(PeopleFields):
    day = forms.DateField(
        label=gettext_lazy("哪一天"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请选一天。")),
    )
    window = forms.ModelChoiceField(
        label=gettext_lazy("哪里"),
        queryset=Window.objects.none(),
        required=False,
        empty_label=gettext_lazy("整个大厅"),
    )
    hours = SpansField(label=gettext_lazy("几点到几点"), max_length=80, required=False, help_text=HINT)
    field_order = ["day", "window", "hours", "people", "why"]

    def __init__(self, *args: Any, hall: Hall, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["window"].queryset = Window.objects.filter(hall=hall)  # type: ignore[attr-defined]


class WindowHoursForm(PeopleFields):
    """A field for each weekday; the hall's hours where nothing of its own is said."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for weekday, name in WEEKDAYS.items():
            self.fields[f"own{weekday}"] = forms.ChoiceField(
                label=name,
                choices=(
                    ("hall", gettext_lazy("照大厅")),
                    ("own", gettext_lazy("照右边填的")),
                    ("shut", gettext_lazy("这天不开")),
                ),
                initial="hall",
            )
            self.fields[f"day{weekday}"] = SpansField(label=_("几点到几点"), max_length=80, required=False)

    def rows(self) -> list[tuple[Any, Any]]:
        return [(self[f"own{weekday}"], self[f"day{weekday}"]) for weekday in WEEKDAYS]

    def clean(self) -> None:
        for weekday in WEEKDAYS:
            if self.cleaned_data.get(f"own{weekday}") == "own" and not self.cleaned_data.get(f"day{weekday}"):
                self.add_error(f"day{weekday}", _("请填几点到几点，例如 9:00-11:30。"))

    def week(self) -> dict[int, Spans | None]:
        said = self.cleaned_data
        how = {weekday: said[f"own{weekday}"] for weekday in WEEKDAYS}
        return {
            weekday: said[f"day{weekday}"] if one == "own" else None for weekday, one in how.items() if one != "hall"
        }


def _hall(request: StaffRequest, pk: UUID) -> Hall:
    hall = next((one for one in queries.halls_for(request.staff) if one.pk == pk), None)
    if hall is None:
        raise Http404
    return hall


def _checked(request: StaffRequest, form: PeopleFields, do: Any) -> str:
    """Return the mark of what was shown; before, show whom `do` hits and stay, unless it hits nobody."""
    seen = request.POST.get(SEEN, "")
    if seen:
        return seen
    outcome: Outcome = tried(lambda: do("")).outcome
    if outcome.moved or outcome.left:
        raise Stay(form=form, outcome=outcome)
    return ""


def words(spans: Iterable[OpeningTime]) -> str:
    """9:00–12:00、14:00–17:00, or 不开."""
    found = [f"{row.opens:%-H:%M}–{row.closes:%-H:%M}" for row in spans if row.opens and row.closes]
    return "、".join(found) or _("不开")


def _days_page(
    request: StaffRequest,
    hall_id: UUID,
    *,
    form: DayForm | None = None,
    outcome: Outcome | None = None,
    refused: str = "",
) -> HttpResponse:
    hall, today = _hall(request, hall_id), timezone.localdate()
    rows = OpeningTime.objects.filter(hall=hall, day__gte=today).select_related("window").order_by("day", "opens")
    by_day: dict[tuple[date, Window | None], list[OpeningTime]] = {}
    for row in rows:
        if row.day is not None:
            by_day.setdefault((row.day, row.window), []).append(row)
    context = {
        "hall": hall,
        "rows": [(day, window, words(spans)) for (day, window), spans in by_day.items()],
        "form": form or DayForm(None, hall=hall),
        "shown": shown(outcome) if outcome else None,
        "refused": refused,
    }
    return render(request, "workbench/hall/special_days.html", context)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def special_days(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    """Days with hours of their own, of the hall or of one window; a POST sets one, or takes one back."""
    return _set_day(request, hall_id) if request.method == "POST" else _days_page(request, hall_id)


@keyed("hall.set_day", stay=_days_page)
def _set_day(request: StaffRequest, hall_id: UUID) -> Done:
    hall, at, by = _hall(request, hall_id), timezone.now(), request.staff
    here = reverse("workbench:special-days", args=[hall.pk])
    if "back" in request.POST:
        day_text, _colon, number = request.POST["back"].partition(":")
        try:
            day = date.fromisoformat(day_text)
        except ValueError:
            raise Http404 from None
        window = get_object_or_404(Window, hall=hall, number=number) if number.isdecimal() else None
        actions.set_day(hall.pk, day, None, window=window, by=by, at=at)
        return Done(here, _("%(day)s照平时开。") % {"day": short_day(day)})
    form = DayForm(request.POST, hall=hall)
    if not form.is_valid():
        raise Stay(form=form)
    said, reason = form.cleaned_data, form.reason()

    def do(expected: str) -> actions.hours.Hours:
        return actions.set_day(
            hall.pk, said["day"], said["hours"], window=said["window"], moves=reason, expected=expected, by=by, at=at
        )

    done = do(_checked(request, form, do))
    message = _("%(day)s存好了，%(n)s 个预约改了时间。")
    return Done(here, message % {"day": short_day(said["day"]), "n": len(done.outcome.moved)})


def _window(request: StaffRequest, pk: UUID) -> Window:
    halls = [hall.pk for hall in queries.halls_for(request.staff)]
    return get_object_or_404(Window.objects.select_related("hall"), pk=pk, hall__in=halls)


def _hours_page(
    request: StaffRequest,
    pk: UUID,
    *,
    form: WindowHoursForm | None = None,
    outcome: Outcome | None = None,
    refused: str = "",
) -> HttpResponse:
    window, today = _window(request, pk), timezone.localdate()
    rows = OpeningTime.objects.filter(window=window, weekday__isnull=False, valid_from__lte=today)
    initial: dict[str, str] = {}
    for row in rows.filter(Q(valid_until=None) | Q(valid_until__gte=today)).order_by("opens"):
        if row.opens is None or row.closes is None:
            initial[f"own{row.weekday}"] = "shut"
            continue
        name = f"day{row.weekday}"
        initial[f"own{row.weekday}"] = "own"
        initial[name] = f"{initial.get(name, '')} {row.opens:%H:%M}-{row.closes:%H:%M}".strip()
    context = {
        "window": window,
        "form": form or WindowHoursForm(None, initial=initial),
        "shown": shown(outcome) if outcome else None,
        "refused": refused,
    }
    return render(request, "workbench/hall/window_hours.html", context)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def window_hours(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The hours of one window where they are not the hall's."""
    return _set_hours(request, pk) if request.method == "POST" else _hours_page(request, pk)


@keyed("hall.set_window_week", stay=_hours_page)
def _set_hours(request: StaffRequest, pk: UUID) -> Done:
    window, at, by = _window(request, pk), timezone.now(), request.staff
    form = WindowHoursForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    week, reason = form.week(), form.reason()

    def do(expected: str) -> actions.hours.Hours:
        return actions.set_window_week(window.pk, week, moves=reason, expected=expected, by=by, at=at)

    done = do(_checked(request, form, do))
    message = _("%(number)s 号窗口的时间存好了，%(n)s 个预约改了时间。")
    return Done(reverse("workbench:hall"), message % {"number": window.number, "n": len(done.outcome.moved)})


urlpatterns = [
    path("hall/<uuid:hall_id>/days", special_days, name="special-days"),
    path("hall/windows/<uuid:pk>/hours", window_hours, name="window-hours"),
]
