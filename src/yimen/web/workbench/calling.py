"""How a hall calls: its policy with a preview, daily limits, skills; and the history of one ticket."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog.models import ServiceItem
from yimen.hall import actions, queries, rules
from yimen.hall.actions.policies import NUMBERS
from yimen.hall.models import Hall, OpeningTime, Series, Skill, StaffSkill, Ticket
from yimen.hall.rules.opening import spans_of
from yimen.people.models import Staff
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

OPENS = ["GET", "HEAD", "POST"]
SHOWN = 40


def _number(name: str, label: Any, help_text: Any = "") -> forms.IntegerField:
    least, most = NUMBERS[name]
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        help_text=help_text,
        error_messages={
            "required": gettext_lazy("请填一个数。"),
            "invalid": gettext_lazy("请填一个数。"),
            "min_value": gettext_lazy("请填 %(limit_value)s 以上的数。"),
            "max_value": gettext_lazy("请填 %(limit_value)s 以下的数。"),
        },
    )


class PolicyForm(forms.Form):
    policy = forms.ChoiceField(
        label=gettext_lazy("怎么叫号"),
        choices=Hall.Policy.choices,
        help_text=gettext_lazy("先来先叫：只看时间，谁也不插队。按比例穿插：优先的先叫，叫一位优先的，接着叫几位普通的。"
                               "按等候时间折算：优先的当作多等了几分钟。"),
    )  # fmt: skip
    ratio = _number("ratio", gettext_lazy("叫一位优先的，接着叫几位普通的"), gettext_lazy("0 是优先的总是先叫。"))
    ageing_minutes = _number("ageing_minutes", gettext_lazy("优先的当作多等了几分钟"))
    cap = _number("cap", gettext_lazy("有普通的在等时，优先的最多连叫几位"), gettext_lazy("保证普通的总能轮到。"))
    care_first = forms.MultipleChoiceField(
        label=gettext_lazy("哪些人优先"),
        choices=Ticket.Care.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    calls_by_itself = forms.BooleanField(label=gettext_lazy("窗口一空就自动叫下一位"), required=False)
    keeps_hours = forms.BooleanField(label=gettext_lazy("只在开放时间前后能签到"), required=False)
    margin_minutes = _number("margin_minutes", gettext_lazy("开门前、关门后几分钟内能签到"))
    wait_limit = _number("wait_limit", gettext_lazy("等多少分钟算太久"), gettext_lazy("窗口的灯和预警照它算。"))
    join_code = forms.CharField(
        label=gettext_lazy("手机取号的门口码"),
        max_length=8,
        required=False,
        help_text=gettext_lazy("贴在大厅门口，空着就不能凭码在手机上取号。"),
    )


def _hall(request: StaffRequest, hall_id: UUID) -> Hall:
    hall = next((one for one in queries.halls_for(request.staff) if one.pk == hall_id), None)
    if hall is None:
        raise Http404
    return hall


def _policy_page(
    request: StaffRequest, hall_id: UUID, *, form: PolicyForm | None = None, refused: str = ""
) -> HttpResponse:
    hall = _hall(request, hall_id)
    saved = {name: getattr(hall, name) for name in PolicyForm.base_fields}
    tries = request.method != "POST" and "policy" in request.GET
    form = form or PolicyForm(request.POST or (request.GET if tries else None), initial=saved)
    wanted = form.cleaned_data if form.is_bound and form.is_valid() else saved
    policy = rules.Policy(wanted["policy"], wanted["ratio"], wanted["ageing_minutes"], wanted["cap"])
    now = timezone.now()
    turns = queries.order_of_today(hall, now, policy, care_first=wanted["care_first"])
    before = {turn.ticket.pk: place for place, turn in enumerate(queries.order_of_today(hall, now), 1)}
    context = {
        "hall": hall,
        "form": form,
        "tries": tries,
        "turns": [(place, turn, before.get(turn.ticket.pk, 0) - place) for place, turn in enumerate(turns[:SHOWN], 1)],
        "more": max(0, len(turns) - SHOWN),
        "changed": policy != rules.policy_of(hall) or set(wanted["care_first"]) != set(hall.care_first),
        "refused": refused,
    }
    return render(request, "workbench/hall/calling.html", context)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def policy(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    """How a hall calls; a GET with other values shows what they would do with today's queue (nothing is saved)."""
    return _set_policy(request, hall_id) if request.method == "POST" else _policy_page(request, hall_id)


@keyed("hall.set_policy", stay=_policy_page)
def _set_policy(request: StaffRequest, hall_id: UUID) -> Done:
    hall, form = _hall(request, hall_id), PolicyForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    actions.set_policy(hall.pk, by=request.staff, at=timezone.now(), **form.cleaned_data)
    message = _("%(hall)s的叫号办法存好了，下一次叫号就照它。") % {"hall": hall.name}
    return Done(reverse("workbench:hall-calling", args=[hall.pk]), message)


class SpansField(forms.CharField):
    """Hours as people type them; [] for nothing."""

    def clean(self, value: Any) -> Any:
        try:
            return spans_of(super().clean(value))
        except ValueError:
            raise forms.ValidationError(_("请照这样填：9:00-12:00 14:00-17:00；不开门就空着。")) from None


class HoursForm(forms.Form):
    """A field for each weekday, one for late service on weekdays and one on weekends; and one single day."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for weekday, name in WEEKDAYS.items():
            self.fields[f"day{weekday}"] = SpansField(label=name, max_length=80, required=False)
            self.fields[f"late{weekday}"] = SpansField(
                label=_("%(day)s延时服务") % {"day": name}, max_length=80, required=False
            )


WEEKDAYS = {
    1: gettext_lazy("周一"),
    2: gettext_lazy("周二"),
    3: gettext_lazy("周三"),
    4: gettext_lazy("周四"),
    5: gettext_lazy("周五"),
    6: gettext_lazy("周六"),
    7: gettext_lazy("周日"),
}


def _hours_form(
    request: StaffRequest, hall_id: UUID, *, form: HoursForm | None = None, refused: str = ""
) -> HttpResponse:
    hall = _hall(request, hall_id)
    day = timezone.localdate()
    rows = OpeningTime.objects.filter(hall=hall, window=None, weekday__isnull=False, valid_from__lte=day)
    initial: dict[str, str] = {}
    for row in rows.filter(Q(valid_until=None) | Q(valid_until__gte=day)).order_by("opens"):
        name = f"{'late' if row.kind == OpeningTime.Kind.EXTENDED else 'day'}{row.weekday}"
        initial[name] = f"{initial.get(name, '')} {row.opens:%H:%M}-{row.closes:%H:%M}".strip()
    return form_page(
        request,
        form or HoursForm(request.POST or None, initial=initial),
        heading=_("%(hall)s什么时候开门") % {"hall": hall.name},
        word=_("从今天起这样开"),
        back=reverse("workbench:hall"),
        parent=_("大厅"),
        lead=_("例如 9:00-12:00 14:00-17:00；不开门就空着。法定节假日照日历不开；延时服务在周末照常，节假日不开。"),
        refused=refused,
    )


@staff_page("hall.manage")
@require_http_methods(OPENS)
def hours(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _set_hours(request, hall_id) if request.method == "POST" else _hours_form(request, hall_id)


@keyed("hall.set_hours", stay=_hours_form)
def _set_hours(request: StaffRequest, hall_id: UUID) -> Done:
    hall, form = _hall(request, hall_id), HoursForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    said = form.cleaned_data
    week = {weekday: said[f"day{weekday}"] for weekday in WEEKDAYS if said[f"day{weekday}"]}
    late = {weekday: said[f"late{weekday}"] for weekday in WEEKDAYS if said[f"late{weekday}"]}
    actions.set_week(hall.pk, week, extended=late, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:hall"), _("%(hall)s的开放时间存好了。") % {"hall": hall.name})


class LimitsForm(forms.Form):
    daily_cap = forms.IntegerField(
        label=gettext_lazy("一天最多给多少个号"), min_value=1, max_value=9999, required=False,
        help_text=gettext_lazy("空着就不限。"),
    )  # fmt: skip
    warning_at = forms.IntegerField(
        label=gettext_lazy("给到第几个号起告诉大家快没了"), min_value=1, max_value=9999, required=False
    )
    surge_at = forms.IntegerField(label=gettext_lazy("多少人在等就预警"), min_value=1, max_value=999)


def _series(request: StaffRequest, pk: UUID) -> Series:
    return get_object_or_404(
        Series.objects.select_related("hall"), pk=pk, hall__in=[hall.pk for hall in queries.halls_for(request.staff)]
    )


def _limits_form(request: StaffRequest, pk: UUID, *, form: LimitsForm | None = None, refused: str = "") -> HttpResponse:
    series = _series(request, pk)
    given = queries.given_today(series.hall, timezone.now())[series.pk]
    return form_page(
        request,
        form or LimitsForm(request.POST or None, initial={n: getattr(series, n) for n in LimitsForm.base_fields}),
        heading=_("%(name)s一天给多少号") % {"name": series.name},
        word=_("存下"),
        back=reverse("workbench:hall"),
        parent=_("大厅"),
        lead=_("今天已经给了 %(n)s 个。取完了就不再给，已经取了的照常叫完。") % {"n": given.given},
        refused=refused,
    )


@staff_page("hall.manage")
@require_http_methods(OPENS)
def limits(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _set_limits(request, pk) if request.method == "POST" else _limits_form(request, pk)


@keyed("hall.set_limits", stay=_limits_form)
def _set_limits(request: StaffRequest, pk: UUID) -> Done:
    series, form = _series(request, pk), LimitsForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    actions.set_limits(series.pk, by=request.staff, at=timezone.now(), **form.cleaned_data)
    return Done(reverse("workbench:hall"), _("%(name)s的数存好了。") % {"name": series.name})


class _Items(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class SkillForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("专长的名称"), max_length=40, **required(gettext_lazy("请写专长的名称。"))
    )
    items = _Items(
        label=gettext_lazy("哪些事项要这项专长"),
        queryset=ServiceItem.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        **required(gettext_lazy("请至少选一件事项。")),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        items = ServiceItem.objects.filter(region_id=region, published__isnull=False).order_by("name")
        self.fields["items"].queryset = items  # type: ignore[attr-defined]


def _skills_page(request: StaffRequest, *args: Any, refused: str = "") -> HttpResponse:
    region, day = request.staff.region_id, timezone.localdate()
    held = StaffSkill.objects.filter(region_id=region, until_day=None).select_related("staff").order_by("staff__name")
    by_skill: dict[UUID, list[StaffSkill]] = {}
    for one in held:
        by_skill.setdefault(one.skill_id, []).append(one)
    skills = Skill.objects.filter(region_id=region).prefetch_related("items")
    context = {
        "rows": [(skill, list(skill.items.all()), by_skill.get(skill.pk, [])) for skill in skills],
        "day": day,
        "refused": refused,
    }
    return render(request, "workbench/hall/skills.html", context)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def skills(request: StaffRequest) -> HttpResponse:
    """Who holds which skill; a POST gives one (number of the person) or ends one."""
    return _hold_skill(request) if request.method == "POST" else _skills_page(request)


@keyed("hall.hold_skill", stay=_skills_page)
def _hold_skill(request: StaffRequest) -> Done:
    region, at = request.staff.region_id, timezone.now()
    if "end" in request.POST:
        held = get_object_or_404(StaffSkill, pk=posted_id(request, "end"), region_id=region)
        actions.end_skill(held.pk, by=request.staff, at=at)
        return Done(reverse("workbench:skills"), _("记下了，从今天起不算。"))
    skill = get_object_or_404(Skill, pk=posted_id(request, "skill"), region_id=region)
    number = posted_text(request, "number").strip()
    staff = Staff.objects.filter(region_id=region, number=number).first()
    if staff is None:
        raise Stay(refused=_("没有这个工号，请核对。"))
    actions.give_skill(skill.pk, staff, by=request.staff, at=at)
    values = {"name": staff.name, "skill": skill.name}
    return Done(reverse("workbench:skills"), _("%(name)s有“%(skill)s”了。") % values)


def _skill_form(
    request: StaffRequest, pk: UUID | None = None, *, form: SkillForm | None = None, refused: str = ""
) -> HttpResponse:
    region = request.staff.region_id
    known = get_object_or_404(Skill, pk=pk, region_id=region) if pk else None
    initial = {"name": known.name, "items": known.items.all()} if known else {}
    return form_page(
        request,
        form or SkillForm(request.POST or None, region=region, initial=initial),
        heading=_("改一项专长") if known else _("加一项专长"),
        word=_("存下"),
        back=reverse("workbench:skills"),
        parent=_("专长"),
        lead=_("取这些事项的号，只由有这项专长的人来叫。"),
        refused=refused,
    )


@staff_page("hall.manage")
@require_http_methods(OPENS)
def skill(request: StaffRequest, pk: UUID | None = None) -> HttpResponse:
    return _set_skill(request, pk) if request.method == "POST" else _skill_form(request, pk)


@keyed("hall.set_skill", stay=_skill_form)
def _set_skill(request: StaffRequest, pk: UUID | None = None) -> Done:
    form = SkillForm(request.POST, region=request.staff.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    said = form.cleaned_data
    found = actions.set_skill(
        request.staff.region, said["name"], said["items"], by=request.staff, at=timezone.now(), skill_id=pk
    )
    return Done(reverse("workbench:skills"), _("“%(name)s”存好了。") % {"name": found.name})


KINDS = {
    "hall.taken": gettext_lazy("取号"),
    "hall.called": gettext_lazy("叫号"),
    "hall.chosen": gettext_lazy("叫指定号"),
    "hall.called_back": gettext_lazy("回呼"),
    "hall.recalled": gettext_lazy("重呼"),
    "hall.started": gettext_lazy("开始办"),
    "hall.finished": gettext_lazy("办完"),
    "hall.passed": gettext_lazy("过号"),
    "hall.held": gettext_lazy("挂起"),
    "hall.transferred": gettext_lazy("转移"),
    "hall.released": gettext_lazy("窗口没人了，回到队里"),
    "hall.put_back": gettext_lazy("重新排队"),
    "hall.put_off": gettext_lazy("往后让了几位"),
    "hall.left": gettext_lazy("取消"),
    "hall.care_given": gettext_lazy("记下要照顾"),
    "hall.linked": gettext_lazy("收件"),
    "hall.prioritized": gettext_lazy("批准优先"),
    "hall.priority_ended": gettext_lazy("取消优先"),
    "hall.undone": gettext_lazy("撤销上一步"),
}


def _why(step: queries.Step, ticket: Ticket, hall: Hall) -> str:
    """Why, in words; the policy then may have been another, so only what the step itself says."""
    if step.kind in ("hall.called", "hall.chosen", "hall.called_back"):
        pick = {"why": step.data.get("why"), "reason": step.data.get("reason")}
        pick |= {"ratio": hall.ratio, "cap": hall.cap, "minutes": hall.ageing_minutes}
        return queries.reason_of(Ticket(pick=pick, care=ticket.care, grant_id=ticket.grant_id, source=ticket.source))
    if step.kind == "hall.transferred" and step.data.get("to_window"):
        return _("到 %(number)s 号窗口") % {"number": step.data["to_window"]}
    if step.kind == "hall.transferred":
        return _("到 %(series)s 队") % {"series": step.data.get("series")}
    if step.kind == "hall.undone":
        return str(KINDS.get(f"hall.{step.data.get('verb')}", ""))
    return ""


@staff_page("hall.call", "hall.take", "hall.manage")
@require_safe
def ticket(request: StaffRequest, pk: UUID) -> HttpResponse:
    """What has happened to a ticket, step by step, each call with its reason; without names."""
    found = get_object_or_404(Ticket.objects.select_related("series", "hall", "item", "grant"), pk=pk)
    here = found.hall.merged_into_id or found.hall_id
    if here not in {hall.pk for hall in queries.halls_for(request.staff)}:
        raise Http404
    steps = [(step, KINDS.get(step.kind, step.kind), _why(step, found, found.hall)) for step in queries.history(found)]
    context = {"ticket": found, "steps": steps, "first": queries.first_of(found)}
    return render(request, "workbench/hall/ticket.html", context)


urlpatterns = [
    path("hall/<uuid:hall_id>/calling", policy, name="hall-calling"),
    path("hall/<uuid:hall_id>/hours", hours, name="hall-hours"),
    path("hall/series/<uuid:pk>/limits", limits, name="series-limits"),
    path("hall/skills", skills, name="skills"),
    path("hall/skills/new", skill, name="skill-new"),
    path("hall/skills/<uuid:pk>", skill, name="skill"),
    path("tickets/<uuid:pk>", ticket, name="ticket"),
]
