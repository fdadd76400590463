"""回避: who was asked to stand aside from a case, why, and what was decided (SUP-11)."""

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

READS = ("recusals",)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    rows = queries.recusals_of(case) if opened.has("recusals") else []
    may_ask = case.is_open and opened.may("cases.ask_recusal")
    if not rows and not may_ask:
        return None
    may_answer = opened.may("cases.recuse")
    return Panel(
        "recusal",
        _("申请回避"),
        facts="workbench/panels/recusal.html" if rows else "",
        acts="workbench/panels/recusal_link.html" if may_ask else "",
        context={
            "case": case,
            "rows": [(one, may_answer and one.decided_at is None and one.staff_id != opened.staff.pk) for one in rows],
        },
    )


class RecusalForm(ForCase):
    asker = forms.ChoiceField(
        label=gettext_lazy("谁提出的"), choices=actions.Asker.choices, **required(gettext_lazy("请选择是谁提出的。"))
    )
    number = forms.CharField(
        label=gettext_lazy("请谁回避（工号）"), max_length=20, **required(gettext_lazy("请写要回避的人的工号。"))
    )
    reason = forms.CharField(
        label=gettext_lazy("为什么要回避"),
        max_length=200,
        help_text=gettext_lazy("例如和申请人是近亲属、有利害关系。"),
        **required(gettext_lazy("请写为什么要回避。")),
    )

    def begin(self, staff: Any, case: Case | None) -> None:
        self.fields["number"].initial = staff.number


def _ask(request: StaffRequest, case: Case | None, values: dict[str, Any]) -> Done:
    assert case is not None
    person = person_of(case.region_id, values["number"])
    actions.ask_recusal(case.pk, person, values["reason"], asker=values["asker"], by=request.staff, at=timezone.now())
    return acts.done(request, case, _("记下了，等负责人来定。"))


ASK = Sheet(
    "cases.ask_recusal",
    "cases.ask_recusal",
    RecusalForm,
    gettext_lazy("申请回避"),
    gettext_lazy("提出回避"),
    gettext_lazy("和申请人有利害关系的人不办这件。由负责人定，定了以后他不能审查、核查、决定。"),
    _ask,
)


@staff_page("cases.recuse")
@require_POST
@keyed("cases.answer_recusal", stay=acts.stay)
def answer(request: StaffRequest, number: str, recusal_id: UUID) -> Done:
    case = acts.case_of(request, number)
    if not case.recusals.filter(pk=recusal_id).exists():
        raise Http404
    yes = posted_text(request, "answered") == "yes"
    actions.answer_recusal(recusal_id, is_granted=yes, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("定了：他不再办这件。") if yes else _("定了：不用回避。"))


urlpatterns = [
    path("cases/<number:number>/recusal/new", ASK.view(), name="case-recusal"),
    path("cases/<number:number>/recusal/<uuid:recusal_id>", answer, name="case-recusal-answer"),
]
