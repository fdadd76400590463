"""Entry into the hall: how much of it is in, what is wrong with it, units, delegations, and mending each item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog.actions import powers as actions
from yimen.catalog.models import Delegation, FlowStep, HallEntry, ServiceItem
from yimen.catalog.queries import powers as queries
from yimen.catalog.rules import powers as rules
from yimen.catalog.rules.powers import EntryFault, Validity
from yimen.insight.power_tables import fault_name, standing_table
from yimen.insight.tables import WRITERS
from yimen.people import access, reasons
from yimen.people.models import Department, Post, ServiceCenter, ServicePoint
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, staff_page
from yimen.web.workbench.powers import csv_answer, day_field, department_field

PAGE = 30
OPENS = ["GET", "HEAD", "POST"]


def _today() -> date:
    return localdate(timezone.now())


def _may(request: StaffRequest) -> dict[str, bool]:
    return {f"may_{verb}": access.allowed(request.staff, f"powers.{verb}") for verb in ("enter", "delegate")}


# Figures and units


class UnitForm(forms.Form):
    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": "%s"} | kwargs))
        self.fields["department"] = department_field(region, gettext_lazy("单位"), empty=gettext_lazy("全部单位"))


@staff_page("powers.view")
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """Coverage with its trend, the four gaps, and every unit; ?department= for one of them."""
    region, today = request.staff.region_id, _today()
    form = UnitForm(request.GET, region=region)
    form.is_valid()
    organ = form.cleaned_data.get("department")
    chosen = organ.pk if organ else None
    standing = queries.standings(region, today, department=chosen)
    audit = queries.audit(standing)
    context = {
        "form": form,
        "organ": organ,
        "coverage": queries.coverage(standing),
        "months": [(month, _length(month.coverage)) for month in queries.trend(region, today, department=chosen)],
        "faults": [(fault, fault_name(fault), len(found)) for fault, found in audit.items()],
        "fault_count": sum(map(len, audit.values())),
        "presence": queries.presence(region),
        "unfinished": sum(not one.is_finished_in_hall for one in standing),
        "units": [unit for unit in queries.units(region, standing) if chosen in (None, unit.department_id)],
        "ending": queries.delegations(region, today, department=chosen, state=Validity.ENDING).count(),
        "today": today,
        **_may(request),
    }
    return render(request, "workbench/entry/overview.html", context)


def _length(coverage: rules.Coverage) -> int:
    """The bar of a month, in hundredths of its full length."""
    return round(coverage.rate or 0)


# Lists of items


class ItemsForm(forms.Form):
    SHOWS = (
        ("others", gettext_lazy("不在大厅办的")),
        ("faults", gettext_lazy("进驻有问题的")),
        (EntryFault.NOT_IN.value, gettext_lazy("应进不进")),
        (EntryFault.TWO_COUNTERS.value, gettext_lazy("两头受理")),
        (EntryFault.NOT_DELEGATED.value, gettext_lazy("进不授权")),
        (EntryFault.HALF_DELEGATED.value, gettext_lazy("权不到位")),
        ("unfinished", gettext_lazy("大厅里办不结的")),
        ("powerless", gettext_lazy("不在权力清单里的")),
        ("all", gettext_lazy("全部")),
    )
    show = forms.ChoiceField(label=gettext_lazy("看哪些"), choices=SHOWS, required=False)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": "%s"} | kwargs))
        self.fields["department"] = department_field(region, gettext_lazy("部门"))


def _chosen(show: str, standing: list[queries.Standing], region: str, on: date) -> list[queries.Standing]:
    if show == "others":
        return [one for one in standing if not one.is_in]
    if show == "faults":
        return [one for one in standing if one.fault]
    if show == "unfinished":
        return [one for one in standing if not one.is_finished_in_hall]
    if show == "powerless":
        without = set(queries.items_without_power(region, on).values_list("pk", flat=True))
        return [one for one in standing if one.item_id in without]
    if show == "all":
        return standing
    return [one for one in standing if one.fault == show]


@staff_page("powers.view")
@require_safe
def items(request: StaffRequest) -> HttpResponse:
    """The items with one of the gaps, or not in the hall, or not finished there; ?format=csv for a spreadsheet."""
    region, today = request.staff.region_id, _today()
    form = ItemsForm(request.GET, region=region)
    form.is_valid()
    show = form.cleaned_data.get("show") or "faults"
    organ = form.cleaned_data.get("department")
    standing = queries.standings(region, today, department=organ.pk if organ else None)
    found = _chosen(show, standing, region, today)
    if request.GET.get("format") == "csv":
        return csv_answer(WRITERS["csv"](standing_table(found, today)), f"items-{show}-{today:%Y%m%d}.csv")
    counts = [(fault.value, fault_name(fault), len(rows)) for fault, rows in queries.audit(standing).items()]
    asked = {"show": show, "department": organ.pk if organ else ""}
    context = {
        "form": ItemsForm(asked, region=region),
        "show": show,
        "heading": dict(ItemsForm.SHOWS)[show],
        "faults": counts,
        "assigned": len(standing),
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "workbench/entry/items.html", context)


# One item: how it stands, and mending it


def _item(request: StaffRequest, pk: UUID) -> ServiceItem:
    return get_object_or_404(ServiceItem.objects.select_related("department"), pk=pk, region_id=request.staff.region_id)


@dataclass(frozen=True)
class Letter:
    """A delegation as shown."""

    row: Delegation
    state: Validity
    why_ended: str = ""

    @property
    def can_be_revoked(self) -> bool:
        return self.state in {Validity.VALID, Validity.ENDING, Validity.COMING}


def letters(rows: Any, on: date, warning_days: int, why: dict[str, str] | None = None) -> list[Letter]:
    """why: reasons for revoking, by delegation."""
    return [
        Letter(row, rules.validity(row, on, warning_days=warning_days), (why or {}).get(str(row.pk), ""))
        for row in rows
    ]


def _why(item: ServiceItem, kind: str, key: str) -> dict[str, str]:
    """What was said when rows of the item ended, by what the ledger's row names under `key`."""
    told = reasons.told_in([f"item:{item.pk}"], kind, region=item.region_id)
    return {one.data[key]: one.said.text for one in told}


@staff_page("powers.view")
@require_safe
def item(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Where an item is handled, who may act for it there, and what is still to mend."""
    found, today = _item(request, pk), _today()
    region = request.staff.region_id
    standing = queries.standings(region, today, item=found.pk)
    rows = found.delegations.select_related("post__department", "point").order_by("-from_on", "-pk")
    may_delegate = access.allowed(request.staff, "powers.delegate", department=found.department)
    left = _why(found, queries.LEFT, "entry")
    context = {
        "item": found,
        "standing": standing[0] if standing else None,
        "entries": [(one, left.get(str(one.pk), "")) for one in queries.entries_of(found)],
        "letters": letters(
            rows, today, queries.warning_days(region, today), _why(found, queries.REVOKED, "delegation")
        ),
        "is_at_once": queries.can_finish_at_window(found, today),
        "power": queries.power_fault(found, today),
        **_may(request),
        "may_delegate": may_delegate,
    }
    return render(request, "workbench/entry/item.html", context)


def _centers(region: str) -> QuerySet[ServiceCenter]:
    """The centre first, then its branches."""
    return ServiceCenter.objects.filter(region_id=region).order_by(F("parent").asc(nulls_first=True), "name")


class EnterForm(forms.Form):
    on = day_field(gettext_lazy("从哪天起"))
    elsewhere = forms.CharField(
        label=gettext_lazy("还在哪里受理"),
        max_length=160,
        required=False,
        help_text=gettext_lazy("单位里还有第二个窗口就写上，没有就空着。"),
    )

    def __init__(self, *args: Any, item: ServiceItem, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        centers = _centers(item.region_id)
        self.fields["center"] = forms.ModelChoiceField(
            label=_("进驻哪个中心"),
            queryset=centers,
            empty_label=None,
            initial=centers.first(),
            **required(_("请选中心。")),
        )
        self.order_fields(["center", "on", "elsewhere"])
        self.initial.setdefault("on", today)


class Choice(forms.ModelChoiceField):
    """A choice of rows, each in the words of `say`."""

    def __init__(self, *args: Any, say: Callable[[Any], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.say = say

    def label_from_instance(self, obj: Any) -> str:
        return self.say(obj)


def _post_name(post: Post) -> str:
    return f"{post.department.short_name or post.department.name} · {post.name}"


class EntryForm(forms.Form):
    """Forms about one of the places where the item is handled now."""

    def __init__(self, *args: Any, item: ServiceItem, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        running = HallEntry.objects.filter(item=item, left_on=None).select_related("center")
        self.fields["entry"] = Choice(
            say=lambda entry: entry.center.name,
            label=_("哪个中心"),
            queryset=running,
            empty_label=None,
            initial=running.first(),
            **required(_("请选中心。")),
        )
        self.order_fields(["entry"])
        if "on" in self.fields:
            self.initial.setdefault("on", today)


class LeaveForm(EntryForm):
    on = day_field(gettext_lazy("从哪天起不在这里办"))
    reason = forms.CharField(
        label=gettext_lazy("为什么撤出"), max_length=200, **required(gettext_lazy("请写明为什么撤出。"))
    )


class ElsewhereForm(EntryForm):
    elsewhere = forms.CharField(
        label=gettext_lazy("还在哪里受理"),
        max_length=160,
        required=False,
        help_text=gettext_lazy("单位里的窗口停了就空着。"),
    )


class ExemptForm(forms.Form):
    should_enter = forms.BooleanField(label=gettext_lazy("应当进驻大厅"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("为什么不进驻"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("不进驻的才写。"),
    )

    def __init__(self, *args: Any, item: ServiceItem, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"should_enter": item.should_enter, "reason": item.exempt_reason}


class DelegateForm(forms.Form):
    acts = forms.MultipleChoiceField(
        label=gettext_lazy("授权做哪几步"),
        choices=FlowStep.Kind.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=["receive", "accept", "decide"],
        help_text=gettext_lazy("在大厅里办结，要有受理和决定。"),
        **required(gettext_lazy("请选授权做哪几步。")),
    )
    letter_no = forms.CharField(
        label=gettext_lazy("授权书文号"), max_length=80, **required(gettext_lazy("请填写授权书文号。"))
    )
    signed_by = forms.CharField(label=gettext_lazy("签发人"), max_length=60, **required(gettext_lazy("请填写签发人。")))
    from_on = day_field(gettext_lazy("生效日期"))
    until_on = day_field(gettext_lazy("到期日期"), is_required=False, help_text=gettext_lazy("没有期限就空着。"))

    def __init__(self, *args: Any, item: ServiceItem, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posts = Post.objects.filter(department__region_id=item.region_id).select_related("department")
        self.fields["post"] = Choice(
            say=_post_name,
            label=_("授权给哪个岗位"),
            queryset=posts.order_by("department__name", "name"),
            required=False,
            empty_label=_("不是大厅岗位"),
            initial=posts.filter(department=item.department).first(),
        )
        points = ServicePoint.objects.filter(region_id=item.region_id, closed_on=None).order_by("name")
        self.fields["point"] = forms.ModelChoiceField(
            label=_("授权给哪个便民服务点"),
            queryset=points,
            required=False,
            empty_label=_("不是服务点"),
            help_text=_("选了服务点，就是下放到那里办。"),
        )
        self.order_fields(["post", "point", "acts"])
        self.initial.setdefault("from_on", today)


class RevokeForm(forms.Form):
    on = day_field(gettext_lazy("从哪天起"))
    reason = forms.CharField(
        label=gettext_lazy("为什么撤销"), max_length=200, **required(gettext_lazy("请写明为什么撤销。"))
    )

    def __init__(self, *args: Any, item: ServiceItem, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lent = Delegation.objects.filter(item=item, revoked_on=None)
        self.fields["lent"] = Choice(
            say=lambda one: f"{one.letter_no} {one.signed_by}",
            label=_("哪一份授权"),
            queryset=lent,
            empty_label=None,
            initial=lent.first(),
            **required(_("请选哪一份。")),
        )
        self.order_fields(["lent"])
        self.initial.setdefault("on", today)


@dataclass(frozen=True)
class Act:
    """Something done about one item: its form, its words, and the action; `do` gets the item and what was said."""

    form: type[forms.Form]
    heading: str | Promise
    word: str | Promise
    done: str | Promise
    do: Callable[[ServiceItem, dict[str, Any], Mapping[str, Any]], Any]
    lead: str | Promise = ""


ACTS = {
    "enter": Act(
        EnterForm,
        gettext_lazy("让这个事项进驻大厅"),
        gettext_lazy("从这天起进驻"),
        gettext_lazy("进驻记好了。"),
        lambda item, said, how: actions.enter_hall(item, said.pop("center"), **said, **how),
    ),
    "leave": Act(
        LeaveForm,
        gettext_lazy("撤出大厅"),
        gettext_lazy("从这天起撤出"),
        gettext_lazy("撤出记好了。"),
        lambda item, said, how: actions.leave_hall(said.pop("entry"), **said, **how),
    ),
    "elsewhere": Act(
        ElsewhereForm,
        gettext_lazy("单位里的第二个窗口"),
        gettext_lazy("这样改"),
        gettext_lazy("记好了。"),
        lambda item, said, how: actions.set_elsewhere(said.pop("entry"), **said, **how),
        gettext_lazy("进驻以后，单位里不能再开第二个窗口收件。"),
    ),
    "should-enter": Act(
        ExemptForm,
        gettext_lazy("要不要进驻大厅"),
        gettext_lazy("这样改"),
        gettext_lazy("记好了。"),
        lambda item, said, how: actions.set_should_enter(item, said.pop("should_enter"), **said, **how),
    ),
    "delegate": Act(
        DelegateForm,
        gettext_lazy("录入一份授权书"),
        gettext_lazy("存好这份授权"),
        gettext_lazy("授权录好了。"),
        lambda item, said, how: actions.grant_delegation(item, **said, **how),
        gettext_lazy("照签发的授权书录，没有签发的不算数。"),
    ),
    "revoke": Act(
        RevokeForm,
        gettext_lazy("撤销一份授权"),
        gettext_lazy("从这天起撤销"),
        gettext_lazy("授权撤销了。"),
        lambda item, said, how: actions.revoke_delegation(said.pop("lent"), **said, **how),
    ),
}


def _act(name: str) -> Act:
    if name not in ACTS:
        raise Http404
    return ACTS[name]


def _act_page(
    request: StaffRequest, pk: UUID, name: str, *, form: forms.Form | None = None, refused: str = ""
) -> HttpResponse:
    one, found = _act(name), _item(request, pk)
    initial = {key: request.GET[key] for key in ("entry", "lent") if key in request.GET}
    given = form or one.form(request.POST or None, item=found, today=_today(), initial=initial)  # type: ignore[call-arg]
    return form_page(
        request,
        given,
        heading=str(one.heading),
        word=str(one.word),
        back=reverse("workbench:entry-item", args=[pk]),
        parent=found.name,
        lead=str(one.lead),
        refused=refused,
    )


@staff_page("powers.enter", "powers.delegate")
@require_http_methods(OPENS)
def act(request: StaffRequest, pk: UUID, name: str) -> HttpResponse:
    return _do(request, pk, name) if request.method == "POST" else _act_page(request, pk, name)


@keyed("powers.item_act", stay=_act_page)
def _do(request: StaffRequest, pk: UUID, name: str) -> Done:
    one, found, at = _act(name), _item(request, pk), timezone.now()
    form = one.form(request.POST, item=found, today=localdate(at))  # type: ignore[call-arg]
    if not form.is_valid():
        raise Stay(form=form)
    one.do(found, dict(form.cleaned_data), {"by": request.staff, "at": at})
    return Done(reverse("workbench:entry-item", args=[pk]), str(one.done))


# Delegations


class LettersForm(forms.Form):
    STATES = (
        ("", gettext_lazy("不限")),
        (Validity.ENDING.value, gettext_lazy("快到期")),
        (Validity.VALID.value, gettext_lazy("有效")),
        (Validity.COMING.value, gettext_lazy("还没生效")),
        (Validity.ENDED.value, gettext_lazy("已到期")),
        (Validity.REVOKED.value, gettext_lazy("已撤销")),
    )
    q = forms.CharField(label=gettext_lazy("找授权"), max_length=60, required=False)
    state = forms.ChoiceField(label=gettext_lazy("状态"), choices=STATES, required=False)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": "%s"} | kwargs))
        self.fields["department"] = department_field(region, gettext_lazy("部门"))


@staff_page("powers.view")
@require_safe
def delegations(request: StaffRequest) -> HttpResponse:
    region, today = request.staff.region_id, _today()
    form = LettersForm(request.GET, region=region)
    form.is_valid()
    said = form.cleaned_data
    organ = said.get("department")
    rows = queries.delegations(
        region,
        today,
        text=str(said.get("q") or "").replace("\x00", ""),
        department=organ.pk if organ else None,
        state=said.get("state") or "",
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    days = queries.warning_days(region, today)
    context = {
        "form": form,
        "page": page,
        "letters": letters(page.object_list, today, days),
        "days": days,
        "is_narrowed": any(said.values()),
    }
    return render(request, "workbench/entry/delegations.html", context)


# A unit moves in


class MoveInForm(forms.Form):
    on = day_field(gettext_lazy("从哪天起"))

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        centers = _centers(region)
        self.fields["center"] = forms.ModelChoiceField(
            label=_("进驻哪个中心"),
            queryset=centers,
            empty_label=None,
            initial=centers.first(),
            **required(_("请选中心。")),
        )
        self.order_fields(["center"])


def _unit(request: StaffRequest, pk: UUID) -> Department:
    return get_object_or_404(Department, pk=pk, region_id=request.staff.region_id)


def _move_page(request: StaffRequest, pk: UUID, *, form: forms.Form | None = None, refused: str = "") -> HttpResponse:
    unit = _unit(request, pk)
    given = form or MoveInForm(request.POST or None, region=unit.region_id, initial={"on": _today()})
    return form_page(
        request,
        given,
        heading=_("%(name)s整体进驻") % {"name": unit.name},
        word=_("整体进驻"),
        back=reverse("workbench:entry"),
        parent=_("进驻"),
        lead=_("先把授权签到位：每个要进驻的事项都要有写明受理和决定的授权书。"),
        refused=refused,
    )


@staff_page("powers.enter")
@require_http_methods(OPENS)
def move_in(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _move(request, pk) if request.method == "POST" else _move_page(request, pk)


@keyed("powers.move_in", stay=_move_page)
def _move(request: StaffRequest, pk: UUID) -> Done:
    unit = _unit(request, pk)
    form = MoveInForm(request.POST, region=unit.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    at: datetime = timezone.now()
    done = actions.move_in(unit, form.cleaned_data["center"], on=form.cleaned_data["on"], by=request.staff, at=at)
    return Done(reverse("workbench:entry"), _("%(name)s进驻了。") % {"name": done.name})


urlpatterns = [
    path("entry", overview, name="entry"),
    path("entry/items", items, name="entry-items"),
    path("entry/items/<uuid:pk>", item, name="entry-item"),
    path("entry/items/<uuid:pk>/<slug:name>", act, name="entry-act"),
    path("entry/delegations", delegations, name="entry-delegations"),
    path("entry/units/<uuid:pk>/move-in", move_in, name="entry-move-in"),
]
