"""听证 and those whom the case touches: the next act, and what is on record (LAW-16)."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case, Hearing
from yimen.cases.queries import visits as reads
from yimen.cases.rules import hearings as rules
from yimen.people.models import Role, Staff
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("hearing", "parties")
ACTS = (
    "case-hearing-tell",
    "case-hearing-answer",
    "case-hearing-call",
    "case-hearing-hold",
    "case-party",
    "case-heard",
)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if case.accepted_at is None:
        return None
    hearing = (
        Hearing.objects.select_related("chair__department", "told_notice", "call_notice").get(case=case)
        if opened.has("hearing")
        else None
    )
    may = case.status == Case.Status.ACCEPTED and opened.may("cases.review")
    may_waive = hearing is not None and case.status == Case.Status.ACCEPTED and opened.may("cases.receive")
    if hearing is None and not may:
        return None
    status = hearing.status if hearing else ""
    parties = reads.parties_of(case) if opened.has("parties") else []
    context = {
        "case": case,
        "hearing": hearing,
        "parties": parties,
        "may": may,
        "may_waive": may_waive and status == rules.TOLD,
        "may_ask": hearing is not None and status in {rules.TOLD, rules.WAIVED} and opened.today <= hearing.ask_by,
        "holds_back": hearing is not None and rules.keeps_back(status, hearing.ask_by, opened.today),
        "first_day": rules.earliest(opened.today),
        "last_call": rules.last_call(hearing.hold_by) if hearing and hearing.hold_by else None,
        "is_day": bool(hearing and hearing.planned_for and opened.now >= hearing.planned_for),
        "chairs": list(chairs(case)) if may and status in {rules.ASKED, rules.CALLED} else [],
        "chip": {"told": "wait", "waived": "off", "asked": "wait", "called": "go", "held": "done"}.get(status, ""),
        "typed": opened.typed(*ACTS),
        "act": opened.act,
        "planned": localtime(hearing.planned_for).strftime("%Y-%m-%dT%H:%M") if hearing and hearing.planned_for else "",
    }
    return Panel(
        "hearing",
        _("听证和利害关系人"),
        facts="workbench/panels/hearing_facts.html" if hearing or parties else "",
        acts="workbench/panels/hearing_acts.html" if may or (may_waive and status == rules.TOLD) else "",
        context=context,
        is_open=opened.act in ACTS or status in {rules.ASKED, rules.CALLED},
    )


def chairs(case: Case) -> list[Staff]:
    """Return who may preside: approvers and leaders of the organ or the region who did nothing in the case."""
    there = Q(grants__department=None) | Q(grants__department=case.department_id)
    found = Staff.objects.filter(
        there, grants__role__in=[Role.APPROVER, Role.LEADER], grants__ended_at=None,
        region_id=case.region_id, user__is_active=True,
    )  # fmt: skip
    did = {pk for pk in case.tasks.values_list("done_by", flat=True) if pk}
    went = set(
        Staff.objects.filter(Q(site_visits__case=case) | Q(pk__in=_surveyors(case))).values_list("pk", flat=True)
    )
    away = set(case.recusals.filter(is_granted=True).values_list("staff", flat=True))
    took = {pk for pk in (case.received_by_id, case.accepted_by_id) if pk}
    barred = did | went | away | took
    found = found.exclude(reads.MACHINES).exclude(pk__in=barred)
    return list(found.select_related("department").distinct().order_by("number"))


def _surveyors(case: Case) -> set[UUID]:
    return {pk for pk in case.tasks.values_list("surveyors", flat=True) if pk}


@staff_page("cases.review")
@require_POST
@keyed("cases.tell_hearing_right", stay=acts.stay)
def tell(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    subject = posted_text(request, "subject")
    actions.tell_hearing_right(case.pk, subject=subject, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("听证的权利告知了，告知书已经开好。"))


@staff_page("cases.review", "cases.receive")
@require_POST
@keyed("cases.answer_hearing_right", stay=acts.stay)
def answer(request: StaffRequest, number: str) -> Done:
    """What somebody says at the window or on the telephone: the applicant, or an interested party."""
    case = acts.case_of(request, number)
    wants = posted_text(request, "wants")
    if wants not in {"yes", "no"}:
        raise Stay(refused=_("请选择：要求听证，或者不要求。"))
    party = posted_id(request, "party") if request.POST.get("party") else None
    actions.answer_hearing_right(
        case.pk,
        wants=wants == "yes",
        party=party,
        paper=posted_text(request, "paper"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("记下了。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.call_hearing", stay=acts.stay)
def call(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    try:
        when = parse_datetime(posted_text(request, "planned_for").strip())
    except ValueError:
        when = None
    if when is None:
        raise Stay(refused=_("请选听证的日期和时间。"))
    chair = next((one for one in chairs(case) if str(one.pk) == posted_text(request, "chair")), None)
    if chair is None:
        raise Stay(refused=_("请选一位没有参加这件审查的主持人。"))
    actions.call_hearing(
        case.pk,
        planned_for=timezone.make_aware(when) if timezone.is_naive(when) else when,
        place=posted_text(request, "place"),
        chair=chair,
        is_open=posted_text(request, "is_closed") != "yes",
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("听证通知书开好了，请送给申请人和利害关系人。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.close_hearing", stay=acts.stay)
def hold(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.close_hearing(
        case.pk,
        text=posted_text(request, "record"),
        signed_by=posted_text(request, "signed_by").splitlines(),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("听证笔录收好了，决定要根据它作出。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.add_party", stay=acts.stay)
def party(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.add_party(
        case.pk,
        name=posted_text(request, "name"),
        phone=posted_text(request, "phone"),
        interest=posted_text(request, "interest"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("利害关系人登记好了，请告诉他这件事。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.note_statement", stay=acts.stay)
def heard(request: StaffRequest, number: str, pk: UUID) -> Done:
    case = acts.case_of(request, number)
    statement = posted_text(request, "statement")
    actions.note_statement(case.pk, pk, statement=statement, by=request.staff, at=timezone.now())
    return acts.done(request, case, _("他的意见记下了。"))


urlpatterns = [
    path("cases/<number:number>/hearing/tell", tell, name="case-hearing-tell"),
    path("cases/<number:number>/hearing/answer", answer, name="case-hearing-answer"),
    path("cases/<number:number>/hearing/call", call, name="case-hearing-call"),
    path("cases/<number:number>/hearing/hold", hold, name="case-hearing-hold"),
    path("cases/<number:number>/parties", party, name="case-party"),
    path("cases/<number:number>/parties/<uuid:pk>", heard, name="case-heard"),
]
