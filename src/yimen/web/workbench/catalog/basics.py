"""The basic catalogue: what every implementation of a code has to say, and where one differs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog import actions
from yimen.catalog.models import BasicItem, ItemMaterial, ItemType, LimitUnit
from yimen.catalog.queries import basic as queries
from yimen.people import access
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.catalog.common import clean_values, required
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20
READERS = ("catalog.edit", "catalog.publish", "insight.view")
_NECESSITY = {str(label): value for value, label in ItemMaterial.Necessity.choices}


class BasicForm(forms.Form):
    """An entry; its materials one a line, 必要 unless another word follows a comma."""

    catalog_code = forms.CharField(
        label=gettext_lazy("基本编码"),
        max_length=12,
        help_text=gettext_lazy("12 位：2 位地区（00 是全国）、2 位类型、5 位主项、3 位子项。"),
        **required(gettext_lazy("请填写基本编码。")),
    )
    name = forms.CharField(label=gettext_lazy("事项名称"), max_length=300, **required(gettext_lazy("请填写事项名称。")))
    item_type = forms.ChoiceField(label=gettext_lazy("事项类型"), choices=ItemType.choices)
    legal_basis = forms.CharField(label=gettext_lazy("设定依据"), required=False, widget=forms.Textarea({"rows": 3}))
    statutory_limit = forms.IntegerField(
        label=gettext_lazy("法定办结时限"), required=False, min_value=0, max_value=9999
    )
    statutory_unit = forms.ChoiceField(label=gettext_lazy("时限单位"), choices=LimitUnit.choices)
    materials = forms.CharField(
        label=gettext_lazy("标准材料"),
        required=False,
        widget=forms.Textarea({"rows": 8}),
        help_text=gettext_lazy("一行一样。不是必要的，在后面写逗号和“非必要”或“容缺后补”。空着就是没有统一规定。"),
    )
    cancelled_on = forms.DateField(
        label=gettext_lazy("取消日期"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。")},
    )

    def __init__(self, *args: Any, basic: BasicItem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if basic is not None:
            del self.fields["catalog_code"]

    def clean_materials(self) -> list[dict[str, str]]:
        rows, faults = [], []
        for number, line in enumerate(self.cleaned_data["materials"].replace("\x00", "").splitlines(), 1):
            name, _comma, word = line.replace("，", ",").rpartition(",")
            if not line.strip():
                continue
            if not name:
                name, word = word, ""
            if word.strip() and word.strip() not in _NECESSITY:
                faults.append(
                    _("第 %(number)d 行“%(word)s”读不懂，请写必要、非必要或容缺后补。")
                    % {"number": number, "word": word.strip()[:20]}
                )
                continue
            rows.append({"name": name.strip(), "necessity": _NECESSITY.get(word.strip(), "required")})
        if faults:
            raise forms.ValidationError(faults[:10])
        return rows


def _initial(basic: BasicItem) -> dict[str, Any]:
    labels = {value: label for label, value in _NECESSITY.items()}
    lines = [
        row["name"] if row["necessity"] == "required" else f"{row['name']}，{labels[row['necessity']]}"
        for row in basic.materials
    ]
    names = ("name", "item_type", "legal_basis", "statutory_limit", "statutory_unit", "cancelled_on")
    return {name: getattr(basic, name) for name in names} | {"materials": "\n".join(lines)}


@staff_page(*READERS)
@require_safe
def basics(request: StaffRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    found = queries.basic_items(request.staff.region_id, text=text)
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    may_edit = access.allowed(request.staff, "catalog.edit")
    return render(request, "workbench/catalog/basics.html", {"page": page, "text": text, "may_edit": may_edit})


def _basic(request: StaffRequest, pk: UUID) -> BasicItem:
    """An entry that binds my region: its own or one of a place above."""
    places = queries.places_above(request.staff.region)
    basic = BasicItem.objects.filter(region_id__in=places, pk=pk).select_related("region").first()
    if basic is None:
        raise Http404
    return basic


@staff_page(*READERS)
@require_safe
def basic(request: StaffRequest, pk: UUID) -> HttpResponse:
    """An entry, who carries it out here, and where each differs from it."""
    found = _basic(request, pk)
    items = queries.implementations(found).filter(region_id=request.staff.region_id)
    page = CappedPaginator(items, PAGE).get_page(request.GET.get("page"))
    rows = queries.with_deviations(found, page.object_list)
    may_edit = found.region_id == request.staff.region_id and access.allowed(request.staff, "catalog.edit")
    context = {
        "basic": found,
        "materials": [(row["name"], ItemMaterial.Necessity(row["necessity"]).label) for row in found.materials],
        "page": page,
        "rows": rows,
        "may_edit": may_edit,
        "may_add": not found.cancelled_on and access.allowed(request.staff, "catalog.edit"),
    }
    return render(request, "workbench/catalog/basic.html", context)


def _form_page(request: StaffRequest, pk: UUID | None = None, **more: Any) -> HttpResponse:
    found = _basic(request, pk) if pk else None
    posted = request.POST if request.method == "POST" else None
    form = BasicForm(posted, basic=found, initial=_initial(found) if found else None)
    context = {
        "form": form,
        "heading": _("改“%(name)s”") % {"name": found.name} if found else _("加一个基本目录事项"),
        "word": _("保存") if found else _("加上"),
        "back": reverse("workbench:basic", args=[pk]) if pk else reverse("workbench:basics"),
        "parent": found.name if found else _("基本目录"),
        "lead": _("同一个基本编码，不管哪个部门办，名称、类型、材料都一样。"),
        "refused": more.get("refused", ""),
    }
    return render(request, "workbench/add.html", context)


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    return _added(request) if request.method == "POST" else _form_page(request)


@keyed("basic-new", stay=_form_page)
def _added(request: StaffRequest) -> Done:
    form = BasicForm(request.POST)
    if not form.is_valid():
        raise Stay
    said = clean_values(form.cleaned_data)
    made = actions.add_basic(request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:basic", args=[made.pk]), _("已加上。用这个编码的事项都要照它写。"))


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _changed(request, pk) if request.method == "POST" else _form_page(request, pk)


@keyed("basic-edit", stay=_form_page)
def _changed(request: StaffRequest, pk: UUID) -> Done:
    found = _basic(request, pk)
    form = BasicForm(request.POST, basic=found)
    if not form.is_valid():
        raise Stay
    actions.change_basic(found, by=request.staff, at=timezone.now(), **clean_values(form.cleaned_data))
    return Done(reverse("workbench:basic", args=[pk]), _("已改好。和它不一样的事项，下次发布要先改过来。"))


urlpatterns = [
    path("basics", basics, name="basics"),
    path("basics/new", new, name="basic-new"),
    path("basics/<uuid:pk>", basic, name="basic"),
    path("basics/<uuid:pk>/edit", edit, name="basic-edit"),
]
