"""专班和专家: the team that follows a case, the experts asked and what they advised (S4-1, S4-5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from yimen.cases import actions, queries
from yimen.cases.models import Case
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.adding import required
from yimen.web.workbench.around import ForCase, Sheet, person_of
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("teams", "expert_requests")


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    teams = queries.teams_of(case) if opened.has("teams") else []
    asked = queries.expert_requests(case) if opened.has("expert_requests") else []
    may_team = case.is_open and opened.may("cases.team")
    may_ask = case.is_open and opened.may("cases.ask_expert")
    if not (teams or asked or may_team or may_ask):
        return None
    return Panel(
        "helpers",
        _("组专班、请专家"),
        facts="workbench/panels/helpers.html" if teams or asked else "",
        acts="workbench/panels/helpers_acts.html" if may_team or may_ask else "",
        context={
            "case": case,
            "teams": teams,
            "asked": asked,
            "may_team": may_team,
            "may_ask": may_ask,
            "may_note": opened.may("cases.ask_expert"),
        },
    )


class TeamForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("专班叫什么"), max_length=80, **required(gettext_lazy("请给专班起个名字。"))
    )
    members = forms.CharField(
        label=gettext_lazy("有谁，各负责什么"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("一行一个人，先写工号，空一格，再写负责什么。至少两个人。"),
        **required(gettext_lazy("请写专班有谁。")),
    )
    note = forms.CharField(label=gettext_lazy("为什么组专班"), max_length=300, required=False)


def _form_team(request: StaffRequest, case: Case | None, values: dict[str, Any]) -> Done:
    assert case is not None
    lines = [line.split(maxsplit=1) for line in values["members"].splitlines() if line.strip()]
    people = [(person_of(case.region_id, line[0]), line[1] if len(line) > 1 else "") for line in lines]
    team = actions.form_team(
        values["name"], people, case_id=case.pk, note=values["note"], by=request.staff, at=timezone.now()
    )
    return acts.done(request, case, _("%(name)s组好了，从现在跟到办结。") % {"name": team.name})


class _Experts(forms.ChoiceField):
    pass


class ExpertAskForm(ForCase):
    expert = _Experts(label=gettext_lazy("请哪位专家"), **required(gettext_lazy("请选一位专家。")))
    question = forms.CharField(
        label=gettext_lazy("想请教什么"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("不要写申请人的证件号码和电话。"),
        **required(gettext_lazy("请写想请教什么。")),
    )

    def begin(self, staff: Any, case: Case | None) -> None:
        assert case is not None
        self.fields["expert"].choices = [  # type: ignore[attr-defined]
            (str(one.pk), f"{one.name}，{one.organisation}（{'、'.join(one.fields)}）")
            for one in queries.experts_for(case)
        ]


def _ask(request: StaffRequest, case: Case | None, values: dict[str, Any]) -> Done:
    assert case is not None
    actions.ask_expert(case.pk, UUID(values["expert"]), values["question"], by=request.staff, at=timezone.now())
    return acts.done(request, case, _("记下了。请教专家不停计时限，意见来了请原样记上。"))


@staff_page("cases.ask_expert")
@require_POST
@keyed("cases.note_advice", stay=acts.stay)
def advice(request: StaffRequest, number: str, request_id: UUID) -> Done:
    case = acts.case_of(request, number)
    if not case.expert_requests.filter(pk=request_id).exists():
        raise Http404
    actions.note_advice(request_id, posted_text(request, "advice"), by=request.staff, at=timezone.now())
    return acts.done(request, case, _("专家的意见原样记下了。"))


TEAM = Sheet(
    "cases.form_team",
    "cases.team",
    TeamForm,
    gettext_lazy("为这件组专班"),
    gettext_lazy("组专班"),
    gettext_lazy("专班从现在跟到办结，名单和各人负责什么都写在这件上。"),
    _form_team,
)
ASK = Sheet(
    "cases.ask_expert",
    "cases.ask_expert",
    ExpertAskForm,
    gettext_lazy("请教专家"),
    gettext_lazy("记下请教"),
    gettext_lazy("懂这类事项的专家排在前面。请的是意见，决定还是我们作，时限照常算。"),
    _ask,
)
urlpatterns = [
    path("cases/<number:number>/team/new", TEAM.view(), name="case-team"),
    path("cases/<number:number>/expert/new", ASK.view(), name="case-expert"),
    path("cases/<number:number>/expert/<uuid:request_id>", advice, name="case-advice"),
]
