"""特别程序与延长: what stopped or lengthened the clocks, by which notice, and the forms that do it."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case, ClockStop, Extension
from yimen.web.once import Done, Stay, keyed
from yimen.web.templatetags.yimen import day
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("stops", "extension")
OPEN, CLOSE, ASK, ANSWER = "case-stop-open", "case-stop-close", "case-extension-ask", "case-extension-answer"


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if case.accepted_at is None:
        return None
    stops = list(case.stops.select_related("notice")) if opened.has("stops") else []
    extension = (
        Extension.objects.select_related("notice", "asked_by", "approved_by").get(case=case)
        if opened.has("extension")
        else None
    )
    running = next((stop for stop in stops if stop.ended_on is None), None)
    is_running = case.status == Case.Status.ACCEPTED
    may_stop, may_ask = opened.may("cases.stop"), opened.may("cases.extend")
    is_asked = extension is not None and extension.approved_at is None and extension.refused_at is None
    may_answer = is_asked and opened.may("cases.approve_extension")
    if not stops and extension is None and not (is_running and (may_stop or may_ask)):
        return None
    can_ask = may_ask and (extension is None or extension.refused_at is not None)
    return Panel(
        "clocks",
        _("停计或延长时限"),
        facts="workbench/panels/clocks.html" if stops or extension else "",
        acts="workbench/panels/clocks_acts.html" if is_running and (may_stop or can_ask or may_answer) else "",
        context={
            "case": case,
            "stops": stops,
            "running": running,
            "late_days": (opened.today - running.planned_last).days if running else 0,
            "extension": extension,
            "is_asked": is_asked,
            "is_own": is_asked and extension is not None and extension.asked_by_id == opened.staff.pk,
            "may_stop": may_stop,
            "may_answer": may_answer,
            "can_ask": can_ask,
            "days": actions.extension_days(case, opened.today) if can_ask and is_running else 0,
            "is_joint": actions.is_joint(case),
            "grounds": ClockStop.Ground.choices,
            "typed": opened.typed(OPEN, CLOSE, ASK, ANSWER),
        },
        is_open=opened.act in {OPEN, CLOSE, ASK, ANSWER} or bool(may_answer),
    )


@staff_page("cases.stop")
@require_POST
@keyed("cases.open_stop", stay=acts.stay)
def open_stop(request: StaffRequest, number: str) -> Done:
    case, days = acts.case_of(request, number), posted_text(request, "needed_days").strip()
    if not days.isascii() or not days.isdigit() or len(days) > 4:
        raise Stay(refused=_("请写需要多少天，只写数字。"))
    stop = actions.open_stop(
        case.pk,
        ground=posted_text(request, "ground"),
        reason=posted_text(request, "stop_reason"),
        needed_days=int(days),
        by=request.staff,
        at=timezone.now(),
    )
    planned = {"day": day(stop.planned_last)}
    return acts.done(request, case, _("时限停计了，预计到 %(day)s；告知书已经开好，请交给申请人。") % planned)


@staff_page("cases.stop")
@require_POST
@keyed("cases.close_stop", stay=acts.stay)
def close_stop(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.close_stop(case.pk, result=posted_text(request, "result"), by=request.staff, at=timezone.now())
    return acts.done(request, case, _("特别程序结束了，时限从明天起接着算。"))


@staff_page("cases.extend")
@require_POST
@keyed("cases.ask_extension", stay=acts.stay)
def ask_extension(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    reason = posted_text(request, "extension_reason")
    actions.ask_extension(case.pk, reason=reason, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("延长报上去了，批准以前期限不变。"))


@staff_page("cases.approve_extension")
@require_POST
@keyed("cases.answer_extension", stay=acts.stay)
def answer_extension(request: StaffRequest, number: str) -> Done:
    case, verdict = acts.case_of(request, number), posted_text(request, "verdict")
    if verdict not in {"approve", "refuse"}:
        raise Stay(refused=_("请选择批准，或者不批准。"))
    actions.answer_extension(
        case.pk,
        approve=verdict == "approve",
        answer=posted_text(request, "answer"),
        by=request.staff,
        at=timezone.now(),
    )
    if verdict == "approve":
        return acts.done(request, case, _("批准了延长，告知书已经开好，请交给申请人。"))
    return acts.done(request, case, _("没有批准延长，期限不变。"))


urlpatterns = [
    path("cases/<number:number>/stop", open_stop, name=OPEN),
    path("cases/<number:number>/stop/close", close_stop, name=CLOSE),
    path("cases/<number:number>/extension", ask_extension, name=ASK),
    path("cases/<number:number>/extension/answer", answer_extension, name=ANSWER),
]
