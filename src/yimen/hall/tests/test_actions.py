from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from yimen.hall import actions, news, rules
from yimen.hall.actions import common
from yimen.hall.models import Ticket, TicketCounter, Window
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.ledger import chain
from yimen.ledger.models import Event
from yimen.lib.ids import uuid7
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_region, make_staff, outsider, resident_id

pytestmark = pytest.mark.django_db
Status = Ticket.Status


def kinds(ticket):
    return list(Event.objects.filter(stream=ticket.stream).order_by("seq").values_list("kind", flat=True))


def test_numbers_count_from_one_in_each_series():
    a = make_series()
    b = make_series(a.hall, "B")
    assert [take(a).label, take(b).label, take(a).label] == ["A001", "B001", "A002"]


def test_the_database_writes_the_label_people_read():
    series = make_series()
    for count in (7, 99, 999, 12345):
        TicketCounter.objects.update_or_create(
            region_id=series.region_id, series=series, day=NOW.date(), defaults={"value": count, "last_at": NOW}
        )
        ticket = take(series)
        assert Ticket.objects.get(pk=ticket.pk).label == ticket.label == rules.label("A", count + 1)


def test_what_the_database_wrote_is_what_the_act_returns():
    series = make_series()
    window = make_window(series)
    taken = take(series, care="old", name="王小明", id_number=resident_id(7), checked={"q": ["a", 1]}, visit=uuid7())
    assert_same(taken)
    called = call(window)
    assert_same(called)
    assert called.undo["before"]["status"] == "waiting" and called.pick["why"]
    for verb in (actions.start, actions.hold):
        assert_same(verb(called.pk, by=window.staff, at=NOW), but={"undo"})
    rows = Event.objects.filter(stream=taken.stream).order_by("seq")
    assert [(row.seq, row.data["label"], row.data["series"]) for row in rows] == [
        (seq, "A001", "A") for seq in (1, 2, 3, 4)
    ]
    assert rows[1].data == {
        "day": "2026-11-18",
        "first": 1,
        "label": "A001",
        "series": "A",
        "wait_seconds": 0,
        "why": called.pick["why"],
        "window": window.number,
    }
    for row in rows:
        body = chain.body(row.region, row.stream, row.kind, row.actor, row.role, row.at, row.data)
        assert bytes(row.hash) == chain.digest(bytes(row.previous), row.seq, body)


def assert_same(ticket, but=frozenset()):
    """undo names the period it closed only in the database."""
    there = Ticket.objects.get(pk=ticket.pk)
    for field in Ticket._meta.concrete_fields:
        if field.attname not in but:
            here, known = getattr(ticket, field.attname), getattr(there, field.attname)
            assert (bytes(here) if isinstance(known, memoryview) else here) == known, field.attname


def test_a_move_refuses_what_it_would_not_write():
    ticket = take(make_series())
    with pytest.raises(ValueError, match="label"):
        common.move(ticket, "renamed", by=make_staff(Role.GUIDE), at=NOW, label="B001")


def test_numbers_start_again_at_local_midnight():
    series = make_series()
    late = NOW.replace(hour=23, minute=59, second=59)
    before, after = take(series, at=late), take(series, at=late + timedelta(seconds=1))
    assert (before.number, before.day.day) == (1, 18)
    assert (after.number, after.day.day) == (1, 19)
    assert take(series, at=late.replace(hour=8)).number == 2  # a clock set back counts on in its own day


def test_a_taking_that_fails_leaves_no_gap():
    series = make_series()
    take(series)
    with pytest.raises(DatabaseError), transaction.atomic():
        take(series)
        connection.cursor().execute("SELECT 1 / 0")
    assert take(series).number == 2


def test_times_never_run_against_the_numbers():
    series = make_series()
    first = take(series, at=NOW)
    second = take(series, at=NOW - timedelta(seconds=3))  # its request began earlier and came through later
    assert (second.number, second.taken_at) == (2, first.taken_at)


@pytest.mark.parametrize(("is_open", "refused"), [(True, False), (False, True)])
def test_a_closed_series_gives_no_numbers(is_open, refused):
    series = make_series(is_open=is_open)
    with pytest.raises(actions.SeriesClosed) if refused else nullcontext():
        take(series)


@pytest.mark.parametrize(
    ("text", "refused"), [("", False), ("0042", False), ("12345", True), ("１２３４", True), ("12a4", True)]
)
def test_the_phone_end_is_four_digits_or_nothing(text, refused):
    series = make_series()
    with pytest.raises(actions.WrongPhoneEnd) if refused else nullcontext():
        assert take(series, phone_last_four=text).phone_last_four == text


def test_staff_need_the_right_to_take_a_ticket_for_somebody():
    series = make_series()
    assert take(series, by=make_staff(Role.GUIDE)).number == 1
    for nobody in (outsider(), make_staff(Role.GUIDE, region=make_region("500001", "邻市"))):
        with pytest.raises(NotAllowed):
            take(series, by=nobody)


def test_the_phone_end_stays_out_of_the_ledger():
    ticket = take(make_series(), phone_last_four="7391")
    event = Event.objects.get(stream=ticket.stream)
    assert event.data == {
        "series": "A", "label": "A001", "day": "2026-11-18", "window": None, "source": "kiosk", "item": None,
    }  # fmt: skip


@pytest.mark.parametrize(("who", "refused"), [("clerk", False), ("outsider", True), ("neighbour", True)])
def test_only_the_halls_own_clerks_sign_in(who, refused):
    window = make_window(make_series(), staffed=False)
    people = {
        "clerk": lambda: make_staff(Role.CLERK),
        "outsider": outsider,
        "neighbour": lambda: make_staff(Role.CLERK, region=make_region("500001", "邻市")),
    }
    with pytest.raises(NotAllowed) if refused else nullcontext():
        actions.sign_in(window.pk, by=people[who](), at=NOW)


def test_one_person_one_window():
    series = make_series()
    first, second = make_window(series), make_window(series, staffed=False)
    actions.sign_in(first.pk, by=first.staff, at=NOW)  # again: nothing happens
    with pytest.raises(actions.WindowTaken, match="1 号窗口"):
        actions.sign_in(second.pk, by=first.staff, at=NOW)
    with pytest.raises(actions.WindowTaken, match="1 号窗口"):
        actions.sign_in(first.pk, by=make_staff(Role.CLERK), at=NOW)
    assert Event.objects.filter(kind="hall.window_opened").count() == 1


def test_nobody_leaves_a_window_with_somebody_in_front_of_it():
    series = make_series()
    window = make_window(series)
    ticket = take(series)
    clerk = window.staff
    call(window)
    with pytest.raises(actions.TicketOpen, match="A001"):
        actions.sign_out(window.pk, by=clerk, at=NOW)
    actions.finish(ticket.pk, by=clerk, at=NOW)
    assert actions.sign_out(window.pk, by=clerk, at=NOW).staff is None
    assert actions.sign_out(window.pk, by=clerk, at=NOW).staff is None
    with pytest.raises(actions.NotAtWindow):
        actions.call_next(window.pk, by=clerk, at=NOW)


def test_a_hall_manager_may_tidy_up_for_somebody_who_went_home():
    series = make_series()
    window = make_window(series)
    ticket = take(series)
    call(window)
    manager = make_staff(Role.HALL_MANAGER)
    with pytest.raises(NotAllowed):
        actions.finish(ticket.pk, by=outsider(), at=NOW)
    with pytest.raises(actions.NotAtWindow):
        actions.finish(ticket.pk, by=make_staff(Role.CLERK), at=NOW)
    actions.finish(ticket.pk, by=manager, at=NOW)
    assert actions.sign_out(window.pk, by=manager, at=NOW).staff is None


def test_the_longest_wait_is_called_first_across_the_windows_series():
    a = make_series()
    b, c = make_series(a.hall, "B"), make_series(a.hall, "C")
    window = make_window([a, b])
    take(c, NOW)
    take(b, NOW + timedelta(minutes=1))
    take(a, NOW + timedelta(minutes=2))
    take(b, NOW + timedelta(minutes=3))
    called = [serve(window, NOW + timedelta(minutes=9)).label for _turn in range(3)]
    assert called == ["B001", "A001", "B002"]  # the window does not take C
    assert call(window, NOW + timedelta(minutes=9)) is None


def test_a_closed_series_is_called_until_it_is_empty():
    series = make_series()
    window = make_window(series)
    take(series)
    series.is_open = False
    series.save(update_fields=["is_open"])
    assert call(window).label == "A001"


def test_calling_again_gives_the_same_ticket_and_calls_nobody():
    series = make_series()
    window = make_window(series)
    take(series), take(series)
    first, again = call(window), call(window, NOW + timedelta(seconds=30))
    assert first == again
    assert kinds(first) == ["hall.taken", "hall.called"]
    assert Ticket.objects.filter(status=Status.WAITING).count() == 1


def test_while_somebody_is_served_the_next_one_waits():
    series = make_series()
    window = make_window(series)
    take(series), take(series)
    ticket = call(window)
    actions.start(ticket.pk, by=window.staff, at=NOW)
    with pytest.raises(actions.TicketOpen, match="先办完 A001 再叫下一位"):
        call(window)


def test_yesterdays_forgotten_call_is_passed_over():
    series = make_series()
    window = make_window(series)
    forgotten = take(series)
    call(window)
    tomorrow = NOW + timedelta(days=1)
    fresh = take(series, tomorrow)
    assert call(window, tomorrow) == fresh
    forgotten.refresh_from_db()
    assert forgotten.status == Status.PASSED


def test_yesterdays_waiting_tickets_are_not_called():
    series = make_series()
    window = make_window(series)
    take(series)
    assert call(window, NOW + timedelta(days=1)) is None


def test_the_database_refuses_a_second_open_ticket_at_a_window():
    series = make_series()
    window = make_window(series)
    take(series), take(series)
    call(window)
    with pytest.raises(IntegrityError, match="one_open_ticket_per_window"), transaction.atomic():
        Ticket.objects.filter(status=Status.WAITING).update(status=Status.CALLED, window=window)


def test_a_visit_from_ticket_to_goodbye_is_in_the_ledger():
    series = make_series()
    window = make_window(series, number=3)
    ticket = take(series)
    call(window, NOW + timedelta(minutes=11))
    actions.recall(ticket.pk, by=window.staff, at=NOW + timedelta(minutes=12))
    actions.start(ticket.pk, by=window.staff, at=NOW + timedelta(minutes=12, seconds=30))
    actions.start(ticket.pk, by=window.staff, at=NOW + timedelta(minutes=13))
    actions.finish(ticket.pk, by=window.staff, at=NOW + timedelta(minutes=15, seconds=54))
    actions.finish(ticket.pk, by=window.staff, at=NOW + timedelta(minutes=16))
    rows = Event.objects.filter(stream=ticket.stream).order_by("seq")
    assert [row.kind for row in rows] == [
        "hall.taken", "hall.called", "hall.recalled", "hall.started", "hall.finished",
    ]  # fmt: skip
    assert rows[1].data == {
        "series": "A", "label": "A001", "day": "2026-11-18", "window": 3, "wait_seconds": 660, "why": "time",
        "first": 0,
    }  # fmt: skip
    assert rows[3].data["walk_seconds"] == 90
    assert rows[4].data["service_seconds"] == 204


def test_a_passed_ticket_comes_next_when_its_holder_turns_up():
    series = make_series()
    window = make_window(series)
    ticket = take(series)
    take(series, NOW + timedelta(minutes=1))
    call(window)
    actions.pass_over(ticket.pk, by=window.staff, at=NOW)
    actions.pass_over(ticket.pk, by=window.staff, at=NOW)
    actions.put_back(ticket.pk, by=make_staff(Role.GUIDE), at=NOW)
    assert call(window) == ticket
    assert kinds(ticket) == ["hall.taken", "hall.called", "hall.passed", "hall.put_back", "hall.called"]


@pytest.mark.parametrize(
    ("act", "allowed_in"),
    [
        (actions.recall, {Status.CALLED}),
        (actions.start, {Status.CALLED, Status.SERVING}),
        (actions.finish, {Status.CALLED, Status.SERVING, Status.FINISHED}),
        (actions.pass_over, {Status.CALLED, Status.PASSED}),
    ],
)
@pytest.mark.parametrize("status", [Status.CALLED, Status.SERVING, Status.FINISHED, Status.PASSED])
def test_each_act_begins_where_it_may(act, allowed_in, status):
    series = make_series()
    window = make_window(series)
    ticket = take(series)
    call(window)
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    with nullcontext() if status in allowed_in else pytest.raises(actions.WrongStep, match="A001"):
        act(ticket.pk, by=window.staff, at=NOW)


def test_a_waiting_ticket_cannot_be_finished():
    ticket = take(make_series())
    with pytest.raises(actions.WrongStep):
        actions.finish(ticket.pk, by=make_staff(Role.CLERK), at=NOW)


def test_every_act_tells_the_screens_once_it_is_committed(monkeypatch, django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr(news._teller, "tell", told.append)
    series = make_series()
    window = make_window(series)
    verbs = [
        lambda: take(series),
        lambda: call(window),
        lambda: actions.start(Ticket.objects.get().pk, by=window.staff, at=NOW),
        lambda: actions.finish(Ticket.objects.get().pk, by=window.staff, at=NOW),
    ]
    for verb in verbs:
        told.clear()
        with django_capture_on_commit_callbacks(execute=True):
            verb()
            assert not told
        assert told == [str(series.hall_id)]


@pytest.mark.parametrize("waiting", [1, 20])
def test_calling_costs_the_same_whatever_the_queue(waiting, django_assert_num_queries):
    series = make_series()
    other = make_series(series.hall, "B")
    window = make_window([series, other])
    for _turn in range(waiting):
        take(series), take(other)
    clerk = window.staff
    assert clerk.granted  # the rights of the person are read once a request
    # savepoint, window and queues, claim, release
    with django_assert_num_queries(4):
        actions.call_next(window.pk, by=clerk, at=NOW)


def test_taking_starting_and_finishing_cost_two_statements(django_assert_num_queries):
    series = make_series()
    window = make_window(series)
    assert window.staff.granted
    with django_assert_num_queries(4):  # savepoint, series, everything written, release
        ticket = take(series)
    call(window)
    for verb in (actions.recall, actions.start, actions.finish):
        with django_assert_num_queries(4):  # savepoint, ticket, everything written, release
            verb(ticket.pk, by=window.staff, at=NOW)


def test_windows_of_two_halls_do_not_meet():
    here, there = make_series(make_hall()), make_series(make_hall())
    take(here)
    assert call(make_window(there)) is None
    assert Window.objects.count() == 1
