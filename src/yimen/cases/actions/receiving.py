"""Taking an application in, accepting it or not (LAW-3 … LAW-6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries, rules
from yimen.cases.actions.common import checked_reasons, expect, give, locked, next_number, record
from yimen.cases.actions.steps import open_tasks
from yimen.cases.models import Case, CaseMaterial, Clock, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit, Unit
from yimen.people import access
from yimen.people.models import Applicant, ServiceCenter, Staff


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
    record(case, "case.received", by=by, at=at, data=data)
    give(case, Notice.Kind.RECEIPT, by=by, at=at)
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
    case = locked(case_id)
    access.require(by, "cases.receive", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
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
    case = locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
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
    case = locked(case_id)
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
    record(case, "case.accepted", by=by, at=at, data=data)
    give(case, Notice.Kind.ACCEPTANCE, by=by, at=at)
    open_tasks(case, at=at)


@transaction.atomic
def decline(case_id: UUID, *, reasons: str, by: Actor, at: datetime, right_organ: str = "") -> Case:
    """
    Refuse to accept (不予受理), in writing, with reasons and, where it is another organ's power, that organ's name.

    Raises ReasonsMissing without reasons a reader can act on (LAW-3 b, S1-31).
    """
    case = locked(case_id)
    access.require(by, "cases.decline", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
    case.reasons = checked_reasons(reasons)
    case.status = Case.Status.DECLINED
    case.save(update_fields=["reasons", "status"])
    # Typed by hand, so it may name somebody, and the ledger cannot forget: the words stay in the case.
    data = {"reasons_sha256": sha256(case.reasons.encode()).hexdigest(), "reasons_length": len(case.reasons)}
    record(case, "case.declined", by=by, at=at, data=data | {"right_organ": right_organ.strip()})
    give(case, Notice.Kind.DECLINE, by=by, at=at, right_organ=right_organ.strip())
    return case


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
