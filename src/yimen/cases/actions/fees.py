"""Fees of a case (LAW-21, CASE-12): a slip for a published fee, paid, waived, refunded or cancelled."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents, queries
from yimen.cases.actions.common import WrongStep, checked_reasons, give, locked, next_number, record
from yimen.cases.models import Case, FeeSlip, Notice
from yimen.cases.rules import results as rules
from yimen.catalog.models import ItemFee
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError, TracedError
from yimen.people import access
from yimen.people.models import Staff

CHANNELS = ("cash", "card", "wechat", "alipay", "bank", "other")
CENT = Decimal("0.01")
# How many months before this one say what is usual.
MONTHS_BEFORE = 11
State = FeeSlip.State
_NOT_TAKEN = frozenset({Case.Status.DECLINED, Case.Status.WITHDRAWN})


class UnpublishedFee(TracedError):
    """Only a published fee of the case's item can be charged (LAW-21); whoever tried is in the ledger."""


class WrongAmount(DomainError):
    """The amount is no sum of money, or not within the published standard."""


class NotReducible(DomainError):
    """The item does not allow this fee to be waived."""


@transaction.atomic
def issue_fee(
    case_id: UUID, fee_id: UUID, *, amount: Decimal | str, quantity: Decimal | str = "1", by: Staff, at: datetime
) -> FeeSlip:
    """
    Make the payment slip of one published fee of the case's version, with its legal basis, and give the notice.

    amount: yuan, two decimals, `quantity` times what the published standard says. Raises UnpublishedFee, WrongAmount,
    WrongStep for a closed case or a second slip, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.charge", department=case.department, region=case.region_id)
    if case.status not in {Case.Status.ACCEPTED, Case.Status.COMPLETED}:
        raise WrongStep(_("受理以后、送达以前才能开缴费单。"))
    if case.outcome == Case.Outcome.REFUSED:
        raise WrongStep(_("不予许可的件不收费。"))
    fee = ItemFee.objects.filter(pk=fee_id, version_id=case.version_id).first()
    if fee is None:
        raise UnpublishedFee(
            _("这项收费不在这个事项公布的收费目录里，不能收。多收的要退，还要追究责任。"),
            lambda: _note_refusal(case_id, fee_id, by=by, at=at),
        )
    sum_, many = money(amount), _quantity(quantity)
    if not rules.fits_standard(sum_, many, fee.standard):
        raise WrongAmount(
            _("金额和公布的收费标准“%(standard)s”对不上，请改成按标准算的数。") % {"standard": fee.standard}
        )
    if FeeSlip.objects.filter(case=case, fee=fee).exclude(state=State.CANCELLED).exists():
        raise WrongStep(_("这项费用的缴费单已经开过了，请刷新看最新进度。"))
    year = localdate(at).year
    serial = next_number(case.region_id, f"fee:{case.center.letters}", date(year, 1, 1))
    slip = FeeSlip(
        region_id=case.region_id,
        case=case,
        fee=fee,
        number=f"{case.center.letters}费〔{year}〕{serial:05d}号",
        amount=sum_,
        quantity=many,
        basis=fee.basis,
        issued_by=by,
        issued_at=at,
    )
    letter = documents.Letter(
        opening=[f"您申请的“{case.version.name}”，按公布的标准要缴一笔费用，请凭本通知单缴纳。全部缴入国库。"],
        facts=[("缴费单号", slip.number), ("缴费金额", f"{sum_:,.2f} 元")],
        head=["收费项目", "标准", "数量", "金额（元）", "依据"],
        rows=[[fee.name, fee.standard, f"{many.normalize():f}", f"{sum_:.2f}", fee.basis]],
        closing=[
            "除本单所列以外，任何人不得向您收取其他费用；申请书文本免费。",
            *([f"符合条件的可以减免：{fee.reduction_basis}"] if fee.is_reducible and fee.reduction_basis else []),
        ],
    )
    slip.notice = give(case, Notice.Kind.FEE, by=by, at=at, letter=letter)
    slip.save(force_insert=True)
    data = {"slip": slip.number, "fee": fee.name, "amount": str(sum_), "basis": fee.basis}
    record(case, "case.fee_issued", by=by, at=at, data=data)
    return slip


@transaction.atomic
def _note_refusal(case_id: UUID, fee_id: UUID, *, by: Staff, at: datetime) -> None:
    record(locked(case_id), "case.fee_refused", by=by, at=at, data={"fee": str(fee_id)})


@transaction.atomic
def pay_fee(slip_id: UUID, *, channel: str, by: Staff, at: datetime, receipt_no: str = "", payer: str = "") -> FeeSlip:
    """
    Note a slip as paid: channel is one of CHANNELS, receipt_no that of the treasury; payer empty: the applicant.

    Raises WrongStep for a slip that is not due, and for a case that was refused, declined or withdrawn.
    """
    slip, case = _locked(slip_id)
    access.require(by, "cases.charge", department=case.department, region=case.region_id)
    _expect(slip, State.DUE)
    if case.status in {Case.Status.RECEIVED, *_NOT_TAKEN} or case.outcome == Case.Outcome.REFUSED:
        raise WrongStep(_("没有准予的件不收费。请撤销这张缴费单；已经收了的，退给申请人。"))
    if channel not in CHANNELS:
        raise DomainError(_("请选择怎么缴的：现金、银行卡、微信、支付宝，或者转账。"))
    slip.state, slip.paid_at, slip.pay_channel = State.PAID, at, channel
    slip.receipt_no, slip.payer = receipt_no.strip()[:60], payer.strip()[:120]
    slip.save(update_fields=["state", "paid_at", "pay_channel", "receipt_no", "payer"])
    _note(case, slip, "case.fee_paid", by=by, at=at, more={"channel": channel})
    return slip


def waive_fee(slip_id: UUID, *, reason: str, by: Staff, at: datetime) -> FeeSlip:
    """Waive what is due, where the published fee allows it. Raises NotReducible, WrongStep, ReasonsMissing."""
    return _change(slip_id, State.DUE, State.WAIVED, "cases.waive", reason=reason, by=by, at=at)


def refund_fee(slip_id: UUID, *, reason: str, by: Staff, at: datetime) -> FeeSlip:
    """Give back what was paid, with a reason."""
    return _change(slip_id, State.PAID, State.REFUNDED, "cases.waive", reason=reason, by=by, at=at)


def cancel_fee(slip_id: UUID, *, reason: str, by: Staff, at: datetime) -> FeeSlip:
    """Cancel a slip made by mistake; a new one can then be made."""
    return _change(slip_id, State.DUE, State.CANCELLED, "cases.charge", reason=reason, by=by, at=at)


@transaction.atomic
def _change(
    slip_id: UUID, was: FeeSlip.State, now: FeeSlip.State, right: str, *, reason: str, by: Staff, at: datetime
) -> FeeSlip:
    slip, case = _locked(slip_id)
    access.require(by, right, department=case.department, region=case.region_id)
    _expect(slip, was)
    if now == State.WAIVED and not slip.fee.is_reducible:
        raise NotReducible(_("公布的收费目录没有说“%(fee)s”可以减免，不能减免。") % {"fee": slip.fee.name})
    slip.state, slip.change_reason = now, checked_reasons(reason)[:300]
    slip.changed_by, slip.changed_at = by, at
    slip.save(update_fields=["state", "change_reason", "changed_by", "changed_at"])
    more = {"basis": slip.fee.reduction_basis} if now == State.WAIVED else {}
    _note(case, slip, f"case.fee_{now.value}", by=by, at=at, more=more)
    return slip


@transaction.atomic
def note_fee_jumps(region: str, *, by: Actor, at: datetime) -> int:
    """
    Leave one ledger row for each of this month and the last whose fees are far above the usual (S1-60); return how
    many are new. queries.noted_fee_jumps() reads them, so that the alarm comes to whoever leads by itself.
    """
    with connection.cursor() as cursor:  # two runs at once queue here: there is no row of the month to lock
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"fee-jumps:{region}"])
    today, count = localdate(at), 0
    since = today.replace(day=1)
    for _n in range(MONTHS_BEFORE):
        since = (since - timedelta(days=1)).replace(day=1)
    lines = queries.fee_lines(region, since=since, until=today)
    months = queries.fee_months(lines, since=since, until=today, factor=queries.fee_factor(region, today))
    known = queries.noted_fee_jumps(region, today)
    for one in months[:2]:
        if one.has_jumped and one.month not in known:
            data = {"month": f"{one.month:%Y-%m}", "total": str(one.total), "usual": str(one.usual)}
            ledger.record(queries.fee_stream(one.month), "fees.jumped", region=region, by=by, at=at, data=data)
            count += 1
    return count


def _locked(slip_id: UUID) -> tuple[FeeSlip, Case]:
    """The case first, as everywhere: two acts on one slip queue there."""
    case_id = FeeSlip.objects.filter(pk=slip_id).values_list("case_id", flat=True).first()
    if case_id is None:
        raise WrongStep(_("没有这张缴费单，请刷新页面再看。"))
    case = locked(case_id)
    return FeeSlip.objects.select_for_update(of=("self",)).select_related("fee").get(pk=slip_id), case


def _expect(slip: FeeSlip, state: FeeSlip.State) -> None:
    if slip.state != state:
        raise WrongStep(
            _("这张缴费单现在是“%(state)s”，这一步做不了。请刷新看最新进度。") % {"state": slip.get_state_display()}
        )


def _note(case: Case, slip: FeeSlip, kind: str, *, by: Staff, at: datetime, more: dict[str, Any]) -> None:
    record(case, kind, by=by, at=at, data={"slip": slip.number, "amount": str(slip.amount)} | more)


def money(value: Decimal | str) -> Decimal:
    """Return yuan with two decimals. Raises WrongAmount for what is no sum, is not above nought, or is finer."""
    try:
        exact = Decimal(str(value).strip().replace(",", ""))
        rounded = exact.quantize(CENT, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise WrongAmount(_("请把金额写成数字，最多两位小数，比如 10.00。")) from None
    if not exact.is_finite() or exact != rounded or not 0 < rounded <= rules.MOST_AMOUNT:
        raise WrongAmount(_("请把金额写成数字，最多两位小数，比如 10.00。"))
    return rounded


def _quantity(value: Decimal | str) -> Decimal:
    try:
        many = money(value)
    except WrongAmount:
        raise WrongAmount(_("请把数量写成数字，比如 1。")) from None
    if many >= Decimal(100_000_000):
        raise WrongAmount(_("请把数量写成数字，比如 1。"))
    return many
