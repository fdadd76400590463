"""Zones of the halls, which window stands where and whose it is, the facilities, and the work cards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.hall import queries
from yimen.hall.actions import places
from yimen.hall.models import Facility, Hall, HallZone, Window
from yimen.hall.queries import screens as reads
from yimen.people import access, work_cards
from yimen.people.models import Department, Post, ServiceCenter
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

OPENS = ["GET", "HEAD", "POST"]


class ZoneForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("名称"), max_length=40, **required(gettext_lazy("请填写名称。")))
    position = forms.IntegerField(label=gettext_lazy("排第几"), min_value=0, max_value=999, required=False)


class PlaceForm(forms.Form):
    """Where a window stands and whose it is."""

    zone = forms.ModelChoiceField(
        label=gettext_lazy("在哪个区"),
        queryset=HallZone.objects.none(),
        required=False,
        empty_label=gettext_lazy("不分区"),
    )
    department = forms.ModelChoiceField(
        label=gettext_lazy("哪个单位坐这里"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=gettext_lazy("综合窗口，各单位的事都收"),
    )

    def __init__(self, *args: Any, hall: Hall, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].queryset = HallZone.objects.filter(hall=hall)  # type: ignore[attr-defined]
        units = Department.objects.filter(region_id=hall.region_id).order_by("name")
        self.fields["department"].queryset = units  # type: ignore[attr-defined]


class FacilityForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=Facility.Kind.choices)
    name = forms.CharField(label=gettext_lazy("名称"), max_length=40, **required(gettext_lazy("请填写名称。")))
    place = forms.CharField(
        label=gettext_lazy("在哪里"), max_length=80, required=False, help_text=gettext_lazy("例如：东门进来右手边。")
    )
    zone = forms.ModelChoiceField(
        label=gettext_lazy("哪个区"),
        queryset=HallZone.objects.none(),
        required=False,
        empty_label=gettext_lazy("不分区"),
    )
    note = forms.CharField(label=gettext_lazy("说明"), max_length=120, required=False)
    position = forms.IntegerField(label=gettext_lazy("排第几"), min_value=0, max_value=999, initial=0)

    def __init__(self, *args: Any, hall: Hall, facility: Facility | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].queryset = HallZone.objects.filter(hall=hall)  # type: ignore[attr-defined]
        if facility is not None:
            self.initial = {name: getattr(facility, name) for name in self.fields}


class CardForm(forms.Form):
    duties = forms.CharField(
        label=gettext_lazy("岗位职责"), max_length=200, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    promise = forms.CharField(
        label=gettext_lazy("承诺"),
        max_length=120,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("窗口屏上写着，例如：一次说清，不让您跑第二趟。"),
    )


class ComplaintForm(forms.Form):
    way = forms.CharField(
        label=gettext_lazy("投诉方式"),
        max_length=80,
        help_text=gettext_lazy("窗口屏上写着，例如：12345，或 18 号办不成事反映窗口。"),
        **required(gettext_lazy("请填写投诉方式。")),
    )


def _checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Stay(form=form)
    return form.cleaned_data


def _halls(request: StaffRequest) -> list[Hall]:
    return queries.halls_for(request.staff)


def _hall(request: StaffRequest, pk: UUID) -> Hall:
    hall = next((one for one in _halls(request) if one.pk == pk), None)
    if hall is None:
        raise Http404
    return hall


def _zone(request: StaffRequest, pk: UUID) -> HallZone:
    return get_object_or_404(HallZone.objects.select_related("hall"), pk=pk, hall__in=_halls(request))


def _window(request: StaffRequest, pk: UUID) -> Window:
    return get_object_or_404(
        Window.objects.select_related("hall", "zone", "department"), pk=pk, hall__in=_halls(request)
    )


def _facility(request: StaffRequest, pk: UUID) -> Facility:
    return get_object_or_404(Facility.objects.select_related("hall"), pk=pk, hall__in=_halls(request))


def _back() -> str:
    return reverse("workbench:hall-places")


def _overview(request: StaffRequest, *args: Any, refused: str = "", **context: Any) -> HttpResponse:
    today = timezone.localdate()
    rows = [
        {"hall": hall, "places": reads.places(hall), "facilities": reads.facilities(hall, on=today)}
        for hall in _halls(request)
    ]
    return render(request, "workbench/screens/places.html", {"rows": rows, "refused": refused})


@staff_page("hall.manage")
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """Zones with their windows and units, and the facilities, hall by hall."""
    return _overview(request)


def _plain(request: StaffRequest, form: forms.Form, heading: str, word: str, refused: str, lead: str = "") -> Any:
    parent = _("功能区和设施")
    return form_page(request, form, heading=heading, word=word, back=_back(), parent=parent, lead=lead, refused=refused)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_zone(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _add_zone(request, hall_id) if request.method == "POST" else _new_zone_form(request, hall_id)


def _new_zone_form(
    request: StaffRequest, hall_id: UUID, *, form: ZoneForm | None = None, refused: str = ""
) -> HttpResponse:
    heading = _("%(hall)s加一个区") % {"hall": _hall(request, hall_id).name}
    return _plain(request, form or ZoneForm(request.POST or None), heading, _("加这个区"), refused)


@keyed("hall.add_zone", stay=_new_zone_form)
def _add_zone(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    zone = places.add_zone(hall, by=request.staff, at=timezone.now(), **_checked(ZoneForm(request.POST)))
    return Done(_back(), _("%(name)s加好了。") % {"name": zone.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def zone(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _change_zone(request, pk) if request.method == "POST" else _zone_form(request, pk)


def _zone_form(request: StaffRequest, pk: UUID, *, form: ZoneForm | None = None, refused: str = "") -> HttpResponse:
    found = _zone(request, pk)
    form = form or ZoneForm(request.POST or None, initial={"name": found.name, "position": found.position})
    return _plain(request, form, _("改%(name)s") % {"name": found.name}, _("就这样改"), refused)


@keyed("hall.change_zone", stay=_zone_form)
def _change_zone(request: StaffRequest, pk: UUID) -> Done:
    found, said = _zone(request, pk), _checked(ZoneForm(request.POST))
    position = found.position if said["position"] is None else said["position"]
    places.change_zone(found.pk, name=said["name"], position=position, by=request.staff, at=timezone.now())
    return Done(_back(), _("%(name)s改好了。") % {"name": said["name"]})


@staff_page("hall.manage")
@require_POST
@keyed("hall.remove_zone", stay=_overview)
def remove_zone(request: StaffRequest, pk: UUID) -> Done:
    found = _zone(request, pk)
    places.remove_zone(found.pk, by=request.staff, at=timezone.now())
    return Done(_back(), _("%(name)s拿掉了，窗口还在。") % {"name": found.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def place(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Where a window stands and whose it is."""
    return _place_window(request, pk) if request.method == "POST" else _place_form(request, pk)


def _place_form(request: StaffRequest, pk: UUID, *, form: PlaceForm | None = None, refused: str = "") -> HttpResponse:
    found = _window(request, pk)
    initial = {"zone": found.zone_id, "department": found.department_id}
    form = form or PlaceForm(request.POST or None, hall=found.hall, initial=initial)
    heading = _("%(number)s 号窗口在哪里") % {"number": found.number}
    return _plain(request, form, heading, _("就在这里"), refused, _("分布图、窗口屏和大厅的网页一起改。"))


@keyed("hall.place_window", stay=_place_form)
def _place_window(request: StaffRequest, pk: UUID) -> Done:
    found = _window(request, pk)
    said = _checked(PlaceForm(request.POST, hall=found.hall))
    places.place_window(found.pk, by=request.staff, at=timezone.now(), **said)
    return Done(_back(), _("%(number)s 号窗口改好了。") % {"number": found.number})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_facility(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _add_facility(request, hall_id) if request.method == "POST" else _new_facility_form(request, hall_id)


def _new_facility_form(
    request: StaffRequest, hall_id: UUID, *, form: FacilityForm | None = None, refused: str = ""
) -> HttpResponse:
    hall = _hall(request, hall_id)
    form = form or FacilityForm(request.POST or None, hall=hall)
    return _plain(request, form, _("%(hall)s加一样设施") % {"hall": hall.name}, _("加这样设施"), refused)


@keyed("hall.add_facility", stay=_new_facility_form)
def _add_facility(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    said = _checked(FacilityForm(request.POST, hall=hall))
    facility = places.add_facility(hall, by=request.staff, at=timezone.now(), **said)
    return Done(_back(), _("%(name)s加好了。") % {"name": facility.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def facility(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _change_facility(request, pk) if request.method == "POST" else _facility_form(request, pk)


def _facility_form(
    request: StaffRequest, pk: UUID, *, form: FacilityForm | None = None, refused: str = ""
) -> HttpResponse:
    found = _facility(request, pk)
    form = form or FacilityForm(request.POST or None, hall=found.hall, facility=found)
    return _plain(request, form, _("改%(name)s") % {"name": found.name}, _("就这样改"), refused)


@keyed("hall.change_facility", stay=_facility_form)
def _change_facility(request: StaffRequest, pk: UUID) -> Done:
    found = _facility(request, pk)
    said = _checked(FacilityForm(request.POST, hall=found.hall))
    places.change_facility(found.pk, by=request.staff, at=timezone.now(), **said)
    return Done(_back(), _("%(name)s改好了。") % {"name": said["name"]})


def _facilities(request: StaffRequest, *args: Any, refused: str = "") -> HttpResponse:
    today = timezone.localdate()
    rows = [(hall, list(reads.facilities(hall, on=today))) for hall in _halls(request)]
    return render(request, "workbench/screens/facilities.html", {"rows": rows, "refused": refused})


@staff_page("hall.manage", "hall.take", "hall.call")
@require_safe
def facilities(request: StaffRequest) -> HttpResponse:
    """What is broken, and what works again: for everybody who works in the hall."""
    return _facilities(request)


@staff_page("hall.manage", "hall.take", "hall.call")
@require_POST
@keyed("hall.report_facility", stay=_facilities)
def report_facility(request: StaffRequest, pk: UUID) -> Done:
    """works: 1 or 0; note: why not."""
    found = get_object_or_404(Facility.objects.select_related("hall"), pk=pk, region_id=request.staff.region_id)
    kept = places.report_facility(
        found.pk,
        request.POST.get("works") == "1",
        note=posted_text(request, "note"),
        by=request.staff,
        at=timezone.now(),
    )
    message = _("%(name)s好了。") if kept.works else _("%(name)s记下坏了，大厅的网页和屏幕上写着在修。")
    manages = access.allowed(request.staff, "hall.manage") and "from" not in request.POST
    return Done(_back() if manages else reverse("workbench:facilities"), message % {"name": kept.name})


@staff_page("hall.manage")
@require_POST
@keyed("hall.end_facility", stay=_overview)
def end_facility(request: StaffRequest, pk: UUID) -> Done:
    found = places.end_facility(_facility(request, pk).pk, on=timezone.localdate(), by=request.staff, at=timezone.now())
    return Done(_back(), _("%(name)s拿掉了。") % {"name": found.name})


def _posts(request: StaffRequest) -> Any:
    return Post.objects.filter(department__region_id=request.staff.region_id).select_related("department")


def _center(request: StaffRequest) -> ServiceCenter:
    centers = ServiceCenter.objects.filter(region_id=request.staff.region_id).order_by("code")
    found = request.staff.center or centers.first()
    if found is None:
        raise Http404
    return found


def _cards(request: StaffRequest, *, form: ComplaintForm | None = None, refused: str = "") -> HttpResponse:
    center = _center(request)
    values = {
        "posts": _posts(request).filter(staff__isnull=False).distinct().order_by("department__name", "name"),
        "center": center,
        "form": form or ComplaintForm(initial={"way": center.complaint_way}),
        "refused": refused,
    }
    return render(request, "workbench/screens/cards.html", values)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def cards(request: StaffRequest) -> HttpResponse:
    """What the work card at a window says for each post, and how to complain."""
    return _set_complaint_way(request) if request.method == "POST" else _cards(request)


@keyed("people.set_complaint_way", stay=_cards)
def _set_complaint_way(request: StaffRequest) -> Done:
    way = _checked(ComplaintForm(request.POST))["way"]
    work_cards.set_complaint_way(_center(request).pk, way, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:work-cards"), _("投诉方式改好了。"))


@staff_page("hall.manage")
@require_http_methods(OPENS)
def card(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _describe(request, pk) if request.method == "POST" else _card_form(request, pk)


def _card_form(request: StaffRequest, pk: UUID, *, form: CardForm | None = None, refused: str = "") -> HttpResponse:
    post = get_object_or_404(_posts(request), pk=pk)
    form = form or CardForm(request.POST or None, initial={"duties": post.duties, "promise": post.promise})
    return form_page(
        request,
        form,
        heading=_("%(unit)s %(post)s") % {"unit": post.department.name, "post": post.name},
        word=_("就这样写"),
        back=reverse("workbench:work-cards"),
        parent=_("工作牌"),
        refused=refused,
    )


@keyed("people.describe_post", stay=_card_form)
def _describe(request: StaffRequest, pk: UUID) -> Done:
    post = get_object_or_404(_posts(request), pk=pk)
    said = _checked(CardForm(request.POST))
    work_cards.describe_post(post.pk, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:work-cards"), _("%(post)s的工作牌写好了。") % {"post": post.name})


urlpatterns = [
    path("hall/places", overview, name="hall-places"),
    path("hall/<uuid:hall_id>/zones/new", new_zone, name="zone-new"),
    path("hall/zones/<uuid:pk>", zone, name="zone"),
    path("hall/zones/<uuid:pk>/remove", remove_zone, name="zone-remove"),
    path("hall/windows/<uuid:pk>/place", place, name="window-place"),
    path("hall/<uuid:hall_id>/facilities/new", new_facility, name="facility-new"),
    path("hall/facilities", facilities, name="facilities"),
    path("hall/facilities/<uuid:pk>", facility, name="facility"),
    path("hall/facilities/<uuid:pk>/works", report_facility, name="facility-works"),
    path("hall/facilities/<uuid:pk>/end", end_facility, name="facility-end"),
    path("hall/cards", cards, name="work-cards"),
    path("hall/cards/<uuid:pk>", card, name="work-card"),
]
