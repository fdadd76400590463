"""转办、上报: where the case is, who clocks what, and what its receiver does with it (S2-16, LAW-10, HALL-17)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from yimen.cases import actions, queries
from yimen.cases.models import Case, CaseMove, Task
from yimen.people import access
from yimen.people.models import Department
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

RETURN = "case-move-return"


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if not any(task.step_key.startswith(CaseMove.STEP) for task in opened.tasks):
        return _offer(opened, case.department)
    moves = queries.moves_of(case)
    here = queries.where_now(case, moves)
    last = next((move for move in reversed(moves) if move.closed_at is None), None)
    is_open = case.status == case.Status.ACCEPTED
    mine = last is not None and is_open and _may(opened, "cases.review", here)
    above = last is not None and last.kind == CaseMove.Kind.UP and last.received_at is not None
    return Panel(
        "moves",
        _("转给别的部门、上级或其他地区"),
        facts="workbench/panels/moves.html",
        acts="workbench/panels/move_link.html"
        if is_open and _may(opened, "cases.move", here) and (last is None or last.received_at)
        else "",
        context={
            "case": case,
            "moves": [
                (move, move.closed_at is None and move.due_on is not None and move.due_on < opened.today)
                for move in moves
            ],
            "here": here,
            "last": last,
            "may_receive": mine and last is not None and last.received_at is None,
            "may_return": mine and last is not None and last.received_at is not None,
            "may_decide": bool(above) and is_open and _may(opened, "cases.decide", here),
            "typed": opened.typed(RETURN, "case-decide"),
        },
    )


def _offer(opened: Opened, here: Department) -> Panel | None:
    if opened.case.status != Case.Status.ACCEPTED or not _may(opened, "cases.move", here):
        return None
    return Panel(
        "moves",
        _("转给别的部门、上级或其他地区"),
        acts="workbench/panels/move_link.html",
        context={"case": opened.case},
    )


def _may(opened: Opened, permission: str, here: Department) -> bool:
    """What counts is the region the case is in now, not the one it belongs to."""
    return access.allowed(opened.staff, permission, department=here, region=here.region_id)


class _Places(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.region.name} · {obj.name}"


class MoveForm(forms.Form):
    """Where a case goes; what the act refuses it says itself."""

    kind = forms.ChoiceField(
        label=gettext_lazy("怎么转"), choices=CaseMove.Kind.choices, **required(gettext_lazy("请选择怎么转。"))
    )
    receiver = _Places(
        label=gettext_lazy("转给哪个部门"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("请选择"),
        **required(gettext_lazy("请选择转给哪个部门。")),
    )
    reason = forms.CharField(
        label=gettext_lazy("为什么转"),
        max_length=300,
        help_text=gettext_lazy("申请人会在转办告知书上看到，请写完整句子。"),
        **required(gettext_lazy("请写明为什么转。")),
    )
    opinion = forms.CharField(
        label=gettext_lazy("我们的意见"),
        max_length=2000,
        required=False,
        help_text=gettext_lazy("报上级的必须写初审意见；只有接件的部门看得到。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    due_on = forms.DateField(
        label=gettext_lazy("请他们最晚哪天办完"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, case: Case, here: Department, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = Department.objects.exclude(pk__in=[here.pk, case.department_id]).select_related("region")
        self.fields["receiver"].queryset = places.order_by("region__code", "name")  # type: ignore[attr-defined]


def _form(request: StaffRequest, case: Case) -> MoveForm:
    here = queries.where_now(case, queries.moves_of(case))
    return MoveForm(request.POST if request.method == "POST" else None, case=case, here=here)


def _page(request: StaffRequest, number: str, *, form: MoveForm | None = None, refused: str = "") -> HttpResponse:
    case = acts.case_of(request, number)
    context = {
        "heading": _("转给别的部门、上级或其他地区"),
        "lead": _("办件编号不变，材料随件带过去，接件的部门不能再向申请人要；整件的期限照常算。"),
        "parent": case.query_no,
        "back": reverse("workbench:case", args=[case.query_no]),
        "word": _("转出去"),
        "form": form or _form(request, case),
        "refused": refused,
    }
    return render(request, "workbench/add.html", context)


@staff_page("cases.move")
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: StaffRequest, number: str) -> HttpResponse:
    return _move(request, number) if request.method == "POST" else _page(request, number)


@keyed("cases.move", stay=_page)
def _move(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    form = _form(request, case)
    if not form.is_valid():
        raise Stay(form=form)
    sent = actions.move(case.pk, **form.cleaned_data, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("转给%(name)s了，转办告知书已经开好。") % {"name": sent.receiver.name})


@staff_page("cases.review")
@require_POST
@keyed("cases.receive_move", stay=acts.stay)
def receive(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.receive_move(case.pk, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("签收了。材料都在这一页，不用再向申请人要。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.return_move", stay=acts.stay)
def give_back(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    outcome = posted_text(request, "outcome")
    if outcome not in {*Task.Outcome.values, actions.RETURNED}:
        raise Stay(refused=_("请选择：符合要求、不符合，还是不归我们办。"))
    moved = actions.return_move(
        case.pk, outcome=outcome, opinion=posted_text(request, "opinion"), by=request.staff, at=timezone.now()
    )
    return acts.done(request, case, _("退回给%(name)s了。") % {"name": moved.sender.name})


urlpatterns = [
    path("cases/<number:number>/move", move, name="case-move"),
    path("cases/<number:number>/move/receive", receive, name="case-move-receive"),
    path("cases/<number:number>/move/return", give_back, name=RETURN),
]
