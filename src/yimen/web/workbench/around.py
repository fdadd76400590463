"""People around cases: what comes first, guidance before applying, teams, experts, and done as written or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.cases import actions, queries
from yimen.cases.models import Case, CaseTeam, Expert, PriorityGrant
from yimen.cases.rules.conformity import Kind
from yimen.catalog.models import ServiceItem
from yimen.hall import actions as hall
from yimen.hall.models import Ticket
from yimen.people import access
from yimen.people.models import ServiceCenter, Staff
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts, sheets
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

PAGE = 20
MONTHS = timedelta(days=400)
KINDS = {
    Kind.SKIPPED: gettext_lazy("漏办"),
    Kind.ORDER: gettext_lazy("颠倒了先后"),
    Kind.LATE: gettext_lazy("超过这一步的时限"),
    Kind.BACK: gettext_lazy("退回重办"),
    Kind.POST: gettext_lazy("由别的岗位办"),
}
PRIORITY = ("cases.ask_priority", "cases.prioritize")
GUIDING = ("cases.guide", "insight.view")
ADVISING = ("cases.ask_expert", "cases.experts")
COMPARING = ("cases.view",)


# -- a page with one form ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """
    A page with one form for one act. act: the key's name; do(case, values, by, at) returns where to go and what to
    say; case is None for pages that belong to no case. parent, back: the list above, for those.
    """

    act: str
    permission: str
    form: type[forms.Form]
    heading: str | Promise
    word: str | Promise
    lead: str | Promise
    do: Callable[[StaffRequest, Case | None, dict[str, Any]], Done]
    parent: str | Promise = ""
    back: str = ""

    def view(self) -> Callable[..., HttpResponse]:
        def show(
            request: StaffRequest, number: str = "", *, form: forms.Form | None = None, refused: str = ""
        ) -> HttpResponse:
            case = acts.case_of(request, number) if number else None
            back = reverse("workbench:case", args=[case.query_no]) if case else reverse(self.back)
            return form_page(
                request,
                form or self._form(request, case),
                heading=str(self.heading),
                word=str(self.word),
                lead=str(self.lead),
                back=back,
                parent=case.query_no if case else str(self.parent),
                refused=refused,
            )

        def do(request: StaffRequest, number: str = "") -> Done:
            case = acts.case_of(request, number) if number else None
            form = self._form(request, case)
            if not form.is_valid():
                raise Stay(form=form)
            return self.do(request, case, form.cleaned_data)

        post = keyed(self.act, stay=show)(do)

        def page(request: StaffRequest, number: str = "") -> HttpResponse:
            given = (number,) if number else ()
            return post(request, *given) if request.method == "POST" else show(request, *given)

        return staff_page(self.permission)(require_http_methods(["GET", "HEAD", "POST"])(page))

    def _form(self, request: StaffRequest, case: Case | None) -> forms.Form:
        form = self.form(request.POST if request.method == "POST" else None)
        if isinstance(form, ForCase):
            form.begin(request.staff, case)
        return form


class ForCase(forms.Form):
    """A form that offers something of the reader or of the case."""

    def begin(self, staff: Staff, case: Case | None) -> None:
        raise NotImplementedError


def person_of(region: str, number: str) -> Staff:
    """Return the colleague with this service number; Stay says on the form that there is none."""
    found = Staff.objects.select_related("user").filter(region_id=region, number=number.strip()).first()
    if found is None:
        raise Stay(refused=_("没有工号是 %(number)s 的人，请核对工号。") % {"number": number.strip()[:20]})
    return found


def _pages(request: StaffRequest, rows: Any) -> Any:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


# -- priority ---------------------------------------------------------------------------------------------------------


def priority_page(request: StaffRequest, *args: Any, refused: str = "", **kwargs: Any) -> HttpResponse:
    """What waits for a yes or no, and what was answered; also after a POST that stays here."""
    region = request.staff.region_id
    page = _pages(request, queries.priorities(region).exclude(approved_at=None, refused_at=None))
    waiting = list(queries.priorities_waiting(region)[:100])
    tickets = {grant.ticket for grant in [*waiting, *page] if grant.ticket}
    labels: dict[UUID | None, str] = dict(
        Ticket.objects.filter(region_id=region, pk__in=tickets).values_list("pk", "label")
    )
    context = {
        "page": page,
        "done": [(grant, labels.get(grant.ticket, "")) for grant in page],
        "running": set(
            Ticket.objects.filter(region_id=region, status=Ticket.Status.WAITING, grant__in=list(page)).values_list(
                "grant", flat=True
            )
        ),
        "waiting": [(grant, labels.get(grant.ticket, ""), grant.asked_by_id == request.staff.pk) for grant in waiting],
        "may_answer": access.allowed(request.staff, "cases.prioritize"),
        "may_ask": access.allowed(request.staff, "cases.ask_priority"),
        "may_open": access.allowed(request.staff, "cases.view"),
        "kinds": PriorityGrant.Kind.choices,
        "reasons": PriorityGrant.Reason.choices,
        "typed": request.POST if request.method == "POST" else {},
        "refused": refused,
    }
    return render(request, "workbench/around/priority.html", context)


@staff_page(*PRIORITY)
@require_safe
def priorities(request: StaffRequest) -> HttpResponse:
    return priority_page(request)


@staff_page("cases.ask_priority")
@require_POST
@keyed("hall.ask_priority", stay=priority_page)
def ask_for_ticket(request: StaffRequest) -> Done:
    """For somebody with a number of today, before there is a case."""
    label, at = posted_text(request, "label").strip().upper(), timezone.now()
    waiting = (Ticket.Status.WAITING, Ticket.Status.CALLED, Ticket.Status.SERVING)
    tickets = Ticket.objects.filter(
        region_id=request.staff.region_id, day=localdate(at), label=label, status__in=waiting
    )
    if request.staff.center_id:
        tickets = tickets.filter(hall__center=request.staff.center_id)
    ticket = tickets.order_by("taken_at").first()
    if ticket is None:
        raise Stay(refused=_("今天在等的号里没有这个，请看他的小票，例如 A027。"))
    actions.ask_priority(
        posted_text(request, "kind"),
        posted_text(request, "reason"),
        ticket=ticket.pk,
        note=posted_text(request, "note"),
        by=request.staff,
        at=at,
    )
    return Done(reverse("workbench:priorities"), _("报上去了，等负责人或者大厅管理员批。"))


@staff_page("cases.prioritize")
@require_POST
@keyed("cases.answer_priority", stay=priority_page)
def answer_priority(request: StaffRequest, grant_id: UUID) -> Done:
    if not queries.priorities(request.staff.region_id).filter(pk=grant_id).exists():
        raise Http404
    yes, at = posted_text(request, "answered") == "yes", timezone.now()
    grant = actions.answer_priority(
        grant_id, is_granted=yes, answer=posted_text(request, "answer"), by=request.staff, at=at
    )
    if yes and grant.ticket:
        hall.prioritize(grant.pk, by=request.staff, at=at)
    return Done(reverse("workbench:priorities"), _("批准了，排到前面。") if yes else _("没有批准，理由记下了。"))


@staff_page("cases.prioritize")
@require_POST
@keyed("hall.end_priority", stay=priority_page)
def end_priority(request: StaffRequest, grant_id: UUID) -> Done:
    """Only for a ticket: a case's priority ends with the case."""
    ticket = Ticket.objects.filter(region_id=request.staff.region_id, grant=grant_id).first()
    if ticket is None:
        raise Http404
    hall.end_priority(ticket.pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:priorities"), _("%(label)s 不再优先，照取号的时间排。") % {"label": ticket.label})


# -- guidance ---------------------------------------------------------------------------------------------------------


class _Items(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class GuidanceForm(ForCase):
    item = _Items(
        label=gettext_lazy("想办什么"),
        queryset=ServiceItem.objects.none(),
        empty_label=gettext_lazy("请选择"),
        **required(gettext_lazy("请选择想办的事项。")),
    )
    who = forms.CharField(
        label=gettext_lazy("辅导了谁"),
        max_length=120,
        help_text=gettext_lazy("店名或者企业名；还没有名字的，写他怎么称呼。"),
        **required(gettext_lazy("请写辅导了谁。")),
    )
    advice = forms.CharField(
        label=gettext_lazy("讲了什么、还要做什么"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        **required(gettext_lazy("请写讲了什么。")),
    )
    is_on_site = forms.BooleanField(label=gettext_lazy("上门去看了现场"), required=False)

    def begin(self, staff: Staff, case: Case | None) -> None:
        items = ServiceItem.objects.filter(region_id=staff.region_id).exclude(published=None)
        self.fields["item"].queryset = items.order_by("name")  # type: ignore[attr-defined]


def _guide(request: StaffRequest, _case: Case | None, values: dict[str, Any]) -> Done:
    staff = request.staff
    center = staff.center or ServiceCenter.objects.filter(region_id=staff.region_id).order_by("code").first()
    if center is None:
        raise Stay(refused=_("这个地区还没有政务服务中心，请管理员先设好。"))
    actions.note_guidance(values.pop("item"), **values, center=center, by=staff, at=timezone.now())
    return Done(reverse("workbench:guidances"), _("辅导记下了。没有收件，时限没有开始算，也不收费。"))


@staff_page(*GUIDING)
@require_safe
def guidances(request: StaffRequest) -> HttpResponse:
    region, today = request.staff.region_id, localdate(timezone.now())
    context = {
        "page": _pages(request, queries.guidances(region)),
        "months": queries.guided_months(region, since=today - MONTHS, until=today),
        "may_note": access.allowed(request.staff, "cases.guide"),
        "may_open": access.allowed(request.staff, "cases.view"),
    }
    return render(request, "workbench/around/guidances.html", context)


@staff_page(*GUIDING)
@require_POST
def guidances_export(request: StaffRequest) -> HttpResponse:
    region, today = request.staff.region_id, localdate(timezone.now())
    heads = [_("日期"), _("事项"), _("辅导对象"), _("上门"), _("辅导人工号"), _("后来的办件"), _("收费（元）")]
    rows = (
        [
            localdate(one.at).isoformat(),
            one.item.name,
            one.who,
            _("是") if one.is_on_site else "",
            one.by.number,
            one.case.query_no if one.case else "",
            one.fee,
        ]
        for one in queries.guidances(region, since=today - MONTHS, until=today)[:5000]
    )
    return sheets.download(request, "guidance", _("办前辅导"), heads, rows, day=today)


# -- teams ------------------------------------------------------------------------------------------------------------


def team_page(request: StaffRequest, *args: Any, refused: str = "", **kwargs: Any) -> HttpResponse:
    context = {
        "page": _pages(request, queries.teams(request.staff.region_id)),
        "may_change": access.allowed(request.staff, "cases.team"),
        "refused": refused,
    }
    return render(request, "workbench/around/teams.html", context)


@staff_page("cases.view")
@require_safe
def teams(request: StaffRequest) -> HttpResponse:
    return team_page(request)


@staff_page("cases.team")
@require_POST
@keyed("cases.change_team", stay=team_page)
def change_team(request: StaffRequest, team_id: UUID) -> Done:
    """Join, leave, follow one more case or end, as the button says."""
    region, by, at = request.staff.region_id, request.staff, timezone.now()
    team = CaseTeam.objects.filter(region_id=region, pk=team_id).first()
    if team is None:
        raise Http404
    match posted_text(request, "what"):
        case "join":
            person = person_of(region, posted_text(request, "number"))
            actions.join_team(team.pk, person, posted_text(request, "duty"), by=by, at=at)
        case "leave":
            member = posted_id(request, "member")
            if not team.members.filter(pk=member).exists():
                raise Http404
            actions.leave_team(member, by=by, at=at)
        case "follow":
            found = queries.get_case_for(by, posted_text(request, "case"))
            if found is None:
                raise Stay(refused=_("没有这个编号的办件，请核对。"))
            actions.follow_case(team.pk, found.pk, by=by, at=at)
        case "end":
            actions.end_team(team.pk, by=by, at=at)
        case _other:
            raise Http404
    return Done(reverse("workbench:teams"), _("%(name)s改好了。") % {"name": team.name})


# -- experts ----------------------------------------------------------------------------------------------------------


class ExpertForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("姓名"), max_length=60, **required(gettext_lazy("请写姓名。")))
    organisation = forms.CharField(label=gettext_lazy("单位"), max_length=120, **required(gettext_lazy("请写单位。")))
    fields_known = forms.CharField(
        label=gettext_lazy("擅长什么"),
        max_length=200,
        help_text=gettext_lazy("用顿号或空格隔开，例如 消防、排烟；请专家时按这些词推荐。"),
        **required(gettext_lazy("请写擅长什么。")),
    )
    contact = forms.CharField(label=gettext_lazy("办公电话"), max_length=80, required=False)


def _add_expert(request: StaffRequest, _case: Case | None, values: dict[str, Any]) -> Done:
    words = values.pop("fields_known").replace("、", " ").replace("，", " ").split()
    actions.add_expert(**values, fields=words, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:experts"), _("专家入库了。"))


def expert_page(request: StaffRequest, *args: Any, refused: str = "", **kwargs: Any) -> HttpResponse:
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:40]
    context = {
        "page": _pages(request, queries.experts(request.staff.region_id, text=asked)),
        "asked": asked,
        "may_change": access.allowed(request.staff, "cases.experts"),
        "refused": refused,
    }
    return render(request, "workbench/around/experts.html", context)


@staff_page(*ADVISING)
@require_safe
def experts(request: StaffRequest) -> HttpResponse:
    return expert_page(request)


@staff_page("cases.experts")
@require_POST
@keyed("cases.retire_expert", stay=expert_page)
def retire_expert(request: StaffRequest, expert_id: UUID) -> Done:
    if not Expert.objects.filter(region_id=request.staff.region_id, pk=expert_id).exists():
        raise Http404
    actions.retire_expert(expert_id, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:experts"), _("这位专家出库了，以前的意见都留着。"))


# -- conformity -------------------------------------------------------------------------------------------------------


def told(found: Any) -> list[tuple[str, str, str]]:
    """Return each deviation as (step, chip, sentence) of a queries.people.Deviating."""
    rows = []
    for one in found.found:
        values = {"n": one.days, "round": one.round, "other": found.steps.get(one.other, one.other)}
        sentence = {
            Kind.SKIPPED: _("流程里有这一步，没有办就办结了。"),
            Kind.ORDER: _("“%(other)s”还没办完就办了这一步。"),
            Kind.LATE: _("比这一步的时限晚了 %(n)s 天。"),
            Kind.BACK: _("第 %(round)s 次办，前面的被退回了。"),
            Kind.POST: _("是“%(other)s”办的，流程写的是别的岗位。"),
        }[one.kind] % values
        rows.append((found.steps.get(one.key, one.key), str(KINDS[one.kind]), sentence))
    return rows


@staff_page(*COMPARING)
@require_safe
def conformity(request: StaffRequest) -> HttpResponse:
    today = localdate(timezone.now())
    since = _day(request.GET.get("start", "")) or today - timedelta(days=30)
    until = _day(request.GET.get("end", "")) or today
    items = queries.conformity_by_item(request.staff, since=since, until=until, today=today)
    page = _pages(request, items)
    context = {
        "start": since,
        "end": until,
        "page": page,
        "compared": sum(item.compared for item in items),
        "deviating": sum(len(item.cases) for item in items),
        "rows": [
            (
                item,
                [(KINDS[kind], n) for kind, n in item.kinds.most_common()],
                [(one.case, told(one)) for one in item.cases[:PAGE]],
            )
            for item in page
        ],
    }
    return render(request, "workbench/around/conformity.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


NEW_GUIDANCE = Sheet(
    "guidance.note",
    "cases.guide",
    GuidanceForm,
    gettext_lazy("记一次办前辅导"),
    gettext_lazy("记下"),
    gettext_lazy("申请以前来问、请人上门看的，都记在这里。不算收件，不开始算时限，永远不收费。"),
    _guide,
    gettext_lazy("办前辅导"),
    "workbench:guidances",
)
NEW_EXPERT = Sheet(
    "cases.add_expert",
    "cases.experts",
    ExpertForm,
    gettext_lazy("专家入库"),
    gettext_lazy("入库"),
    gettext_lazy("请的是意见，决定还是我们作。"),
    _add_expert,
    gettext_lazy("专家库"),
    "workbench:experts",
)

urlpatterns = [
    path("priority", priorities, name="priorities"),
    path("priority/ticket", ask_for_ticket, name="priority-ticket"),
    path("priority/<uuid:grant_id>", answer_priority, name="priority-answer"),
    path("priority/<uuid:grant_id>/end", end_priority, name="priority-end"),
    path("guidance", guidances, name="guidances"),
    path("guidance/new", NEW_GUIDANCE.view(), name="guidance-new"),
    path("guidance/export", guidances_export, name="guidances-export"),
    path("teams", teams, name="teams"),
    path("teams/<uuid:team_id>", change_team, name="team-change"),
    path("experts", experts, name="experts"),
    path("experts/new", NEW_EXPERT.view(), name="expert-new"),
    path("experts/<uuid:expert_id>/retire", retire_expert, name="expert-retire"),
    path("conformity", conformity, name="conformity"),
]
