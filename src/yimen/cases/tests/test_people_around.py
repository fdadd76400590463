"""Priority, agents, guidance, teams, experts, recusal and conformity: through the real actions on a real database."""

import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st

from yimen.cases import actions, queries
from yimen.cases.models import AgentService, Case, Guidance, PriorityGrant
from yimen.cases.rules.conformity import Deviation, Done, Kind, Written, deviations
from yimen.cases.tests.factories import make_case, make_version
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.identity import InvalidIdentity
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_staff

AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)  # a Wednesday, 9:05 in Shanghai
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EXAM, TRAVEL = PriorityGrant.Reason.EXAM, PriorityGrant.Reason.TRAVEL


def the_office():
    organ = make_department()

    def one(role, department=organ, **kwargs):
        return make_staff(role, department=department, **kwargs)

    return SimpleNamespace(
        organ=organ,
        clerk=one(Role.CLERK, make_department(organ.region), for_region=True),
        approver=one(Role.APPROVER),
        other=one(Role.APPROVER),
        leader=one(Role.LEADER, for_region=True),
        boss=one(Role.LEADER, for_region=True),
        manager=one(Role.HALL_MANAGER, for_region=True),
        guide=one(Role.GUIDE, for_region=True),
        version=make_version(department=organ, promised_days=15),
    )


@pytest.fixture
def office(db):
    return the_office()


def accepted(office, *, at=AT):
    case = make_case(version=office.version, at=at, by=office.clerk)
    return actions.accept(case.pk, by=office.clerk, at=at)


def events(case):
    return list(Event.objects.filter(stream=case.stream).order_by("seq"))


# -- priority (HALL-10) -----------------------------------------------------------------------------------------------


def ask(office, case, *, by=None, kind="urgent", reason=EXAM, note=""):
    return actions.ask_priority(kind, reason, case_id=case.pk, note=note, by=by or office.clerk, at=AT)


@pytest.mark.capability("S1-20")
@pytest.mark.parametrize("kind", ["project", "fast"])
def test_an_approved_case_is_the_first_task_with_reason_and_approver(office, kind):
    earlier, project = accepted(office, at=AT - DAY), accepted(office)
    grant = ask(office, project, kind=kind, reason="project")
    assert [task.case_id for task in queries.open_tasks(office.approver)] == [earlier.pk, project.pk]
    actions.answer_priority(grant.pk, is_granted=True, by=office.leader, at=AT + HOUR)
    assert [task.case_id for task in queries.open_tasks(office.approver)] == [project.pk, earlier.pk]
    grant.refresh_from_db()
    assert (grant.reason, grant.asked_by, grant.approved_by) == ("project", office.clerk, office.leader)
    last = events(project)[-1]
    assert last.kind == "case.priority_granted"
    assert last.actor == office.leader.ledger_ref
    assert last.data["reason"] == "project"
    project.refresh_from_db()
    assert "重大项目" in queries.timeline(project)[0].text


@pytest.mark.capability("S1-43")
@pytest.mark.parametrize(("kind", "word"), [("fast", "快办"), ("special", "特办"), ("urgent", "急办")])
def test_fast_special_and_urgent_each_have_an_approver(office, kind, word):
    case = accepted(office)
    grant = actions.answer_priority(ask(office, case, kind=kind).pk, is_granted=True, by=office.manager, at=AT)
    assert (grant.get_kind_display(), grant.approved_by) == (word, office.manager)


@pytest.mark.parametrize(
    ("who", "wrong"),
    [
        ("leader", None),
        ("manager", None),
        ("clerk", NotAllowed),
        ("approver", NotAllowed),
        ("asker", actions.OwnAsking),
    ],
)
def test_a_leader_or_hall_manager_approves_and_never_his_own(office, who, wrong):
    case = accepted(office)
    office.asker = office.boss
    grant = ask(office, case, by=office.asker)
    with pytest.raises(wrong) if wrong else nullcontext():
        actions.answer_priority(grant.pk, is_granted=True, by=getattr(office, who), at=AT)
    case.refresh_from_db()
    assert case.is_urgent == (wrong is None)
    assert [event.kind for event in events(case)].count("case.priority_granted") == (wrong is None)


def test_a_refusal_says_why_and_leaves_the_case_where_it_was(office):
    case = accepted(office)
    grant = ask(office, case)
    with pytest.raises(actions.ReasonsMissing):
        actions.answer_priority(grant.pk, is_granted=False, by=office.leader, at=AT)
    actions.answer_priority(grant.pk, is_granted=False, answer="还有两周才考试，来得及。", by=office.leader, at=AT)
    case.refresh_from_db()
    assert not case.is_urgent
    with pytest.raises(actions.WrongStep):
        actions.answer_priority(grant.pk, is_granted=True, by=office.manager, at=AT)
    ask(office, case)  # may be asked again, for better reasons


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, None),
        ({"reason": "other", "note": "奔丧，车票已经买好"}, None),
        ({"reason": "other"}, actions.ReasonsMissing),
        ({"kind": "vip"}, actions.BadPriority),
        ({"reason": "friend"}, actions.BadPriority),
    ],
    ids=["exam", "other with a note", "other", "no such kind", "no such reason"],
)
def test_every_asking_has_a_known_kind_and_reason(office, fields, wrong):
    case = accepted(office)
    with pytest.raises(wrong) if wrong else nullcontext():
        ask(office, case, **fields)
    assert PriorityGrant.objects.count() == (wrong is None)


def test_asking_twice_is_refused_and_so_is_a_closed_case(office):
    case = accepted(office)
    ask(office, case)
    with pytest.raises(actions.BadPriority):
        ask(office, case)
    declined = make_case(version=office.version, at=AT, by=office.clerk)
    Case.objects.filter(pk=declined.pk).update(status="withdrawn")
    with pytest.raises(actions.WrongStep):
        ask(office, declined)


def at_once(acts):
    found = [""] * len(acts)
    start = threading.Barrier(len(acts))

    def run(n):
        try:
            start.wait()
            acts[n]()
            found[n] = "done"
        except Exception as error:
            found[n] = type(error).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_of_two_who_answer_at_once_one_wins():
    office = the_office()
    case = accepted(office)
    grant = ask(office, case)

    def answer(by, yes):
        return lambda: actions.answer_priority(grant.pk, is_granted=yes, answer="来得及，不用急。", by=by, at=AT)

    found = at_once([answer(office.leader, True), answer(office.manager, False), answer(office.boss, True)])
    assert sorted(found) == ["WrongStep", "WrongStep", "done"]
    assert sum("priority_" in event.kind for event in events(case)) == 2  # asked, and one answer
    case.refresh_from_db()
    grant.refresh_from_db()
    assert case.is_urgent == (grant.approved_by is not None) == (grant.refused_at is None)


# -- agents (LAW-24, HALL-9) ------------------------------------------------------------------------------------------


def help_with(office, case, **fields):
    given = {"staff": office.guide, "consent": "申请人当面签了代办单"} | fields
    return actions.start_agent(case.pk, given.pop("kind", "helper"), **given, by=office.clerk, at=AT)


ATTORNEY = {
    "kind": "attorney",
    "name": "钱多多（演示）",
    "scope": "代交材料、代领证",
    "valid_until": localdate(AT) + 30 * DAY,
}


@pytest.mark.capability("S1-19")
@pytest.mark.parametrize(
    ("fields", "word"),
    [({}, "帮办代办员（工号 {number}）代办"), (ATTORNEY, "由代理人钱*多（演示）代办")],
    ids=["helper", "attorney"],
)
def test_a_case_is_run_by_an_agent_and_each_act_shows_him(office, fields, word):
    case = make_case(version=office.version, complete=False, at=AT, by=office.clerk)
    help_with(office, case, **fields)
    rows = {row.pk: actions.Handed("complete") for row in case.version.materials.all()}
    actions.note_agent_act(case.pk, "form", by=office.clerk, at=AT + HOUR)
    actions.note_materials(case.pk, rows, by=office.clerk, at=AT + HOUR)
    actions.accept(case.pk, by=office.clerk, at=AT + HOUR)
    actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=AT + 2 * HOUR)
    actions.decide(case.pk, outcome="granted", reasons="", by=office.leader, at=AT + 3 * HOUR)
    actions.deliver(case.pk, how="window", receiver="代办人", by=office.clerk, at=AT + 4 * HOUR)
    case.refresh_from_db()
    word = word.format(number=office.guide.number)
    shown = {row.kind for row in queries.timeline(case) if word in row.post}
    assert shown == {"case.received", "case.agent_acted", "case.materials_noted", "case.delivered"}
    assert not any("钱多多" in row.post for row in queries.timeline(case))
    agent = case.agents.get()
    assert agent.consent == "申请人当面签了代办单"
    assert events(case)[1].data["fee"] == 0


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, False),
        (ATTORNEY, False),
        ({"consent": ""}, True),
        ({"staff": None}, True),
        (ATTORNEY | {"scope": ""}, True),
        (ATTORNEY | {"valid_until": None}, True),
        (ATTORNEY | {"valid_until": localdate(AT) - DAY}, True),
        ({"consented_at": AT + HOUR}, True),
        ({"kind": "friend"}, True),
        (ATTORNEY | {"id_number": "G1234567", "phone": "138 0000 0417"}, False),
        (ATTORNEY | {"id_number": "500101199001010000"}, True),
        (ATTORNEY | {"phone": "12"}, True),
    ],
    ids=[
        "helper",
        "attorney",
        "no consent",
        "nobody",
        "no scope",
        "no end",
        "expired",
        "agreed later",
        "no such kind",
        "passport",
        "no such number",
        "no such telephone",
    ],
)
def test_an_agent_has_consent_scope_and_an_end(office, fields, wrong):
    case = accepted(office)
    with pytest.raises((actions.BadAgent, InvalidIdentity)) if wrong else nullcontext():
        help_with(office, case, **fields)
    assert AgentService.objects.count() == (not wrong)


def test_one_agent_at_a_time_until_he_ends_or_his_day_has_passed(office):
    case = accepted(office)
    help_with(office, case, **ATTORNEY)
    with pytest.raises(actions.BadAgent):
        help_with(office, case)
    with pytest.raises(actions.BadAgent):  # the power of attorney is over
        actions.note_agent_act(case.pk, "form", by=office.clerk, at=AT + 40 * DAY)
    actions.start_agent(
        case.pk, "helper", staff=office.guide, consent="电话录音同意", by=office.clerk, at=AT + 40 * DAY
    )
    actions.end_agent(case.pk, by=office.clerk, at=AT + 41 * DAY)
    with pytest.raises(actions.WrongStep):
        actions.end_agent(case.pk, by=office.clerk, at=AT + 41 * DAY)
    with pytest.raises(NotAllowed):
        actions.start_agent(case.pk, "helper", staff=office.guide, consent="同意", by=office.guide, at=AT)


def test_the_number_and_telephone_of_an_agent_are_sealed(office):
    agent = help_with(office, accepted(office), **ATTORNEY, id_number="110101199001011237", phone="13900000417")
    agent.refresh_from_db()
    assert b"1101" not in bytes(agent.id_sealed)
    assert b"139" not in bytes(agent.phone_sealed)


# -- guidance ---------------------------------------------------------------------------------------------------------


def guided(office, who="南门小吃（演示）", *, at=AT - 3 * DAY, by=None):
    return actions.note_guidance(
        office.version.item,
        who,
        "后厨要分生熟两个水池，先改好再来申请。",
        center=make_center(office.organ.region),
        by=by or office.guide,
        at=at,
    )


@pytest.mark.capability("S4-4")
def test_guidance_before_applying_is_kept_and_starts_no_clock(office):
    guidance = guided(office)
    assert not Case.objects.exists()
    case = make_case(version=office.version, at=AT, by=office.clerk)
    actions.link_guidance(guidance.pk, case.pk, by=office.clerk, at=AT)
    case.refresh_from_db()
    assert (case.due_on, case.clocks.count(), case.status) == (None, 0, "received")
    plain = accepted(office)
    later = actions.accept(case.pk, by=office.clerk, at=AT)
    assert later.due_on == plain.due_on  # counted from acceptance, as without
    assert case.guidances.get() == guidance
    with pytest.raises(actions.WrongStep):
        actions.link_guidance(guidance.pk, plain.pk, by=office.clerk, at=AT)


@pytest.mark.parametrize("wrong", ["", "another item", "afterwards"])
def test_guidance_is_linked_to_a_case_of_its_item_and_before_acceptance(office, wrong):
    guidance = guided(office, at=AT + DAY if wrong == "afterwards" else AT - DAY)
    version = make_version(department=office.organ) if wrong == "another item" else office.version
    case = actions.accept(make_case(version=version, at=AT, by=office.clerk).pk, by=office.clerk, at=AT)
    with pytest.raises(actions.BadGuidance) if wrong else nullcontext():
        actions.link_guidance(guidance.pk, case.pk, by=office.clerk, at=AT + 2 * DAY)


@pytest.mark.capability("S4-12")
def test_guided_firms_are_counted_by_month_and_the_fee_is_always_0(office):
    for n in range(31):
        guided(office, f"饭店{n}（演示）", at=AT - timedelta(minutes=n))
    guided(office, "饭店1（演示）")
    guided(office, "上个月的（演示）", at=datetime(2026, 10, 31, 16, 30, tzinfo=UTC) - HOUR)
    today = localdate(AT)
    november, october = queries.guided_months(office.organ.region_id, since=today - 60 * DAY, until=today)
    assert (november.month.month, november.firms, november.times, november.fee) == (11, 31, 32, 0)
    assert (october.month.month, october.firms) == (10, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Guidance.objects.update(fee=1)
    with pytest.raises(NotAllowed):
        guided(office, by=office.manager)
    with pytest.raises(actions.BadGuidance):
        guided(office, " ")


# -- teams and experts ------------------------------------------------------------------------------------------------


@pytest.mark.capability("S4-5")
def test_a_team_of_named_people_follows_a_case_from_start_to_end(office):
    case = make_case(version=office.version, at=AT, by=office.clerk)
    people = [(office.approver, "牵头"), (office.guide, "跑手续")]
    team = actions.form_team("养殖场专班", people, case_id=case.pk, by=office.leader, at=AT)
    actions.accept(case.pk, by=office.clerk, at=AT)
    with pytest.raises(actions.WrongStep):  # not before the end
        actions.end_team(team.pk, by=office.leader, at=AT)
    found = queries.teams_of(case)[0]
    assert [(one.staff, one.duty) for one in found.members.all()] == people
    joined = actions.join_team(team.pk, office.clerk, "收件", by=office.leader, at=AT + HOUR)
    actions.leave_team(joined.pk, by=office.leader, at=AT + DAY)
    first = team.members.get(staff=office.approver)
    with pytest.raises(actions.BadTeam):
        actions.leave_team(first.pk, by=office.leader, at=AT + DAY)
    second = make_case(version=office.version, at=AT, by=office.clerk)
    actions.follow_case(team.pk, second.pk, by=office.leader, at=AT)
    with pytest.raises(actions.WrongStep):
        actions.follow_case(team.pk, second.pk, by=office.leader, at=AT)
    Case.objects.update(status="withdrawn")
    actions.end_team(team.pk, by=office.leader, at=AT + DAY)
    assert "case.team_follows" in {event.kind for event in events(case)}


@pytest.mark.parametrize(
    ("members", "wrong"),
    [(2, None), (1, actions.BadTeam), ("twice", actions.BadTeam), ("no duty", actions.BadTeam)],
    ids=str,
)
def test_a_team_has_two_people_each_with_a_duty(office, members, wrong):
    case = accepted(office)
    people = [(office.approver, "牵头"), (office.guide, "" if members == "no duty" else "跑手续")]
    people = people[:1] * 2 if members == "twice" else people[:1] if members == 1 else people
    with pytest.raises(wrong) if wrong else nullcontext():
        actions.form_team("专班", people, case_id=case.pk, by=office.leader, at=AT)
    with pytest.raises(NotAllowed):
        actions.form_team("专班", people, case_id=case.pk, by=office.approver, at=AT)


@pytest.mark.capability("S4-1")
def test_a_case_asks_an_expert_and_the_advice_is_stored(office):
    case = accepted(office)
    far = actions.add_expert("冯远（演示）", "农科所", ["养殖"], by=office.leader, at=AT)
    near = actions.add_expert("陈专（演示）", "设计院", ["演示事项"], by=office.leader, at=AT)
    assert queries.experts_for(case) == [near, far]  # the one who knows this item first
    due_on = case.due_on
    asked = actions.ask_expert(case.pk, near.pk, "排烟管离窗户几米才行？", by=office.approver, at=AT)
    advice = "按规范不少于二十米；\n本案有防火墙，可以放宽到十米。"
    actions.note_advice(asked.pk, advice, by=office.approver, at=AT + DAY)
    found = queries.expert_requests(case)[0]
    assert (found.advice, found.expert, found.noted_by) == (advice, near, office.approver)
    with pytest.raises(actions.WrongStep):
        actions.note_advice(asked.pk, "改成另一句话。", by=office.approver, at=AT + DAY)
    case.refresh_from_db()
    assert case.due_on == due_on
    actions.retire_expert(far.pk, by=office.leader, at=AT)
    with pytest.raises(actions.BadExpert):
        actions.ask_expert(case.pk, far.pk, "猪舍离水源几米？", by=office.approver, at=AT)
    with pytest.raises(NotAllowed):
        actions.ask_expert(case.pk, near.pk, "猪舍离水源几米？", by=office.clerk, at=AT)


# -- recusal (SUP-11) -------------------------------------------------------------------------------------------------


def recused(office, case, person, *, granted=True, asker="leader", by=None):
    recusal = actions.ask_recusal(case.pk, person, "申请人是他的姐夫。", asker=asker, by=by or office.boss, at=AT)
    if granted is not None:
        actions.answer_recusal(recusal.pk, is_granted=granted, by=office.leader, at=AT)
    return recusal


@pytest.mark.parametrize("granted", [True, False, None], ids=["granted", "refused", "asked"])
def test_who_stood_aside_gets_no_task_and_no_decision(office, granted):
    case = accepted(office)
    task = case.tasks.get()
    actions.take_task(task.pk, by=office.approver, at=AT)
    recused(office, case, office.approver, granted=granted)
    task.refresh_from_db()
    stays = not granted
    assert (task.assignee == office.approver) == stays
    assert queries.open_tasks(office.approver).filter(case=case).exists() == stays
    with nullcontext() if stays else pytest.raises(actions.BadHand):
        actions.take_task(task.pk, by=office.approver, at=AT)
    if not stays:
        with pytest.raises(actions.BadHand):
            actions.hand_task(task.pk, office.approver.pk, reason="load", by=office.leader, at=AT)
    with nullcontext() if stays else pytest.raises(actions.Recused):
        actions.complete_task(task.pk, outcome="passed", opinion="", by=office.approver, at=AT)
    if not stays:
        actions.complete_task(task.pk, outcome="passed", opinion="", by=office.other, at=AT)
        with pytest.raises(actions.NotSeparate):
            actions.decide(case.pk, outcome="granted", reasons="", by=office.approver, at=AT)
    assert queries.open_tasks(office.other).filter(case=case).exists() is not None


@pytest.mark.parametrize(
    ("asker", "by", "wrong"),
    [
        ("self", "approver", None),
        ("self", "other", actions.BadRecusal),
        ("applicant", "clerk", None),
        ("leader", "boss", None),
        ("leader", "other", NotAllowed),
        ("rival", "boss", actions.BadRecusal),
        ("applicant", "guide", NotAllowed),
    ],
)
def test_one_oneself_the_applicant_or_a_leader_asks(office, asker, by, wrong):
    case = accepted(office)
    with pytest.raises(wrong) if wrong else nullcontext():
        recused(office, case, office.approver, granted=None, asker=asker, by=getattr(office, by))
    assert case.recusals.count() == (wrong is None)


def test_nobody_decides_on_himself_and_nothing_is_decided_twice(office):
    case = accepted(office)
    recusal = recused(office, case, office.leader, granted=None, asker="self", by=office.leader)
    with pytest.raises(actions.BadRecusal):
        actions.answer_recusal(recusal.pk, is_granted=False, by=office.leader, at=AT)
    actions.answer_recusal(recusal.pk, is_granted=True, by=office.boss, at=AT)
    with pytest.raises(actions.WrongStep):
        actions.answer_recusal(recusal.pk, is_granted=False, by=office.boss, at=AT)
    with pytest.raises(actions.WrongStep):
        recused(office, case, office.leader)


# -- conformity (S3-37) -----------------------------------------------------------------------------------------------

FLOW = (Written("review", post="审查岗"), Written("visit", ("review",)), Written("decide", ("review", "visit")))
TODAY = localdate(AT)


def done(key, hours, *, round=1, due=0, post="", open_=False):
    at = AT + hours * HOUR
    return Done(key, round, AT, TODAY + due * DAY, None if open_ else at, None if open_ else localdate(at), post)


@pytest.mark.parametrize(
    ("steps", "is_over", "expected"),
    [
        ([done("review", 1), done("visit", 2), done("decide", 3)], True, []),
        ([done("review", 1), done("decide", 3)], True, [Deviation(Kind.SKIPPED, "visit")]),
        ([done("review", 1)], False, []),
        (
            [done("review", 3), done("visit", 2), done("decide", 4)],
            True,
            [Deviation(Kind.ORDER, "visit", other="review")],
        ),
        ([done("review", 30)], False, [Deviation(Kind.LATE, "review", days=1)]),
        ([done("review", 0, due=-2, open_=True)], False, [Deviation(Kind.LATE, "review", days=2)]),
        ([done("review", 1), done("review", 2, round=2)], False, [Deviation(Kind.BACK, "review", 2)]),
        ([done("review", 1, post="窗口岗")], False, [Deviation(Kind.POST, "review", other="窗口岗")]),
        ([done("review", 1, post="审查岗")], False, []),
    ],
    ids=["as written", "skipped", "running", "order", "late", "open and late", "back", "other post", "right post"],
)
def test_each_way_of_deviating_is_named(steps, is_over, expected):
    assert deviations(FLOW, steps, is_over=is_over, today=TODAY) == expected


@given(st.permutations(["a", "b", "c", "d"]), st.integers(0, 3))
def test_a_chain_done_in_its_order_conforms_and_in_any_other_does_not(order, skip):
    chain = [Written(key, tuple("abcd"[n - 1 : n]) if n else ()) for n, key in enumerate("abcd")]
    steps = [done(key, n) for n, key in enumerate(order)]
    found = deviations(chain, steps, is_over=True, today=TODAY)
    assert (found == []) == (order == ["a", "b", "c", "d"])
    assert {one.kind for one in found} <= {Kind.ORDER}
    left = deviations(chain, [one for one in steps if one.key != "abcd"[skip]], is_over=True, today=TODAY)
    assert Deviation(Kind.SKIPPED, "abcd"[skip]) in left


@pytest.mark.capability("S3-37")
def test_steps_done_are_compared_with_the_defined_flow_and_deviations_listed_by_item(office, django_assert_num_queries):
    good, sent_back, late = (accepted(office) for _n in range(3))
    hour = HOUR
    for case in (good, sent_back):
        actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=AT + hour)
    actions.send_back(sent_back.pk, "review", reason="布局图缺一页，请补看。", by=office.other, at=AT + 2 * hour)
    review = sent_back.tasks.get(done_at=None)
    actions.complete_task(review.pk, outcome="passed", opinion="", by=office.approver, at=AT + 3 * hour)
    actions.complete_task(late.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=AT + 8 * DAY)
    for case in (good, sent_back):
        actions.decide(case.pk, outcome="granted", reasons="", by=office.leader, at=AT + 4 * hour)
    actions.decide(late.pk, outcome="granted", reasons="", by=office.leader, at=AT + 8 * DAY)
    with django_assert_num_queries(5):
        (item,) = queries.conformity_by_item(office.leader, since=TODAY, until=TODAY + 9 * DAY, today=TODAY + 9 * DAY)
    assert good.pk not in {one.case.pk for one in item.cases}, item.cases
    assert (item.compared, len(item.cases)) == (3, 2)
    assert item.kinds == {Kind.BACK: 1, Kind.LATE: 1}
    found = {one.case.pk: [deviation.kind for deviation in one.found] for one in item.cases}
    assert found[sent_back.pk] == [Kind.BACK]
    assert found[late.pk] == [Kind.LATE]
    assert queries.conformity_by_item(office.guide, since=TODAY, until=TODAY + 9 * DAY, today=TODAY) == []
