"""How the organs changed: sections merged, and items one organ holds for others."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog.actions import powers as actions
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import powers as queries
from yimen.catalog.rules.powers import Count
from yimen.people import access, organisation
from yimen.people.models import Department, OrganisationChange
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, staff_page
from yimen.web.workbench.powers import day_field, department_field

PAGE = 20
OPENS = ["GET", "HEAD", "POST"]


class ChangeForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("调整名称"), max_length=120, **required(gettext_lazy("请填写调整名称。")))
    on = day_field(gettext_lazy("日期"))
    document_no = forms.CharField(label=gettext_lazy("文号"), max_length=80, required=False)
    before = forms.CharField(
        label=gettext_lazy("调整前的科室"),
        help_text=gettext_lazy("一行一个。"),
        widget=forms.Textarea({"rows": 8}),
        **required(gettext_lazy("请写上调整前的科室。")),
    )
    after = forms.CharField(
        label=gettext_lazy("调整后的科室"),
        help_text=gettext_lazy("一行一个。"),
        widget=forms.Textarea({"rows": 6}),
        **required(gettext_lazy("请写上调整后的科室。")),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label, empty = gettext_lazy("哪个部门"), gettext_lazy("几个部门一起")
        self.fields["department"] = department_field(region, label, empty=empty)
        self.order_fields(["name", "department"])


@staff_page("people.manage", "powers.view")
@require_safe
def changes(request: StaffRequest) -> HttpResponse:
    """The history of changes, counted from their lists (S1-34)."""
    rows = OrganisationChange.objects.filter(region_id=request.staff.region_id).select_related("department")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "changes": [(one, Count("", len(one.before), len(one.after))) for one in page.object_list],
        "may_manage": access.allowed(request.staff, "people.manage"),
        "held": queries.held_for_others(request.staff.region_id),
        "may_publish": access.allowed(request.staff, "powers.publish"),
    }
    return render(request, "workbench/organisation/changes.html", context)


def _change_page(request: StaffRequest, *, form: forms.Form | None = None, refused: str = "") -> HttpResponse:
    initial = {"on": localdate(timezone.now())}
    return form_page(
        request,
        form or ChangeForm(request.POST or None, region=request.staff.region_id, initial=initial),
        heading=_("录入一次机构调整"),
        word=_("存好这次调整"),
        back=reverse("workbench:organisation"),
        parent=_("机构调整"),
        lead=_("只写科室名称，多少个由名单数出来。"),
        refused=refused,
    )


@staff_page("people.manage")
@require_http_methods(OPENS)
def new_change(request: StaffRequest) -> HttpResponse:
    return _record(request) if request.method == "POST" else _change_page(request)


@keyed("people.record_change", stay=_change_page)
def _record(request: StaffRequest) -> Done:
    form = ChangeForm(request.POST, region=request.staff.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    said = dict(form.cleaned_data)
    lists = {name: said.pop(name).replace("\x00", "").splitlines() for name in ("before", "after")}
    done = organisation.record_change(request.staff.region, by=request.staff, at=timezone.now(), **said, **lists)
    return Done(reverse("workbench:organisation"), _("%(name)s录好了。") % {"name": done.name})


class TransferForm(forms.Form):
    """Without `source` it asks for the organ alone; with it, for the items too."""

    on = day_field(gettext_lazy("从哪天起"))
    document_no = forms.CharField(label=gettext_lazy("文号"), max_length=80, **required(gettext_lazy("请填写文号。")))

    def __init__(self, *args: Any, region: str, source: Department | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bureaus = Department.objects.filter(region_id=region, is_bureau=True).order_by("name")
        self.fields["target"] = forms.ModelChoiceField(
            label=_("划给哪个行政审批服务局"),
            queryset=bureaus,
            empty_label=None,
            initial=bureaus.first(),
            error_messages={
                "required": _("请选行政审批服务局；没有的，先在“机构”里加上。"),
                "invalid_choice": _("没有这个行政审批服务局。"),
            },
        )
        owned = ServiceItem.objects.filter(department=source) if source else ServiceItem.objects.none()
        self.fields["items"] = forms.ModelMultipleChoiceField(
            label=_("划转哪些事项"),
            queryset=owned.order_by("name"),
            widget=forms.CheckboxSelectMultiple,
            **required(_("请选要划转的事项。")),
        )
        self.order_fields(["target", "on", "document_no", "items"])


def _source(request: StaffRequest) -> Department | None:
    form = forms.Form(request.GET)
    form.fields["source"] = department_field(request.staff.region_id, "")
    form.is_valid()
    return form.cleaned_data.get("source")


def _transfer_page(request: StaffRequest, *, form: forms.Form | None = None, refused: str = "") -> HttpResponse:
    region, source = request.staff.region_id, _source(request)
    initial = {"on": localdate(timezone.now())}
    given = form or TransferForm(request.POST or None, region=region, source=source, initial=initial)
    organs = Department.objects.filter(region_id=region, items__isnull=False).distinct().order_by("name")
    context = {"form": given, "source": source, "organs": organs, "refused": refused}
    return render(request, "workbench/organisation/transfer.html", context)


@staff_page("powers.publish")
@require_http_methods(OPENS)
def transfer(request: StaffRequest) -> HttpResponse:
    """Hand items of ?source= over to a bureau (S4-34)."""
    return _transfer(request) if request.method == "POST" else _transfer_page(request)


@keyed("powers.transfer", stay=_transfer_page)
def _transfer(request: StaffRequest) -> Done:
    source = _source(request)
    form = TransferForm(request.POST, region=request.staff.region_id, source=source)
    if not form.is_valid() or source is None:
        raise Stay(form=form)
    said = dict(form.cleaned_data)
    target = said.pop("target")
    count = actions.transfer_items(source, target, list(said.pop("items")), by=request.staff, at=timezone.now(), **said)
    values = {"count": count, "name": target.name}
    return Done(reverse("workbench:organisation"), _("%(count)d 项划给了%(name)s，原来的授权同时终止。") % values)


urlpatterns = [
    path("organisation", changes, name="organisation"),
    path("organisation/new", new_change, name="organisation-new"),
    path("organisation/transfer", transfer, name="organisation-transfer"),
]
