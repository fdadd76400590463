"""号源: plans of slots, campaigns and closures, each with its effect before it is saved. For hall managers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog.models import ServiceItem
from yimen.hall.actions import campaigns, moving, plans
from yimen.hall.models import Campaign, Channel, Closure, Hall, Series, SlotPlan, Window
from yimen.hall.queries import appointments as queries
from yimen.lib.errors import DomainError
from yimen.people.models import Staff
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import required
from yimen.web.workbench.appointments import PAGE, address, hall_of
from yimen.web.workbench.guard import StaffRequest, posted_id, staff_page
from yimen.web.workbench.moving_people import SEEN, PeopleFields, shown

OPENS = ["GET", "HEAD", "POST"]
WEEKDAYS = (
    (1, gettext_lazy("周一")),
    (2, gettext_lazy("周二")),
    (3, gettext_lazy("周三")),
    (4, gettext_lazy("周四")),
    (5, gettext_lazy("周五")),
    (6, gettext_lazy("周六")),
    (7, gettext_lazy("周日")),
)
MOST_ITEMS = 300


def _bad(sentence: Any) -> dict[str, Any]:
    return {
        "error_messages": dict.fromkeys(("required", "invalid", "invalid_choice", "min_value", "max_value"), sentence)
    }


def _day() -> forms.DateInput:
    return forms.DateInput({"type": "date"}, format="%Y-%m-%d")


def _time() -> forms.TimeInput:
    return forms.TimeInput({"type": "time"}, format="%H:%M")


class _Named(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


def _items_of(hall: Hall) -> Any:
    found = ServiceItem.objects.filter(region_id=hall.region_id, published__isnull=False, series__hall=hall)
    pks = list(found.distinct().order_by("name").values_list("pk", flat=True)[:MOST_ITEMS])
    return ServiceItem.objects.filter(pk__in=pks).order_by("name")


class PlanForm(PeopleFields):
    name = forms.CharField(
        label=gettext_lazy("名称"),
        max_length=60,
        help_text=gettext_lazy("例如：婚姻登记，上午。"),
        **required(gettext_lazy("请给号源计划起个名字。")),
    )
    series = forms.ModelChoiceField(
        label=gettext_lazy("到场以后排哪一队"),
        queryset=Series.objects.none(),
        empty_label=None,
        **_bad(gettext_lazy("请选一队。")),
    )
    items = _Named(
        label=gettext_lazy("哪些事项能约"),
        queryset=ServiceItem.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("一个都不选：这一队的事项都能约；选了活动的，照活动的事项。"),
    )
    window = forms.ModelChoiceField(
        label=gettext_lazy("只在哪个窗口"),
        queryset=Window.objects.none(),
        required=False,
        empty_label=gettext_lazy("不限窗口"),
    )
    staff = forms.ModelChoiceField(
        label=gettext_lazy("只约哪一位"),
        queryset=Staff.objects.none(),
        required=False,
        empty_label=gettext_lazy("不限人"),
    )
    campaign = forms.ModelChoiceField(
        label=gettext_lazy("属于哪次集中办理"),
        queryset=Campaign.objects.none(),
        required=False,
        empty_label=gettext_lazy("不属于，平时就有"),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("星期几"),
        choices=WEEKDAYS,
        coerce=int,
        initial=[1, 2, 3, 4, 5],
        widget=forms.CheckboxSelectMultiple,
        **_bad(gettext_lazy("请选星期几放号。")),
    )
    begins = forms.TimeField(
        label=gettext_lazy("从几点"), initial="09:00", widget=_time(), **_bad(gettext_lazy("请填开始的时间。"))
    )
    ends = forms.TimeField(
        label=gettext_lazy("到几点"), initial="12:00", widget=_time(), **_bad(gettext_lazy("请填结束的时间。"))
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("一个时段几分钟"),
        initial=30,
        min_value=5,
        max_value=480,
        **_bad(gettext_lazy("一个时段 5 到 480 分钟。")),
    )
    places = forms.IntegerField(
        label=gettext_lazy("每个时段几个名额"),
        initial=2,
        min_value=1,
        max_value=500,
        **_bad(gettext_lazy("每个时段 1 到 500 个名额。")),
    )
    party = forms.IntegerField(
        label=gettext_lazy("一次最多约几个人"),
        initial=1,
        min_value=1,
        max_value=500,
        **_bad(gettext_lazy("人数是 1 到 500 的整数。")),
    )
    buffer_minutes = forms.IntegerField(
        label=gettext_lazy("开始前几分钟停止预约"),
        initial=30,
        min_value=0,
        max_value=2880,
        **_bad(gettext_lazy("0 到 2880 分钟。")),
    )
    days_ahead = forms.IntegerField(
        label=gettext_lazy("最早提前几天能约"),
        initial=14,
        min_value=0,
        max_value=90,
        **_bad(gettext_lazy("0 到 90 天。")),
    )
    valid_from = forms.DateField(label=gettext_lazy("从哪天起"), widget=_day(), **_bad(gettext_lazy("请选从哪天起。")))
    valid_until = forms.DateField(
        label=gettext_lazy("到哪天止（不填一直有）"),
        required=False,
        widget=_day(),
        **_bad(gettext_lazy("请选到哪天止，或空着。")),
    )
    is_on = forms.BooleanField(label=gettext_lazy("放号（不勾：停用，不再放号）"), required=False, initial=True)

    def __init__(self, *args: Any, hall: Hall, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("people", "why"):
            self.fields[name] = self.fields.pop(name)  # asked last, and of a plan that is there
            if is_new:
                del self.fields[name]
        of: dict[str, Any] = {
            "series": Series.objects.filter(hall=hall),
            "window": Window.objects.filter(hall=hall),
            "staff": Staff.objects.filter(region_id=hall.region_id, center=hall.center, user__is_active=True).order_by(
                "number"
            ),
            "campaign": Campaign.objects.filter(hall=hall, ended_at=None, until_day__gte=localdate()),
            "items": _items_of(hall),
        }
        for name, rows in of.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        self.initial.setdefault("valid_from", localdate())
        for channel in Channel:
            self.fields[f"quota_{channel.value}"] = forms.IntegerField(
                label=_("给“%(channel)s”留几个（不填就共用）") % {"channel": channel.label},
                required=False,
                min_value=0,
                max_value=500,
                **_bad(gettext_lazy("名额是 0 到 500 的整数。")),
            )

    def draft(self) -> plans.PlanDraft:
        said = {name: value for name, value in self.cleaned_data.items() if name not in ("people", "why")}
        quotas = {one.value: said.pop(f"quota_{one.value}") for one in Channel}
        said["quotas"] = {name: count for name, count in quotas.items() if count is not None}
        return plans.PlanDraft(**{**said, "items": list(said["items"])})


def _initial(plan: SlotPlan) -> dict[str, Any]:
    names = [name for name in PlanForm.base_fields if name not in ("items", "people", "why")]
    quotas = {f"quota_{name}": count for name, count in plan.quotas.items()}
    return {name: getattr(plan, name) for name in names} | quotas | {"items": plan.items.all()}


@staff_page("hall.manage")
@require_safe
def every(request: StaffRequest) -> HttpResponse:
    all_halls, hall = hall_of(request)
    names = dict(WEEKDAYS)
    rows = [(plan, [names[n] for n in plan.weekdays]) for plan in queries.plans(hall)]
    values = {"hall": hall, "halls": all_halls, "rows": rows, "channels": dict(Channel.choices)}
    return render(request, "workbench/appointments/plans.html", values)


def _plan(hall: Hall, pk: UUID | None) -> SlotPlan | None:
    if pk is None:
        return None
    found = SlotPlan.objects.select_related("hall", "campaign", "window").filter(hall=hall, pk=pk).first()
    if found is None:
        raise Http404
    return found


@staff_page("hall.manage")
@require_http_methods(OPENS)
def plan(request: StaffRequest, pk: UUID | None = None) -> HttpResponse:
    """A plan, new or there; "look" shows what saving would do, "save" does it."""
    if request.method == "POST" and request.POST.get("do") != "look":
        return _save_plan(request, pk)
    return _plan_page(request, pk)


def _plan_page(
    request: StaffRequest,
    pk: UUID | None = None,
    *,
    form: PlanForm | None = None,
    outcome: moving.Outcome | None = None,
    refused: str = "",
) -> HttpResponse:
    _all, hall = hall_of(request)
    found, effect = _plan(hall, pk), None
    is_look = request.method == "POST" and request.POST.get("do") == "look"
    if form is None:
        initial = _initial(found) if found else {}
        form = PlanForm(request.POST or None, hall=hall, is_new=found is None, initial=initial)
    if (is_look or outcome is not None) and form.is_valid() and found is not None:
        effect = plans.effect_of(found, form.draft(), at=timezone.now())
        try:
            outcome = outcome or _try(request, hall, found, form)
        except DomainError as error:
            effect, refused = None, str(error)
    values: dict[str, object] = {"hall": hall, "plan": found, "form": form, "refused": refused, "effect": effect}
    values["shown"] = shown(outcome) if outcome else None
    return render(request, "workbench/appointments/plan.html", values)


def _try(request: StaffRequest, hall: Hall, found: SlotPlan, form: PlanForm) -> moving.Outcome:
    """What saving would do to people booked."""
    return moving.tried(lambda: _change(request, hall, found, form))[1]


def _change(
    request: StaffRequest, hall: Hall, found: SlotPlan, form: PlanForm, expected: str = ""
) -> tuple[SlotPlan, moving.Outcome]:
    return moving.change_plan(
        hall, found.pk, form.draft(), reason=form.reason(), expected=expected, by=request.staff, at=timezone.now()
    )


@keyed("hall.save_plan", stay=_plan_page)
def _save_plan(request: StaffRequest, pk: UUID | None = None) -> Done:
    _all, hall = hall_of(request)
    found = _plan(hall, pk)
    form = PlanForm(request.POST, hall=hall, is_new=found is None)
    if not form.is_valid():
        raise Stay(form=form)
    here = address("slot-plans", hall)
    if found is None:
        saved = plans.save_plan(hall, form.draft(), by=request.staff, at=timezone.now())
        return Done(here, _("“%(name)s”存好了，号源已经排出来。") % {"name": saved.name})
    seen = request.POST.get(SEEN, "")
    if not seen:
        outcome = _try(request, hall, found, form)
        if outcome.moved or outcome.left:
            raise Stay(form=form, outcome=outcome)
    saved, outcome = _change(request, hall, found, form, seen)
    said = {"name": saved.name, "n": len(outcome.moved)}
    return Done(here, _("“%(name)s”存好了，号源已经排出来，%(n)s 个预约改了时间。") % said)


class CampaignForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("名称"), max_length=60, **required(gettext_lazy("请给活动起个名字。")))
    text = forms.CharField(
        label=gettext_lazy("给群众看的一句话（可以不填）"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )
    from_day = forms.DateField(label=gettext_lazy("从哪天起"), widget=_day(), **_bad(gettext_lazy("请选从哪天起。")))
    until_day = forms.DateField(label=gettext_lazy("到哪天止"), widget=_day(), **_bad(gettext_lazy("请选到哪天止。")))
    items = _Named(
        label=gettext_lazy("集中办哪些事项"),
        queryset=ServiceItem.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        **_bad(gettext_lazy("请选这次集中办理的事项。")),
    )

    def __init__(self, *args: Any, hall: Hall, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["items"].queryset = _items_of(hall)  # type: ignore[attr-defined]


@staff_page("hall.manage")
@require_safe
def seasons(request: StaffRequest) -> HttpResponse:
    all_halls, hall = hall_of(request)
    page = Paginator(queries.campaigns(hall), PAGE).get_page(request.GET.get("page"))
    values = {"hall": hall, "halls": all_halls, "page": page, "today": localdate()}
    return render(request, "workbench/appointments/campaigns.html", values)


def _season(hall: Hall, pk: UUID | None) -> Campaign | None:
    if pk is None:
        return None
    found = Campaign.objects.filter(hall=hall, pk=pk).first()
    if found is None:
        raise Http404
    return found


@staff_page("hall.manage")
@require_http_methods(OPENS)
def season(request: StaffRequest, pk: UUID | None = None) -> HttpResponse:
    return _save_season(request, pk) if request.method == "POST" else _season_page(request, pk)


def _season_page(
    request: StaffRequest, pk: UUID | None = None, *, form: CampaignForm | None = None, refused: str = ""
) -> HttpResponse:
    _all, hall = hall_of(request)
    found = _season(hall, pk)
    initial: dict[str, Any] = {}
    if found is not None:
        initial = {name: getattr(found, name) for name in ("name", "text", "from_day", "until_day")}
        initial["items"] = found.items.all()
    if form is None:
        posted = request.POST if request.method == "POST" else None
        form = CampaignForm(posted, hall=hall, initial=initial)
    values = {"hall": hall, "season": found, "form": form, "refused": refused}
    return render(request, "workbench/appointments/campaign.html", values)


@keyed("hall.save_campaign", stay=_season_page)
def _save_season(request: StaffRequest, pk: UUID | None = None) -> Done:
    _all, hall = hall_of(request)
    found, at = _season(hall, pk), timezone.now()
    if request.POST.get("do") == "end" and found is not None:
        campaigns.end_campaign(found.pk, by=request.staff, at=at)
        return Done(address("campaigns", hall), _("提前结束了，已约的照办。"))
    form = CampaignForm(request.POST, hall=hall)
    if not form.is_valid():
        raise Stay(form=form)
    said = dict(form.cleaned_data)
    saved = campaigns.save_campaign(
        hall, **{**said, "items": list(said["items"])}, campaign_id=pk, by=request.staff, at=at
    )
    return Done(address("campaigns", hall), _("“%(name)s”存好了，接着给它加号源计划。") % {"name": saved.name})


class ClosureForm(forms.Form):
    window = forms.ModelChoiceField(
        label=gettext_lazy("停哪里"),
        queryset=Window.objects.none(),
        required=False,
        empty_label=gettext_lazy("整个大厅"),
    )
    from_day = forms.DateField(label=gettext_lazy("从哪天"), widget=_day(), **_bad(gettext_lazy("请选从哪天。")))
    from_time = forms.TimeField(
        label=gettext_lazy("几点"), initial="00:00", widget=_time(), **_bad(gettext_lazy("请填几点。"))
    )
    until_day = forms.DateField(label=gettext_lazy("到哪天"), widget=_day(), **_bad(gettext_lazy("请选到哪天。")))
    until_time = forms.TimeField(
        label=gettext_lazy("到几点"), initial="23:59", widget=_time(), **_bad(gettext_lazy("请填几点。"))
    )
    reason = forms.CharField(
        label=gettext_lazy("为什么停办（群众看得到）"), max_length=80, **required(gettext_lazy("请写明为什么停办。"))
    )
    moves = forms.BooleanField(
        label=gettext_lazy("能改期的改到下一个空的时间，改不了的取消（不勾：都取消）"), required=False, initial=True
    )

    def __init__(self, *args: Any, hall: Hall, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["window"].queryset = Window.objects.filter(hall=hall)  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        of = self.cleaned_data
        return {
            "window": of["window"],
            "from_at": make_aware(datetime.combine(of["from_day"], of["from_time"])),
            "until_at": make_aware(datetime.combine(of["until_day"], of["until_time"])),
        }


@staff_page("hall.manage")
@require_http_methods(OPENS)
def closures(request: StaffRequest) -> HttpResponse:
    """Closures there are and a new one: "look" lists whom it hits, "save" does it."""
    if request.method == "POST" and request.POST.get("do") != "look":
        return _close(request)
    return _closures(request)


def _closures(
    request: StaffRequest,
    *,
    form: ClosureForm | None = None,
    outcome: moving.Outcome | None = None,
    refused: str = "",
) -> HttpResponse:
    all_halls, hall = hall_of(request)
    is_look = request.method == "POST" and request.POST.get("do") == "look"
    form = form or ClosureForm(request.POST if request.method == "POST" else None, hall=hall)
    if is_look and form.is_valid():
        try:
            outcome = moving.tried(lambda: _do_close(request, hall, form)).outcome
        except DomainError as error:
            refused = str(error)
    page = Paginator(queries.closures(hall, timezone.now()), PAGE).get_page(request.GET.get("page"))
    values = {
        "hall": hall,
        "halls": all_halls,
        "form": form,
        "shown": shown(outcome, left=gettext_lazy("没有别的空时间，会取消并告诉本人")) if outcome else None,
        "page": page,
        "now": timezone.now(),
        "refused": refused,
    }
    return render(request, "workbench/appointments/closures.html", values)


def _do_close(request: StaffRequest, hall: Hall, form: ClosureForm, expected: str = "") -> campaigns.Closed:
    of = form.cleaned_data
    return campaigns.close(
        hall,
        **form.said(),
        reason=of["reason"],
        moves=of["moves"],
        expected=expected,
        by=request.staff,
        at=timezone.now(),
    )


@keyed("hall.close", stay=_closures)
def _close(request: StaffRequest) -> Done:
    _all, hall = hall_of(request)
    form = ClosureForm(request.POST, hall=hall)
    if not form.is_valid():
        raise Stay(form=form)
    seen = request.POST.get(SEEN, "")
    if not seen:
        outcome = moving.tried(lambda: _do_close(request, hall, form)).outcome
        if outcome.moved or outcome.left:
            raise Stay(form=form, outcome=outcome)
    done = _do_close(request, hall, form, seen)
    said = _("停办记下了：%(moved)s 个预约改了期，%(cancelled)s 个取消，都会告诉本人。")
    return Done(address("closures", hall), said % {"moved": done.moved, "cancelled": done.cancelled})


@staff_page("hall.manage")
@require_POST
@keyed("hall.reopen", stay=_closures)
def reopen(request: StaffRequest) -> Done:
    _all, hall = hall_of(request)
    found = Closure.objects.filter(hall=hall, pk=posted_id(request, "closure")).first()
    if found is None:
        raise Http404
    campaigns.reopen(found.pk, by=request.staff, at=timezone.now())
    return Done(address("closures", hall), _("停办收回了，号源又放出来了。"))


urlpatterns = [
    path("slot-plans", every, name="slot-plans"),
    path("slot-plans/new", plan, name="slot-plan-new"),
    path("slot-plans/<uuid:pk>", plan, name="slot-plan"),
    path("campaigns", seasons, name="campaigns"),
    path("campaigns/new", season, name="campaign-new"),
    path("campaigns/<uuid:pk>", season, name="campaign"),
    path("closures", closures, name="closures"),
    path("closures/reopen", reopen, name="closure-reopen"),
]
