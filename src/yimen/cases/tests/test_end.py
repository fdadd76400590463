"""The end of a case, and what must not slip in before or after it: found by going through the law act by act."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest

from yimen.cases import actions
from yimen.cases.actions import Handed, WrongStep
from yimen.cases.models import Case, Clock, ClockStop, FeeSlip, Hearing, Recusal, SiteVisit
from yimen.cases.queries import modes as handed
from yimen.cases.rules.visits import Found
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import CheckPoint, ItemFee
from yimen.certificates import actions as certificates
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import Limit
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
WHY = "查明的情况不符合第三条，改好以后可以再来。"
EXPIRES = date(2026, 12, 31)
AFTER = datetime(2026, 12, 31, 17, tzinfo=UTC)  # one o'clock at night, the day after


def clerk_of(case):
    return make_staff(Role.CLERK, department=make_department(case.region), for_region=True)


def one_of(case, role=Role.APPROVER):
    return make_staff(role, department=case.department)


def running(*, reviewed=False, at=AT, **fields):
    case = make_case(at=at, **fields)
    actions.accept(case.pk, by=clerk_of(case), at=at)
    if reviewed:
        review(case, at=at)
    return case


def review(case, *, at=AT):
    for task in case.tasks.filter(done_at=None, kind="review"):
        actions.complete_task(task.pk, outcome="passed", opinion="", by=one_of(case), at=at)


def decide(case, *, outcome="granted", at=AT, by=None):
    return actions.decide(case.pk, outcome=outcome, reasons=WHY, by=by or one_of(case), at=at)


def stop(case, *, at=AT):
    return actions.open_stop(case.pk, ground="testing", reason=WHY, needed_days=5, by=one_of(case), at=at)


def test_no_decision_while_a_stop_runs_that_began_after_the_limit():
    """A clock that was over before moves no more, so nothing about it is provisional."""
    case = running(reviewed=True, promised_days=2)
    stop(case, at=AT + 10 * DAY)
    case.refresh_from_db()
    assert not case.due_is_provisional
    with pytest.raises(WrongStep, match="特别程序还没有结束"):
        decide(case, at=AT + 11 * DAY)
    actions.close_stop(case.pk, result=WHY, by=one_of(case), at=AT + 11 * DAY)
    assert decide(case, at=AT + 11 * DAY).completed_on_time is False


def test_a_clock_started_later_leaves_out_the_days_stopped_before():
    case = running(promised_days=20)
    stop(case)
    actions.close_stop(case.pk, result=WHY, by=one_of(case), at=AT + 6 * DAY)
    case.refresh_from_db()
    plain = case.clocks.get(kind=Clock.Kind.PROMISED)
    clock = actions.add_clock(case, Clock.Kind.LOWER_REVIEW, day=plain.started_on, limit=Limit(20))
    assert clock.due_on == plain.due_on


def test_withdrawing_brings_back_what_another_unit_had():
    case, other = running(), make_department()
    receiver = make_staff(Role.APPROVER, department=other)
    actions.move(case.pk, kind="unit", receiver=other, reason=WHY, by=one_of(case), at=AT)
    assert handed.moves_here(receiver).count() == 1
    actions.withdraw(case.pk, reason="", by=case.applicant, at=AT + DAY)
    assert handed.moves_here(receiver).count() == 0
    assert not case.tasks.filter(done_at=None).exists()


def test_who_went_along_does_not_decide():
    case = running(visit=True)
    pair = [one_of(case), one_of(case)]
    visit = case.tasks.get(kind="visit")
    actions.complete_task(visit.pk, outcome="passed", opinion="", by=pair[0], surveyors=pair, at=AT)
    review(case)
    for one in pair:
        with pytest.raises(actions.NotSeparate):
            decide(case, by=one)
    assert decide(case).outcome == "granted"


def renewing():
    """A renewal that was asked for in time; the old certificate ends with the year."""
    version = make_version(promised_days=60)
    case = make_case(version=version, at=AT)
    old = certificates.issue(
        version.item, case.applicant, name="演示许可证", series="QH", valid_from=date(2026, 1, 1), valid_until=EXPIRES,
        by=SYSTEM, at=AT,
    )  # fmt: skip
    actions.apply_renewal(case.pk, old.number, by=clerk_of(case), at=AT)
    return case


@pytest.mark.parametrize("outcome", ["granted", "refused"])
def test_what_the_law_has_renewed_nobody_decides(outcome):
    """The job may run late; the licence was renewed when the old one ended all the same (LAW-19)."""
    case = renewing()
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    review(case)
    with pytest.raises(WrongStep, match="视为准予延续"):
        decide(case, outcome=outcome, at=AFTER)
    assert actions.deem_renewed(case.pk, by=SYSTEM, at=AFTER) is True


def test_on_the_day_of_expiry_it_is_still_decided():
    case = renewing()
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    review(case)
    assert decide(case, outcome="refused", at=AFTER - timedelta(hours=2)).outcome == "refused"
    assert actions.deem_renewed(case.pk, by=SYSTEM, at=AFTER) is False


def test_a_renewal_that_waits_for_the_applicant_is_not_deemed_although_it_was_listed():
    case = renewing()
    material = case.materials.get(material__name="申请表").material_id
    actions.correct(case.pk, {material: "要盖章"}, by=clerk_of(case), at=AT)
    assert actions.deem_renewed(case.pk, by=SYSTEM, at=AFTER) is False
    actions.note_materials(case.pk, {material: Handed("complete")}, by=clerk_of(case), at=AFTER - DAY)
    with pytest.raises(WrongStep, match="视为准予延续"):
        actions.decline(case.pk, reasons=WHY, by=clerk_of(case), at=AFTER)
    assert actions.deem_renewed(case.pk, by=SYSTEM, at=AFTER) is True


def test_a_deemed_renewal_leaves_nothing_running():
    case, other = renewing(), make_department()
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    stop(case, at=AFTER - DAY)
    actions.move(case.pk, kind="unit", receiver=other, reason=WHY, by=one_of(case), at=AFTER - DAY)
    assert actions.deem_renewed(case.pk, by=SYSTEM, at=AFTER) is True
    assert not ClockStop.objects.filter(case=case, ended_on=None).exists()
    assert not case.moves.filter(closed_at=None).exists()
    assert list(case.clocks.filter(ended_on=None).values_list("kind", flat=True)) == [Clock.Kind.DELIVERY]
    assert set(case.tasks.filter(done_at=None).values_list("kind", flat=True)) <= {"deliver"}


@pytest.mark.parametrize(("days", "may"), [(-1, False), (0, True), (30, True)])
def test_a_certificate_is_not_valid_before_the_decision(days, may):
    case = running(reviewed=True)
    decide(case, at=AT + DAY)
    begin = date(2026, 11, 19) + days * DAY
    with nullcontext() if may else pytest.raises(certificates.WrongDay, match="2026 年 11 月 19 日"):
        actions.make_certificate(case.pk, by=clerk_of(case), at=AT + 2 * DAY, valid_from=begin)


def test_a_decision_revoked_before_delivery_leaves_no_clock_and_no_task():
    case = running(reviewed=True)
    decide(case)
    actions.revoke_decision(case.pk, ground="procedure", finding=WHY, by=one_of(case, Role.LEADER), at=AT + DAY)
    assert not case.clocks.filter(ended_on=None).exists()
    assert not case.tasks.filter(done_at=None).exists()


@pytest.mark.parametrize("end", ["withdrawn", "refused"])
def test_what_was_not_granted_costs_nothing(end):
    version = make_version()
    fee = ItemFee.objects.create(
        version=version, position=0, name="工本费", standard="每证 10 元", basis="《演示条例》"
    )
    case = running(version=version, reviewed=True)
    slip = actions.issue_fee(case.pk, fee.pk, amount="10", by=one_of(case), at=AT)
    if end == "withdrawn":
        actions.withdraw(case.pk, reason="", by=case.applicant, at=AT)
    else:
        decide(case, outcome="refused")
    with pytest.raises(WrongStep, match="不收费"):
        actions.pay_fee(slip.pk, channel="cash", by=one_of(case), at=AT)
    assert actions.cancel_fee(slip.pk, reason=WHY, by=one_of(case), at=AT).state == FeeSlip.State.CANCELLED


def test_no_wish_for_a_visit_that_will_not_be():
    case = running(visit=True)
    visit = SiteVisit.objects.get(case=case)
    actions.withdraw(case.pk, reason="", by=case.applicant, at=AT)
    with pytest.raises(WrongStep):
        actions.note_wish(visit.pk, "明天上午", by=case.applicant, at=AT + DAY)


def told(case, *, at=AT):
    return actions.tell_hearing_right(case.pk, subject=WHY, by=one_of(case), at=at)


def test_who_is_told_later_has_five_working_days_of_his_own():
    case = running(reviewed=True, promised_days=20)
    told(case)
    actions.answer_hearing_right(case.pk, wants=False, by=case.applicant, at=AT)
    actions.add_party(case.pk, name="张邻居", interest="住在楼下", by=one_of(case), at=AT + 5 * DAY)
    assert Hearing.objects.get(case=case).ask_by == date(2026, 11, 30)
    with pytest.raises(actions.HearingOpen):
        decide(case, at=AT + 12 * DAY)
    assert decide(case, at=AT + 13 * DAY).outcome == "granted"


@pytest.mark.parametrize(("day", "may"), [(28, True), (29, False)])
def test_a_hearing_called_too_late_is_held_as_soon_as_can_be(day, may):
    """Asked for on 11-18, due by 12-16; called on 12-11, a Friday: seven days later is the 18th."""
    case = running(reviewed=True, promised_days=60)
    told(case)
    actions.answer_hearing_right(case.pk, wants=True, by=case.applicant, at=AT)
    chair = one_of(case, Role.LEADER)
    with nullcontext() if may else pytest.raises(actions.BadHearing, match="最晚 12 月 18 日"):
        actions.call_hearing(
            case.pk, planned_for=AT + (day + 2) * DAY, place="听证室", chair=chair, by=one_of(case), at=AT + 23 * DAY
        )


def test_who_steps_aside_after_the_appointment_does_not_close_the_visit():
    version = make_version(visit=True)
    point = CheckPoint.objects.create(version=version, position=1, text="看灶台", is_mandatory=True)
    case = running(version=version)
    visit, pair = SiteVisit.objects.get(case=case), [one_of(case), one_of(case)]
    actions.plan_visit(visit.pk, planned_for=AT + DAY, address="演示路", surveyors=pair, by=pair[0], at=AT)
    actions.note_findings(visit.pk, {point.pk: Found("passed")}, by=pair[0], at=AT + DAY)
    Recusal.objects.create(
        region=case.region, case=case, staff=pair[1], reason="亲戚", asked_by="system", asked_at=AT, is_granted=True
    )
    with pytest.raises(actions.Recused):
        actions.close_visit(visit.pk, signed_by="王小明", by=pair[0], at=AT + DAY)
    assert Case.objects.get(pk=case.pk).status == "accepted"


def test_a_commitment_answers_the_correction_that_asked_for_the_proof():
    version = make_version(extended={"commitment_materials": ["申请表"]})
    case = make_case(version=version, at=AT)
    row = case.materials.get(material__name="申请表")
    actions.correct(case.pk, {row.material_id: "要盖章"}, by=clerk_of(case), at=AT)
    text = "本人承诺情况属实，不实愿意承担法律责任。"
    actions.commit(case.pk, [row.pk], text, by=clerk_of(case), at=AT + DAY)
    assert Case.objects.get(pk=case.pk).correction.answered_at == AT + DAY
    assert actions.accept_unanswered(case.pk, by=SYSTEM, at=AT + 8 * DAY) is False
    assert actions.accept_unanswered(case.pk, by=SYSTEM, at=AT + 9 * DAY) is True
