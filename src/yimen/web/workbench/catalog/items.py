"""The list of items, and a new one."""

from __future__ import annotations

from typing import Any

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
from yimen.catalog.models import (
    CaseType,
    ItemType,
)
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.catalog.common import clean_values, required
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20


class ItemFilter(forms.Form):
    STATES = (
        ("", gettext_lazy("不限")),
        ("published", gettext_lazy("已发布")),
        ("draft", gettext_lazy("有草稿")),
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
        help_text=gettext_lazy("31 位：18 位信用代码、1 位层级、12 位基本编码。"),
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

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]


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
        "is_narrowed": any(chosen.values()),
        "may_edit": access.allowed(request.staff, "catalog.edit"),
    }
    return render(request, "workbench/catalog/items.html", context)


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_item(request: StaffRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = NewItemForm(posted, region=request.staff.region_id)
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


urlpatterns = [
    path("items", items, name="items"),
    path("items", items, name="catalog"),  # the name the navigation knows
    path("items/new", new_item, name="item-new"),
]
