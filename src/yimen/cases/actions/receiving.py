"""Taking an application in, accepting it or not (LAW-3 … LAW-6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import TextChoices
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import queries, rules
from yimen.cases.actions import course, modes
from yimen.cases.actions.clocks import limit_by_law
from yimen.cases.actions.common import (
    ReasonsMissing,
    WrongStep,
    checked_reasons,
    expect,
    give,
    locked,
    next_numbers,
    note_visit,
    put_right,
    record,
    unsaid,
)
from yimen.cases.actions.results import give_place, refuse_barred, refuse_if_renewed
from yimen.cases.actions.steps import open_tasks, steps_for
from yimen.cases.models import Case, CaseMaterial, Clock, Correction, Notice
from yimen.cases.rules.modes import FIRST_REVIEW_DAYS
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.acts import act, add, save
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit, Unit
from yimen.people import access
from yimen.people.models import Applicant, ServiceCenter, Staff

LEAST_ORGAN = 3


class NotOffered(DomainError):
    """The item has no published version to apply for."""


class MaterialsMissing(DomainError):
    """A required material is not there; all missing ones are named at once (LAW-4)."""


class UnlistedMaterial(DomainError):
    """Only materials on the item's list can be asked for (LAW-22)."""


class BadReuse(DomainError):
    """What is said to be here already is not, or is too old, or is somebody else's."""


class Ground(TextChoices):
    """Why an application is not accepted: LAW-3 (a) and (b), and false materials (LAW-27)."""

    NOT_NEEDED = "not_needed", gettext_lazy("依法不需要办这件事")
    NOT_OURS = "not_ours", gettext_lazy("不归本机关管")
    FALSE = "false", gettext_lazy("隐瞒情况或者材料是假的")


class WrongForm(DomainError):
    """What was filled in does not fit the item's forms; `faults` by form key, each naming field, value and reason."""

    def __init__(self, faults: Mapping[str, Sequence[form_rules.ValueFault]]) -> None:
        self.faults = {key: list(of) for key, of in faults.items()}
        super().__init__("".join(fault.reason for of in self.faults.values() for fault in of))


@dataclass(frozen=True)
class Handed:
    """
    What was handed in for one material of the list. form: CaseMaterial.Form, empty where nobody has said.

    reused_from: the CaseMaterial of an earlier case of the same applicant that serves again; certificate_no: a
    certificate of ours that shows the same. Either makes the material complete.
    """

    state: str
    note: str = ""
    form: str = ""
    reused_from: UUID | None = None
    certificate_no: str = ""


@act
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
    taken_in: bool = False,
) -> Case:
    """
    Take the papers in and give a receipt (收件凭证); the clock does not run yet (LAW-14).

    materials: by ItemMaterial id; lines left out count as missing. chosen: the answers to the item's questions;
    materials and steps that do not apply to them are not asked for. form_values: by form key what was filled in here,
    None when the forms came on paper. Any clerk of the region may receive for any unit (一窗受理); an applicant himself
    hands in for himself alone, on line (LAW-24). taken_in: at the hall of `by`'s region for another one that decides
    (HALL-17, see elsewhere.py). Raises NotOffered, UnlistedMaterial, scenario.IncompleteAnswers, scenario.DeadEnd,
    WrongForm, access.NotAllowed.
    """
    item = version.item
    if not taken_in:
        _may_receive(by, applicant, version, channel)
    if item.published_id != version.pk:
        raise NotOffered(_("这个事项已经换了新版本，请刷新页面，按新的办事指南收件。"))
    answers = scenario_rules.check_answers(scenario.questions_of(version), list(chosen))
    listed = {material.pk: material for material in scenario_rules.applying(version.materials.all(), answers)}
    if unlisted := set(materials) - set(listed):
        raise UnlistedMaterial(_("有 %(n)s 样材料不在办事指南的清单里，清单外的材料不能要。") % {"n": len(unlisted)})

    day = localdate(at)
    refuse_barred(applicant.pk, item.pk, day)
    filled = _filled(version, answers, form_values, day) if form_values is not None else None
    case = Case(
        region_id=item.region_id,
        center=center,
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
        received_region_id=by.region_id if taken_in and isinstance(by, Staff) else None,
        chosen=list(answers),
        forms_sealed=crypto.seal(json.dumps(filled, ensure_ascii=False), queries.FORMS) if filled else None,
        is_demo=applicant.is_demo,
        # A clerk who takes papers in has somebody before him.
        visit_days=[day] if channel == Case.Channel.WINDOW else [],
    )
    case.recused = []
    case._state.fields_cache["correction"] = None
    rows = [CaseMaterial(region_id=case.region_id, case=case, material=material) for material in listed.values()]
    for row in rows:
        _mark(row, materials.get(row.material_id) or Handed(CaseMaterial.State.MISSING))
    _check_reuse(case, rows, day)
    # Late, because others wait for these numbers until we have committed.
    code, letters = item.task_code, center.letters
    number, short = next_numbers(item.region_id, f"case:{code}"[:80], f"query:{letters}", day)
    case.case_no, case.query_no = rules.case_no(code, day, number), rules.query_no(letters, day, short)
    add([case, *rows])
    data: dict[str, Any] = {"case_no": case.case_no, "channel": channel}
    if case.received_region_id:
        data["received_region"] = case.received_region_id
    if answers:
        data["chosen"] = list(answers)
    if filled:
        data["forms"] = sorted(filled)
    record(case, "case.received", by=by, at=at, data=data)
    give(case, Notice.Kind.RECEIPT, by=by, at=at, rows=rows)
    return case


def _may_receive(by: Actor, applicant: Applicant, version: ItemVersion, channel: str) -> None:
    item = version.item
    if isinstance(by, Applicant):
        is_own = by.pk == applicant.pk and by.region_id == item.region_id
        if not is_own or channel not in {Case.Channel.WEB, Case.Channel.MOBILE}:
            raise access.NotAllowed(_("网上只能给自己办。替别人办，请带委托书到窗口。"))
        return
    access.require(by, "cases.receive", department=item.department, region=item.region_id)


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


@act
def note_materials(case_id: UUID, materials: Mapping[UUID, Handed], *, by: Actor, at: datetime) -> Case:
    """
    Write down what has been handed in since receipt, before acceptance (LAW-3 c: fixed on the spot).

    Raises WrongStep after acceptance, UnlistedMaterial for a line that is not on the list.
    """
    case = locked(case_id)
    if by.ledger_ref != case.applicant.ledger_ref:  # he himself: see applying.answer_correction()
        access.require(by, "cases.receive", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
    rows = {row.material_id: row for row in case.materials.all()}
    if set(materials) - set(rows):
        raise UnlistedMaterial(_("有材料不在办事指南的清单里，清单外的材料不能要。"))
    changed = [rows[pk] for pk, handed in materials.items() if _mark(rows[pk], handed)]
    if not changed:
        return case
    _check_reuse(case, changed, localdate(at))
    CaseMaterial.objects.bulk_update(changed, ["state", "note", "form", "reused_from", "certificate_no"])
    if isinstance(by, Staff) and any(_was_brought(row, case) for row in changed) and note_visit(case, localdate(at)):
        case.save(update_fields=["visit_days"])
    data: dict[str, Any] = {"states": {str(row.material_id): row.state for row in changed}}
    if again := [str(row.material_id) for row in changed if row.reused_from_id or row.certificate_no]:
        data["reused"] = again
    if (correction := Correction.objects.filter(case=case, answered_at=None).first()) is not None:
        data["correction_answered"] = put_right(correction, rows.values(), at)
    record(case, "case.materials_noted", by=by, at=at, data=data)
    return case


def _was_brought(row: CaseMaterial, case: Case) -> bool:
    """Whether somebody came with it: on paper; for a case of the window, unless it is said to be a file."""
    if row.state != CaseMaterial.State.COMPLETE or row.reused_from_id or row.certificate_no:
        return False
    if row.form:
        return row.form != CaseMaterial.Form.ELECTRONIC
    return case.channel == Case.Channel.WINDOW


def _mark(row: CaseMaterial, handed: Handed) -> bool:
    """Write what was handed in into the row; tell whether that changed it. A form once said stays until another is."""
    before = (row.state, row.note, row.form, row.reused_from_id, row.certificate_no)
    row.state, row.note = handed.state, handed.note.strip()[:200]
    row.form = handed.form if handed.form in CaseMaterial.Form.values else row.form
    is_there = handed.state == CaseMaterial.State.COMPLETE
    row.form = row.form if is_there else ""
    row.reused_from_id = handed.reused_from if is_there else None
    row.certificate_no = handed.certificate_no.strip()[:60] if is_there else ""
    return before != (row.state, row.note, row.form, row.reused_from_id, row.certificate_no)


def _check_reuse(case: Case, rows: Iterable[CaseMaterial], day: date) -> None:
    """What is said to be here already is: the same applicant's, of the same name, not too old, valid."""
    claiming = [row for row in rows if row.reused_from_id or row.certificate_no]
    if not claiming:
        return
    earlier = queries.earlier_materials(case, day)
    shown = queries.certificates_for(case.applicant, day)
    for row in claiming:
        offered = {one.pk for one in earlier.get(row.material.name, ())}
        if (row.reused_from_id and row.reused_from_id not in offered) or (
            row.certificate_no and row.certificate_no not in shown.get(row.material.name, ())
        ):
            raise BadReuse(_("“%(name)s”现在不能沿用以前的，请让申请人重新交一份。") % {"name": row.material.name})


@act
def accept(case_id: UUID, *, by: Actor, at: datetime) -> Case:
    """
    Accept a received case: start its clocks, open its first tasks, give the acceptance notice (LAW-6).

    Raises MaterialsMissing naming every required material that is not there, WrongStep when the case is no
    longer waiting for acceptance, access.NotAllowed. Once the five working days are over the law has accepted it: what
    is done here then is what the job does, as of the day the materials came, whatever is missing (LAW-5).
    """
    case = locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
    course.read(case, "materials", "steps", "tasks", "bars", "quotas", at=at, gives=Notice.Kind.ACCEPTANCE)
    rows = list(case.materials.all())
    if is_deemed(case, at):
        _accept(case, Case.AcceptMode.DEEMED, rows, accepted_at=queries.answer_from(case), by=by, at=at)
        return case
    refuse_barred(case.applicant_id, case.item_id, localdate(at))
    modes.expect_true_commitment(case, rows)
    if missing := missing_materials(rows):
        raise MaterialsMissing(
            _("还不能受理，缺 %(n)s 样：%(names)s。") % {"n": len(missing), "names": listed(m.name for m in missing)}
        )
    _accept(case, Case.AcceptMode.DECIDED, rows, accepted_at=at, by=by, at=at)
    return case


@transaction.atomic
def accept_unanswered(case_id: UUID, *, by: Actor, at: datetime) -> bool:
    """
    Accept a case nobody answered in time, as of the day its materials were received, whatever is missing (LAW-5);
    after a correction as of the day everything it asked for was there.

    Returns False, and changes nothing, when it was answered meanwhile, there is still time to answer, or the applicant
    has not brought yet what the correction asked for.
    """
    case = locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    if case.status != Case.Status.RECEIVED or not is_deemed(case, at):
        return False
    accept_deemed(case, by=by, at=at)
    return True


def accept_deemed(case: Case, *, by: Actor, at: datetime) -> None:
    """Accept a locked, received case by force of law, as of the day its materials were there."""
    rows = list(case.materials.select_related("material"))
    _accept(case, Case.AcceptMode.DEEMED, rows, accepted_at=queries.answer_from(case), by=by, at=at)


def is_deemed(case: Case, at: datetime) -> bool:
    """Tell whether a received case counts as accepted by law because nobody answered within five working days."""
    calendar = catalog.work_calendar()
    # Nearly always answered within five days of receipt: then no correction has to be looked for.
    if localdate(at) <= calendar.due(localdate(case.received_at), queries.NOTICE_DAYS).on:
        return False
    return not queries.waits_for_applicant(case) and localdate(at) > queries.answer_due(case, calendar)


def _accept(
    case: Case, mode: Case.AcceptMode, rows: Sequence[CaseMaterial], *, accepted_at: datetime, by: Actor, at: datetime
) -> None:
    """Start the clocks on the day of accepted_at; the notice is given and the tasks are opened `at`."""
    steps = steps_for(case)
    case.handling_mode = modes.mode_of(case, rows, steps)
    calendar, day = catalog.work_calendar(), localdate(accepted_at)
    clocks = clocks_for(case, day)
    for clock in clocks:
        clock.due_on, clock.is_provisional = rules.due(
            day, Limit(clock.limit, Unit(clock.unit)), (), calendar, started_at=accepted_at
        )
        if clock.kind == Clock.Kind.PROMISED:
            case.due_on, case.due_is_provisional = clock.due_on, clock.is_provisional
    case.status, case.accept_mode = Case.Status.ACCEPTED, mode
    case.accepted_at, case.accepted_by = accepted_at, by if isinstance(by, Staff) else None
    give_place(case, day)
    save(
        case,
        *("status", "accept_mode", "accepted_at", "accepted_by", "due_on", "due_is_provisional", "handling_mode"),
        *(["quota_place"] if case.quota_place is not None else []),
    )
    add(clocks)
    assert case.due_on is not None
    data: dict[str, Any] = {"due_on": case.due_on.isoformat(), "provisional": case.due_is_provisional}
    data["mode"] = mode.value
    if case.quota_place is not None:
        data["place"] = case.quota_place
    record(case, "case.accepted", by=by, at=at, data=data)
    give(case, Notice.Kind.ACCEPTANCE, by=by, at=at, promised=clocks[0])
    modes.promise_gaps(case, rows, by=by, at=at)
    open_tasks(case, at=at, steps=steps)


@transaction.atomic
def decline(case_id: UUID, *, reasons: str, by: Actor, at: datetime, ground: str = "", right_organ: str = "") -> Case:
    """
    Do not accept, in writing and with reasons (LAW-3, S1-31): because no licence is needed (不受理), because it is
    another organ's power, which is then named (不予受理), or because the materials are false (LAW-27).

    ground: of Ground; when empty it follows from right_organ. Raises ReasonsMissing without reasons a reader can act
    on, or without the right organ where the ground is that; WrongStep when the five working days are over and the law
    has accepted the case (LAW-5).
    """
    case, right_organ = locked(case_id), right_organ.strip()
    access.require(by, "cases.decline", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
    refuse_if_deemed(case, at)
    ground = ground or (Ground.NOT_OURS if right_organ else Ground.NOT_NEEDED)
    if ground not in Ground.values:
        raise DomainError(_("请选择为什么不受理。"))
    if ground == Ground.NOT_OURS and len(right_organ) < LEAST_ORGAN:
        raise ReasonsMissing(_("不归本机关管的，要写清楚该找哪个单位，申请人才知道去哪里办。"))
    case.reasons = checked_reasons(reasons)
    case.status = Case.Status.DECLINED
    case.save(update_fields=["reasons", "status"])
    data = unsaid(case.reasons, "reasons") | unsaid(right_organ, "right_organ")
    record(case, "case.declined", by=by, at=at, data=data | {"ground": str(ground)})
    give(case, Notice.Kind.DECLINE, by=by, at=at, right_organ=right_organ, ground=str(ground))
    return case


def refuse_if_deemed(case: Case, at: datetime) -> None:
    """Raise WrongStep when the law has accepted a received case already, whether or not the job has run (LAW-5)."""
    refuse_if_renewed(case, at)
    if is_deemed(case, at):
        raise WrongStep(_("收到材料已经超过五个工作日没有答复，依法视为已经受理，只能接着办。请刷新看最新进度。"))


def missing_materials(rows: Iterable[CaseMaterial]) -> list[ItemMaterial]:
    """Return the materials that keep the case from being accepted, all of them (LAW-4)."""
    needed = {
        ItemMaterial.Necessity.REQUIRED: {CaseMaterial.State.COMPLETE, CaseMaterial.State.COMMITTED},
        ItemMaterial.Necessity.GAP_ALLOWED: {
            *(CaseMaterial.State.COMPLETE, CaseMaterial.State.COMMITTED, CaseMaterial.State.LATER),
        },
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
    if statutory := version.statutory or limit_by_law(case):
        limits.append((Clock.Kind.STATUTORY, statutory))
    if version.extended.get(modes.DECIDED_ABOVE):
        limits.append((Clock.Kind.LOWER_REVIEW, Limit(FIRST_REVIEW_DAYS)))
    return [
        Clock(region_id=case.region_id, case=case, kind=kind, started_on=day, limit=limit.number, unit=limit.unit.value)
        for kind, limit in limits
    ]
