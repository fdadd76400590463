"""优先办理: asked, granted and refused for a case, and the form to ask (HALL-10)."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import PriorityGrant
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

ASK, READS = "case-priority", ("priorities",)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    asked = case.priorities.select_related("asked_by", "approved_by").order_by("-asked_at")
    grants = list(asked) if opened.has("priorities") else []
    live = [grant for grant in grants if grant.refused_at is None and grant.ended_at is None]
    may_ask = case.is_open and not live and opened.may("cases.ask_priority")
    if not grants and not may_ask:
        return None
    return Panel(
        "priority",
        _("申请优先办理"),
        facts="workbench/panels/priority.html" if grants else "",
        acts="workbench/panels/priority_ask.html" if may_ask else "",
        is_open=bool(opened.typed(ASK)),
        context={
            "case": case,
            "grants": grants,
            "kinds": PriorityGrant.Kind.choices,
            "reasons": PriorityGrant.Reason.choices,
            "typed": opened.typed(ASK),
            "may_answer": opened.may("cases.prioritize"),
            "reader": opened.staff,
        },
    )


@staff_page("cases.ask_priority")
@require_POST
@keyed("cases.ask_priority", stay=acts.stay)
def ask(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.ask_priority(
        posted_text(request, "kind"),
        posted_text(request, "reason"),
        case_id=case.pk,
        note=posted_text(request, "note"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("报上去了，等负责人或者大厅管理员批；批准以前照常排队。"))


@staff_page("cases.prioritize")
@require_POST
@keyed("cases.end_priority", stay=acts.stay)
def end(request: StaffRequest, number: str, grant_id: UUID) -> Done:
    case = acts.case_of(request, number)
    if not case.priorities.filter(pk=grant_id).exists():
        raise Http404
    actions.end_priority(grant_id, reason=posted_text(request, "end_reason"), by=request.staff, at=timezone.now())
    return acts.done(request, case, _("不再优先，照原来的日子排。"))


urlpatterns = [
    path("cases/<number:number>/priority", ask, name=ASK),
    path("cases/<number:number>/priority/<uuid:grant_id>/end", end, name="case-priority-end"),
]
