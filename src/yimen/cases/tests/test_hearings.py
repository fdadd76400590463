"""听证 (LAW-16): told, asked for, called, held; no decision before, and the decision rests on the record."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from yimen.cases import actions, documents
from yimen.cases.models import Hearing, InterestedParty, Notice, Recusal
from yimen.cases.queries import visits as found
from yimen.cases.rules import hearings as rules
from yimen.cases.tests.factories import make_case
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.lib.workdays import Calendar
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_department, make_staff

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
HELD = AT + 9 * DAY
SUBJECT = "店开在居民楼下，油烟和噪声关系到楼上住户。"
RECORD = "申请人出示了油烟净化器合同；楼上住户说晚上太吵，申请人答应 21 点关门。"


def make_running(*, at=AT):
    """A case whose review is done and whose decision is open; its approver, and a chair from elsewhere."""
    case = make_case(promised_days=20, at=at)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    approver = make_staff(Role.APPROVER, department=case.department)
    actions.accept(case.pk, by=clerk, at=at)
    review = case.tasks.get(kind="review")
    actions.complete_task(review.pk, outcome="passed", opinion="符合规定。", by=approver, at=at)
    chair = make_staff(Role.LEADER, department=case.department, name="主持人甲")
    return case, make_staff(Role.APPROVER, department=case.department), chair


def tell(case, by, *, at=AT):
    return actions.tell_hearing_right(case.pk, subject=SUBJECT, by=by, at=at)


def ask(case, *, at=AT, **fields):
    return actions.answer_hearing_right(case.pk, wants=True, by=case.applicant, at=at, **fields)


def call(case, by, chair, *, planned_for=HELD, at=AT, place="中心二楼听证室"):
    return actions.call_hearing(case.pk, planned_for=planned_for, place=place, chair=chair, by=by, at=at)


def hold(case, by, chair, *, at=HELD, text=RECORD, signed_by=None):
    names = ["王小明", chair.name] if signed_by is None else signed_by
    return actions.close_hearing(case.pk, text=text, signed_by=names, by=by, at=at)


@pytest.mark.django_db
def test_a_hearing_from_the_right_to_a_decision_that_rests_on_the_record():
    case, approver, chair = make_running()
    hearing = tell(case, approver)
    assert (hearing.ask_by, hearing.told_notice.kind) == (date(2026, 11, 25), Notice.Kind.HEARING_RIGHT)
    hearing = ask(case)
    assert hearing.hold_by == date(2026, 12, 16)
    call(case, approver, chair)
    hearing = hold(case, approver, chair)
    assert hearing.status == Hearing.Status.HELD
    case = actions.decide(case.pk, outcome="granted", by=approver, at=HELD)
    decision = case.notices.get(kind=Notice.Kind.DECISION)
    assert hearing.call_notice.number in decision.data["basis"]
    assert "不收任何费用" in str(hearing.told_notice.data)
    for notice in case.notices.all():
        assert documents.render(notice).startswith(b"%PDF")
    kinds = Event.objects.filter(stream=case.stream, kind__startswith="case.hearing").order_by("seq")
    assert [row.kind for row in kinds] == [
        "case.hearing_right_told", "case.hearing_asked", "case.hearing_called", "case.hearing_held"
    ]  # fmt: skip
    assert "油烟" not in str([row.data for row in kinds])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("until", "days", "may"),
    [
        ("nothing", 0, True),
        ("told", 5, False),
        ("told", 8, True),
        ("waived", 0, True),
        ("asked", 30, False),
        ("called", 8, False),
        ("held", 9, True),
    ],
)
def test_no_decision_while_a_hearing_may_come(until, days, may):
    case, approver, chair = make_running()
    if until != "nothing":
        tell(case, approver)
    if until == "waived":
        actions.answer_hearing_right(case.pk, wants=False, by=case.applicant, at=AT)
    if until in {"asked", "called", "held"}:
        ask(case)
    if until in {"called", "held"}:
        call(case, approver, chair)
    if until == "held":
        hold(case, approver, chair)
    with nullcontext() if may else pytest.raises(actions.HearingOpen):
        actions.decide(case.pk, outcome="granted", by=approver, at=AT + days * DAY)


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "in_time"), [(0, True), (7, True), (8, False)])
def test_it_is_asked_for_within_five_working_days(days, in_time):
    """Told on a Wednesday; the fifth working day is the next Wednesday."""
    case, approver, _chair = make_running()
    tell(case, approver)
    with nullcontext() if in_time else pytest.raises(actions.TooLateToAsk):
        ask(case, at=AT + days * DAY)


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "fits"), [(6, False), (7, True), (28, True), (29, False)])
def test_notice_is_given_seven_days_before_and_it_is_held_within_twenty_working_days(days, fits):
    case, approver, chair = make_running()
    tell(case, approver)
    ask(case)
    with nullcontext() if fits else pytest.raises(actions.BadHearing):
        call(case, approver, chair, planned_for=AT + days * DAY)


def _examiner(case, chair):
    return case.tasks.get(kind="review").done_by


def _acceptor(case, chair):
    case.refresh_from_db()
    return case.accepted_by


def _recused(case, chair):
    Recusal.objects.create(
        region_id=case.region_id, case=case, staff=chair, reason="亲戚", asked_by="system", asked_at=AT, is_granted=True
    )
    return chair


@pytest.mark.django_db
@pytest.mark.parametrize("who", [_examiner, _acceptor, _recused], ids=["examiner", "acceptor", "recused"])
def test_whoever_examined_the_case_or_has_an_interest_does_not_preside(who):
    case, approver, chair = make_running()
    tell(case, approver)
    ask(case)
    with pytest.raises(actions.NotImpartial):
        call(case, approver, who(case, chair))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"at": HELD - DAY}, {"text": "很好。"}, {"signed_by": ["王小明"]}, {"signed_by": ["主持人甲"]}],
    ids=["before-the-day", "no-record", "chair-did-not-sign", "only-the-chair-signed"],
)
def test_the_record_is_whole_and_signed_or_there_is_none(wrong):
    case, approver, chair = make_running()
    tell(case, approver)
    ask(case)
    call(case, approver, chair)
    with pytest.raises(actions.BadHearing):
        hold(case, approver, chair, **wrong)
    assert Hearing.objects.get(case=case).status == Hearing.Status.CALLED


@pytest.mark.django_db
def test_only_the_applicant_and_the_handlers_answer():
    case, approver, _chair = make_running()
    tell(case, approver)
    with pytest.raises(NotAllowed):
        actions.answer_hearing_right(case.pk, wants=True, by=make_applicant(), at=AT)
    with pytest.raises(NotAllowed):
        tell(case, make_staff(Role.CLERK, department=case.department))


@pytest.mark.django_db
def test_a_hearing_given_up_may_still_be_asked_for_in_time():
    case, approver, _chair = make_running()
    tell(case, approver)
    actions.answer_hearing_right(case.pk, wants=False, by=case.applicant, at=AT)
    assert ask(case, at=AT + DAY).status == Hearing.Status.ASKED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "paper", "refused"),
    [
        ("applicant", "", None),
        ("clerk", "放弃听证说明，收件袋第 2 页", None),
        ("clerk", "", actions.BadHearing),
        ("reviewer", "放弃听证说明，收件袋第 2 页", NotAllowed),
    ],
    ids=["himself", "clerk with his paper", "clerk without", "reviewer"],
)
def test_that_no_hearing_is_wanted_says_the_applicant_himself_or_on_a_signed_paper(who, paper, refused):
    case, approver, _chair = make_running()
    tell(case, approver)
    clerk = make_staff(Role.CLERK, department=case.department)
    by = {"applicant": case.applicant, "clerk": clerk, "reviewer": approver}[who]
    with pytest.raises(refused) if refused else nullcontext():
        actions.answer_hearing_right(case.pk, wants=False, paper=paper, by=by, at=AT)
    hearing = Hearing.objects.get(case=case)
    assert hearing.status == (Hearing.Status.TOLD if refused else Hearing.Status.WAIVED)
    assert hearing.waiver_paper == ("" if refused else paper)
    assert "收件袋" not in str(list(Event.objects.values_list("data", flat=True)))


@pytest.mark.django_db
def test_interested_parties_are_sealed_told_and_heard_and_may_ask():
    case, approver, _chair = make_running()
    party = actions.add_party(case.pk, name="李楼上", phone="13900000002", interest="住在楼上", by=approver, at=AT)
    assert "李楼上".encode() not in bytes(party.name_sealed)
    tell(case, approver)
    party.refresh_from_db()
    assert party.told_at == AT
    with pytest.raises(actions.WrongStep):  # not for the applicant alone to give up
        actions.answer_hearing_right(case.pk, wants=False, by=case.applicant, at=AT)
    actions.note_statement(case.pk, party.pk, statement="晚上太吵，睡不着。", by=approver, at=AT)
    actions.note_statement(case.pk, party.pk, statement="油烟也大，请装净化器。", by=approver, at=AT)
    shown = found.parties_of(case)[0]
    assert shown.name != "李楼上" and shown.statement.count("\n") == 1
    hearing = actions.answer_hearing_right(case.pk, wants=True, party=party.pk, by=approver, at=AT)
    assert hearing.asked_by == f"party:{party.pk}"
    assert "李楼上" not in str(list(Event.objects.values_list("data", flat=True)))
    other, _by, _no = make_running()
    with pytest.raises(actions.BadHearing):
        actions.note_statement(other.pk, party.pk, statement="写到别的件上去。", by=_by, at=AT)
    assert InterestedParty.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_tell_the_right_at_once_and_one_notice_goes_out():
    case, approver, _chair = make_running()
    both = (approver, make_staff(Role.APPROVER, department=case.department))
    ends, begin = [], threading.Barrier(2)

    def run(by):
        try:
            begin.wait(10)
            ends.append(tell(case, by))
        except DomainError as error:
            ends.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[by]) for by in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(end, actions.WrongStep) for end in ends) == [False, True]
    assert case.notices.filter(kind=Notice.Kind.HEARING_RIGHT).count() == 1


# Rules


@given(st.dates(date(2007, 1, 1), date(2026, 10, 31)), st.integers(0, 60))
def test_the_days_of_a_hearing_follow_each_other(told, later):
    calendar = Calendar(frozenset(), frozenset(), frozenset(range(2007, 2028)))
    last = rules.ask_by(told, calendar)
    assert sum(calendar.is_workday(told + timedelta(days=n)) for n in range(1, (last - told).days + 1)) == 5
    hold = rules.hold_by(last, calendar)
    # Whoever calls on the last day it was asked for can still give seven days' notice.
    assert rules.earliest(last) <= hold and rules.last_call(hold) >= last
    today = told + timedelta(days=later)
    assert rules.keeps_back("told", last, today) is (today <= last)
    assert rules.keeps_back("asked", last, today) and rules.keeps_back("called", last, today)
    assert not rules.keeps_back("waived", last, today) and not rules.keeps_back("held", last, today)
