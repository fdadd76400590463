"""The hall made ready: halls, series of numbers, windows, and which series a window calls."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import Count, Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.hall import queries, setup
from yimen.hall.models import Hall, Series, Window
from yimen.hall.rules import ranges
from yimen.people.models import Department, ServiceCenter
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import CODE_HINT, form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_id, staff_page

OPENS = ["GET", "HEAD", "POST"]
MOST_FOUND = 12


class HallForm(forms.Form):
    center = forms.ModelChoiceField(
        label=gettext_lazy("在哪个中心"),
        queryset=ServiceCenter.objects.none(),
        empty_label=None,
        **required(gettext_lazy("请选择中心。")),
    )
    name = forms.CharField(label=gettext_lazy("名称"), max_length=60, **required(gettext_lazy("请填写名称。")))
    code = forms.CharField(
        label=gettext_lazy("代号"), max_length=20, help_text=CODE_HINT, **required(gettext_lazy("请填写代号。"))
    )

    def __init__(self, *args: Any, request: StaffRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        centers = ServiceCenter.objects.filter(region_id=request.staff.region_id).order_by("name")
        self.fields["center"].queryset = centers  # type: ignore[attr-defined]
        self.initial.setdefault("center", request.staff.center_id or centers.first())


class SeriesForm(forms.Form):
    letter = forms.CharField(
        label=gettext_lazy("号的开头"),
        max_length=2,
        help_text=gettext_lazy("1 到 2 个英文字母，取的号就是 A001、A002。"),
        **required(gettext_lazy("请填写号的开头。")),
    )
    name = forms.CharField(label=gettext_lazy("办哪一类"), max_length=40, **required(gettext_lazy("请填写办哪一类。")))
    zone = forms.CharField(
        label=gettext_lazy("在大厅哪里"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("小票上写，例如：一楼东区。"),
    )


class _SeriesOfHall(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class CallsForm(forms.Form):
    """Which series a window calls."""

    series = _SeriesOfHall(
        label=gettext_lazy("叫哪几队的号"),
        queryset=Series.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, hall: Hall, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["series"].queryset = hall.series.all()  # type: ignore[attr-defined]


class WindowForm(CallsForm):
    number = forms.IntegerField(
        label=gettext_lazy("窗口号"), min_value=1, max_value=999, **required(gettext_lazy("请填写窗口号。"))
    )
    name = forms.CharField(label=gettext_lazy("名称"), max_length=60, **required(gettext_lazy("请填写名称。")))
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=Window.Kind.choices)
    department = forms.ModelChoiceField(
        label=gettext_lazy("专业窗口是哪个部门的"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=gettext_lazy("不分部门"),
    )
    field_order = ["number", "name", "kind", "department", "series"]

    def __init__(self, *args: Any, hall: Hall, **kwargs: Any) -> None:
        super().__init__(*args, hall=hall, **kwargs)
        departments = Department.objects.filter(region_id=hall.region_id).order_by("name")
        self.fields["department"].queryset = departments  # type: ignore[attr-defined]


def _checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Stay(form=form)
    return form.cleaned_data


def _hall(request: StaffRequest, pk: UUID) -> Hall:
    """One of the reader's halls; 404 for any other."""
    hall = next((one for one in queries.halls_for(request.staff) if one.pk == pk), None)
    if hall is None:
        raise Http404
    return hall


def _one_series(request: StaffRequest, pk: UUID) -> Series:
    return get_object_or_404(
        Series.objects.select_related("hall", "zone"),
        pk=pk,
        hall__in=[hall.pk for hall in queries.halls_for(request.staff)],
    )


def _overview(request: StaffRequest, *args: Any, refused: str = "", **context: Any) -> HttpResponse:
    halls = queries.halls_for(request.staff)
    pks = [hall.pk for hall in halls]
    series = (
        Series.objects.filter(hall__in=pks)
        .select_related("zone")
        .annotate(item_count=Count("items"))
        .prefetch_related("windows")
    )
    windows = Window.objects.filter(hall__in=pks).select_related("department", "staff")
    windows = windows.prefetch_related(Prefetch("series", Series.objects.order_by("position", "letter")))
    for one in series:
        one.numbers = ranges([window.number for window in one.windows.all()])  # type: ignore[attr-defined]
    rows = [
        {
            "hall": hall,
            "series": [one for one in series if one.hall_id == hall.pk],
            "windows": [one for one in windows if one.hall_id == hall.pk],
        }
        for hall in halls
    ]
    return render(request, "workbench/hall/list.html", {"rows": rows, "refused": refused})


@staff_page("hall.manage")
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    return _overview(request)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_hall(request: StaffRequest) -> HttpResponse:
    return _open_hall(request) if request.method == "POST" else _hall_form(request)


def _hall_form(request: StaffRequest, *, form: HallForm | None = None, refused: str = "") -> HttpResponse:
    return form_page(
        request,
        form or HallForm(request.POST or None, request=request),
        heading=_("加一个大厅"),
        word=_("加这个大厅"),
        back=reverse("workbench:hall"),
        parent=_("大厅"),
        refused=refused,
    )


@keyed("hall.open_hall", stay=_hall_form)
def _open_hall(request: StaffRequest) -> Done:
    said = _checked(HallForm(request.POST, request=request))
    hall = setup.open_hall(said.pop("center"), by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:hall"), _("%(name)s加好了。") % {"name": hall.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_series(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _open_series(request, hall_id) if request.method == "POST" else _series_form(request, hall_id)


def _series_form(
    request: StaffRequest, hall_id: UUID, *, form: SeriesForm | None = None, refused: str = ""
) -> HttpResponse:
    return form_page(
        request,
        form or SeriesForm(request.POST or None),
        heading=_("%(hall)s加一队") % {"hall": _hall(request, hall_id).name},
        word=_("加这一队"),
        back=reverse("workbench:hall"),
        parent=_("大厅"),
        lead=_("加好后接着写明哪些事项取这一队的号。"),
        refused=refused,
    )


@keyed("hall.open_series", stay=_series_form)
def _open_series(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    series = setup.open_series(hall, by=request.staff, at=timezone.now(), **_checked(SeriesForm(request.POST)))
    return Done(reverse("workbench:series", args=[series.pk]), _("%(name)s加好了。") % {"name": series.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_window(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _open_window(request, hall_id) if request.method == "POST" else _window_form(request, hall_id)


def _window_form(
    request: StaffRequest, hall_id: UUID, *, form: WindowForm | None = None, refused: str = ""
) -> HttpResponse:
    hall = _hall(request, hall_id)
    return form_page(
        request,
        form or WindowForm(request.POST or None, hall=hall),
        heading=_("%(hall)s加一个窗口") % {"hall": hall.name},
        word=_("加这个窗口"),
        back=reverse("workbench:hall"),
        parent=_("大厅"),
        refused=refused,
    )


@keyed("hall.open_window", stay=_window_form)
def _open_window(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    said = _checked(WindowForm(request.POST, hall=hall))
    window = setup.open_window(hall, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:hall"), _("%(number)s 号窗口加好了。") % {"number": window.number})


def _one_window(request: StaffRequest, pk: UUID) -> Window:
    return get_object_or_404(
        Window.objects.select_related("hall"), pk=pk, hall__in=[hall.pk for hall in queries.halls_for(request.staff)]
    )


@staff_page("hall.manage")
@require_http_methods(OPENS)
def window(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Which series a window calls."""
    return _set_calls(request, pk) if request.method == "POST" else _calls_form(request, pk)


def _calls_form(request: StaffRequest, pk: UUID, *, form: CallsForm | None = None, refused: str = "") -> HttpResponse:
    found = _one_window(request, pk)
    return form_page(
        request,
        form or CallsForm(request.POST or None, hall=found.hall, initial={"series": found.series.all()}),
        heading=_("%(number)s 号窗口叫哪几队") % {"number": found.number},
        word=_("就叫这几队"),
        back=reverse("workbench:hall"),
        parent=_("大厅"),
        lead=_("下一次叫号起照新的来，已经叫到窗口的号不变。"),
        refused=refused,
    )


@keyed("hall.set_series_of_window", stay=_calls_form)
def _set_calls(request: StaffRequest, pk: UUID) -> Done:
    found = _one_window(request, pk)
    said = _checked(CallsForm(request.POST, hall=found.hall))
    setup.set_series_of_window(found.pk, said["series"], by=request.staff, at=timezone.now())
    return Done(reverse("workbench:hall"), _("%(number)s 号窗口改好了。") % {"number": found.number})


@staff_page("hall.manage")
@require_POST
@keyed("hall.let_take", stay=_overview)
def let_take(request: StaffRequest, pk: UUID) -> Done:
    """Stop or resume giving numbers; let: 1 or 0."""
    series = setup.let_take(
        _one_series(request, pk).pk, request.POST.get("let") == "1", by=request.staff, at=timezone.now()
    )
    if series.is_open:
        return Done(reverse("workbench:hall"), _("%(name)s又可以取号了。") % {"name": series.name})
    message = _("%(name)s停止取号，已经取了号的照常叫完。") % {"name": series.name}
    return Done(reverse("workbench:hall"), message)


def _series_page(request: StaffRequest, pk: UUID, *, refused: str = "") -> HttpResponse:
    found = _one_series(request, pk)
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    there = list(found.items.select_related("department").order_by("name", "pk"))
    known = {item.pk for item in there}
    hits = catalog.search(asked, limit=MOST_FOUND, region=found.region_id) if asked else []
    context = {
        "series": found,
        "items": there,
        "asked": asked,
        "found": [item for item in hits if item.pk not in known],
        "refused": refused,
    }
    return render(request, "workbench/hall/series.html", context)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def series(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Which items one takes a number of this series for; a POST adds or removes one."""
    return _set_item(request, pk) if request.method == "POST" else _series_page(request, pk)


@keyed("hall.set_items_of_series", stay=_series_page)
def _set_item(request: StaffRequest, pk: UUID) -> Done:
    found = _one_series(request, pk)
    adds = "add" in request.POST
    item_id = posted_id(request, "add" if adds else "remove")
    item = get_object_or_404(ServiceItem, pk=item_id, region_id=found.region_id)
    # Under the lock: two who add at once both count.
    Series.objects.select_for_update(no_key=True).get(pk=found.pk)
    items = [one for one in found.items.all() if one.pk != item.pk]
    setup.set_items_of_series(found.pk, [*items, item] if adds else items, by=request.staff, at=timezone.now())
    query = f"?{urlencode({'q': request.GET['q']})}" if request.GET.get("q") else ""
    values = {"item": item.name, "series": found.name}
    message = _("%(item)s以后取%(series)s的号。") if adds else _("%(item)s不再取%(series)s的号。")
    return Done(reverse("workbench:series", args=[pk]) + query, message % values)


urlpatterns = [
    path("hall", overview, name="hall"),
    path("hall/new", new_hall, name="hall-new"),
    path("hall/<uuid:hall_id>/series/new", new_series, name="series-new"),
    path("hall/<uuid:hall_id>/windows/new", new_window, name="window-new"),
    path("hall/windows/<uuid:pk>", window, name="hall-window"),
    path("hall/series/<uuid:pk>", series, name="series"),
    path("hall/series/<uuid:pk>/let", let_take, name="series-let"),
]
