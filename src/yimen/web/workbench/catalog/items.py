"""The list of items, and a new one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog import actions, queries
from yimen.catalog.models import BasicItem, CaseType, ItemType, ServiceItem
from yimen.catalog.queries.basic import places_above
from yimen.catalog.queries.completeness import completeness_by_item
from yimen.catalog.rules.completeness import Completeness
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, Region
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.catalog.common import clean_values, required
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20


class ItemFilter(forms.Form):
    STATES = (
        ("", gettext_lazy("不限")),
        ("published", gettext_lazy("已发布")),
        ("draft", gettext_lazy("有草稿")),
        ("approved", gettext_lazy("等生效")),
        ("none", gettext_lazy("没有发布")),
    )
    q = forms.CharField(label=gettext_lazy("找事项"), max_length=60, required=False)
    department = forms.ModelChoiceField(
        label=gettext_lazy("部门"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=gettext_lazy("不限"),
    )
    state = forms.ChoiceField(label=gettext_lazy("状态"), choices=STATES, required=False)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]


class NewItemForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("事项名称"), max_length=300, **required(gettext_lazy("请填写事项名称。")))
    task_code = forms.CharField(
        label=gettext_lazy("实施编码"),
        max_length=36,
        help_text=gettext_lazy("31 位：18 位信用代码、1 位层级、12 位基本编码；业务办理项再加 2 位序号。"),
        **required(gettext_lazy("请填写实施编码。")),
    )
    department = forms.ModelChoiceField(
        label=gettext_lazy("实施主体"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("请选择"),
        **required(gettext_lazy("请选择实施主体。")),
    )
    item_type = forms.ChoiceField(label=gettext_lazy("事项类型"), choices=ItemType.choices)
    case_type = forms.ChoiceField(label=gettext_lazy("办件类型"), choices=CaseType.choices, initial=CaseType.PROMISED)

    # From the page of an entry; without one, the basic code in the implementation code finds it.
    basic = forms.ModelChoiceField(queryset=BasicItem.objects.none(), required=False, widget=forms.HiddenInput)
    local_catalog_code = forms.CharField(label=gettext_lazy("本地基本编码"), max_length=50, required=False)
    local_task_code = forms.CharField(label=gettext_lazy("本地实施编码"), max_length=50, required=False)

    def __init__(self, *args: Any, region: Region, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]
        basics = BasicItem.objects.filter(region_id__in=places_above(region), cancelled_on=None)
        self.fields["basic"].queryset = basics  # type: ignore[attr-defined]


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def items(request: StaffRequest) -> HttpResponse:
    form = ItemFilter(request.GET, region=request.staff.region_id)
    form.is_valid()
    chosen = form.cleaned_data
    department = chosen.get("department")
    found = queries.editable_items(
        request.staff.region_id,
        text=chosen.get("q", "").replace("\x00", "").strip(),
        department=department.pk if department else None,
        state=chosen.get("state", ""),
    )
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": _with_completeness(page.object_list),
        "is_narrowed": any(chosen.values()),
        "may_edit": access.allowed(request.staff, "catalog.edit"),
    }
    return render(request, "workbench/catalog/items.html", context)


def _with_completeness(items: Iterable[ServiceItem]) -> list[tuple[ServiceItem, Completeness | None]]:
    items = list(items)
    found = completeness_by_item(item.pk for item in items)
    return [(item, found.get(item.pk)) for item in items]


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_item(request: StaffRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = NewItemForm(posted, region=request.staff.region, initial=_from_basic(request))
    refused = ""
    if posted is not None and form.is_valid():
        said = clean_values(form.cleaned_data)
        try:
            version = actions.create_item(region=request.staff.region, by=request.staff, at=timezone.now(), **said)
        except DomainError as error:
            refused = str(error)
        else:
            messages.success(request, _("已新建，还是草稿，大家看不到。接着写指南。"))
            return redirect("workbench:item", version.item_id)
    status = 422 if posted is not None else 200
    return render(request, "workbench/catalog/new.html", {"form": form, "refused": refused}, status=status)


def _from_basic(request: StaffRequest) -> dict[str, Any]:
    """What a new item begins with when it is made from an entry of the basic catalogue, ?basic=id."""
    try:
        pk = UUID(request.GET.get("basic", ""))
    except ValueError:
        return {}
    basic = BasicItem.objects.filter(region_id__in=places_above(request.staff.region), pk=pk).first()
    return {"basic": basic.pk, "name": basic.name, "item_type": basic.item_type} if basic else {}


urlpatterns = [
    path("items", items, name="items"),
    path("items", items, name="catalog"),  # the name the navigation knows
    path("items/new", new_item, name="item-new"),
]
