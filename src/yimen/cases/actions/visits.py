"""Site visits until somebody stands there: asked for, called back, agreed, put off (LAW-13, LAW-15, S2-6 to S2-8)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents, queries
from yimen.cases.actions.common import (
    WrongStep,
    checked_reasons,
    expect,
    expect_not_moved,
    give,
    locked,
    record,
    refuse_recused,
)
from yimen.cases.models import Case, Notice, SiteVisit, Task
from yimen.cases.queries.visits import is_machine
from yimen.cases.rules import visits as rules
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.dates import long_moment
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

CONTACT = "visit.contact"
# What one call settles besides contact, telephone, address, time and people; each at most MOST characters.
SCRIPT = ("phone_note", "ready", "papers", "remarks")
MOST = 500
# The field of an item's form in which an applicant says when he would like the visit.
WISH_FIELD = "visit_wish"
_STEPS_BEFORE = frozenset({FlowStep.Kind.RECEIVE, FlowStep.Kind.ACCEPT})


class TooFewSurveyors(DomainError):
    """A site visit needs two or more staff (LAW-15)."""


class DoubleBooked(DomainError):
    """Somebody is already promised elsewhere at that time."""


class BadPlan(DomainError):
    """The visit cannot be agreed like this; the message says what is missing."""


def open_visits(case: Case, tasks: Iterable[Task], steps: Sequence[FlowStep], *, at: datetime) -> None:
    """
    Ask for a call-back for each of `tasks` that is a visit; called where steps open.

    Where the visit is the first thing to happen, the application itself is the booking: its clock runs since receipt.
    """
    visits = [task for task in tasks if task.kind == FlowStep.Kind.VISIT]
    if not visits:
        return
    by_key = {step.key: step for step in steps}
    before = {step.key for step in steps if step.kind in _STEPS_BEFORE}
    hours = _hours(case, at)
    rows = []
    for task in visits:
        step = by_key.get(task.step_key)
        asked_at = case.received_at if step is not None and set(step.after) <= before else at
        rows.append(
            SiteVisit(
                region_id=case.region_id,
                case=case,
                task=task,
                asked_at=asked_at,
                call_by=rules.call_by(asked_at, hours),
                wished_for=_wish_of(case),
            )
        )
    SiteVisit.objects.bulk_create(rows)


def next_visit(visit: SiteVisit, *, at: datetime) -> SiteVisit:
    """Begin the visit after one that came to nothing, with what was agreed about the place."""
    return SiteVisit.objects.create(
        region_id=visit.region_id,
        case_id=visit.case_id,
        task_id=visit.task_id,
        number=visit.number + 1,
        asked_at=at,
        call_by=rules.call_by(at, _hours(visit.case, at)),
        address=visit.address,
        script=visit.script,
        contact_sealed=visit.contact_sealed,
    )


def _hours(case: Case, at: datetime) -> int:
    return catalog.local_rule(case.region_id, rules.RESPONSE_KEY, localdate(at), default=rules.RESPONSE_HOURS)


def _wish_of(case: Case) -> str:
    if case.forms_sealed is None:
        return ""
    answers = (sheet.get(WISH_FIELD) for sheet in queries.filled_forms(case).values())
    return next((str(answer)[:200] for answer in answers if answer), "")


@transaction.atomic
def note_wish(visit_id: UUID, wish: str, *, by: Actor, at: datetime) -> SiteVisit:
    """
    Write down when the applicant would like the visit, while no time is agreed. `by`: the applicant himself or staff.

    Raises WrongStep once a time is agreed, BadPlan without a word, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    if by.ledger_ref != case.applicant.ledger_ref:
        access.require(by, "cases.review", department=visit.task.department, region=visit.task.department.region_id)
    if visit.status != SiteVisit.Status.TO_CALL:
        raise WrongStep(_("时间已经约好了。要改时间，请打电话给办事的人。"))
    _expect_open(case, visit)
    if not wish.strip():
        raise BadPlan(_("请写您希望哪天、几点，例如“11 月 26 日上午”。"))
    visit.wished_for = wish.strip()[:200]
    visit.save(update_fields=["wished_for"])
    record(case, "case.visit_wished", by=by, at=at, data={"visit": str(visit.pk), "number": visit.number})
    return visit


@transaction.atomic
def plan_visit(
    visit_id: UUID,
    *,
    planned_for: datetime,
    address: str,
    surveyors: Iterable[Staff],
    by: Staff,
    at: datetime,
    contact: str = "",
    phone: str = "",
    script: Mapping[str, str] | None = None,
    override: str = "",
) -> SiteVisit:
    """
    Agree the visit after one call, or agree it anew; the applicant gets the notice (S2-6, S2-8).

    script: by the keys of SCRIPT. override: why somebody goes though he is promised elsewhere then. Raises WrongStep,
    BadPlan, TooFewSurveyors (LAW-15), Recused, DoubleBooked, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    access.require(by, "cases.review", department=visit.task.department, region=visit.task.department.region_id)
    _expect_open(case, visit)
    expect_not_moved(case)
    if planned_for <= at:
        raise BadPlan(_("约的时间要在现在之后，不能补记过去的时间。"))
    if not address.strip():
        raise BadPlan(_("请写去哪里：路名、门牌号，怎么找。"))
    people = _free_people(case, visit, list(surveyors), planned_for, override=override, at=at)
    is_again = visit.called_at is not None
    visit.status, visit.planned_for, visit.address = SiteVisit.Status.AGREED, planned_for, address.strip()[:200]
    said = dict(script or {}) | {"override": override}
    visit.script = {key: said.get(key, "").strip()[:MOST] for key in (*SCRIPT, "override")}
    visit.contact_sealed = sealed_contact(contact, phone)
    if not is_again:
        visit.called_at, visit.called_by = at, by
    visit.notice = give(case, Notice.Kind.VISIT, by=by, at=at, letter=_letter(visit, people))
    visit.save()
    visit.surveyors.set(people)
    data = {
        "task": visit.task.step_key,
        "visit": str(visit.pk),
        "number": visit.number,
        "planned_for": planned_for.isoformat(),
        "surveyors": [str(person.pk) for person in people],
        "is_again": is_again,
        "is_late": not is_again and at > visit.call_by,
    }
    record(case, "case.visit_agreed", by=by, at=at, data=data)
    return visit


def _free_people(
    case: Case, visit: SiteVisit, people: list[Staff], planned_for: datetime, *, override: str, at: datetime
) -> list[Staff]:
    """Return who goes, locked so that nobody is promised twice at once. Raises as plan_visit() says."""
    wanted = {person.pk: person for person in people}
    if len(wanted) < rules.LEAST_SURVEYORS:
        raise TooFewSurveyors(_("现场核查要两名以上工作人员一起去，请把两个人都选上。"))
    # Locked in one order, and never as strongly as to keep other acts of theirs waiting.
    rows = list(Staff.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=wanted).order_by("pk"))
    expect_fit(visit.task, rows)
    refuse_recused(case, rows)
    minutes = catalog.local_rule(case.region_id, rules.VISIT_MINUTES_KEY, localdate(at), default=rules.VISIT_MINUTES)
    span = timedelta(minutes=minutes)
    near = SiteVisit.objects.filter(
        region_id=case.region_id,
        status=SiteVisit.Status.AGREED,
        planned_for__gt=planned_for - span,
        planned_for__lt=planned_for + span,
        surveyors__in=rows,
    ).exclude(pk=visit.pk)
    clashes = list(near.values_list("surveyors__name", "planned_for").order_by("planned_for"))
    if clashes and not override.strip():
        name, when = clashes[0]
        assert when is not None
        raise DoubleBooked(
            _("%(name)s在 %(when)s 已经约了另一家，赶不过来。请换人、换时间；确实来得及的，写明理由。")
            % {"name": name, "when": long_moment(when)}
        )
    if clashes:
        checked_reasons(override)
    return rows


def expect_fit(task: Task, people: Iterable[Staff]) -> None:
    """Raise BadPlan, naming one, when somebody has no right to do this step."""
    for person in people:
        may = access.allowed(person, "cases.review", department=task.department, region=task.department.region_id)
        if not may or is_machine(person):
            raise BadPlan(_("%(name)s不做这一类核查，请换一位。") % {"name": person.name})


@transaction.atomic
def put_off_visit(visit_id: UUID, *, status: str, reason: str, by: Staff, at: datetime) -> SiteVisit:
    """
    Write down that the visit came to nothing, and ask for the next one; return that.

    status: SiteVisit.Status.MISSED (nobody was there, the power was off) or CANCELLED (put off before). Raises
    WrongStep, ReasonsMissing, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    access.require(by, "cases.review", department=visit.task.department, region=visit.task.department.region_id)
    _expect_open(case, visit)
    if status not in {SiteVisit.Status.MISSED, SiteVisit.Status.CANCELLED}:
        raise BadPlan(_("请选择：没有查成，或者改期。"))
    if status == SiteVisit.Status.MISSED and (visit.planned_for is None or at < visit.planned_for):
        raise WrongStep(_("约的时间还没到。去不成的，请选“改期”。"))
    visit.status, visit.missed_reason = status, checked_reasons(reason)[:200]
    visit.save(update_fields=["status", "missed_reason"])
    data = {"task": visit.task.step_key, "visit": str(visit.pk), "number": visit.number, "how": status}
    record(case, "case.visit_put_off", by=by, at=at, data=data)
    visit.case = case
    return next_visit(visit, at=at)


def done_plainly(task: Task, people: Sequence[Staff], *, at: datetime) -> None:
    """The visit of a step finished with an opinion alone, for items without checkpoints."""
    visit = SiteVisit.objects.filter(task=task).order_by("-number").first()
    if visit is None:
        return
    visit.status, visit.done_at = SiteVisit.Status.DONE, at
    visit.result = rules.PASSED if task.outcome == Task.Outcome.PASSED else rules.FAILED
    visit.save(update_fields=["status", "done_at", "result"])
    visit.surveyors.set(people)


def sealed_contact(contact: str, phone: str) -> bytes | None:
    said = {"contact": contact.strip()[:60], "phone": phone.strip()[:40]}
    return crypto.seal(json.dumps(said, ensure_ascii=False), CONTACT) if any(said.values()) else None


def _locked(visit_id: UUID) -> tuple[Case, SiteVisit]:
    """Lock the case, then the visit, whose task and department come along."""
    case = locked(SiteVisit.objects.values_list("case_id", flat=True).get(pk=visit_id))
    visit = SiteVisit.objects.select_for_update(of=("self",)).select_related("task__department").get(pk=visit_id)
    return case, visit


def _expect_open(case: Case, visit: SiteVisit) -> None:
    expect(case, Case.Status.ACCEPTED)
    if visit.task.done_at is not None or visit.status not in {SiteVisit.Status.TO_CALL, SiteVisit.Status.AGREED}:
        raise WrongStep(_("这次核查已经有人记过了，请刷新看最新进度。"))


def _letter(visit: SiteVisit, people: Sequence[Staff]) -> documents.Letter:
    assert visit.planned_for is not None
    facts = [
        ("核查时间", f"{long_moment(visit.planned_for)}（{short_weekday(visit.planned_for)}）"),
        ("核查地点", visit.address),
        ("核查人员", f"{len(people)} 人，工号 {'、'.join(person.number for person in people)}，到场会出示证件"),
    ]
    facts += [
        (label, visit.script[key]) for key, label in (("ready", "请先准备好"), ("papers", "请备好这些材料"))
        if visit.script.get(key)
    ]  # fmt: skip
    return documents.Letter(
        opening=["您申请的事项需要到现场核查，时间和地点已经和您约好。"],
        facts=facts,
        closing=[
            "现场核查不收费，也不停止计算办理时限。",
            "到时不方便的，请尽早打下面的电话改时间。",
            "依据：《中华人民共和国行政许可法》第三十四条，由两名以上工作人员核查。",
        ],
    )


def short_weekday(at: datetime) -> str:
    return "周" + "一二三四五六日"[localdate(at).weekday()]
