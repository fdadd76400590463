"""Service points: what the system administrator keeps beside centres and departments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.people import points
from yimen.people.models import ServiceCenter, ServicePoint
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20


class PointForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("是哪一种"), choices=ServicePoint.Kind.choices, initial="town")
    name = forms.CharField(label=gettext_lazy("名称"), max_length=80, **required(gettext_lazy("请填写名称。")))
    code = forms.CharField(
        label=gettext_lazy("编码"),
        max_length=20,
        help_text=gettext_lazy("乡镇 9 位、村 12 位的区划代码；网址里用，定了不改。"),
        **required(gettext_lazy("请填写编码。")),
    )
    address = forms.CharField(label=gettext_lazy("地址"), max_length=160, **required(gettext_lazy("请填写地址。")))
    hours = forms.CharField(label=gettext_lazy("开门时间"), max_length=120, required=False)
    phone = forms.CharField(label=gettext_lazy("电话"), max_length=40, **required(gettext_lazy("请填写电话。")))
    center = forms.ModelChoiceField(
        label=gettext_lazy("由哪个中心管"),
        queryset=ServiceCenter.objects.none(),
        required=False,
        empty_label=gettext_lazy("不归中心管"),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        centers = ServiceCenter.objects.filter(region_id=region).order_by("name")
        self.fields["center"].queryset = centers  # type: ignore[attr-defined]
        self.initial.setdefault("center", centers.first())


def _list(request: StaffRequest, pk: UUID | None = None, *, refused: str = "") -> HttpResponse:
    rows = points.points_of(request.staff.region_id, is_open=False)
    page = CappedPaginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "workbench/points/list.html", {"page": page, "refused": refused})


@staff_page("people.manage")
@require_safe
def every(request: StaffRequest) -> HttpResponse:
    return _list(request)


@staff_page("people.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    return _open(request) if request.method == "POST" else _form(request)


def _form(request: StaffRequest, *, form: PointForm | None = None, refused: str = "") -> HttpResponse:
    return form_page(
        request,
        form or PointForm(request.POST or None, region=request.staff.region_id),
        heading=_("加一个服务点"),
        word=_("加这个服务点"),
        back=reverse("workbench:points"),
        parent=_("服务点"),
        refused=refused,
    )


@keyed("people.open_point", stay=_form)
def _open(request: StaffRequest) -> Done:
    form = PointForm(request.POST, region=request.staff.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    point = points.open_point(region=request.staff.region, by=request.staff, at=timezone.now(), **form.cleaned_data)
    return Done(reverse("workbench:points"), _("%(name)s加好了。") % {"name": point.name})


@staff_page("people.manage")
@require_POST
@keyed("people.close_point", stay=_list)
def close(request: StaffRequest, pk: UUID) -> Done:
    point = get_object_or_404(ServicePoint, pk=pk, region_id=request.staff.region_id)
    points.close_point(point, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:points"), _("%(name)s停用了。") % {"name": point.name})


urlpatterns = [
    path("points", every, name="points"),
    path("points/new", new, name="point-new"),
    path("points/<uuid:pk>/close", close, name="point-close"),
]
