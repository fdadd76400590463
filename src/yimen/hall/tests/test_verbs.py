"""Care, caps, one number a person, skills, transfers, several matters, undo, windows that are given work."""

from contextlib import nullcontext
from datetime import datetime, time, timedelta

import pytest
from django.utils.timezone import localdate

from yimen.cases import actions as cases
from yimen.catalog.tests.factories import make_item
from yimen.hall import actions, queries
from yimen.hall.models import OpeningTime, Ticket, TicketPeriod, Window, WindowSession
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.ledger.actions import PUBLIC
from yimen.ledger.models import Event
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import covers
from yimen.people.access import NotAllowed
from yimen.people.identity import InvalidIdentity
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_region, make_staff, outsider, resident_id

pytestmark = pytest.mark.django_db
Status = Ticket.Status


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def calls(window: Window, count: int, start: float = 60) -> list[str]:
    """Call and finish `count` people at a window, one a minute."""
    return [serve(window, at(start + n), minutes=0).label for n in range(count)]


# -- tickets ----------------------------------------------------------------------------------------------------------


@pytest.mark.capability("S0-29")
def test_special_care_is_marked_comes_first_and_the_reason_is_kept():
    series = make_series(make_hall(policy="ratio", ratio=2))
    window = make_window(series)
    for n in range(4):
        take(series, at(n))
    old = take(series, at(9), care="old")
    assert old.is_priority and queries.first_of(old) == "老年人"
    called = call(window, at(10))
    assert called == old
    assert queries.reason_of(called) == "优先：老年人。"
    event = Event.objects.get(kind="hall.called")
    assert (event.data["why"], event.data["first"]) == ("priority", 1)


@pytest.mark.parametrize(("care_first", "first"), [(["old"], True), (["pregnant"], False), ([], False)])
def test_the_hall_says_which_care_comes_first(care_first, first):
    series = make_series(make_hall(care_first=care_first))
    assert take(series, care="old").is_priority is first
    with pytest.raises(actions.WrongCare):
        take(series, care="friend")


def test_an_identity_number_holds_one_waiting_ticket_a_series_and_is_never_kept():
    series = make_series()
    other = make_series(series.hall, "B")
    number = resident_id(77)
    ticket = take(series, id_number=number.lower(), name="王小明")
    with pytest.raises(actions.AlreadyWaiting, match="A001"):
        take(series, id_number=number)
    assert take(other, id_number=number).label == "B001"
    ticket.refresh_from_db()
    row = Ticket.objects.filter(pk=ticket.pk).values().get()
    assert not any(number.encode() in bytes(value) for value in row.values() if isinstance(value, bytes | memoryview))
    assert number not in repr(row) and "王小明" not in repr(row) and queries.name_of(ticket) == "王小明"
    assert "王小明" not in repr(list(Event.objects.values_list("data", flat=True)))
    actions.leave(ticket.pk, by=make_staff(Role.GUIDE), at=NOW)
    assert take(series, id_number=number).label == "A002"
    with pytest.raises(InvalidIdentity):
        take(series, id_number="110101")


@pytest.mark.parametrize(("cap", "given"), [(3, 3), (None, 5)])
def test_a_series_gives_its_numbers_of_the_day_and_no_more(cap, given):
    series = make_series(daily_cap=cap, warning_at=2 if cap else None)
    with pytest.raises(actions.SeriesFull, match="3 个号") if cap else nullcontext():
        for _n in range(5):
            take(series)
    counted = queries.given_today(series.hall, NOW)[series.pk]
    assert (counted.given, counted.left, counted.is_full) == (given, 0 if cap else None, bool(cap))
    assert take(series, at(24 * 60)).number == 1


def test_a_holder_gives_his_ticket_back_until_it_is_called():
    series = make_series()
    window = make_window(series)
    mine, next_one = take(series), take(series)
    assert actions.leave(mine.pk, by=PUBLIC, at=NOW).status == Status.LEFT
    assert actions.leave(mine.pk, by=PUBLIC, at=NOW).status == Status.LEFT
    assert call(window) == next_one
    with pytest.raises(actions.WrongStep, match="已经叫到"):
        actions.leave(next_one.pk, by=PUBLIC, at=NOW)
    with pytest.raises(NotAllowed):
        actions.leave(next_one.pk, by=outsider(), at=NOW)


# -- skills and transfers ---------------------------------------------------------------------------------------------


@pytest.mark.capability("S0-23")
def test_a_ticket_for_an_item_is_called_only_where_whoever_sits_holds_the_skill():
    series = make_series()
    item = make_item()
    manager = make_staff(Role.HALL_MANAGER)
    with_skill, without = make_window(series), make_window(series)
    skill = actions.set_skill(item.region, "企业变更", [item], by=manager, at=NOW)
    held = actions.give_skill(skill.pk, with_skill.staff, by=manager, at=NOW)
    first, second = take(series, item=item), take(series)
    assert call(without) == second and call(with_skill) == first
    actions.finish(first.pk, by=with_skill.staff, at=NOW)
    third = take(series, item=item)
    actions.end_skill(held.pk, by=manager, at=NOW)
    assert call(with_skill, at(1)) is None
    assert queries.not_called(series.hall, NOW) == [third]  # the desk sees it: nobody is forgotten
    with pytest.raises(NotAllowed):
        actions.give_skill(skill.pk, without.staff, by=without.staff, at=NOW)


def test_who_is_held_by_a_window_that_closes_is_seen_at_the_desk():
    series = make_series()
    window, other = make_window(series), make_window(series)
    held = take(series)
    call(window)
    actions.start(held.pk, by=window.staff, at=at(1))
    actions.hold(held.pk, by=window.staff, at=at(2))
    assert queries.not_called(series.hall, at(3)) == []
    actions.sign_out(window.pk, by=window.staff, at=at(4))
    assert queries.not_called(series.hall, at(5)) == [held]
    guide = make_staff(Role.GUIDE, region=series.region)
    actions.transfer(held.pk, to_series=series, by=guide, at=at(6))
    assert queries.not_called(series.hall, at(7)) == []
    assert call(other, at(8)) == held


@pytest.mark.capability("S0-10")
def test_a_ticket_moved_to_another_window_keeps_its_time_and_is_called_next_by_it():
    hall = make_hall()
    a, b = make_series(hall), make_series(hall, "B")
    here, there = make_window(a), make_window(b)
    early = take(a, at(0))
    for n in range(1, 4):
        take(b, at(n))
    call(here, at(5))
    moved = actions.transfer(early.pk, to_window=there, by=here.staff, at=at(6))
    assert (moved.label, moved.queue_at, moved.status) == ("A001", at(0), Status.WAITING)
    assert call(here, at(7)) is None
    called = call(there, at(8))
    assert called == early and "时间不变" in queries.reason_of(called)


@pytest.mark.capability("S0-9")
def test_one_ticket_is_enough_at_an_integrated_window():
    """Two matters of two queues with one ticket: the second goes on at the same window, without a new wait."""
    hall = make_hall()
    a, b = make_series(hall), make_series(hall, "B")
    window = make_window([a, b])
    ticket, waits = take(a), take(b, at(1))
    call(window, at(2))
    actions.start(ticket.pk, by=window.staff, at=at(2))
    more = actions.next_matter(ticket.pk, b.pk, by=window.staff, at=at(9))
    assert (more.status, more.window, more.label, more.queue_at) == (Status.SERVING, window, "B002", ticket.queue_at)
    ticket.refresh_from_db()
    assert ticket.status == Status.FINISHED and ticket.visit == more.visit
    actions.finish(more.pk, by=window.staff, at=at(12))
    assert call(window, at(13)) == waits
    assert [p.state for p in more.periods.all()] == ["serving"]


def test_the_next_matter_elsewhere_waits_with_the_time_of_the_first():
    hall = make_hall()
    a, b = make_series(hall), make_series(hall, "B", daily_cap=2)
    here, there = make_window(a), make_window(b)
    ticket = take(a)
    take(b, at(1)), take(b, at(2))
    call(here, at(3))
    with pytest.raises(actions.WrongStep):
        actions.next_matter(ticket.pk, b.pk, by=here.staff, at=at(3))
    actions.start(ticket.pk, by=here.staff, at=at(3))
    more = actions.next_matter(ticket.pk, b.pk, by=here.staff, at=at(8))  # beyond the cap: he is here already
    assert (more.status, more.queue_at) == (Status.WAITING, ticket.queue_at)
    assert call(there, at(9)) == more


def test_tickets_of_one_visit_are_never_open_at_two_windows():
    hall = make_hall()
    a, b = make_series(hall), make_series(hall, "B")
    first, second = make_window(a), make_window(b)
    one = take(a)
    two = take(b, at(1), visit=one.pk)
    Ticket.objects.filter(pk=one.pk).update(visit=one.pk)
    assert call(first, at(2)) == one
    assert call(second, at(2)) is None
    with pytest.raises(actions.WrongStep, match="别的窗口"):
        actions.call_chosen(second.pk, two.pk, reason="urgent", by=second.staff, at=at(2))
    actions.finish(one.pk, by=first.staff, at=at(3))
    assert call(second, at(4)) == two


def test_a_queue_of_another_hall_is_no_place_to_go():
    series, far = make_series(), make_series(make_hall())
    window = make_window(series)
    ticket = take(series)
    call(window)
    with pytest.raises(actions.WrongStep, match="同一个大厅"):
        actions.transfer(ticket.pk, to_series=far, by=window.staff, at=NOW)
    empty = make_window(series, staffed=False)
    with pytest.raises(actions.WrongStep, match="没有人"):
        actions.transfer(ticket.pk, to_window=empty, by=window.staff, at=NOW)


def test_who_was_sent_to_a_window_is_called_elsewhere_once_it_closes():
    series = make_series()
    here, there = make_window(series), make_window(series)
    ticket = take(series)
    call(here)
    actions.transfer(ticket.pk, to_window=there, by=here.staff, at=NOW)
    assert call(here, at(1)) is None
    actions.sign_out(there.pk, by=there.staff, at=at(2))
    assert call(here, at(3)) == ticket
    assert "hall.released" in Event.objects.filter(stream=ticket.stream).values_list("kind", flat=True)


# -- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.capability("S3-12")
def test_order_is_by_time_and_priority_always_has_a_reason():
    """Everybody sees the order; nobody goes before another without a reason that is written down."""
    series = make_series(make_hall(policy="ratio", ratio=2))
    window = make_window(series)
    for n in range(5):
        take(series, at(n))
    take(series, at(6), care="disabled")
    turns = queries.order_of_today(series.hall, at(30))
    assert [turn.ticket.label for turn in turns] == ["A006", "A001", "A002", "A003", "A004", "A005"]
    assert all(turn.why for turn in turns) and turns[0].first == "残疾人"
    assert calls(window, 3) == ["A006", "A001", "A002"]
    actions.call_chosen(
        window.pk, Ticket.objects.get(label="A005").pk, reason="other", note="赶火车", by=window.staff, at=at(70)
    )
    for ticket in Ticket.objects.exclude(pick=None):
        assert queries.reason_of(ticket).endswith("。")
        events = [step for step in queries.history(ticket) if step.kind in ("hall.called", "hall.chosen")]
        assert all(step.data["why"] for step in events)
    chosen = Event.objects.get(kind="hall.chosen")
    assert chosen.data["reason"] == "other" and "赶火车" not in repr(chosen.data)
    assert "赶火车" in queries.reason_of(Ticket.objects.get(label="A005"))


@pytest.mark.parametrize(("reason", "note", "refused"), [("urgent", "", False), ("other", "", True), ("", "x", True)])
def test_a_chosen_number_needs_a_reason(reason, note, refused):
    series = make_series()
    window = make_window(series)
    take(series)
    second = take(series)
    with pytest.raises(actions.WrongReason) if refused else nullcontext():
        actions.call_chosen(window.pk, second.pk, reason=reason, note=note, by=window.staff, at=NOW)


def test_an_approved_priority_puts_a_ticket_first_and_can_be_ended():
    series = make_series()
    window = make_window(series)
    for n in range(3):
        take(series, at(n))
    last = take(series, at(5))
    leader, guide = make_staff(Role.LEADER), make_staff(Role.GUIDE)
    grant = cases.ask_priority("urgent", "exam", ticket=last.pk, by=guide, at=at(6))
    with pytest.raises(actions.WrongStep):
        actions.prioritize(grant.pk, by=leader, at=at(6))
    cases.answer_priority(grant.pk, is_granted=True, by=leader, at=at(7))
    actions.prioritize(grant.pk, by=leader, at=at(7))
    assert queries.order_of_today(series.hall, at(8))[0].ticket == last
    actions.end_priority(last.pk, by=leader, at=at(8))
    assert queries.order_of_today(series.hall, at(8))[-1].ticket == last
    actions.prioritize(grant.pk, by=leader, at=at(9))
    called = call(window, at(10))
    assert called == last and "负责人批准" in queries.reason_of(called)
    with pytest.raises(NotAllowed):
        actions.end_priority(last.pk, by=guide, at=at(11))


# -- undo -------------------------------------------------------------------------------------------------------------


def everything():
    return (
        list(Ticket.objects.order_by("pk").values()),
        list(TicketPeriod.objects.order_by("pk").values()),
        list(Window.objects.order_by("pk").values()),
    )


@pytest.mark.parametrize("verb", ["call", "recall", "start", "finish", "pass", "hold", "transfer", "back", "chosen"])
def test_undo_is_the_exact_inverse_for_a_minute(verb):
    hall = make_hall()
    a, b = make_series(hall), make_series(hall, "B")
    window = make_window([a, b])
    clerk = window.staff
    serve(window_with(window, a), at(0), minutes=1)
    ticket = take(a, at(2))
    if verb not in ("call", "chosen"):
        call(window, at(3))
    if verb in ("finish", "hold"):
        actions.start(ticket.pk, by=clerk, at=at(4))
    if verb == "back":
        actions.hold(ticket.pk, by=clerk, at=at(4))
    Ticket.objects.update(undo=None)
    before = everything()
    acts = {
        "call": lambda: call(window, at(5)),
        "recall": lambda: actions.recall(ticket.pk, by=clerk, at=at(5)),
        "start": lambda: actions.start(ticket.pk, by=clerk, at=at(5)),
        "finish": lambda: actions.finish(ticket.pk, by=clerk, at=at(5)),
        "pass": lambda: actions.pass_over(ticket.pk, by=clerk, at=at(5)),
        "hold": lambda: actions.hold(ticket.pk, by=clerk, at=at(5)),
        "transfer": lambda: actions.transfer(ticket.pk, to_series=b, by=clerk, at=at(5)),
        "back": lambda: actions.call_back(window.pk, ticket.pk, by=clerk, at=at(5)),
        "chosen": lambda: actions.call_chosen(window.pk, ticket.pk, reason="urgent", by=clerk, at=at(5)),
    }
    acts[verb]()
    after = everything()
    assert after != before
    for late_or_other in ({"by": clerk, "at": at(6.1)}, {"by": make_staff(Role.HALL_MANAGER), "at": at(5)}):
        with pytest.raises(actions.NothingToUndo):
            actions.undo(ticket.pk, **late_or_other)
    assert everything() == after
    actions.undo(ticket.pk, by=clerk, at=at(6))
    assert everything() == before
    with pytest.raises(actions.NothingToUndo):
        actions.undo(ticket.pk, by=clerk, at=at(6))


def window_with(window, series):
    take(series, at(0))
    return window


def test_undo_is_refused_once_somebody_else_acted_or_the_window_went_on():
    series = make_series()
    window, other = make_window(series), make_window(series)
    first, second = take(series), take(series)
    call(window)
    actions.pass_over(first.pk, by=window.staff, at=NOW)
    call(window)
    with pytest.raises(actions.NothingToUndo, match="A002"):
        actions.undo(first.pk, by=window.staff, at=NOW)
    actions.finish(second.pk, by=window.staff, at=NOW)
    actions.call_back(other.pk, first.pk, by=other.staff, at=NOW)
    with pytest.raises(actions.NothingToUndo):
        actions.undo(first.pk, by=window.staff, at=NOW)


# -- windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.capability("S3-15")
@pytest.mark.parametrize(
    ("hour", "minute", "margin", "may"),
    [(8, 49, 10, False), (8, 50, 10, True), (8, 40, 20, True), (17, 10, 10, True), (17, 11, 10, False)],
)
def test_windows_sign_in_some_minutes_before_opening_as_the_hall_sets(hour, minute, margin, may):
    hall = make_hall()
    actions.set_policy(hall.pk, margin_minutes=margin, by=make_staff(Role.HALL_MANAGER), at=NOW)
    for opens, closes in ((9, 12), (14, 17)):
        OpeningTime.objects.create(
            region_id=hall.region_id, hall=hall, weekday=3, opens=time(opens), closes=time(closes),
            valid_from=localdate(NOW),
        )  # fmt: skip
    window = make_window(make_series(hall), staffed=False)
    moment = datetime.combine(localdate(NOW), time(hour, minute), LOCAL_ZONE)
    with nullcontext() if may else pytest.raises(actions.NotOpenYet, match="9:00 到 17:00"):
        actions.sign_in(window.pk, by=make_staff(Role.LEADER), at=moment)  # leaders too
    assert Window.objects.filter(staff__isnull=False).exists() is may


def test_sessions_say_who_sat_where_from_when_to_when():
    window = make_window(make_series())
    clerk = window.staff
    actions.sign_out(window.pk, by=clerk, at=at(30))
    actions.sign_in(window.pk, by=clerk, at=at(40))
    rows = list(WindowSession.objects.order_by("from_at").values_list("staff", "from_at", "until_at"))
    assert rows == [(clerk.pk, at(0), at(30)), (clerk.pk, at(40), None)]


@pytest.mark.capability("S2-21")
def test_staff_see_how_many_wait_for_their_window_and_how_long_the_longest_has():
    hall = make_hall(wait_limit=30)
    a, b = make_series(hall), make_series(hall, "B")
    window, elsewhere = make_window(a), make_window(b)
    take(a, at(0)), take(a, at(4)), take(b, at(-20))
    seen = queries.standing(window, at(10))
    assert (seen.waiting, seen.longest, seen.light) == (2, 10, "go")
    assert [queries.standing(window, at(m)).light for m in (14, 15, 29, 30)] == ["go", "wait", "wait", "stop"]
    assert queries.standing(elsewhere, at(10)).waiting == 1
    call(window, at(10))
    assert (queries.standing(window, at(11)).waiting, queries.standing(window, at(11)).longest) == (1, 7)


def test_idle_windows_are_given_the_next_person_where_the_hall_is_set_so(django_capture_on_commit_callbacks):
    series = make_series(make_hall(calls_by_itself=True))
    with django_capture_on_commit_callbacks(execute=True):
        first, second = make_window(series), make_window(series)
    with django_capture_on_commit_callbacks(execute=True):
        one, two, three = take(series), take(series), take(series)
    by_itself = {t.label: t.window_id for t in Ticket.objects.filter(status=Status.CALLED)}
    assert by_itself == {"A001": first.pk, "A002": second.pk}
    assert Event.objects.filter(kind="hall.called", data__by_itself=1).count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        actions.finish(two.pk, by=second.staff, at=at(3))
    three.refresh_from_db()
    assert (three.status, three.window_id) == (Status.CALLED, second.pk)
    with django_capture_on_commit_callbacks(execute=True):
        actions.finish(one.pk, by=first.staff, at=at(4))
    assert Ticket.objects.filter(status=Status.CALLED).count() == 1


def test_nobody_is_called_by_itself_to_a_window_at_pause(django_capture_on_commit_callbacks):
    series = make_series(make_hall(calls_by_itself=True))
    with django_capture_on_commit_callbacks(execute=True):
        window = make_window(series)
        actions.pause(window.pk, reason="meal", by=window.staff, at=NOW)
        ticket = take(series)
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING
    with django_capture_on_commit_callbacks(execute=True):
        actions.resume(window.pk, by=window.staff, at=at(20))
    ticket.refresh_from_db()
    assert ticket.status == Status.CALLED


@pytest.mark.capability("S2-20")
def test_pausing_hands_the_tickets_to_the_b_post_and_its_time_is_kept():
    series = make_series()
    other = make_series(series.hall, "B")
    mine, theirs = make_window(series), make_window(other)
    covers.set_stand_in(mine.staff.pk, theirs.staff.pk, by=make_staff(Role.LEADER, for_region=True), at=NOW)
    ticket = take(series)
    pause = actions.pause(mine.pk, reason="break", by=mine.staff, at=at(1))
    assert pause.by_window == theirs
    assert call(theirs, at(2)) == ticket
    actions.finish(ticket.pk, by=theirs.staff, at=at(5))
    actions.resume(mine.pk, by=mine.staff, at=at(9))
    pause.refresh_from_db()
    assert pause.minutes == 8
    assert Event.objects.get(kind="hall.window_resumed").data["seconds"] == 480


def test_a_policy_is_changed_by_the_hall_manager_and_both_are_in_the_ledger():
    hall = make_hall(region=make_region())
    manager = make_staff(Role.HALL_MANAGER)
    actions.set_policy(hall.pk, policy="ageing", ageing_minutes=15, join_code="4711", by=manager, at=NOW)
    actions.set_policy(hall.pk, policy="ageing", ageing_minutes=15, join_code="4711", by=manager, at=NOW)
    event = Event.objects.get(kind="hall.policy_set")
    assert event.data == {"policy": ["ratio", "ageing"], "ageing_minutes": [20, 15], "join_code": None}
    for wrong in ({"cap": 0}, {"policy": "friends"}, {"care_first": ["friend"]}, {"name": "x"}):
        with pytest.raises(actions.WrongSetting):
            actions.set_policy(hall.pk, by=manager, at=NOW, **wrong)
    with pytest.raises(NotAllowed):
        actions.set_policy(hall.pk, cap=3, by=make_staff(Role.CLERK), at=NOW)


# -- somebody with two numbers ----------------------------------------------------------------------------------------


@pytest.fixture
def called_and_waiting():
    """One person: a number called to a window, and another taken since in the same queue with the same card."""
    series, number = make_series(), resident_id(77)
    window = make_window(series)
    first = take(series, id_number=number)
    call(window, at(1))
    return window, first, take(series, at(2), id_number=number)


def test_who_has_another_number_waiting_can_still_be_held_or_left_for_a_break(called_and_waiting):
    window, first, second = called_and_waiting
    actions.pause(window.pk, reason="break", by=window.staff, at=at(3))
    assert set(Ticket.objects.values_list("status", flat=True)) == {"waiting"}
    actions.resume(window.pk, by=window.staff, at=at(4))
    assert call(window, at(4)) == first
    actions.start(first.pk, by=window.staff, at=at(5))
    actions.hold(first.pk, by=window.staff, at=at(6))
    assert call(window, at(7)) == second


def test_two_numbers_of_one_person_never_wait_in_one_queue(called_and_waiting):
    window, first, second = called_and_waiting
    with pytest.raises(actions.WrongStep, match=second.label):
        actions.transfer(first.pk, to_window=make_window(first.series), by=window.staff, at=at(3))
    actions.pass_over(first.pk, by=window.staff, at=at(3))
    desk = make_staff(Role.GUIDE, region=first.region)
    with pytest.raises(actions.WrongStep, match=second.label):
        actions.put_back(first.pk, by=desk, at=at(4))
    actions.leave(second.pk, by=PUBLIC, at=at(5))
    assert actions.put_back(first.pk, by=desk, at=at(6)).status == Status.WAITING
