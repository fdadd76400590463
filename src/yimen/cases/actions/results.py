"""What follows a decision: the certificate, its revocation, bars, and how many may be granted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents, queries
from yimen.cases.actions import course
from yimen.cases.actions.common import WrongStep, checked_reasons, give, locked, next_number, record, unsaid
from yimen.cases.actions.steps import finish, open_tasks
from yimen.cases.models import Bar, Case, Commitment, Notice, Quota, Renewal, Task
from yimen.cases.queries.results import PUBLIC_SAFETY, has_lapsed, may_be_renewed
from yimen.cases.rules import results as rules
from yimen.catalog import actions as catalog_actions
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ServiceItem
from yimen.certificates import actions as certificates
from yimen.certificates import queries as certificate_queries
from yimen.certificates.models import Certificate
from yimen.certificates.rules import renewed_until
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import acts
from yimen.lib.acts import act
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.lib.workdays import add_months
from yimen.people import access
from yimen.people.models import Staff

# A broken commitment: how many months its maker stays away [GKU]; a dated local rule.
COMMITMENT_BAR_KEY, COMMITMENT_BAR_MONTHS = "commitment_bar_months", 12
REVOKING_LAW = "《中华人民共和国行政许可法》第六十九条"
# LAL 69. The last one is the holder's own doing and brings a bar (LAL 79).
GROUNDS = {
    "abuse": "行政机关工作人员滥用职权、玩忽职守作出准予行政许可决定",
    "beyond_power": "超越法定职权作出准予行政许可决定",
    "procedure": "违反法定程序作出准予行政许可决定",
    "not_entitled": "对不具备申请资格或者不符合法定条件的申请人准予行政许可",
    "other": "依法可以撤销行政许可的其他情形",
    "fraud": "被许可人以欺骗、贿赂等不正当手段取得行政许可",
}
_BAR_LAW = {
    Bar.Ground.FALSE_MATERIALS: "行政许可法第七十八条",
    Bar.Ground.FRAUD: "行政许可法第七十九条",
    Bar.Ground.FALSE_COMMITMENT: "告知承诺制的规定",
}


class Barred(DomainError):
    """The applicant may not apply for this item until a day (LAW-27)."""


class NoBar(DomainError):
    """The law knows no bar for this."""


# -- certificates -----------------------------------------------------------------------------------------------------


@act
def make_certificate(
    case_id: UUID, *, by: Actor, at: datetime, valid_from: date | None = None, valid_until: date | None = None
) -> Certificate:
    """
    Make the certificate of a granted case (制证), which ends the MAKE step where the flow has one.

    valid_from: today when left out, never before the decision; a renewal follows on the old one and takes its place.
    valid_until: as long as the item's renewal rule or the old certificate says, else for ever. Raises WrongStep before
    a grant and the second time, certificates.WrongDay.
    """
    case = locked(case_id)
    access.require(by, "certificates.issue", department=case.department, region=case.region_id)
    if case.status not in {Case.Status.COMPLETED, Case.Status.DELIVERED} or case.outcome != Case.Outcome.GRANTED:
        raise WrongStep(_("准予以后才能制证，请先看这件的结果。"))
    read = course.read(case, "tasks", "steps", "certificates", "notices", at=at)
    if read["certificates"]:
        raise WrongStep(_("这件的证照已经做好了，请刷新看最新进度。"))
    if any(notice.kind == Notice.Kind.REVOCATION for notice in read["notices"]):
        raise WrongStep(_("这件的决定已经撤销，不能再制证。"))
    today = localdate(at)
    renewal: Renewal | None = getattr(case, "renewal", None)
    old = certificate_queries.by_number(case.region_id, renewal.certificate_no) if renewal else None
    if old is not None and old.valid_until is not None:
        valid_from = valid_from or old.valid_until + timedelta(days=1)
        valid_until = valid_until or renewed_until(old.valid_from, old.valid_until)
    valid_from = valid_from or today
    assert case.completed_at is not None
    decided_on = localdate(case.completed_at)
    follows_on = old.valid_until + timedelta(days=1) if old is not None and old.valid_until is not None else decided_on
    if valid_from < min(decided_on, follows_on):
        raise certificates.WrongDay(
            _("有效期不能从作出决定以前算起，最早从 %(day)s起。") % {"day": long_day(min(decided_on, follows_on))}
        )
    if case.item.department_id == case.department_id:
        case.item.department = case.department  # which need not be read again
    made = certificates.issue(
        case.item,
        case.applicant,
        name=case.version.result_name or case.version.name,
        series=case.center.letters,
        valid_from=valid_from,
        valid_until=valid_until or _usual_end(case, valid_from),
        case_no=case.case_no,
        data={"organ": case.department.name, "item": case.version.name},
        replaces=old,
        by=by,
        at=at,
    )
    data: dict[str, Any] = {"number": made.number}
    waiting = case.tasks.all() if case.status == Case.Status.COMPLETED else []
    making = [task for task in waiting if task.done_at is None and task.kind == FlowStep.Kind.MAKE]
    for task in making:
        if isinstance(by, Staff):
            finish(task, outcome=Task.Outcome.PASSED, opinion="", by=by, at=at)
        else:
            _finish_unattended(task, at)
        data["task"] = task.step_key
    record(case, "case.certificate_made", by=by, at=at, data=data)
    if "task" in data:
        open_tasks(case, at=at)
    return made


def _finish_unattended(task: Task, at: datetime) -> None:
    task.done_at, task.outcome = at, Task.Outcome.PASSED
    acts.save(task, "done_at", "outcome")


def _usual_end(case: Case, valid_from: date) -> date | None:
    """The item's rule for reminders says after how many months it is renewed (ItemVersion.due_rule)."""
    rule = case.version.due_rule
    if rule.get("kind") != "renewal":
        return None
    return add_months(valid_from, int(rule["months"])) - timedelta(days=1)


@transaction.atomic
def revoke_decision(case_id: UUID, *, ground: str, finding: str, by: Staff, at: datetime) -> Notice:
    """
    Revoke a granted decision (撤销, LAL 69): a document with reasons and remedies, the certificate revoked from today
    on, the holder barred when he got it by fraud and the item concerns public safety (LAL 79).

    ground: a key of GROUNDS; finding: what was found, in sentences. Raises WrongStep when nothing was granted or it is
    revoked already, ReasonsMissing, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.revoke", department=case.department, region=case.region_id)
    if case.outcome != Case.Outcome.GRANTED:
        raise WrongStep(_("只有准予的决定才能撤销。"))
    if Notice.objects.filter(region_id=case.region_id, case=case, kind=Notice.Kind.REVOCATION).exists():
        raise WrongStep(_("这件的决定已经撤销过了，请刷新看最新进度。"))
    if ground not in GROUNDS:
        raise DomainError(_("请选择撤销的法定情形。"))
    finding, today = checked_reasons(finding), localdate(at)
    certificate = certificate_queries.of_case(case.region_id, case.case_no)
    if certificate is not None and certificate.state not in {Certificate.State.REVOKED, Certificate.State.CANCELLED}:
        certificates.change_state(
            certificate.pk, Certificate.State.REVOKED, ground=f"{GROUNDS[ground]}。{finding}", by=by, at=at
        )
    decision = case.notices.filter(kind=Notice.Kind.DECISION).first()
    is_safety = queries.is_public_safety(case.item, today)
    closing = []
    if ground == "fraud" and is_safety:
        until = rules.barred_until(today, rules.FRAUD_MONTHS)
        closing.append(f"依照行政许可法第七十九条，到 {long_day(until)}（含当天）不能再申请这个事项。")
    letter = documents.Letter(
        opening=[
            f"经查，{GROUNDS[ground]}。依据{REVOKING_LAW}，决定撤销"
            + (f"{decision.number}行政决定书" if decision else "准予的决定")
            + (f"和 {certificate.number}《{certificate.name}》" if certificate else "")
            + f"，自 {long_day(today)}起。",
        ],
        facts=[("查明的事实", finding)],
        closing=closing,
        has_remedies=True,
    )
    data = {"ground": ground, "certificate": certificate.number if certificate else ""}
    record(case, "case.revoked", by=by, at=at, data=data)
    notice = give(case, Notice.Kind.REVOCATION, by=by, at=at, letter=letter)
    if case.status == Case.Status.COMPLETED:  # nothing is left to be made or handed over
        case.clocks.filter(ended_on=None).update(ended_on=today)
        case.tasks.filter(done_at=None).update(done_at=at)
    if ground == "fraud" and is_safety:
        _bar(case, Bar.Ground.FRAUD, finding, by=by, at=at)
    return notice


# -- bars -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_bar(case_id: UUID, ground: str, *, finding: str, by: Staff, at: datetime) -> Bar:
    """
    Bar the applicant of a case from its item (LAW-27), from today on.

    False materials: one year, after the case was not accepted or refused; fraud: three years, after the decision was
    revoked; both only for items that concern public safety (LAL 78, 79). A broken commitment: as the local rule says,
    after it was found broken. Raises NoBar when that is not so, ReasonsMissing, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.bar", department=case.department, region=case.region_id)
    if ground not in Bar.Ground.values:
        raise DomainError(_("请选择为什么不得再次申请。"))
    chosen = Bar.Ground(ground)
    if chosen == Bar.Ground.FALSE_MATERIALS:
        if case.status != Case.Status.DECLINED and case.outcome != Case.Outcome.REFUSED:
            raise NoBar(_("材料不实的，先作出不予受理或者不予许可的决定，再记不得再次申请。"))
    elif chosen == Bar.Ground.FRAUD:
        if not case.notices.filter(kind=Notice.Kind.REVOCATION).exists():
            raise NoBar(_("以欺骗、贿赂取得的，先撤销决定，再记不得再次申请。"))
    elif not Commitment.objects.filter(case=case, is_kept=False).exists():
        raise NoBar(_("承诺核查的结果是不实，才能记不得再次申请。"))
    if chosen != Bar.Ground.FALSE_COMMITMENT and not queries.is_public_safety(case.item, localdate(at)):
        raise NoBar(
            _("法律只对直接关系公共安全、人身健康、生命财产安全的事项规定了不得再次申请，这个事项没有列在其中。")
        )
    return _bar(case, chosen, checked_reasons(finding), by=by, at=at)


def _bar(case: Case, ground: Bar.Ground, finding: str, *, by: Staff, at: datetime) -> Bar:
    today = localdate(at)
    months = {Bar.Ground.FALSE_MATERIALS: rules.FALSE_MATERIALS_MONTHS, Bar.Ground.FRAUD: rules.FRAUD_MONTHS}.get(
        ground
    ) or catalog.local_rule(case.region_id, COMMITMENT_BAR_KEY, today, default=COMMITMENT_BAR_MONTHS)
    if case.bars.filter(ground=ground, lifted_at=None).exists():
        raise NoBar(_("这件已经记过不得再次申请，不用再记。"))
    bar = Bar.objects.create(
        region_id=case.region_id,
        applicant=case.applicant,
        item=case.item,
        ground=ground,
        finding=finding,
        case=case,
        from_on=today,
        until_on=rules.barred_until(today, months),
        set_by=by,
        set_at=at,
    )
    # What was found is typed by hand and stays out of the ledger, which cannot forget.
    data = {"ground": ground.value, "from": today.isoformat(), "until": bar.until_on.isoformat(), "bar": str(bar.pk)}
    record(case, "case.barred", by=by, at=at, data=data)
    return bar


@transaction.atomic
def lift_bar(bar_id: UUID, *, reason: str, by: Staff, at: datetime) -> Bar:
    """Lift a bar before its day, with a reason; the row stays. Raises WrongStep when it is lifted or over already."""
    bar = Bar.objects.select_for_update(of=("self",)).select_related("case__item", "case__department").get(pk=bar_id)
    access.require(by, "cases.lift_bar", department=bar.case.department, region=bar.region_id)
    if bar.lifted_at is not None or bar.until_on < localdate(at):
        raise WrongStep(_("这一条已经解除或者期满了，请刷新页面再看。"))
    bar.lifted_at, bar.lifted_by, bar.lift_reason = at, by, checked_reasons(reason)[:300]
    bar.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    record(bar.case, "case.bar_lifted", by=by, at=at, data={"bar": str(bar.pk), "ground": bar.ground})
    return bar


def refuse_barred(applicant_id: UUID, item_id: UUID, day: date) -> None:
    """Raise Barred, saying until when and why, when the applicant may not apply for the item on `day` (LAW-27)."""
    bar = acts.remembered(course.bar_key(applicant_id, item_id, day), acts.UNREAD)
    if bar is acts.UNREAD:
        bar = queries.bar_on(applicant_id, item_id, day)
    if bar is None:
        return
    values = {
        "until": long_day(bar.until_on),
        "free": long_day(bar.until_on + timedelta(days=1)),
        "ground": bar.get_ground_display(),
        "law": _BAR_LAW[Bar.Ground(bar.ground)],
    }
    raise Barred(
        _("申请人到 %(until)s（含当天）不能再申请这个事项：%(ground)s（%(law)s）。%(free)s起可以重新申请。") % values
    )


@transaction.atomic
def flag_public_safety(
    item: ServiceItem, is_flagged: bool, *, effective_on: date, reason: str, by: Actor, at: datetime
) -> None:
    """Say from which day on an item directly concerns public safety, or no longer does (LAL 78, 79)."""
    if effective_on < localdate(at):
        raise DomainError(_("不能早于今天，以前的照以前的办。"))
    catalog_actions.set_local_rule(
        item.region_id,
        f"{PUBLIC_SAFETY}{item.pk}",
        int(is_flagged),
        effective_on=effective_on,
        reason=reason,
        by=by,
        at=at,
    )


# -- renewals ---------------------------------------------------------------------------------------------------------


def refuse_if_renewed(case: Case, at: datetime) -> None:
    """Raise WrongStep when the law has granted a renewal already, whether or not the job has run (LAW-19)."""
    renewal = getattr(case, "renewal", None)
    if renewal is not None and has_lapsed(renewal, case, localdate(at)):
        raise WrongStep(
            _("原来的证 %(day)s到期，到期前没有作出决定，依法视为准予延续，不能再作别的决定。请刷新看最新进度。")
            % {"day": long_day(renewal.expires_on)}
        )


def expect_renewable(case: Case, at: datetime) -> None:
    """Raise WrongStep when a case renews a certificate that has ended meanwhile: there is nothing to renew any more."""
    renewal = getattr(case, "renewal", None)
    if renewal is not None and not may_be_renewed(renewal, localdate(at)):
        raise WrongStep(_("要延续的证 %(number)s 已经失效，不能准予延续。") % {"number": renewal.certificate_no})


# -- limited places ---------------------------------------------------------------------------------------------------


@transaction.atomic
def set_quota(
    item: ServiceItem,
    number: int,
    *,
    basis: str,
    effective_on: date,
    by: Staff,
    at: datetime,
    ends_on: date | None = None,
) -> Quota:
    """
    Say how many of an item may be granted to cases accepted from a day on (LAW-20); cases then get their place when
    they are accepted. A later day begins a new queue. Raises DomainError for a day in the past or twice the same day.
    """
    access.require(by, "cases.quota", department=item.department, region=item.region_id)
    if effective_on < localdate(at) or (ends_on is not None and ends_on < effective_on):
        raise DomainError(_("名额只能从今天或者以后起，止的日子不能早于起的日子。"))
    if number < 1 or number > 1_000_000:
        raise DomainError(_("名额要是 1 到 1000000 的整数。"))
    if len(basis.strip()) < 4:
        raise DomainError(_("请写明设定数量限制的依据。"))
    if Quota.objects.filter(item=item, effective_on=effective_on).exists():
        raise DomainError(_("这一天起的名额已经定过了，请另选一天。"))
    quota = Quota.objects.create(
        region_id=item.region_id,
        item=item,
        number=number,
        basis=basis.strip()[:200],
        effective_on=effective_on,
        ends_on=ends_on,
    )
    data: dict[str, Any] = {"item": item.task_code, "number": number, "from": effective_on.isoformat()}
    data |= unsaid(quota.basis, "basis")
    ledger.record(f"quota:{quota.pk}", "case.quota_set", region=item.region_id, by=by, at=at, data=data)
    return quota


def give_place(case: Case, day: date) -> None:
    """
    Give a case that is being accepted on `day` its place among limited ones, gap-free; call with the case locked.

    The counter's row lock makes two acceptances at once wait for each other. The caller saves quota_place.
    """
    is_limited = acts.remembered(course.quota_key(case.item_id, day))
    if is_limited is None:
        is_limited = queries.quota_of(case.item_id, day).exists()
    if case.quota_place is None and is_limited:
        case.quota_place = next_number(case.region_id, f"quota:{case.item_id}", date(2000, 1, 1))
