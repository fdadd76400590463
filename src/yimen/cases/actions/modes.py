"""Acceptance with a gap (HALL-11), a commitment in place of proofs (HALL-12), what both mean for the decision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents
from yimen.cases.actions.common import WrongStep, checked_reasons, expect, give, locked, note_visit, put_right, record
from yimen.cases.models import (
    Bar,
    Case,
    CaseMaterial,
    Commitment,
    Correction,
    GapPromise,
    HandlingMode,
    Notice,
)
from yimen.cases.rules import modes as rules
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion
from yimen.catalog.models.items import COMMITMENT_MATERIALS, DECIDE_WITH_GAP, DECIDED_ABOVE
from yimen.ledger.actions import Actor
from yimen.ledger.models import Event
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import add_months
from yimen.people import access
from yimen.people.models import Staff

LEAST_COMMITMENT = 20
OVERDUE = "case.gap_overdue"


class GapOpen(DomainError):
    """A promised material is not there yet (HALL-11)."""


class NotCommittable(DomainError):
    """A commitment replaces only the proofs the item names (HALL-12)."""


class CommitmentBroken(DomainError):
    """What was committed to turned out not to be so."""


def mode_of(case: Case, rows: Iterable[CaseMaterial], steps: Iterable[FlowStep]) -> HandlingMode:
    """
    Return how a case is handled once accepted (CASE-4). Upward and joint come first, because who decides and the
    legal limit hang on them; gaps and commitments have rows of their own.

    rows: its materials with `material`; steps: those that apply.
    """
    rows = list(rows)
    if case.version.extended.get(DECIDED_ABOVE):
        return HandlingMode.UPWARD
    if rules.is_joint(case.department_id, (step.department_id for step in steps), says_so=case.version.is_joint):
        return HandlingMode.JOINT
    if any(is_gap(row) for row in rows):
        return HandlingMode.SUPPLEMENT
    if any(row.state == CaseMaterial.State.COMMITTED for row in rows):
        return HandlingMode.COMMITMENT
    return HandlingMode.OWN


def is_gap(row: CaseMaterial) -> bool:
    later, allowed = CaseMaterial.State.LATER, ItemMaterial.Necessity.GAP_ALLOWED
    return row.state == later and row.material.necessity == allowed


def promise_gaps(case: Case, rows: Iterable[CaseMaterial], *, by: Actor, at: datetime) -> list[GapPromise]:
    """
    Write down which materials follow and by when, and give the notice the applicant signs (HALL-11); call it inside
    the act of acceptance. rows: the case's materials with `material`.
    """
    open_rows = [row for row in rows if is_gap(row)]
    if not open_rows:
        return []
    day = localdate(at)
    days = catalog.local_rule(case.region_id, rules.GAP_KEY, day, default=rules.GAP_DAYS)
    due_on = catalog.work_calendar().due(day, days).on
    gaps = GapPromise.objects.bulk_create(
        GapPromise(region_id=case.region_id, case=case, material=row, promised_at=at, due_on=due_on)
        for row in open_rows
    )
    record(case, "case.gap_promised", by=by, at=at, data={"gaps": len(gaps), "due_on": due_on.isoformat()})
    may_decide = bool(case.version.extended.get(DECIDE_WITH_GAP))
    letter = documents.Letter(
        opening=[
            "您的申请已经受理。下面的材料可以后补，不影响先办理；请您签字，承诺按时补交。",
        ],
        facts=[("最晚补交", long_day(due_on, weekday=True)), ("补交期限", f"受理后 {days} 个工作日")],
        head=["后补的材料", "要求"],
        rows=[[row.material.name, f"{row.material.get_kind_display()} {row.material.copies} 份"] for row in open_rows],
        closing=[
            "补交时到任意综合窗口，报办件编号就行。",
            "这一事项可以先作决定，补交的期限不变。"
            if may_decide
            else "材料补齐以前，不能作出准予的决定；办理时限照常计算。",
            "到期没有补齐的，可能作出不予办理的决定。",
            "申请人承诺：上面的材料我会按时补交，内容真实。　　签字：　　　　　　日期：",
        ],
    )
    give(case, Notice.Kind.SUPPLEMENT, by=by, at=at, letter=letter)
    return gaps


@transaction.atomic
def make_up_gap(
    gap_id: UUID, *, by: Actor, at: datetime, form: str = CaseMaterial.Form.ORIGINAL, note: str = ""
) -> GapPromise:
    """
    Take in a material that was promised for later; also after its day. form: CaseMaterial.Form.

    Any clerk of the region may. Raises WrongStep when it is there already or the case is over without a grant.
    """
    case = locked(GapPromise.objects.values_list("case_id", flat=True).get(pk=gap_id))
    access.require(by, "cases.receive", department=case.department, region=case.region_id)
    gap = GapPromise.objects.select_related("material__material").get(pk=gap_id)
    if gap.made_up_at is not None:
        raise WrongStep(_("这样材料已经补过了，请刷新看最新情况。"))
    if case.status != Case.Status.ACCEPTED and case.outcome != Case.Outcome.GRANTED:
        raise WrongStep(_("这件已经办完，不用再补材料。"))
    if form not in CaseMaterial.Form.values:
        raise DomainError(_("请选择：原件、复印件，还是电子件。"))
    gap.made_up_at, gap.made_up_by = at, by if isinstance(by, Staff) else None
    gap.save(update_fields=["made_up_at", "made_up_by"])
    gap.material.state, gap.material.form = CaseMaterial.State.COMPLETE, form
    gap.material.note = note.strip()[:200] or gap.material.note
    gap.material.save(update_fields=["state", "form", "note"])
    if form != CaseMaterial.Form.ELECTRONIC and note_visit(case, localdate(at)):
        case.save(update_fields=["visit_days"])
    data = {"material": str(gap.material.material_id), "on_time": localdate(at) <= gap.due_on}
    record(case, "case.gap_made_up", by=by, at=at, data=data)
    return gap


@transaction.atomic
def note_overdue_gap(gap_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Leave one ledger row for a gap that passed its day; False, changing nothing, when it has one or was made up."""
    case = locked(GapPromise.objects.values_list("case_id", flat=True).get(pk=gap_id))
    access.require(by, "cases.receive", department=case.department, region=case.region_id)
    gap = GapPromise.objects.select_related("material").get(pk=gap_id)
    if gap.made_up_at is not None or localdate(at) <= gap.due_on or not _is_awaited(case):
        return False
    known = Event.objects.filter(region=case.region_id, stream=case.stream, kind=OVERDUE, data__gap=str(gap.pk))
    if known.exists():
        return False
    data = {"gap": str(gap.pk), "material": str(gap.material.material_id), "due_on": gap.due_on.isoformat()}
    record(case, OVERDUE, by=by, at=at, data=data)
    return True


def _is_awaited(case: Case) -> bool:
    return case.status == Case.Status.ACCEPTED or case.outcome == Case.Outcome.GRANTED


def may_commit(version: ItemVersion, material: ItemMaterial, *, proofs: bool) -> bool:
    """
    Tell whether a commitment may replace `material`: the item names it, or `proofs` (the place's dated rule) allows
    every proof a government body issues. Materials nobody has to bring need no commitment.
    """
    if material.source == ItemMaterial.Source.SHARED or material.necessity == ItemMaterial.Necessity.OPTIONAL:
        return False
    named = version.extended.get(COMMITMENT_MATERIALS) or ()
    return material.name in named or (proofs and material.source == ItemMaterial.Source.GOVERNMENT)


def committable(case: Case, *, at: datetime) -> list[CaseMaterial]:
    """Return the materials of a received case that a commitment may replace and that are not there."""
    day = localdate(at)
    proofs = bool(catalog.local_rule(case.region_id, rules.COMMITMENT_PROOFS_KEY, day, default=rules.COMMITMENT_PROOFS))
    rows = case.materials.select_related("material").order_by("material__position")
    there = {CaseMaterial.State.COMPLETE, CaseMaterial.State.COMMITTED}
    return [row for row in rows if row.state not in there and may_commit(case.version, row.material, proofs=proofs)]


@transaction.atomic
def commit(case_id: UUID, materials: Collection[UUID], text: str, *, by: Actor, at: datetime) -> Commitment:
    """
    Take the applicant's written commitment in place of proofs, before acceptance (HALL-12); it is checked later.

    materials: CaseMaterial ids. text: what he commits to, in whole sentences, printed and signed. Raises
    NotCommittable for a material the item does not allow it for, WrongStep after acceptance or a second time.
    """
    case = locked(case_id)
    access.require(by, "cases.receive", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
    if Commitment.objects.filter(case=case).exists():
        raise WrongStep(_("这件已经有承诺书了，一件只签一份。"))
    allowed = {row.pk: row for row in committable(case, at=at)}
    if not materials or set(materials) - set(allowed):
        raise NotCommittable(
            _("可以用承诺代替的材料是：%(names)s。请只选这些。")
            % {"names": listed(r.material.name for r in allowed.values())}
            if allowed
            else _("这件没有可以用承诺代替的材料，请按清单收材料。")
        )
    if len(text.strip()) < LEAST_COMMITMENT:
        raise DomainError(
            _("请写全承诺的内容，至少 %(n)s 个字：承诺什么、不实愿意承担什么。") % {"n": LEAST_COMMITMENT}
        )
    rows, day = [row for pk, row in allowed.items() if pk in set(materials)], localdate(at)
    for row in rows:
        row.state = CaseMaterial.State.COMMITTED
    CaseMaterial.objects.bulk_update(rows, ["state"])
    days = catalog.local_rule(case.region_id, rules.COMMITMENT_CHECK_KEY, day, default=rules.COMMITMENT_CHECK_DAYS)
    check_by = catalog.work_calendar().due(day, days).on
    letter = documents.Letter(
        opening=[
            "办理这一事项，法律要求有下面的证明。您可以交证明，也可以签这份承诺书代替；不愿意承诺的，按清单交材料。"
        ],
        facts=[("核查期限", long_day(check_by, weekday=True))],
        head=["用承诺代替的证明", "要求的依据"],
        rows=[[row.material.name, row.material.legal_basis or "办事指南"] for row in rows],
        closing=[
            *(f"申请人承诺：{line}" for line in documents.sentences(text)),
            "我们会在核查期限内核对。承诺不实的，依法撤销决定，并在一定期限内不再适用告知承诺。",
            "申请人签字：　　　　　　日期：",
        ],
    )
    notice = give(case, Notice.Kind.COMMITMENT, by=by, at=at, letter=letter)
    commitment = Commitment.objects.create(
        region_id=case.region_id, case=case, text=text.strip(), notice=notice, signed_at=at, check_by=check_by
    )
    commitment.materials.set(rows)
    case.handling_mode = HandlingMode.COMMITMENT
    case.save(update_fields=["handling_mode"])
    data: dict[str, Any] = {"materials": [str(row.material_id) for row in rows], "check_by": check_by.isoformat()}
    if (correction := Correction.objects.filter(case=case, answered_at=None).first()) is not None:
        # Promised in place of what the correction asked for is an answer too; the five working days begin anew.
        data["correction_answered"] = put_right(correction, case.materials.all(), at)
    record(case, "case.committed", by=by, at=at, data=data)
    return commitment


@transaction.atomic
def check_commitment(case_id: UUID, *, is_kept: bool, findings: str, by: Staff, at: datetime) -> Commitment:
    """
    Write down what the later check of a commitment found (HALL-12).

    Not kept: before the decision the proofs count as missing and nothing can be granted; after it the decision is to
    be revoked (queries.broken_commitments lists it until then). Either way the applicant is barred for the months of
    the local rule. Raises WrongStep when it was checked already, ReasonsMissing for a finding nobody can follow.
    """
    case = locked(case_id)
    access.require(by, "cases.review", department=case.department, region=case.region_id)
    commitment = Commitment.objects.filter(case=case).first()
    if commitment is None or commitment.checked_at is not None:
        raise WrongStep(_("这件没有等着核查的承诺，请刷新看最新情况。"))
    if case.status in {Case.Status.RECEIVED, Case.Status.DECLINED, Case.Status.WITHDRAWN}:
        raise WrongStep(_("受理以后才核查承诺。"))
    commitment.checked_at, commitment.checked_by, commitment.is_kept = at, by, is_kept
    commitment.findings = findings.strip() if is_kept else checked_reasons(findings)
    commitment.save(update_fields=["checked_at", "checked_by", "is_kept", "findings"])
    data: dict[str, object] = {"is_kept": is_kept}
    if not is_kept:
        if case.status == Case.Status.ACCEPTED:
            commitment.materials.update(state=CaseMaterial.State.MISSING)
        data["until_on"] = _bar(case, commitment, by=by, at=at).until_on.isoformat()
    record(case, "case.commitment_checked", by=by, at=at, data=data)
    return commitment


def _bar(case: Case, commitment: Commitment, *, by: Staff, at: datetime) -> Bar:
    day = localdate(at)
    months = catalog.local_rule(case.region_id, rules.COMMITMENT_BAR_KEY, day, default=rules.COMMITMENT_BAR_MONTHS)
    return Bar.objects.create(
        region_id=case.region_id,
        applicant=case.applicant,
        item=case.item,
        ground=Bar.Ground.FALSE_COMMITMENT,
        finding=commitment.findings,
        case=case,
        from_on=day,
        until_on=add_months(day, months),
        set_by=by,
        set_at=at,
    )


def expect_true_commitment(case: Case, rows: Iterable[CaseMaterial]) -> None:
    """Raise NotCommittable at acceptance when a material counts as committed that no commitment names."""
    committed = {row.pk for row in rows if row.state == CaseMaterial.State.COMMITTED}
    if not committed:
        return
    named = set(
        Commitment.materials.through.objects.filter(commitment__case=case).values_list("casematerial", flat=True)
    )
    if committed - named:
        raise NotCommittable(_("有材料标了“承诺代替”，可是没有承诺书。请先签承诺书，或者按实际情况改。"))


def before_decision(case: Case, outcome: str, *, is_against_a_step: bool, at: datetime) -> Sequence[str]:
    """
    Ask whether promised materials and commitments let the case be decided; return the reasons a refusal has to give.

    Raises GapOpen while a gap is open, unless the item lets it be decided so (then nothing), or the gap has passed
    its day or a step has rejected the case and it is refused. Raises CommitmentBroken for granting on a commitment
    that was not kept. Costs a query only for cases that have such things.
    """
    if case.handling_mode == HandlingMode.OWN:
        return []
    refusing, day = outcome == Case.Outcome.REFUSED, localdate(at)
    reasons = []
    gaps = list(case.gaps.filter(made_up_at=None).select_related("material__material"))
    if gaps and not case.version.extended.get(DECIDE_WITH_GAP):
        late = [gap for gap in gaps if gap.due_on < day]
        names = listed(gap.material.material.name for gap in gaps)
        if not refusing or not (late or is_against_a_step):
            raise GapOpen(
                _("%(names)s还没补齐，%(day)s前可以补，现在不能作决定。")
                % {"names": names, "day": long_day(max(gap.due_on for gap in gaps))}
                if not late
                else _("%(names)s过了补交的日子还没补，不能准予。补齐再办，或者作不予许可的决定。") % {"names": names}
            )
        # A document of the organ: in Chinese whatever the page is in.
        reasons += [
            f"承诺在 {long_day(gap.due_on)} 前补交的“{gap.material.material.name}”，到期没有补齐。" for gap in late
        ]
    commitment = Commitment.objects.filter(case=case, is_kept=False).first()
    if commitment is not None:
        if not refusing:
            raise CommitmentBroken(_("核查发现承诺不实，不能准予。请作不予许可的决定，写明理由。"))
        reasons.append("经核查，申请人所作承诺与事实不符。")
    return reasons
