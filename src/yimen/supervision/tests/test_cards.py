"""Cards are given by rule, once, named, answered and appealed; never deleted."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.cases import actions as cases
from yimen.cases import bulk
from yimen.cases.models import Case, Clock, Task
from yimen.cases.tests.factories import make_case
from yimen.ledger import followers
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_staff, outsider
from yimen.supervision import actions, jobs, watching
from yimen.supervision.models import Card, CardEntry, Colour, SupervisionRule, Trigger
from yimen.supervision.tests.factories import accepted, after, make_office, morning

pytestmark = pytest.mark.django_db
FAR = {"trigger": Trigger.OVER_PROMISE, "colour": Colour.YELLOW, "basis": "演示办发〔2026〕1 号"}


def given(case):
    return set(Card.objects.filter(case=case).values_list("trigger", "colour"))


def watch(case, at):
    jobs.watch_clocks(at=at)
    return given(case)


@pytest.mark.capability("SUP-1")
@pytest.mark.capability("SUP-2")
def test_a_running_case_gets_its_cards_day_by_day_and_each_once():
    """Nine working days from Wednesday 18 November: due on 1 December; its review step on 19 November."""
    office = make_office()
    case = accepted(office)
    assert watch(case, NOW) == set()
    assert watch(case, morning(date(2026, 11, 20))) == {("step_overdue", "yellow")}
    assert watch(case, morning(date(2026, 11, 27))) == {("step_overdue", "yellow")}
    reminded = {("step_overdue", "yellow"), ("near_limit", "reminder")}
    assert watch(case, morning(date(2026, 11, 30))) == reminded
    assert watch(case, morning(case.due_on)) == reminded
    late = reminded | {("over_promise", "yellow")}
    assert watch(case, after(case.due_on, 1)) == late
    assert watch(case, after(case.due_on, 2)) == late
    red = late | {("over_promise", "red")}
    assert watch(case, after(case.due_on, 3)) == red
    statutory = case.clocks.get(kind=Clock.Kind.STATUTORY).due_on
    assert watch(case, after(statutory, 1)) == red | {("over_statutory", "red")}
    assert jobs.watch_clocks(at=after(statutory, 30)) == 0
    assert Event.objects.filter(kind="supervision.card_given").count() == 5


def test_a_job_that_slept_gives_the_same_cards_but_no_useless_reminder():
    office = make_office()
    case = accepted(office)
    assert watch(case, after(case.due_on, 5)) == {
        ("step_overdue", "yellow"),
        ("over_promise", "yellow"),
        ("over_promise", "red"),
    }


@pytest.mark.capability("SUP-6")
def test_a_card_names_who_has_the_case_the_head_of_the_window_and_the_leader():
    office = make_office()
    case = accepted(office)
    jobs.watch_clocks(at=after(case.due_on, 1))
    card = Card.objects.get(case=case, trigger=Trigger.OVER_PROMISE)
    # Nobody took the step, so the unit's examiner answers for it.
    assert (card.handler, card.reviewer, card.approver) == (office.approver, office.manager, office.leader)
    assert card.number.endswith("监〔2026〕00001号")
    taken = accepted(office, at=NOW + timedelta(hours=1))
    Task.objects.filter(case=taken).update(assignee=office.leader)
    jobs.watch_clocks(at=after(case.due_on, 1))
    assert Card.objects.get(case=taken, trigger=Trigger.OVER_PROMISE).handler == office.leader


def test_numbers_have_no_gap():
    office = make_office()
    for hour in range(3):
        accepted(office, at=NOW + timedelta(hours=hour))
    jobs.watch_clocks(at=morning(date(2026, 12, 9)))
    numbers = sorted(int(number[-6:-1]) for number in Card.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.capability("SUP-5")
def test_a_units_own_rule_counts_from_its_day_on():
    office = make_office()
    case = accepted(office)
    on = after(case.due_on, 1)
    actions.set_rule(
        office.region, **FAR, threshold={"days_over": 2}, effective_on=on.date(), department=office.organ.pk,
        by=office.supervisor, at=NOW,
    )  # fmt: skip
    assert ("over_promise", "yellow") not in watch(case, on)
    assert ("over_promise", "yellow") in watch(case, after(case.due_on, 2))
    card = Card.objects.get(case=case, trigger=Trigger.OVER_PROMISE, colour=Colour.YELLOW)
    assert card.rule == SupervisionRule.objects.get()
    assert card.rule_no == "over_promise-yellow-20261202"


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": {"days_over": 0}},
        {"threshold": {"minutes": 5}},
        {"threshold": {}},
        {"effective_on": NOW.date() - timedelta(days=1)},
        {"basis": " "},
        {"trigger": "weather"},
        {"department": "00000000-0000-4000-8000-000000000000"},
    ],
    ids=["zero", "foreign", "empty", "past", "no-basis", "unknown", "no-unit"],
)
def test_a_rule_that_makes_no_sense_is_refused(change):
    office = make_office()
    good = {**FAR, "threshold": {"days_over": 2}, "effective_on": NOW.date(), "by": office.supervisor, "at": NOW}
    with pytest.raises(actions.BadRule):
        actions.set_rule(office.region, **(good | change))
    actions.set_rule(office.region, **good)
    with pytest.raises(actions.BadRule, match="已经有一条"):
        actions.set_rule(office.region, **good)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.SUPERVISOR])
def test_only_a_supervisor_sets_rules(role):
    office = make_office()
    with pytest.raises(NotAllowed):
        actions.set_rule(
            office.region, **FAR, threshold={"days_over": 2}, effective_on=NOW.date(), by=make_staff(role), at=NOW
        )


@pytest.mark.parametrize(
    "days, cards", [(20, {"step_overdue", "off_system"}), (60, {"off_system"})], ids=["new", "old"]
)
def test_history_brought_in_rains_no_cards_but_that_it_came_so_late(monkeypatch, days, cards):
    monkeypatch.setattr(followers, "horizon", lambda: 2**62)
    office, now = make_office(), timezone.now()
    begun = now - timedelta(days=days)
    case = accepted(office, at=begun)
    Case.objects.filter(pk=case.pk).update(is_demo=False)
    task = case.tasks.get(kind="review")
    late = begun + timedelta(days=5)
    cases.complete_task(task.pk, outcome="passed", opinion="符合规定。", by=office.approver, at=late)
    cases.decide(case.pk, outcome="granted", by=office.leader, at=late)
    jobs.follow_new(at=now)
    assert {trigger for trigger, _colour in given(case)} == cards


def test_cases_of_another_system_were_not_handled_off_this_one(monkeypatch):
    monkeypatch.setattr(followers, "horizon", lambda: 2**62)
    office, now = make_office(), timezone.now()
    center, applicant = make_center(office.region), make_applicant(region=office.region)
    times = [now - timedelta(days=40, hours=-n) for n in range(4)]
    people = {"clerk": office.clerk, "decided_by": office.leader, "reviewed_by": office.approver}
    bulk.load([bulk.PastCase(office.version, applicant, *times, **people)], center=center, by=SYSTEM)
    case = Case.objects.get()
    assert set(case.tasks.values_list("step_key", "done_by")) >= {
        ("review", office.approver.pk),
        ("decide", office.leader.pk),
    }
    Case.objects.filter(pk=case.pk).update(is_demo=False)
    assert jobs.follow_new(at=now)
    assert given(case) == set()


# -- what others record ------------------------------------------------------------------------------------------------


def cards_of_events(case, *, at=NOW):
    """What the ledger's rows call for, as the follower gives them."""
    book = watching.book_of(case.region_id)
    for event in Event.objects.filter(stream=case.stream, kind__in=watching.KINDS).order_by("pk"):
        actions.give_cards(case.region_id, watching.of_event(event, book), by=SYSTEM, at=at)
        actions.give_cards(case.region_id, watching.of_event(event, book), by=SYSTEM, at=at)
    return sorted(Card.objects.filter(case=case).values_list("trigger", "colour"))


@pytest.mark.parametrize(
    "complete, more, found",
    [
        (True, {}, [("refused_valid", "red")]),
        (False, {}, []),
        (True, {"right_organ": "演示卫健局"}, []),
        (True, {"ground": "false"}, []),
    ],
    ids=["complete", "missing", "other-organ", "false-materials"],
)
def test_a_complete_application_that_was_declined_gives_a_red_card(complete, more, found):
    office = make_office()
    case = make_case(version=office.version, by=office.clerk, complete=complete)
    cases.decline(case.pk, reasons="经查不需要办理许可，请不用再来。", by=office.clerk, at=NOW, **more)
    assert cards_of_events(case) == found
    if found:
        assert Card.objects.get().handler == office.clerk


def test_asking_for_more_than_the_list_gives_a_red_card():
    office = make_office()
    case = make_case(version=office.version, by=office.clerk, complete=False)
    other = make_office().version.materials.first()
    with pytest.raises(cases.UnlistedAsked):
        cases.correct(case.pk, {other.pk: "再交一份证明"}, by=office.clerk, at=NOW)
    assert cards_of_events(case) == [("unlisted_asked", "red")]
    assert Card.objects.get().handler == office.clerk


def test_charging_outside_the_list_gives_a_red_card():
    office = make_office()
    case = accepted(office)
    with pytest.raises(cases.UnpublishedFee) as refused:
        cases.issue_fee(case.pk, case.pk, amount="10", by=office.clerk, at=NOW)
    refused.value.leave_trace()
    assert cards_of_events(case) == [("fee_outside", "red")]


def test_a_refusal_without_reasons_cannot_happen_here_but_is_seen_when_imported():
    office = make_office()
    case = accepted(office)
    cases.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=NOW)
    cases.decide(case.pk, outcome="refused", reasons="不符合规定的条件。", by=office.leader, at=NOW)
    assert cards_of_events(case) == []
    Case.objects.filter(pk=case.pk).update(reasons="无")
    assert cards_of_events(case) == [("no_reasons", "red")]


@pytest.mark.parametrize("is_demo, found", [(True, []), (False, [("off_system", "red")])])
def test_what_is_entered_days_after_it_was_done_was_done_off_the_system(is_demo, found):
    """recorded_at is the database's own clock, so an act dated ten days back is seen; a demo's past is not counted."""
    from django.utils import timezone

    office = make_office()
    past = timezone.now() - timedelta(days=40)
    case = accepted(office, at=past)
    Case.objects.filter(pk=case.pk).update(is_demo=is_demo)
    later = past + timedelta(hours=3)
    cases.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=later)
    cases.decide(case.pk, outcome="granted", by=office.leader, at=later)
    assert cards_of_events(case) == found


def test_what_was_late_is_found_though_nobody_watched_while_it_ran():
    office = make_office()
    case = accepted(office)
    late = after(case.due_on, 6)
    cases.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=late)
    cases.decide(case.pk, outcome="granted", by=office.leader, at=late + timedelta(hours=1))
    assert jobs.watch_clocks(at=late + timedelta(hours=2)) == 0
    found = [("over_promise", "red"), ("over_promise", "yellow"), ("step_overdue", "yellow")]
    assert cards_of_events(case, at=late + timedelta(hours=2)) == found


def test_an_application_the_law_had_to_accept_is_a_step_overdue():
    office = make_office()
    case = make_case(version=office.version, by=office.clerk)
    assert cases.accept_unanswered(case.pk, by=SYSTEM, at=NOW + timedelta(days=9))
    assert cards_of_events(case) == [("step_overdue", "yellow")]
    assert Card.objects.get().handler == office.clerk


def test_what_no_rule_sees_a_supervisor_gives_by_hand_with_the_facts():
    office = make_office()
    case = accepted(office)
    values = {"trigger": Trigger.OTHER, "colour": Colour.YELLOW, "facts": "11 月 18 日上午窗口让群众自己去复印。"}
    card = actions.give_by_hand(case.pk, **values, handler=office.clerk.pk, by=office.supervisor, at=NOW)
    assert (card.handler, card.given_by, card.facts["said"]) == (office.clerk, office.supervisor, values["facts"])
    with pytest.raises(actions.GivenAlready):
        actions.give_by_hand(case.pk, **values, by=office.supervisor, at=NOW)
    with pytest.raises(actions.TooLittleSaid):
        actions.give_by_hand(case.pk, **(values | {"facts": "不好"}), by=office.supervisor, at=NOW)
    with pytest.raises(actions.BadRule):
        actions.give_by_hand(case.pk, **(values | {"colour": "reminder"}), by=office.supervisor, at=NOW)
    for other in (office.leader, office.clerk, outsider()):
        with pytest.raises(NotAllowed):
            actions.give_by_hand(case.pk, **values, by=other, at=NOW)
    assert "复印" not in str(Event.objects.filter(stream=card.stream).values_list("data", flat=True))


# -- answer, appeal, decision ------------------------------------------------------------------------------------------


def one_card(office=None):
    office = office or make_office()
    case = accepted(office)
    card = actions.give_by_hand(
        case.pk, trigger="other", colour="yellow", facts="让群众多跑了一趟。", handler=office.clerk.pk,
        by=office.supervisor, at=NOW,
    )  # fmt: skip
    return office, card


SAID = {"text": "窗口忙，说明没有讲清楚。", "correction": "当天上门补办，并在窗口贴了样张。"}


@pytest.mark.capability("SUP-7")
def test_a_card_is_answered_by_the_named_and_closed_by_a_supervisor():
    office, card = one_card()
    assert card.answer_by == date(2026, 11, 23)
    for somebody in (office.approver, make_staff(Role.CLERK)):
        with pytest.raises(actions.NotNamed):
            actions.answer(card.pk, **SAID, by=somebody, at=NOW)
    with pytest.raises(actions.TooLittleSaid):
        actions.answer(card.pk, text=SAID["text"], correction="", by=office.clerk, at=NOW)
    card = actions.answer(card.pk, **SAID, by=office.clerk, at=NOW)
    assert card.state == Card.State.ANSWERED
    with pytest.raises(actions.NotNow):
        actions.answer(card.pk, **SAID, by=office.leader, at=NOW)
    with pytest.raises(NotAllowed):
        actions.decide(card.pk, act="closed", text="整改到位，予以办结。", by=office.leader, at=NOW)
    card = actions.decide(card.pk, act="returned", text="样张没有贴出来，请重做。", by=office.supervisor, at=NOW)
    assert card.state == Card.State.OPEN
    actions.answer(card.pk, **SAID, by=office.clerk, at=NOW)
    card = actions.decide(card.pk, act="closed", text="整改到位，予以办结。", by=office.supervisor, at=NOW)
    assert (card.state, card.closed_at) == (Card.State.CLOSED, NOW)
    assert [entry.kind for entry in card.entries.all()] == ["answer", "returned", "answer", "closed"]


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("act", ["upheld", "lifted"])
def test_an_appeal_is_decided_by_a_supervisor_the_card_does_not_name(answered, act):
    office, card = one_card()
    if answered:
        actions.answer(card.pk, **SAID, by=office.clerk, at=NOW)
    actions.appeal(card.pk, text="当天系统停机，不是窗口的责任。", by=office.clerk, at=NOW)
    with pytest.raises(actions.NotNow):
        actions.answer(card.pk, **SAID, by=office.clerk, at=NOW)
    with pytest.raises(actions.NotNow):
        actions.decide(card.pk, act="closed", text="整改到位，予以办结。", by=office.supervisor, at=NOW)
    card = actions.decide(card.pk, act=act, text="已经核对停机记录。", by=office.supervisor, at=NOW)
    expected = {
        ("lifted", True): Card.State.LIFTED,
        ("lifted", False): Card.State.LIFTED,
        ("upheld", True): Card.State.CLOSED,
        ("upheld", False): Card.State.UPHELD,
    }
    assert card.state == expected[act, answered]
    if card.state == Card.State.UPHELD:
        with pytest.raises(actions.NotNow):
            actions.appeal(card.pk, text="还是不服，再申诉一次。", by=office.clerk, at=NOW)
        assert actions.answer(card.pk, **SAID, by=office.clerk, at=NOW).state == Card.State.ANSWERED


# Each act: in which states of a card it has its place, and the state it leads to.
ACTS = {
    "answer": {"open": "answered", "upheld": "answered"},
    "appeal": {"open": "appealed", "answered": "appealed"},
    "upheld": {"appealed": "upheld"},
    "lifted": {"appealed": "lifted"},
    "closed": {"answered": "closed"},
    "returned": {"answered": "open"},
}


def do(act, card, by):
    if act == "answer":
        return actions.answer(card.pk, **SAID, by=by, at=NOW)
    if act == "appeal":
        return actions.appeal(card.pk, text="当天系统停机，不是窗口的责任。", by=by, at=NOW)
    return actions.decide(card.pk, act=act, text="已经核对停机记录，理由如上。", by=by, at=NOW)


@pytest.mark.parametrize("act", ACTS)
def test_each_act_on_a_card_in_each_of_its_states_and_by_each_role(act):
    office, card = one_card()
    right = office.clerk if act in {"answer", "appeal"} else office.supervisor
    for state in Card.State.values:
        with transaction.atomic():
            Card.objects.filter(pk=card.pk).update(state=state)
            if state in ACTS[act]:
                assert do(act, card, right).state == ACTS[act][state], state
            else:
                with pytest.raises(actions.NotNow):
                    do(act, card, right)
                assert not CardEntry.objects.exists(), state
            transaction.set_rollback(True)
    Card.objects.filter(pk=card.pk).update(state=next(iter(ACTS[act])))
    may = set()
    for role in Role:
        try:
            with transaction.atomic():
                do(act, card, make_staff(role, department=office.organ, for_region=True))
                may.add(role)
                transaction.set_rollback(True)
        except (NotAllowed, actions.NotNamed):
            assert not CardEntry.objects.exists()
    # Whoever is not named answers nothing, whatever his role.
    assert may == (set() if act in {"answer", "appeal"} else {Role.SUPERVISOR})


def test_nobody_decides_on_a_card_that_names_him():
    office, _card = one_card()
    both = make_staff(Role.SUPERVISOR, Role.LEADER, department=office.organ, for_region=True)
    card = actions.give_by_hand(
        accepted(office, at=NOW + timedelta(hours=1)).pk, trigger="other", colour="red", facts="由他本人办理的一件。",
        handler=both.pk, by=office.supervisor, at=NOW,
    )  # fmt: skip
    actions.appeal(card.pk, text="不是我办的，请再核对。", by=both, at=NOW)
    with pytest.raises(actions.OneOfThem):
        actions.decide(card.pk, act="lifted", text="经核对不是他办的。", by=both, at=NOW)
    assert actions.decide(card.pk, act="lifted", text="经核对不是他办的。", by=office.supervisor, at=NOW)


def test_an_appeal_after_its_days_is_refused():
    office, card = one_card()
    assert actions.appeal_by(card) == date(2026, 11, 25)
    with pytest.raises(actions.TooLate, match="11 月 25 日"):
        actions.appeal(card.pk, text="当时不在岗，不是我的责任。", by=office.clerk, at=morning(date(2026, 11, 26)))
    actions.appeal(card.pk, text="当时不在岗，不是我的责任。", by=office.clerk, at=morning(date(2026, 11, 25)))


@pytest.mark.capability("SUP-1")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM supervision_card",
        "DELETE FROM supervision_cardentry",
        "UPDATE supervision_cardentry SET text = 'x'",
        "UPDATE supervision_card SET colour = 'reminder'",
        "UPDATE supervision_card SET handler_id = NULL",
        "UPDATE supervision_card SET facts = '{}'",
        "UPDATE supervision_card SET issued_at = now()",
        "TRUNCATE supervision_card CASCADE",
        "UPDATE supervision_supervisionrule SET is_on = false",
    ],
)
def test_the_database_keeps_cards_entries_and_rules(statement):
    office, card = one_card()
    actions.answer(card.pk, **SAID, by=office.clerk, at=NOW)
    actions.set_rule(
        office.region, **FAR, threshold={"days_over": 2}, effective_on=NOW.date(), by=office.supervisor, at=NOW
    )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    Card.objects.filter(pk=card.pk).update(state=Card.State.CLOSED)
    with pytest.raises(DatabaseError), transaction.atomic():
        Card.objects.filter(pk=card.pk).update(state=Card.State.OPEN)
    assert CardEntry.objects.count() == 1


def test_the_watch_takes_as_many_statements_for_many_cases_as_for_few():
    office = make_office()

    def statements():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            jobs.watch_clocks(at=morning(date(2026, 11, 27), 23))
        return len(captured)

    accepted(office)
    jobs.watch_clocks(at=morning(date(2026, 11, 27)))
    few = statements()
    for hour in range(1, 6):
        accepted(office, at=NOW + timedelta(hours=hour))
    jobs.watch_clocks(at=morning(date(2026, 11, 27)))
    assert statements() == few


def test_another_regions_cards_are_apart():
    office = make_office()
    from yimen.people.tests.factories import make_region

    away = make_department(make_region("510000", "别处"))
    stranger = make_staff(Role.SUPERVISOR, department=away, for_region=True)
    case = accepted(office)
    with pytest.raises(Case.DoesNotExist):
        actions.give_by_hand(case.pk, trigger="other", colour="red", facts="别处的人来发牌。", by=stranger, at=NOW)
    _office, card = one_card(office)
    actions.answer(card.pk, **SAID, by=office.clerk, at=NOW)
    with pytest.raises(NotAllowed):
        actions.decide(card.pk, act="closed", text="整改到位，予以办结。", by=stranger, at=NOW)
