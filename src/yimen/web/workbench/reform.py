"""Rounds of reform with before and after, two processes compared, and one made of two."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import queries as catalog
from yimen.catalog.actions import reform as actions
from yimen.catalog.models import ItemVersion, ReformRound, ServiceItem
from yimen.catalog.queries import reform as queries
from yimen.insight.catalogue_figures import READERS, departments_of, round_report
from yimen.people import access
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_id, staff_page
from yimen.web.workbench.quality import show

PAGE = 20
FOUND = 12


def _round(request: StaffRequest, pk: UUID) -> ReformRound:
    found = queries.get_round(request.staff.region_id, pk)
    if found is None:
        raise Http404
    return found


@staff_page(*READERS)
@require_safe
def rounds(request: StaffRequest) -> HttpResponse:
    page = Paginator(queries.rounds(request.staff.region_id), PAGE).get_page(request.GET.get("page"))
    may_edit = access.allowed(request.staff, "catalog.edit")
    return show(request, "reform", "../reform/rounds", {"page": page, "may_edit": may_edit})


class RoundForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("叫什么"),
        max_length=80,
        help_text=gettext_lazy("例如：2027 年第一轮流程再造。"),
        **required(gettext_lazy("请给这一轮起个名字。")),
    )
    begun_on = forms.DateField(
        label=gettext_lazy("从哪天开始"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请填写从哪天开始。")),
    )
    note = forms.CharField(
        label=gettext_lazy("说明"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("为什么改，想改成什么样。可以不写。"),
    )


def _new_page(request: StaffRequest, *, form: RoundForm | None = None, refused: str = "") -> HttpResponse:
    today = timezone.localdate()
    return form_page(
        request,
        form or RoundForm(request.POST or None, initial={"begun_on": today}),
        heading=_("新开一轮"),
        word=_("开这一轮"),
        back=reverse("workbench:reform"),
        parent=_("流程再造"),
        lead=_("把为同一个目的改的草稿放在一起，改前改后一眼看清。"),
        refused=refused,
    )


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    return _open(request) if request.method == "POST" else _new_page(request)


@keyed("catalog.open_round", stay=_new_page)
def _open(request: StaffRequest) -> Done:
    form = RoundForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    said = {name: _clean(value) for name, value in form.cleaned_data.items()}
    opened = actions.open_round(request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:reform-round", args=[opened.pk]), _("开好了。把草稿放进来，就能看改前改后。"))


def _clean(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value


def _round_page(request: StaffRequest, pk: UUID, *, refused: str = "", **_context: Any) -> HttpResponse:
    opened = _round(request, pk)
    may_edit = access.allowed(request.staff, "catalog.edit") and opened.ended_on is None
    outside = queries.drafts_outside(request.staff.region_id, opened) if may_edit else ItemVersion.objects.none()
    context = {
        "round": opened,
        "report": round_report(opened.pk),
        "may_edit": may_edit,
        "outside": [one for one in outside[:100] if _may_edit(request, one.item)],
        "refused": refused,
        "today": timezone.localdate(),
    }
    return show(request, "reform", "../reform/round", context)


def _may_edit(request: StaffRequest, item: ServiceItem) -> bool:
    return access.allowed(request.staff, "catalog.edit", department=item.department, region=item.region_id)


@staff_page(*READERS)
@require_safe
def one(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _round_page(request, pk)


def _version(request: StaffRequest) -> ItemVersion:
    found = ItemVersion.objects.select_related("item__department").filter(
        item__region_id=request.staff.region_id, pk=posted_id(request, "version")
    )
    if version := found.first():
        return version
    raise Http404


@staff_page("catalog.edit")
@require_POST
@keyed("catalog.put_in_round", stay=_round_page)
def put(request: StaffRequest, pk: UUID) -> Done:
    version = actions.put_in_round(_round(request, pk), _version(request), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:reform-round", args=[pk]), _("放进来了：%(name)s。") % {"name": version.name})


@staff_page("catalog.edit")
@require_POST
@keyed("catalog.take_out_of_round", stay=_round_page)
def take_out(request: StaffRequest, pk: UUID) -> Done:
    _round(request, pk)
    version = actions.take_out_of_round(_version(request), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:reform-round", args=[pk]), _("拿出去了：%(name)s。") % {"name": version.name})


@staff_page("catalog.edit")
@require_POST
@keyed("catalog.close_round", stay=_round_page)
def close(request: StaffRequest, pk: UUID) -> Done:
    at = timezone.now()
    actions.close_round(_round(request, pk), ended_on=localdate(at), by=request.staff, at=at)
    return Done(reverse("workbench:reform-round", args=[pk]), _("这一轮结束了，里面的改动都留着。"))


def _item(request: StaffRequest, name: str, values: Any) -> ServiceItem | None:
    text = values.get(name, "")
    if not text:
        return None
    try:
        found = catalog.item_for(request.staff.region_id, UUID(text))
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


class PromiseForm(forms.Form):
    promised = forms.IntegerField(
        label=gettext_lazy("合并后承诺几个工作日"),
        min_value=0,
        max_value=365,
        required=False,
        help_text=gettext_lazy("不填：取两个里面长的。"),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), gettext_lazy("请填 0 到 365 的整数。")),
    )


def _compare_page(
    request: StaffRequest, *, refused: str = "", form: PromiseForm | None = None, **_context: Any
) -> HttpResponse:
    values = request.POST if request.method == "POST" else request.GET
    left, right = (_item(request, name, values) for name in ("left", "right"))
    text = values.get("q", "").replace("\x00", "").strip()[:60]
    found = []
    if text and not (left and right):
        items = catalog.editable_items(request.staff.region_id, text=text, state="published")
        found = list(items.exclude(pk=left.pk) if left else items)[:FOUND]
    processes = None
    if left and right and left.published and right.published and left.pk != right.pk:
        processes = queries.compare_processes(left.published, right.published)
    context = {
        "left": left,
        "right": right,
        "text": text,
        "found": found,
        "processes": processes,
        "may_merge": bool(processes and left and right and _may_edit(request, left) and _may_edit(request, right)),
        "form": form or PromiseForm(),
        "refused": refused,
    }
    return show(request, "reform", "../reform/compare", context)


@staff_page(*READERS)
@require_safe
def compare(request: StaffRequest) -> HttpResponse:
    """Two processes side by side (S4-31), chosen one after the other."""
    departments_of(request.staff)
    return _compare_page(request)


@staff_page("catalog.edit")
@require_POST
@keyed("catalog.merge", stay=_compare_page)
def merge(request: StaffRequest) -> Done:
    form = PromiseForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    left, right = (_item(request, name, request.POST) for name in ("left", "right"))
    if left is None or right is None:
        raise Http404
    promised = form.cleaned_data["promised"]
    actions.merge(left, right, promised=promised, by=request.staff, at=timezone.now())
    message = _("合并成了“%(name)s”的新草稿，两个事项都还照旧办。请核对草稿，再请别人发布。")
    return Done(reverse("workbench:item", args=[left.pk]), message % {"name": left.name})


urlpatterns = [
    path("reform", rounds, name="reform"),
    path("reform/new", new, name="reform-new"),
    path("reform/compare", compare, name="compare-processes"),
    path("reform/merge", merge, name="merge-processes"),
    path("reform/<uuid:pk>", one, name="reform-round"),
    path("reform/<uuid:pk>/put", put, name="reform-put"),
    path("reform/<uuid:pk>/take-out", take_out, name="reform-take-out"),
    path("reform/<uuid:pk>/close", close, name="reform-close"),
]
