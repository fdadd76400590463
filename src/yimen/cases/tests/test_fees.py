"""Fees: only what is published, with its law; every month's total; a jump is seen (LAW-21, CASE-12, S1-60)."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from yimen.cases import actions, queries
from yimen.cases.actions import fees
from yimen.cases.models import FeeSlip, Notice
from yimen.cases.rules import results as rules
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import ItemFee
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.ledger.once import once
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
LAW = "《演示收费条例》第三条"


def version_with_fee(standard="每证 10 元", **fields):
    version = make_version(immediate=True)
    ItemFee.objects.create(version=version, position=0, name="证书工本费", standard=standard, basis=LAW, **fields)
    return version


def running(version, at=AT):
    case = make_case(version=version, at=at)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    actions.accept(case.pk, by=clerk, at=at)
    return case, clerk


def slip_for(version, amount="10", at=AT, **fields):
    case, clerk = running(version, at)
    return actions.issue_fee(case.pk, version.fees.get().pk, amount=amount, by=clerk, at=at, **fields), case, clerk


def kinds(case):
    return list(Event.objects.filter(stream=case.stream).order_by("seq").values_list("kind", flat=True))


# -- the published standard -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standard", "sums"),
    [
        ("每证 10 元", [("10", "10")]),
        ("50-200 元/件", [("50", "200")]),
        ("1 至 3 万元", [("10000", "30000")]),
        ("1,200.50元", [("1200.50", "1200.50")]),
        ("车辆 40 元，驾驶证 10 元", [("40", "40"), ("10", "10")]),
        ("按评估价的 3‰ 收取", []),
        ("按国家规定", []),
        ("不收费", []),
    ],
)
def test_the_sums_a_standard_names(standard, sums):
    assert rules.published_sums(standard) == [(Decimal(least), Decimal(most)) for least, most in sums]


@pytest.mark.parametrize(
    ("amount", "quantity", "standard", "fits"),
    [
        ("10", "1", "每证 10 元", True),
        ("30", "3", "每证 10 元", True),
        ("30", "1", "每证 10 元", False),
        ("0.01", "1", "不收费", False),
        ("120", "1", "50-200 元", True),
        ("200.01", "1", "50-200 元", False),
        ("77", "1", "按国家规定", True),
    ],
)
def test_an_amount_is_what_the_standard_says_times_how_many(amount, quantity, standard, fits):
    assert rules.fits_standard(Decimal(amount), Decimal(quantity), standard) is fits


@given(st.integers(1, 10**6), st.integers(1, 100), st.integers(0, 10**6))
def test_no_other_amount_fits_a_plain_standard(cents, many, other):
    unit = Decimal(cents) / 100
    assert rules.fits_standard(unit * many, Decimal(many), f"每件 {unit} 元")
    wrong = Decimal(other) / 100
    assert rules.fits_standard(wrong, Decimal(many), f"每件 {unit} 元") is (wrong == unit * many)


@pytest.mark.parametrize("text", ["", "十元", "NaN", "Infinity", "-1", "0", "1.005", "1e12", "10 元"])
def test_what_is_no_sum_of_money_is_refused(text):
    with pytest.raises(actions.WrongAmount):
        from yimen.cases.actions.fees import money

        money(text)


# -- slips ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_slip_stands_on_the_law_of_the_published_fee():
    slip, case, clerk = slip_for(version_with_fee(), "20", quantity="2")
    assert (slip.amount, slip.basis, slip.state) == (Decimal("20.00"), LAW, "due")
    data = case.notices.get(kind=Notice.Kind.FEE).data
    assert LAW in data["table"]["rows"][0]
    slip = actions.pay_fee(slip.pk, channel="wechat", receipt_no="库〔2026〕1", by=clerk, at=AT)
    assert (slip.state, slip.paid_at, slip.pay_channel) == ("paid", AT, "wechat")
    assert kinds(case)[-2:] == ["case.fee_issued", "case.fee_paid"]
    with pytest.raises(actions.WrongStep):
        actions.pay_fee(slip.pk, channel="cash", by=clerk, at=AT)


@pytest.mark.django_db
@pytest.mark.parametrize("fee", ["another item's", "none"])
def test_nothing_else_can_be_charged_and_whoever_tries_is_in_the_ledger(fee):
    from uuid import uuid4

    from yimen.ledger.once import Answer

    case, clerk = running(version_with_fee())
    wanted = version_with_fee().fees.get().pk if fee == "another item's" else uuid4()

    def act():
        actions.issue_fee(case.pk, wanted, amount="10", by=clerk, at=AT)
        return Answer(303, {})

    answer = once("cases.issue_fee", "key-1", by=clerk, at=AT, body=b"", produce=act)
    assert answer.body["code"] == "UnpublishedFee"
    assert not FeeSlip.objects.exists()
    row = Event.objects.get(stream=case.stream, kind="case.fee_refused")
    assert (row.actor, row.data["fee"]) == (clerk.ledger_ref, str(wanted))


@pytest.mark.django_db
def test_an_amount_beside_the_standard_is_refused():
    case, clerk = running(version := version_with_fee())
    with pytest.raises(actions.WrongAmount, match="每证 10 元"):
        actions.issue_fee(case.pk, version.fees.get().pk, amount="15", by=clerk, at=AT)
    assert not FeeSlip.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("reducible", [True, False])
def test_only_a_reducible_fee_is_waived_and_with_a_reason(reducible):
    slip, case, clerk = slip_for(version_with_fee(is_reducible=reducible, reduction_basis="低保户"))
    approver = make_staff(Role.APPROVER, department=case.department)
    with pytest.raises(NotAllowed):
        actions.waive_fee(slip.pk, reason="低保户，凭证明减免。", by=clerk, at=AT)
    with nullcontext() if reducible else pytest.raises(actions.NotReducible):
        actions.waive_fee(slip.pk, reason="低保户，凭证明减免。", by=approver, at=AT)
    slip.refresh_from_db()
    assert slip.state == ("waived" if reducible else "due")


@pytest.mark.django_db
@pytest.mark.parametrize("settled", ["due", "paid", "waived", "cancelled"])
def test_a_fee_is_settled_before_the_result_is_handed_over(settled):
    slip, case, clerk = slip_for(version_with_fee(is_reducible=True))
    approver = make_staff(Role.APPROVER, department=case.department)
    if settled == "paid":
        actions.pay_fee(slip.pk, channel="cash", by=clerk, at=AT)
    elif settled == "waived":
        actions.waive_fee(slip.pk, reason="低保户，凭证明减免。", by=approver, at=AT)
    elif settled == "cancelled":
        actions.cancel_fee(slip.pk, reason="开错了，应收另一项。", by=clerk, at=AT)
    actions.decide(case.pk, outcome="granted", by=clerk, at=AT)
    with nullcontext() if settled != "due" else pytest.raises(actions.FeeDue, match=slip.number):
        actions.deliver(case.pk, how="window", by=clerk, at=AT)


@pytest.mark.django_db
def test_what_was_paid_is_refunded_and_what_was_cancelled_made_anew():
    slip, case, clerk = slip_for(version_with_fee())
    approver = make_staff(Role.APPROVER, department=case.department)
    actions.cancel_fee(slip.pk, reason="开错了，应收另一项。", by=clerk, at=AT)
    again = actions.issue_fee(case.pk, slip.fee_id, amount="10", by=clerk, at=AT)
    with pytest.raises(actions.WrongStep):
        actions.issue_fee(case.pk, slip.fee_id, amount="10", by=clerk, at=AT)
    actions.pay_fee(again.pk, channel="cash", by=clerk, at=AT)
    with pytest.raises(actions.WrongStep):
        actions.cancel_fee(again.pk, reason="开错了，应收另一项。", by=clerk, at=AT)
    assert actions.refund_fee(again.pk, reason="撤回申请，全额退还。", by=approver, at=AT).state == "refunded"


@pytest.mark.django_db(transaction=True)
def test_paid_and_waived_at_once_one_wins():
    slip, case, clerk = slip_for(version_with_fee(is_reducible=True))
    approver = make_staff(Role.APPROVER, department=case.department)
    acts = [
        lambda: actions.pay_fee(slip.pk, channel="cash", by=clerk, at=AT),
        lambda: actions.waive_fee(slip.pk, reason="低保户，凭证明减免。", by=approver, at=AT),
    ] * 3
    start, found = threading.Barrier(len(acts)), []

    def run(act):
        start.wait()
        try:
            found.append(act().state)
        except actions.WrongStep:
            found.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    slip.refresh_from_db()
    assert found.count("refused") == 5 and slip.state in found
    assert len([kind for kind in kinds(case) if kind in {"case.fee_paid", "case.fee_waived"}]) == 1


# -- months -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "earlier", "jumped"),
    [
        ("19000000", ["180000", "175000", "190000"], True),
        ("400000", ["180000", "175000", "190000"], False),
        ("540000.01", ["180000"] * 3, True),
        ("540000", ["180000"] * 3, False),
        ("19000000", ["180000", "180000"], False),
        ("19000000", ["0", "0", "180000"], False),
    ],
)
def test_a_month_far_above_the_usual_is_seen(amount, earlier, jumped):
    assert rules.jumped(Decimal(amount), [Decimal(one) for one in earlier], 3) is jumped


@pytest.mark.django_db
@pytest.mark.capability("S1-60")
def test_the_monthly_total_names_the_law_of_every_line_and_a_jump():
    """From about 180,000 to over 19 million yuan a month."""
    version = version_with_fee("50-20000000 元")
    plan = [(7, "180000"), (8, "175000.50"), (9, "190000"), (10, "180000"), (11, "19000000")]
    for month, amount in plan:
        at = datetime(2026, month, 10, 2, tzinfo=UTC)
        slip, _case, clerk = slip_for(version, amount, at)
        actions.pay_fee(slip.pk, channel="bank", by=clerk, at=at)
    slip_for(version, "999", AT)  # due, not paid: no revenue
    region, since, until = version.item.region_id, date(2026, 7, 1), date(2026, 11, 30)
    lines = queries.fee_lines(region, since=since, until=until)
    assert [(line.month.month, line.net, line.basis) for line in lines] == [
        (month, Decimal(amount), LAW) for month, amount in reversed(plan)
    ]
    months = queries.fee_months(lines, since=since, until=until, factor=3)
    assert [(one.total, one.has_jumped) for one in months] == [
        (Decimal("19000000.00"), True),
        *((Decimal(amount), False) for _month, amount in reversed(plan[:4])),
    ]
    assert months[0].usual == Decimal("180000.00")
    # The alarm comes by itself, once, on the day and as long as it is news.
    assert [fees.note_fee_jumps(region, by=SYSTEM, at=AT) for _n in range(2)] == [1, 0]
    (noted,) = queries.noted_fee_jumps(region, date(2026, 12, 5)).values()
    assert (noted.total, noted.usual) == (Decimal("19000000.00"), Decimal("180000.00"))
    assert not queries.noted_fee_jumps(region, date(2027, 1, 5))
    assert not queries.noted_fee_jumps("elsewhere", date(2026, 11, 18))


@pytest.mark.django_db
def test_a_payment_late_on_the_last_evening_belongs_to_the_local_month():
    at = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)  # 1 November, 0:30 here
    slip, case, clerk = slip_for(version_with_fee(), at=at)
    actions.pay_fee(slip.pk, channel="cash", by=clerk, at=at)
    (line,) = queries.fee_lines(case.region_id, since=date(2026, 11, 1), until=date(2026, 11, 30))
    assert line.month == date(2026, 11, 1)
    assert not queries.fee_lines(case.region_id, since=date(2026, 10, 1), until=date(2026, 10, 31))
    approver = make_staff(Role.APPROVER, department=case.department)
    actions.refund_fee(slip.pk, reason="撤回申请，全额退还。", by=approver, at=at + timedelta(days=40))
    (line,) = queries.fee_lines(case.region_id, since=date(2026, 11, 1), until=date(2026, 11, 30))
    assert (line.paid, line.refunded, line.net) == (Decimal("10.00"), Decimal("10.00"), 0)
