"""Decisions and what follows them: separation, limited places, bars, certificates, renewals, revocation."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction

from yimen.cases import actions, jobs, queries
from yimen.cases.models import Bar, Case, Notice, Quota, Recusal, Renewal
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog import actions as catalog
from yimen.certificates import actions as certificates
from yimen.certificates.models import Certificate
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
TODAY = date(2026, 11, 18)


def kinds(case):
    return list(Event.objects.filter(stream=case.stream).order_by("seq").values_list("kind", flat=True))


class Office:
    """The people of one unit, each with one part in a case."""

    def __init__(self, department):
        self.clerk = make_staff(Role.CLERK, department=make_department(department.region), for_region=True)
        self.reviewer = make_staff(Role.APPROVER, department=department)
        self.decider = make_staff(Role.APPROVER, department=department)
        self.leader = make_staff(Role.LEADER, department=department)

    def ready(self, version, at=AT, applicant=None):
        """A case that waits for its decision."""
        case = make_case(version=version, at=at, by=self.clerk)
        if applicant is not None:
            Case.objects.filter(pk=case.pk).update(applicant=applicant)
        actions.accept(case.pk, by=self.clerk, at=at)
        for task in case.tasks.filter(kind="review"):
            actions.complete_task(task.pk, outcome="passed", opinion="", by=self.reviewer, at=at)
        return case

    def decide(self, case, outcome="granted", at=AT, reasons="", by=None):
        return actions.decide(case.pk, outcome=outcome, reasons=reasons, by=by or self.decider, at=at)

    def granted(self, version, at=AT, applicant=None):
        return self.decide(self.ready(version, at, applicant), at=at)


@pytest.fixture
def office():
    return Office(make_department())


def version_of(office, **fields):
    return make_version(department=office.decider.department, **fields)


def with_make_step(version):
    """The flow of factories.make_version with 制证 between decision and delivery."""
    from yimen.catalog.models import FlowStep

    deliver = version.steps.get(key="deliver")
    FlowStep.objects.create(
        version=version, position=9, key="make", name="制证", kind="make", post="制证岗", authority="制证",
        limit_days=2, after=["decide"],
    )  # fmt: skip
    deliver.after = ["make"]
    deliver.save(update_fields=["after"])
    return version


# -- separation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["acceptor", "reviewer", "recused", "somebody else"])
def test_whoever_accepted_or_reviewed_or_stepped_aside_does_not_decide(office, who):
    version = version_of(office)
    both = make_staff(Role.CLERK, department=office.decider.department)
    case = make_case(version=version, at=AT, by=office.clerk)
    actions.accept(case.pk, by=both if who == "acceptor" else office.clerk, at=AT)
    actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.reviewer, at=AT)
    by = {"acceptor": both, "reviewer": office.reviewer}.get(who, office.decider)
    if who == "acceptor":
        both.grants.create(role=Role.APPROVER, department=version.item.department, granted_at=AT)
        both.__dict__.pop("granted", None)
    if who == "recused":
        Recusal.objects.create(
            region_id=case.region_id, case=case, staff=by, reason="亲属", asked_by="self", asked_at=AT, is_granted=True
        )
    with nullcontext() if who == "somebody else" else pytest.raises(actions.NotSeparate):
        office.decide(case, by=by)
    case.refresh_from_db()
    assert case.status == ("completed" if who == "somebody else" else "accepted")


@pytest.mark.parametrize(("day", "allowed"), [(TODAY, True), (TODAY + timedelta(days=1), False)])
def test_a_place_too_small_for_two_says_so_from_a_day_on(office, day, allowed):
    version = version_of(office)
    catalog.set_local_rule(
        version.item.region_id, "reviewer_may_decide", 1, effective_on=day, reason="人手不足", by=SYSTEM, at=AT
    )
    case = office.ready(version)
    with nullcontext() if allowed else pytest.raises(actions.NotSeparate):
        office.decide(case, by=office.reviewer)


@pytest.mark.parametrize(
    ("reasons", "enough"),
    [
        ("登记的面积与现场不一致。", True),
        ("不符合条件。", False),
        ("经审查，不符合条件；不予许可。", False),
        ("不不不不不不不不不不不不", False),
        ("。。。。。。。。。。", False),
        ("", False),
        ("不符合条件：厨房没有独立的洗手池，装好以后可以重新申请。", True),
    ],
)
def test_a_refusal_says_what_was_found_and_not_only_that_it_is_one(office, reasons, enough):
    case = office.ready(version_of(office))
    with nullcontext() if enough else pytest.raises(actions.ReasonsMissing):
        office.decide(case, "refused", reasons=reasons)
    case.refresh_from_db()
    assert (case.outcome == "refused") is enough
    assert case.notices.filter(kind=Notice.Kind.DECISION).exists() is enough


# -- limited places ---------------------------------------------------------------------------------------------------


def limited(office, number, **fields):
    version = version_of(office, **fields)
    actions.set_quota(version.item, number, basis="《演示条例》第九条", effective_on=TODAY, by=office.leader, at=AT)
    return version


def test_places_are_given_in_the_order_of_acceptance_and_granted_in_it(office):
    version = limited(office, 2)
    cases = [office.ready(version, AT + timedelta(minutes=n)) for n in range(3)]
    assert [Case.objects.get(pk=case.pk).quota_place for case in cases] == [1, 2, 3]
    later = AT + timedelta(hours=1)
    with pytest.raises(actions.NotYourTurn, match="第 1 位"):
        office.decide(cases[1], at=later)
    office.decide(cases[0], at=later)
    office.decide(cases[1], at=later)
    with pytest.raises(actions.NoPlaceLeft):
        office.decide(cases[2], at=later)
    office.decide(cases[2], "refused", at=later, reasons="名额已经用完，请等下一次公布的名额。")
    assert [case.outcome for case in queries.queue(Quota.objects.get())] == ["granted", "granted", "refused"]


def test_a_place_refused_or_revoked_goes_to_the_next(office):
    version = limited(office, 1)
    first, second, third = (office.ready(version) for _n in range(3))
    office.decide(first, "refused", at=AT, reasons="登记的地址与现场不一致。")
    office.decide(second, at=AT)
    with pytest.raises(actions.NoPlaceLeft):
        office.decide(third, at=AT)
    actions.revoke_decision(second.pk, ground="not_entitled", finding="申请时不具备条件。", by=office.leader, at=AT)
    assert office.decide(third, at=AT).outcome == "granted"


def test_the_basis_of_a_limit_is_kept_out_of_the_ledger_as_typed(office):
    limited(office, 1)
    (data,) = Event.objects.filter(kind="case.quota_set").values_list("data", flat=True)
    assert data["basis_length"] == len(Quota.objects.get().basis)
    assert "演示条例" not in str(data)


@pytest.mark.parametrize("secret", [True, False])
def test_what_touches_a_secret_is_not_published(office, secret):
    """LAW-18."""
    case = office.granted(version_of(office, extended={"is_secret": secret}))
    region = case.region_id
    assert queries.public_decisions(region).count() == len(queries.to_publish(region, since=TODAY, until=TODAY))
    assert queries.public_decisions(region).exists() is not secret
    notice = case.notices.get(kind=Notice.Kind.DECISION)
    with pytest.raises(DomainError) if secret else nullcontext():
        assert actions.note_uploaded([notice.pk], by=office.leader, at=AT) == 1
        assert actions.note_uploaded([notice.pk], by=office.leader, at=AT) == 0
    assert hasattr(Notice.objects.get(pk=notice.pk), "publicity") is not secret


def test_an_item_without_a_number_has_no_places(office):
    assert office.granted(version_of(office)).quota_place is None


def test_the_database_refuses_another_place(office):
    case = office.ready(limited(office, 1))
    with pytest.raises(Exception, match="never changes"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(quota_place=7)


@pytest.mark.parametrize(("number", "day"), [(0, TODAY), (3, TODAY - timedelta(days=1))], ids=["none", "yesterday"])
def test_a_number_is_set_from_today_on(office, number, day):
    from yimen.lib.errors import DomainError

    version = version_of(office)
    with pytest.raises(DomainError):
        actions.set_quota(version.item, number, basis="《演示条例》", effective_on=day, by=office.leader, at=AT)
    with pytest.raises(NotAllowed):
        actions.set_quota(version.item, 1, basis="《演示条例》", effective_on=TODAY, by=office.clerk, at=AT)


def at_once(acts):
    """Run them all together; return what came of each: True, or the name of the refusal."""
    start, found = threading.Barrier(len(acts)), []

    def run(act):
        start.wait()
        try:
            act()
            found.append("done")
        except Exception as error:
            found.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return sorted(found)


@pytest.mark.django_db(transaction=True)
def test_many_accepted_and_granted_at_once_keep_order_and_number():
    office = Office(make_department())
    version = limited(office, 3)
    cases = [make_case(version=version, at=AT, by=office.clerk) for _n in range(8)]
    found = at_once([lambda case=case: actions.accept(case.pk, by=office.clerk, at=AT) for case in cases])
    assert found == ["done"] * 8
    queue = list(Case.objects.order_by("quota_place"))
    assert [case.quota_place for case in queue] == list(range(1, 9))
    for case in queue:
        actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.reviewer, at=AT)
    for _round in range(6):
        at_once([lambda case=case: office.decide(case) for case in queue])
    granted = list(Case.objects.filter(outcome="granted").order_by("quota_place").values_list("quota_place", flat=True))
    assert granted == [1, 2, 3]
    assert Event.objects.filter(kind="case.decided").count() == 3


# -- bars -------------------------------------------------------------------------------------------------------------


def dangerous(office, **fields):
    version = version_of(office, **fields)
    actions.flag_public_safety(
        version.item, True, effective_on=TODAY, reason="关系公共安全", by=SYSTEM, at=AT - timedelta(days=1)
    )
    return version


def try_again(case, at, office):
    return actions.receive(case.version, case.applicant, center=case.center, materials={}, by=office.clerk, at=at)


@pytest.mark.parametrize(
    ("days", "barred"), [(0, True), (364, True), (365, True), (366, False)], ids=["same day", "364", "last", "after"]
)
def test_false_materials_bar_for_a_year_the_last_day_included(office, days, barred):
    version = dangerous(office)
    case = office.decide(office.ready(version), "refused", reasons="提交的检测报告是假的，不予许可。")
    bar = actions.set_bar(case.pk, "false_materials", finding="检测报告编号查无此号。", by=office.decider, at=AT)
    assert (bar.from_on, bar.until_on) == (TODAY, date(2027, 11, 18))
    with pytest.raises(actions.Barred, match=r"2027 年 11 月 18 日（含当天）.*虚假材料") if barred else nullcontext():
        try_again(case, AT + timedelta(days=days), office)


def test_a_bar_is_for_one_applicant_and_one_item_and_can_be_lifted_with_a_reason(office):
    version, other = dangerous(office), dangerous(office)
    case = office.decide(office.ready(version), "refused", reasons="提交的检测报告是假的，不予许可。")
    bar = actions.set_bar(case.pk, "false_materials", finding="检测报告编号查无此号。", by=office.decider, at=AT)
    make_case(version=version, at=AT, by=office.clerk)  # somebody else
    actions.receive(other, case.applicant, center=case.center, materials={}, by=office.clerk, at=AT)
    with pytest.raises(NotAllowed):
        actions.lift_bar(bar.pk, reason="复核后发现认定有误。", by=office.decider, at=AT)
    with pytest.raises(actions.ReasonsMissing):
        actions.lift_bar(bar.pk, reason="", by=office.leader, at=AT)
    actions.lift_bar(bar.pk, reason="复核后发现认定有误。", by=office.leader, at=AT)
    assert try_again(case, AT, office).status == "received"
    assert kinds(case)[-2:] == ["case.barred", "case.bar_lifted"]
    with pytest.raises(actions.WrongStep):
        actions.lift_bar(bar.pk, reason="复核后发现认定有误。", by=office.leader, at=AT)


def test_who_was_received_before_the_bar_is_not_accepted_after_it(office):
    version = dangerous(office)
    case = office.decide(office.ready(version), "refused", reasons="提交的检测报告是假的，不予许可。")
    waiting = make_case(version=version, at=AT, by=office.clerk)
    Case.objects.filter(pk=waiting.pk).update(applicant=case.applicant)
    actions.set_bar(case.pk, "false_materials", finding="检测报告编号查无此号。", by=office.decider, at=AT)
    with pytest.raises(actions.Barred):
        actions.accept(waiting.pk, by=office.clerk, at=AT)


@pytest.mark.parametrize("kept", ["granted", "not listed"])
def test_the_law_knows_no_other_bar(office, kept):
    version = version_of(office) if kept == "not listed" else dangerous(office)
    case = office.ready(version)
    if kept == "granted":
        office.decide(case)
    else:
        office.decide(case, "refused", reasons="提交的检测报告是假的，不予许可。")
    with pytest.raises(actions.NoBar):
        actions.set_bar(case.pk, "false_materials", finding="检测报告编号查无此号。", by=office.decider, at=AT)
    assert not Bar.objects.exists()


# -- certificates -----------------------------------------------------------------------------------------------------


def test_the_certificate_is_made_before_it_is_delivered(office):
    case = office.granted(with_make_step(version_of(office)))
    with pytest.raises(actions.WrongStep, match="证照还没有做"):
        actions.deliver(case.pk, how="window", by=office.clerk, at=AT)
    made = actions.make_certificate(case.pk, by=office.clerk, at=AT)
    assert (made.number, made.case_no, made.state) == (f"{case.center.letters}证〔2026〕00001号", case.case_no, "valid")
    with pytest.raises(actions.WrongStep):
        actions.make_certificate(case.pk, by=office.clerk, at=AT)
    case = actions.deliver(case.pk, how="window", by=office.clerk, at=AT)
    assert case.status == "delivered"
    assert kinds(case)[-3:] == ["case.decided", "case.certificate_made", "case.delivered"]
    receipt = case.notices.get(kind=Notice.Kind.DELIVERY)
    assert ["送达方式", "窗口当面领取"] in receipt.data["facts"]


def test_what_was_refused_has_no_certificate_and_can_be_delivered(office):
    case = office.ready(with_make_step(version_of(office)))
    office.decide(case, "refused", reasons="登记的地址与现场不一致。")
    with pytest.raises(actions.WrongStep, match="准予以后"):
        actions.make_certificate(case.pk, by=office.clerk, at=AT)
    assert actions.deliver(case.pk, how="post", by=office.clerk, at=AT).status == "delivered"
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("kind", ["证照", "批文"])
def test_what_grants_a_certificate_is_not_delivered_without_it_though_no_step_makes_one(office, kind):
    case = office.granted(version_of(office, result_type=kind))
    with pytest.raises(actions.WrongStep, match="证照还没有做") if kind == "证照" else nullcontext():
        actions.deliver(case.pk, how="window", by=office.clerk, at=AT)
    if kind == "证照":
        actions.make_certificate(case.pk, by=office.clerk, at=AT)
        assert actions.deliver(case.pk, how="window", by=office.clerk, at=AT).status == "delivered"


@pytest.mark.parametrize("revoked", [True, False])
def test_what_was_revoked_before_it_was_handed_over_is_not_delivered(office, revoked):
    case = office.granted(version_of(office))
    if revoked:
        actions.revoke_decision(case.pk, ground="procedure", finding="没有依法听证。", by=office.leader, at=AT)
    with pytest.raises(actions.WrongStep, match="已经撤销") if revoked else nullcontext():
        actions.deliver(case.pk, how="window", by=office.clerk, at=AT)
    case.refresh_from_db()
    assert case.status == ("completed" if revoked else "delivered")


@pytest.mark.parametrize("ground", ["fraud", "not_entitled"])
def test_a_decision_revoked_takes_the_certificate_and_bars_who_deceived(office, ground):
    case = office.granted(dangerous(office))
    actions.make_certificate(case.pk, by=office.clerk, at=AT)
    later = AT + timedelta(days=30)
    with pytest.raises(NotAllowed):
        actions.revoke_decision(case.pk, ground=ground, finding="验资证明系伪造。", by=office.decider, at=later)
    notice = actions.revoke_decision(case.pk, ground=ground, finding="验资证明系伪造。", by=office.leader, at=later)
    assert notice.data["remedies"]["reconsideration_limit"] == "60 日"
    assert Certificate.objects.get().state == "revoked"
    bar = Bar.objects.first()
    assert (bar and bar.until_on) == (date(2029, 12, 18) if ground == "fraud" else None)
    with pytest.raises(actions.WrongStep):
        actions.revoke_decision(case.pk, ground=ground, finding="验资证明系伪造。", by=office.leader, at=later)
    assert "case.revoked" in [row.kind for row in queries.timeline(case)]


# -- renewals ---------------------------------------------------------------------------------------------------------

UNTIL = date(2026, 12, 31)


def renewable(office, **fields):
    """A certificate until the end of the year, and its item."""
    version = version_of(office, **fields)
    case = office.granted(version, AT - timedelta(days=300))
    made = actions.make_certificate(
        case.pk, by=office.clerk, at=AT - timedelta(days=300), valid_from=date(2026, 1, 22), valid_until=UNTIL
    )
    return version, made


def asked(office, version, certificate, at=AT):
    case = make_case(version=version, at=at, by=office.clerk)
    Case.objects.filter(pk=case.pk).update(applicant=certificate.holder)
    actions.apply_renewal(case.pk, certificate.number, by=office.clerk, at=at)
    return case


@pytest.mark.parametrize(("day", "late"), [(date(2026, 12, 1), False), (date(2026, 12, 2), True)])
def test_a_renewal_is_late_within_thirty_days_of_expiry(office, day, late):
    version, made = renewable(office)
    case = asked(office, version, made, datetime(day.year, day.month, day.day, 2, tzinfo=UTC))
    assert case.renewal.is_late is late


def test_a_renewal_undecided_at_the_end_of_the_expiry_day_is_granted(office):
    version, made = renewable(office, promised_days=60)
    case = asked(office, version, made)
    actions.accept(case.pk, by=office.clerk, at=AT)
    on_the_day = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)  # 23:59 here
    assert jobs.deem_all_renewals(at=on_the_day) == 0
    late = on_the_day + timedelta(days=3)
    assert jobs.deem_all_renewals(at=late) == 1
    assert jobs.deem_all_renewals(at=late) == 0
    case.refresh_from_db()
    assert (case.status, case.outcome, case.completed_on_time) == ("completed", "granted", False)
    assert case.renewal.deemed_at == late
    new = Certificate.objects.get(case_no=case.case_no)
    assert (new.valid_from, new.valid_until) == (date(2027, 1, 1), date(2027, 12, 10))
    made.refresh_from_db()
    assert (made.state, made.replaced_by) == ("replaced", new)
    assert "视为准予延续" in case.notices.get(kind=Notice.Kind.DECISION).data["reasons"][0]
    assert not case.tasks.filter(done_at=None).exclude(kind="deliver").exists()


@pytest.mark.parametrize(
    ("asked_on", "accepted", "deemed"),
    [(date(2026, 11, 20), False, True), (date(2026, 12, 30), False, False), (date(2026, 12, 30), True, False)],
    ids=["in time, only received", "late, only received", "late, accepted"],
)
def test_who_asked_in_time_is_protected_from_receipt_on(office, asked_on, accepted, deemed):
    version, made = renewable(office, promised_days=60)
    at = datetime(asked_on.year, asked_on.month, asked_on.day, 2, tzinfo=UTC)
    case = asked(office, version, made, at)
    if accepted:
        actions.accept(case.pk, by=office.clerk, at=at)
    assert jobs.deem_all_renewals(at=datetime(2027, 1, 1, 2, tzinfo=UTC)) == int(deemed)
    case.refresh_from_db()
    assert (case.outcome == "granted") is deemed


@pytest.mark.parametrize("outcome", ["granted", "refused"])
def test_a_renewal_decided_in_time_is_left_alone(office, outcome):
    version, made = renewable(office)
    case = asked(office, version, made)
    actions.accept(case.pk, by=office.clerk, at=AT)
    actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.reviewer, at=AT)
    office.decide(case, outcome, reasons="换证时不再符合条件。")
    if outcome == "granted":
        new = actions.make_certificate(case.pk, by=office.clerk, at=AT)
        assert (new.valid_from, new.valid_until) == (date(2027, 1, 1), date(2027, 12, 10))
    before = kinds(case)
    assert jobs.deem_all_renewals(at=datetime(2027, 1, 5, tzinfo=UTC)) == 0
    assert kinds(case) == before


@pytest.mark.parametrize("what", ["another's", "another item", "another unit", "run out", "for ever", "twice"])
def test_only_a_valid_certificate_of_his_own_is_renewed_and_once(office, what):
    version, made = renewable(office)
    at = datetime(2027, 1, 5, tzinfo=UTC) if what == "run out" else AT
    if what == "twice":
        asked(office, version, made)
    if what == "for ever":
        Certificate.objects.filter(pk=made.pk).update(valid_until=None)
    if what == "another unit":
        Certificate.objects.filter(pk=made.pk).update(department=make_department(version.item.region))
    if what == "another item":
        version = version_of(office)
    case = make_case(version=version, at=at, by=office.clerk)
    if what != "another's":
        Case.objects.filter(pk=case.pk).update(applicant=made.holder)
    with pytest.raises(actions.NothingToRenew):
        actions.apply_renewal(case.pk, made.number, by=office.clerk, at=at)
    assert Renewal.objects.count() == int(what == "twice")


def test_an_item_merged_into_another_is_renewed_there_and_one_handed_over_with_its_new_unit(office):
    version, made = renewable(office)
    newer = version_of(office)
    newer.merged_from.add(version)
    assert asked(office, newer, made).renewal.certificate_no == made.number
    _version, other = renewable(office)
    before = make_department(office.decider.department.region)
    Certificate.objects.filter(pk=other.pk).update(department=before)
    data = {"from": str(before.pk), "to": str(office.decider.department_id), "items": [str(_version.item_id)]}
    ledger.record("department:x", "powers.items_transferred", region=made.region_id, by=SYSTEM, at=AT, data=data)
    assert asked(office, _version, other).renewal.certificate_no == other.number


def test_what_came_in_before_expiry_can_be_written_down_as_a_renewal_after_it(office):
    version, made = renewable(office)
    case = make_case(version=version, at=AT, by=office.clerk)
    Case.objects.filter(pk=case.pk).update(applicant=made.holder)
    assert not actions.apply_renewal(case.pk, made.number, by=office.clerk, at=datetime(2027, 1, 2, tzinfo=UTC)).is_late


NEW_YEAR = datetime(2027, 1, 1, 2, tzinfo=UTC)


def test_a_certificate_revoked_meanwhile_is_not_renewed_and_keeps_no_other_waiting(office):
    version, first = renewable(office, promised_days=60)
    revoked = asked(office, version, first)
    actions.accept(revoked.pk, by=office.clerk, at=AT)
    _version, second = renewable(office, promised_days=60)
    other = asked(office, _version, second)
    certificates.change_state(first.pk, "revoked", ground="经查不再符合条件。", by=office.leader, at=AT)
    assert jobs.deem_all_renewals(at=NEW_YEAR) == 1
    revoked.refresh_from_db()
    other.refresh_from_db()
    assert (revoked.status, other.outcome) == ("accepted", "granted")
    actions.complete_task(revoked.tasks.get().pk, outcome="passed", opinion="", by=office.reviewer, at=NEW_YEAR)
    with pytest.raises(actions.WrongStep, match="已经失效"):
        office.decide(revoked, at=NEW_YEAR)
    assert office.decide(revoked, "refused", at=NEW_YEAR, reasons="原来的证已经撤销，没有可以延续的许可。")


@pytest.mark.parametrize("job", ["deem_all_renewals", "note_overdue_gaps", "accept_all_unanswered"])
def test_one_that_fails_keeps_no_other_waiting(office, job, monkeypatch, caplog):
    listed, act = {
        "deem_all_renewals": ("lapsed_renewals", "deem_renewed"),
        "note_overdue_gaps": ("overdue_gaps", "note_overdue_gap"),
        "accept_all_unanswered": ("unanswered", "accept_unanswered"),
    }[job]
    done = []

    def doing(pk, *, by, at):
        if pk == "bad":
            raise ValueError("a name")
        done.append(pk)
        return True

    monkeypatch.setattr(queries, listed, lambda _region, *, today: ["one", "bad", "two"])
    monkeypatch.setattr(actions, act, doing)
    assert getattr(jobs, job)(at=AT) == 2
    assert done == ["one", "two"]
    assert "ValueError" in caplog.text
    assert "a name" not in caplog.text


@pytest.mark.parametrize("number", [1, 2])
def test_a_deemed_renewal_takes_no_place_that_is_not_there(office, number):
    """Its certificate is older than the limit, and somebody stands before it."""
    version, made = renewable(office, promised_days=60)
    actions.set_quota(version.item, number, basis="《演示条例》第九条", effective_on=TODAY, by=office.leader, at=AT)
    first = office.ready(version, AT)
    case = asked(office, version, made, AT + timedelta(minutes=1))
    actions.accept(case.pk, by=office.clerk, at=AT + timedelta(minutes=1))
    assert jobs.deem_all_renewals(at=NEW_YEAR) == number - 1
    case.refresh_from_db()
    assert case.outcome == ("granted" if number == 2 else "")
    first.refresh_from_db()
    assert office.decide(first, at=NEW_YEAR).outcome == "granted"


def test_who_renews_keeps_the_place_he_has(office):
    version = limited(office, 1, promised_days=60)
    first = office.granted(version)
    made = actions.make_certificate(first.pk, by=office.clerk, at=AT, valid_until=UNTIL)
    case = asked(office, version, made, AT)
    actions.accept(case.pk, by=office.clerk, at=AT)
    assert jobs.deem_all_renewals(at=NEW_YEAR) == 1
    assert queries.granted_count(Quota.objects.get()) == 1
    late = office.ready(version, AT + timedelta(days=1))
    with pytest.raises(actions.NoPlaceLeft):
        office.decide(late, at=NEW_YEAR)


@pytest.mark.parametrize("answered", [True, False])
def test_a_case_the_law_has_accepted_goes_first_though_no_job_has_run(office, answered):
    """Received a week before; its five working days are over, or it was told on time that papers are missing."""
    version = limited(office, 5, promised_days=60)
    waiting = make_case(version=version, at=AT, by=office.clerk, complete=not answered)
    if answered:
        asked_for = {row.material_id: "要交" for row in waiting.materials.filter(material__source="applicant")}
        actions.correct(waiting.pk, asked_for, by=office.clerk, at=AT)
    later = AT + timedelta(days=5)
    case = office.ready(version, later)
    end = AT + timedelta(days=9)
    with nullcontext() if answered else pytest.raises(actions.NotYourTurn, match="视为受理"):
        office.decide(case, at=end)
    if not answered:
        assert jobs.accept_all_unanswered(at=end) == 1
        with pytest.raises(actions.NotYourTurn, match="第 2 位"):
            office.decide(case, at=end)


@pytest.mark.django_db(transaction=True)
def test_deemed_by_many_workers_at_once_is_deemed_once():
    office = Office(make_department())
    version, made = renewable(office, promised_days=60)
    case = asked(office, version, made)
    actions.accept(case.pk, by=office.clerk, at=AT)
    late = datetime(2027, 1, 2, tzinfo=UTC)
    assert at_once([lambda: jobs.deem_all_renewals(at=late)] * 4) == ["done"] * 4
    assert Certificate.objects.count() == 2
    assert kinds(case).count("case.decided") == 1
