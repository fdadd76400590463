"""代办和辅导: who acts for the applicant, what he did, and the help there was before (LAW-24, HALL-9, S4-4)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from yimen.cases import actions, queries
from yimen.cases.models import AgentService, Case, Guidance
from yimen.cases.queries.people import AGENT_ACTS
from yimen.lib import mask
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.adding import required
from yimen.web.workbench.around import ForCase, Sheet, person_of
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("agents", "guidances")


def panel(opened: Opened) -> Panel | None:
    case, agents = opened.case, opened.agents
    guided = list(case.guidances.select_related("by")) if opened.has("guidances") else []
    present = next((one for one in agents if queries.is_acting(one, opened.now)), None)
    may = opened.may("cases.agent") and (case.is_open or case.status == Case.Status.COMPLETED)
    return Panel(
        "agent",
        _("代办和办前辅导"),
        facts="workbench/panels/agent.html" if agents or guided else "",
        acts="workbench/panels/agent_acts.html" if may or opened.may("cases.guide") else "",
        context={
            "case": case,
            "agents": [(one, mask.name(one.name), one is present) for one in agents],
            "present": present,
            "guided": guided,
            "offered": queries.free_guidances(case, case.accepted_at or opened.now)
            if not guided and case.is_open and opened.may("cases.guide")
            else [],
            "may": may,
            "what": AGENT_ACTS.items(),
        },
    )


class AgentForm(ForCase):
    kind = forms.ChoiceField(
        label=gettext_lazy("由谁代办"),
        choices=AgentService.Kind.choices,
        initial=AgentService.Kind.HELPER,
        **required(gettext_lazy("请选择由谁代办。")),
    )
    number = forms.CharField(
        label=gettext_lazy("帮办代办员的工号"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("选帮办代办员时写。"),
    )
    name = forms.CharField(
        label=gettext_lazy("代理人姓名"), max_length=60, required=False, help_text=gettext_lazy("选委托代理人时写。")
    )
    id_number = forms.CharField(label=gettext_lazy("代理人证件号码"), max_length=30, required=False)
    phone = forms.CharField(label=gettext_lazy("代理人手机"), max_length=20, required=False)
    scope = forms.CharField(label=gettext_lazy("代办哪些事"), max_length=200, required=False)
    consent = forms.CharField(
        label=gettext_lazy("申请人怎么同意的"),
        max_length=200,
        help_text=gettext_lazy("例如：授权委托书原件一份；当面签了代办单。"),
        **required(gettext_lazy("请写申请人是怎么同意的，没有同意不能代办。")),
    )
    valid_until = forms.DateField(
        label=gettext_lazy("委托到哪天（含当天）"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def begin(self, staff: Any, case: Case | None) -> None:
        self.fields["number"].initial = staff.number


def _start(request: StaffRequest, case: Case | None, values: dict[str, Any]) -> Done:
    assert case is not None
    number, kind = values.pop("number"), values.pop("kind")
    staff = person_of(case.region_id, number) if kind == AgentService.Kind.HELPER else None
    actions.start_agent(case.pk, kind, **values, staff=staff, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("代办记好了，不收费。以后每一步都写明由谁代办。"))


START = Sheet(
    "cases.start_agent",
    "cases.agent",
    AgentForm,
    gettext_lazy("请人代办这件"),
    gettext_lazy("开始代办"),
    gettext_lazy("代办要申请人同意；帮办代办不收费。申请人随时可以收回。"),
    _start,
)


@staff_page("cases.agent")
@require_POST
@keyed("cases.note_agent_act", stay=acts.stay)
def note(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.note_agent_act(case.pk, posted_text(request, "what"), by=request.staff, at=timezone.now())
    return acts.done(request, case, _("记下了，申请人在进度里看得到。"))


@staff_page("cases.agent")
@require_POST
@keyed("cases.end_agent", stay=acts.stay)
def end(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.end_agent(case.pk, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("代办结束了，以后由申请人自己办。"))


@staff_page("cases.guide")
@require_POST
@keyed("cases.link_guidance", stay=acts.stay)
def link(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    guidance = posted_id(request, "guidance")
    if not Guidance.objects.filter(region_id=case.region_id, pk=guidance).exists():
        return Done(reverse("workbench:case", args=[case.query_no]), _("这次辅导找不到了。"))
    actions.link_guidance(guidance, case.pk, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("连上了，时限照常算。"))


urlpatterns = [
    path("cases/<number:number>/agent/new", START.view(), name="case-agent"),
    path("cases/<number:number>/agent/act", note, name="case-agent-act"),
    path("cases/<number:number>/agent/end", end, name="case-agent-end"),
    path("cases/<number:number>/guidance", link, name="case-guidance"),
]
