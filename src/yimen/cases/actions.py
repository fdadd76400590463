"""
What is done with a case: receive, accept or decline, finish a task, decide, deliver.

Each is atomic, checks the right, locks the case, leaves one ledger row and the document the law wants.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents, queries, rules
from yimen.cases.models import Case, CaseMaterial, Clock, Notice, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Calendar, Limit, Unit
from yimen.people import access
from yimen.people.models import Applicant, ServiceCenter, Staff

# LAW-11: the certificate reaches the applicant within ten working days of the decision.
DELIVERY_DAYS = 10
LEAST_REASON = 6
# Steps that the act of acceptance itself has done.
DONE_BY_ACCEPTING = frozenset({FlowStep.Kind.RECEIVE, FlowStep.Kind.ACCEPT})
AFTER_DECISION = frozenset({FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER})


class WrongStep(DomainError):
    """The case is no longer, or not yet, where this act belongs."""


class NotOffered(DomainError):
    """The item has no published version to apply for."""


class MaterialsMissing(DomainError):
    """A required material is not there; all missing ones are named at once (LAW-4)."""


class UnlistedMaterial(DomainError):
    """Only materials on the item's list can be asked for (LAW-22)."""


class WrongForm(DomainError):
    """What was filled in does not fit the item's forms; `faults` by form key, each naming field, value and reason."""

    def __init__(self, faults: Mapping[str, Sequence[form_rules.ValueFault]]) -> None:
        self.faults = {key: list(of) for key, of in faults.items()}
        super().__init__("".join(fault.reason for of in self.faults.values() for fault in of))


class ReasonsMissing(DomainError):
    """Whoever refuses says why (LAW-3, LAW-17)."""


class TooFewSurveyors(DomainError):
    """A site visit needs two or more staff (LAW-15)."""


@dataclass(frozen=True)
class Handed:
    """What was handed in for one material of the list."""

    state: str
    note: str = ""


@transaction.atomic
def receive(
    version: ItemVersion,
    applicant: Applicant,
    *,
    center: ServiceCenter,
    materials: Mapping[UUID, Handed],
    by: Actor,
    at: datetime,
    channel: str = Case.Channel.WINDOW,
    ticket_no: str = "",
    agent_name: str = "",
    chosen: Iterable[str] = (),
    form_values: Mapping[str, Mapping[str, Any]] | None = None,
) -> Case:
    """
    Take the papers in and give a receipt (收件凭证); the clock does not run yet (LAW-14).

    materials: by ItemMaterial id; lines left out count as missing. chosen: the answers to the item's questions;
    materials and steps that do not apply to them are not asked for. form_values: by form key what was filled in here,
    None when the forms came on paper. Any clerk of the region may receive for any unit (一窗受理). Raises NotOffered,
    UnlistedMaterial, scenario.IncompleteAnswers, scenario.DeadEnd, WrongForm, access.NotAllowed.
    """
    item = version.item
    access.require(by, "cases.receive", department=item.department, region=item.region_id)
    if item.published_id != version.pk:
        raise NotOffered(_("这个事项已经换了新版本，请刷新页面，按新的办事指南收件。"))
    answers = scenario_rules.check_answers(scenario.questions_of(version), list(chosen))
    listed = {material.pk: material for material in scenario_rules.applying(version.materials.all(), answers)}
    if unlisted := set(materials) - set(listed):
        raise UnlistedMaterial(_("有 %(n)s 样材料不在办事指南的清单里，清单外的材料不能要。") % {"n": len(unlisted)})

    day = localdate(at)
    filled = _filled(version, answers, form_values, day) if form_values is not None else None
    case = Case.objects.create(
        region_id=item.region_id,
        center=center,
        case_no=rules.case_no(item.task_code, day, next_number(item.region_id, f"case:{item.task_code}"[:80], day)),
        query_no=rules.query_no(center.letters, day, next_number(item.region_id, f"query:{center.letters}", day)),
        item=item,
        version=version,
        department=item.department,
        applicant=applicant,
        case_type=version.case_type,
        channel=channel,
        ticket_no=ticket_no,
        agent_name=agent_name.strip(),
        status=Case.Status.RECEIVED,
        received_at=at,
        received_by=by if isinstance(by, Staff) else None,
        chosen=list(answers),
        forms_sealed=crypto.seal(json.dumps(filled, ensure_ascii=False), queries.FORMS) if filled else None,
        is_demo=applicant.is_demo,
    )
    CaseMaterial.objects.bulk_create(
        CaseMaterial(
            region_id=case.region_id,
            case=case,
            material=material,
            state=materials[pk].state if pk in materials else CaseMaterial.State.MISSING,
            note=materials[pk].note.strip()[:200] if pk in materials else "",
        )
        for pk, material in listed.items()
    )
    data: dict[str, Any] = {"case_no": case.case_no, "channel": channel}
    if answers:
        data["chosen"] = list(answers)
    if filled:
        data["forms"] = sorted(filled)
    _record(case, "case.received", by=by, at=at, data=data)
    _give(case, Notice.Kind.RECEIPT, by=by, at=at)
    return case


def _filled(
    version: ItemVersion, answers: Iterable[str], given: Mapping[str, Mapping[str, Any]], today: date
) -> dict[str, dict[str, Any]]:
    """Return what is kept: values of forms that apply, without those that stand with the applicant already."""
    forms = {form.key: form for form in scenario_rules.applying(scenario.forms_of(version), set(answers))}
    if strange := set(given) - set(forms):
        raise DomainError(_("这件事没有“%(key)s”这张表，请刷新页面再填。") % {"key": min(strange)})
    referred = form_rules.referred([forms[key] for key in given])
    filled, faults = {}, {}
    for key, values in given.items():
        filled[key] = {name: value for name, value in values.items() if name not in referred[key]}
        if found := form_rules.check_values(forms[key].schema, filled[key], today=today, without=referred[key]):
            faults[key] = found
    if faults:
        raise WrongForm(faults)
    return filled


@transaction.atomic
def note_materials(case_id: UUID, materials: Mapping[UUID, Handed], *, by: Actor, at: datetime) -> Case:
    """
    Write down what has been handed in since receipt, before acceptance (LAW-3 c: fixed on the spot).

    Raises WrongStep after acceptance, UnlistedMaterial for a line that is not on the list.
    """
    case = _locked(case_id)
    access.require(by, "cases.receive", department=case.department, region=case.region_id)
    _expect(case, Case.Status.RECEIVED)
    rows = {row.material_id: row for row in case.materials.all()}
    if set(materials) - set(rows):
        raise UnlistedMaterial(_("有材料不在办事指南的清单里，清单外的材料不能要。"))
    changed = [pk for pk, handed in materials.items() if (rows[pk].state, rows[pk].note) != (handed.state, handed.note)]
    for pk in changed:
        rows[pk].state, rows[pk].note = materials[pk].state, materials[pk].note.strip()[:200]
    CaseMaterial.objects.bulk_update([rows[pk] for pk in changed], ["state", "note"])
    if changed:
        data = {"states": {str(pk): materials[pk].state for pk in changed}}
        ledger.record(case.stream, "case.materials_noted", region=case.region_id, by=by, at=at, data=data)
    return case


@transaction.atomic
def accept(case_id: UUID, *, by: Actor, at: datetime) -> Case:
    """
    Accept a received case: start its clocks, open its first tasks, give the acceptance notice (LAW-6).

    Raises MaterialsMissing naming every required material that is not there, WrongStep when the case is no
    longer waiting for acceptance, access.NotAllowed.
    """
    case = _locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    _expect(case, Case.Status.RECEIVED)
    if missing := missing_materials(case.materials.select_related("material")):
        raise MaterialsMissing(
            _("还不能受理，缺 %(n)s 样：%(names)s。") % {"n": len(missing), "names": listed(m.name for m in missing)}
        )
    _accept(case, Case.AcceptMode.DECIDED, accepted_at=at, by=by, at=at)
    return case


@transaction.atomic
def accept_unanswered(case_id: UUID, *, by: Actor, at: datetime) -> bool:
    """
    Accept a case nobody answered in time, as of the day its materials were received, whatever is missing (LAW-5).

    Returns False, and changes nothing, when it was answered meanwhile or there is still time to answer.
    """
    case = _locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    if case.status != Case.Status.RECEIVED or localdate(at) <= queries.answer_due(case, catalog.work_calendar()):
        return False
    _accept(case, Case.AcceptMode.DEEMED, accepted_at=case.received_at, by=by, at=at)
    return True


def _accept(case: Case, mode: Case.AcceptMode, *, accepted_at: datetime, by: Actor, at: datetime) -> None:
    """Start the clocks on the day of accepted_at; the notice is given and the tasks are opened `at`."""
    calendar, day = catalog.work_calendar(), localdate(accepted_at)
    for clock in clocks_for(case, day):
        clock.due_on, clock.is_provisional = rules.due(
            day, Limit(clock.limit, Unit(clock.unit)), (), calendar, today=day, started_at=accepted_at
        )
        clock.save(force_insert=True)
        if clock.kind == Clock.Kind.PROMISED:
            case.due_on, case.due_is_provisional = clock.due_on, clock.is_provisional
    case.status, case.accept_mode = Case.Status.ACCEPTED, mode
    case.accepted_at, case.accepted_by = accepted_at, by if isinstance(by, Staff) else None
    case.save(update_fields=["status", "accept_mode", "accepted_at", "accepted_by", "due_on", "due_is_provisional"])
    assert case.due_on is not None
    data = {"due_on": case.due_on.isoformat(), "provisional": case.due_is_provisional, "mode": mode.value}
    _record(case, "case.accepted", by=by, at=at, data=data)
    _give(case, Notice.Kind.ACCEPTANCE, by=by, at=at)
    _open_tasks(case, at=at)


@transaction.atomic
def decline(case_id: UUID, *, reasons: str, by: Actor, at: datetime, right_organ: str = "") -> Case:
    """
    Refuse to accept (不予受理), in writing, with reasons and, where it is another organ's power, that organ's name.

    Raises ReasonsMissing without reasons a reader can act on (LAW-3 b, S1-31).
    """
    case = _locked(case_id)
    access.require(by, "cases.decline", department=case.department, region=case.region_id)
    _expect(case, Case.Status.RECEIVED)
    case.reasons = _reasons(reasons)
    case.status = Case.Status.DECLINED
    case.save(update_fields=["reasons", "status"])
    # Typed by hand, so it may name somebody, and the ledger cannot forget: the words stay in the case.
    data = {"reasons_sha256": sha256(case.reasons.encode()).hexdigest(), "reasons_length": len(case.reasons)}
    _record(case, "case.declined", by=by, at=at, data=data | {"right_organ": right_organ.strip()})
    _give(case, Notice.Kind.DECLINE, by=by, at=at, right_organ=right_organ.strip())
    return case


@transaction.atomic
def complete_task(
    task_id: UUID,
    *,
    outcome: str,
    opinion: str,
    by: Staff,
    at: datetime,
    surveyors: Iterable[Staff] = (),
) -> Task:
    """
    Finish a review, visit or expert step with an opinion; steps that waited for it open.

    Raises WrongStep when it is done already or is a decision, TooFewSurveyors for a visit by fewer than two
    staff (LAW-15), ReasonsMissing for a rejection without an opinion.
    """
    task = Task.objects.select_related("department").get(pk=task_id)
    case = _locked(task.case_id)
    task = Task.objects.select_for_update(of=("self",)).select_related("department").get(pk=task_id)
    access.require(by, "cases.review", department=task.department, region=case.region_id)
    _expect(case, Case.Status.ACCEPTED)
    if task.done_at is not None:
        raise WrongStep(_("这一步已经有人办完了，请刷新看最新进度。"))
    if task.kind in {FlowStep.Kind.DECIDE, FlowStep.Kind.DELIVER, FlowStep.Kind.MAKE}:
        raise WrongStep(_("这一步要用“作出决定”或“送达”来办。"))
    if outcome not in Task.Outcome.values:
        raise DomainError(_("请选择：符合要求，或者不符合。"))
    people = list(surveyors)
    if task.kind == FlowStep.Kind.VISIT and len({person.pk for person in people}) < 2:
        raise TooFewSurveyors(_("现场核查要两名以上工作人员一起去，请把两个人都选上。"))
    if outcome == Task.Outcome.REJECTED:
        _reasons(opinion)
    _finish(task, outcome=outcome, opinion=opinion, by=by, at=at)
    task.surveyors.set(people)
    data = {"task": task.step_key, "outcome": outcome, "surveyors": [str(person.pk) for person in people]}
    _record(case, "case.task_done", by=by, at=at, data=data)
    _open_tasks(case, at=at)
    return task


@transaction.atomic
def decide(case_id: UUID, *, outcome: str, by: Staff, at: datetime, reasons: str = "") -> Case:
    """
    Decide, in writing (LAW-7, LAW-8): grant, or refuse with reasons; the case is then completed (办结).

    An immediate case may be decided by the clerk who serves it. Raises ReasonsMissing for a refusal without
    reasons (LAW-17) and for granting what a step rejected without saying why, WrongStep while other steps are open
    or when it is decided already.
    """
    case = _locked(case_id)
    right = "cases.decide_at_once" if case.version.is_immediate else "cases.decide"
    access.require(by, right, department=case.department, region=case.region_id)
    _expect(case, Case.Status.ACCEPTED)
    tasks = list(case.tasks.filter(done_at=None))
    open_before = [task for task in tasks if task.kind != FlowStep.Kind.DECIDE]
    if open_before or not tasks:
        names = listed(task.name for task in open_before)
        raise WrongStep(_("还有步骤没办完：%(names)s。办完才能作决定。") % {"names": names})
    if outcome not in Case.Outcome.values:
        raise DomainError(_("请选择准予，或者不予许可。"))
    is_against_a_step = case.tasks.filter(outcome=Task.Outcome.REJECTED).exists()
    case.reasons = _reasons(reasons) if outcome == Case.Outcome.REFUSED or is_against_a_step else reasons.strip()

    day = localdate(at)
    for task in tasks:
        passed = outcome == Case.Outcome.GRANTED
        _finish(task, outcome=Task.Outcome.PASSED if passed else Task.Outcome.REJECTED, opinion=reasons, by=by, at=at)
    case.clocks.filter(ended_on=None).update(ended_on=day)
    assert case.due_on is not None
    case.outcome, case.status, case.completed_at = outcome, Case.Status.COMPLETED, at
    case.completed_on_time = day <= case.due_on
    case.save(update_fields=["reasons", "outcome", "status", "completed_at", "completed_on_time"])
    if outcome == Case.Outcome.GRANTED:
        ends_on, provisional = rules.due(day, Limit(DELIVERY_DAYS), (), catalog.work_calendar(), today=day)
        Clock.objects.create(
            region_id=case.region_id,
            case=case,
            kind=Clock.Kind.DELIVERY,
            started_on=day,
            limit=DELIVERY_DAYS,
            due_on=ends_on,
            is_provisional=provisional,
        )
    _record(case, "case.decided", by=by, at=at, data={"outcome": outcome, "on_time": case.completed_on_time})
    _give(case, Notice.Kind.DECISION, by=by, at=at)
    _open_tasks(case, at=at)
    return case


@transaction.atomic
def deliver(case_id: UUID, *, how: str, by: Staff, at: datetime, receiver: str = "") -> Case:
    """
    Hand over the result (送达): how is "window", "post" or "electronic" (LAW-11).

    Raises WrongStep before the decision, after delivery, and while a step that is no making or delivering is open.
    """
    case = _locked(case_id)
    access.require(by, "cases.deliver", department=case.department, region=case.region_id)
    _expect(case, Case.Status.COMPLETED)
    if how not in {"window", "post", "electronic"}:
        raise DomainError(_("请选择怎么送达：窗口领取、邮寄，或者电子送达。"))
    tasks = list(case.tasks.filter(done_at=None))
    if others := [task.name for task in tasks if task.kind not in AFTER_DECISION]:
        raise WrongStep(_("还有步骤没办完：%(names)s。办完才能送达。") % {"names": listed(others)})
    for task in tasks:
        _finish(task, outcome=Task.Outcome.PASSED, opinion="", by=by, at=at)
    case.clocks.filter(ended_on=None).update(ended_on=localdate(at))
    case.status, case.delivered_at = Case.Status.DELIVERED, at
    case.save(update_fields=["status", "delivered_at"])
    _record(case, "case.delivered", by=by, at=at, data={"how": how, "by_agent": bool(receiver)})
    return case


def move_due_dates(region: str, *, by: Actor, at: datetime) -> int:
    """
    Recompute every running clock and open task after the calendar changed; each move is a ledger row (CAL-7).

    Each case is committed by itself; one that fails does not keep the others back, and its error is raised at the
    end. Calling again does what is left. Returns how many clocks moved.
    """
    access.require(by, "catalog.calendar", region=region)
    moved, failure = 0, None
    for case_id in queries.cases_to_move(region, today=localdate(at)):
        try:
            moved += _move_case(case_id, by=by, at=at)
        except (DomainError, DatabaseError) as error:
            if connection.connection is None or connection.connection.closed:
                raise
            failure = failure or error
    if failure:
        raise failure
    return moved


@transaction.atomic
def _move_case(case_id: UUID, *, by: Actor, at: datetime) -> int:
    """What is written is worked out under the lock: since it was listed the case may have been decided."""
    case = _locked(case_id)
    calendar, moved = catalog.work_calendar(), 0
    for clock in case.clocks.filter(ended_on=None):
        due_on, provisional = queries.due_now(clock, case, calendar, today=localdate(at))
        if (due_on, provisional) == (clock.due_on, clock.is_provisional):
            continue
        data = {"clock": clock.kind, "from": clock.due_on.isoformat(), "to": due_on.isoformat()}
        clock.due_on, clock.is_provisional = due_on, provisional
        clock.save(update_fields=["due_on", "is_provisional"])
        if clock.kind == Clock.Kind.PROMISED:
            case.due_on, case.due_is_provisional = due_on, provisional
            case.save(update_fields=["due_on", "due_is_provisional"])
        _record(case, "case.due_moved", by=by, at=at, data=data | {"provisional": provisional})
        moved += 1
    steps = {step.key: step for step in case.version.steps.all()}
    for task in case.tasks.filter(done_at=None):
        due_on = _task_due(case, steps.get(task.step_key) or _plain_decision(), localdate(task.opened_at), calendar)
        if due_on != task.due_on:
            data = {"clock": "task", "task": task.step_key, "from": task.due_on.isoformat(), "to": due_on.isoformat()}
            task.due_on = due_on
            task.save(update_fields=["due_on"])
            _record(case, "case.due_moved", by=by, at=at, data=data)
    return moved


def next_number(region: str, name: str, day: date) -> int:
    """Return the next number of `name` on `day`; the row lock makes numbers gap-free, rollbacks included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_counter (region_id, name, day, value) VALUES (%s, %s, %s, 1)"
            " ON CONFLICT (region_id, name, day) DO UPDATE SET value = cases_counter.value + 1 RETURNING value",
            [region, name, day],
        )
        return int(cursor.fetchone()[0])


def missing_materials(rows: Iterable[CaseMaterial]) -> list[ItemMaterial]:
    """Return the materials that keep the case from being accepted, all of them (LAW-4)."""
    needed = {
        ItemMaterial.Necessity.REQUIRED: {CaseMaterial.State.COMPLETE},
        ItemMaterial.Necessity.GAP_ALLOWED: {CaseMaterial.State.COMPLETE, CaseMaterial.State.LATER},
    }
    return [
        row.material
        for row in rows
        if row.material.source != ItemMaterial.Source.SHARED
        and row.material.necessity in needed
        and row.state not in needed[ItemMaterial.Necessity(row.material.necessity)]
    ]


def clocks_for(case: Case, day: date) -> list[Clock]:
    """Return the unsaved clocks a case accepted on `day` runs under; due dates are not filled in."""
    version = case.version
    promise = scenario.promise_for(version, case.chosen, day, region=case.region_id)
    limits = [(Clock.Kind.PROMISED, promise)]
    if version.statutory is not None:
        limits.append((Clock.Kind.STATUTORY, version.statutory))
    return [
        Clock(region_id=case.region_id, case=case, kind=kind, started_on=day, limit=limit.number, unit=limit.unit.value)
        for kind, limit in limits
    ]


def _open_tasks(case: Case, *, at: datetime) -> None:
    """
    Open every step whose `after` is met and that has no task yet. Steps that do not apply to the case's answers are
    passed over: whoever waits for them waits for what they would have waited for.
    """
    steps = scenario.applying_steps(case.version.steps.all(), case.chosen) or [_plain_decision()]
    tasks = {task.step_key: task for task in case.tasks.all()}
    done = {key for key, task in tasks.items() if task.done_at} | {
        step.key for step in steps if step.kind in DONE_BY_ACCEPTING
    }
    calendar, day = catalog.work_calendar(), localdate(at)
    Task.objects.bulk_create(
        Task(
            region_id=case.region_id,
            case=case,
            department_id=step.department_id or case.department_id,
            step_key=step.key,
            name=step.name,
            kind=step.kind,
            post=step.post,
            opened_at=at,
            due_on=_task_due(case, step, day, calendar),
        )
        for step in steps
        if step.key not in tasks and step.key not in done and set(step.after) <= done
    )


def _plain_decision() -> FlowStep:
    """An item that came without a flow (an imported guide) is simply decided; no limit: by the day the case is due."""
    return FlowStep(key="decide", name=_("决定"), kind=FlowStep.Kind.DECIDE, post=_("审批岗"), after=[])


def _task_due(case: Case, step: FlowStep, opened_on: date, calendar: Calendar) -> date:
    if step.limit_days is None:
        assert case.due_on is not None
        return case.due_on
    return calendar.due(opened_on, step.limit_days).on


def _finish(task: Task, *, outcome: str, opinion: str, by: Staff, at: datetime) -> None:
    task.outcome, task.opinion, task.done_at, task.done_by = outcome, opinion.strip(), at, by
    task.save(update_fields=["outcome", "opinion", "done_at", "done_by"])


def _give(case: Case, kind: Notice.Kind, *, by: Actor, at: datetime, **facts: str) -> Notice:
    """Number and keep a document; who signs is the organ, so only its facts are stored."""
    serial = next_number(case.region_id, f"notice:{kind}:{case.center.letters}", date(localdate(at).year, 1, 1))
    return documents.issue(case, kind, serial=serial, at=at, **facts)


def _record(case: Case, kind: str, *, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    """The heads every case row carries, so that figures can be counted from the ledger alone."""
    heads = {"item": case.item.task_code, "department": str(case.department_id), "case_type": case.case_type}
    ledger.record(case.stream, kind, region=case.region_id, by=by, at=at, data=heads | data)


def _locked(case_id: UUID) -> Case:
    return (
        Case.objects.select_for_update(of=("self",))
        .select_related("item", "version", "department", "center", "applicant")
        .get(pk=case_id)
    )


def _expect(case: Case, status: Case.Status) -> None:
    if case.status != status:
        raise WrongStep(
            _("这件现在是“%(status)s”，这一步做不了。请刷新看最新进度。") % {"status": case.get_status_display()}
        )


def _reasons(text: str) -> str:
    if len(text.strip()) < LEAST_REASON:
        raise ReasonsMissing(_("请写明理由，至少 %(n)s 个字，让申请人看得懂、知道下一步怎么办。") % {"n": LEAST_REASON})
    return text.strip()
