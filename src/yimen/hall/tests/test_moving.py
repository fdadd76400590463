"""Plans and hours that change with people booked: who is moved where, shown before and done together."""

from datetime import time, timedelta

import pytest
from django.utils.timezone import localtime

from yimen.hall import actions, queries
from yimen.hall.actions import appointments, campaigns, plans
from yimen.hall.actions.moving import SeenOtherwise, change_plan, tried
from yimen.hall.models import Appointment, OpeningTime, Slot
from yimen.hall.rules.opening import spans_of
from yimen.hall.tests.factories import make_hall, make_window
from yimen.hall.tests.test_appointments import booked, draft, held, make_plan, slot_at
from yimen.ledger.actions import PUBLIC
from yimen.ledger.models import Event
from yimen.notify.models import Message
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff

pytestmark = pytest.mark.django_db
TOMORROW = NOW.date() + timedelta(days=1)


@pytest.fixture
def manager():
    return make_staff(Role.HALL_MANAGER)


def later(plan, **more) -> plans.PlanDraft:
    return draft(plan.series, **({"begins": time(10)} | more))


def change(plan, manager, said=None, reason="窗口改时间", expected=""):
    return change_plan(plan.hall, plan.pk, said or later(plan), reason=reason, expected=expected, by=manager, at=NOW)[1]


def at_hour(one) -> str:
    one = Appointment.objects.select_related("slot").get(pk=one.pk)
    while one.moved_to_id:
        one = Appointment.objects.select_related("slot").get(pk=one.moved_to_id)
    return f"{localtime(one.slot.begins_at):%d %H:%M}"


def test_a_changed_plan_moves_those_it_no_longer_serves_together_and_tells_each(manager):
    plan = make_plan(places=1)
    one, two, stays = (
        booked(plan, slot=slot_at(plan, hour=hour, minute=minute)) for hour, minute in ((9, 0), (9, 30), (11, 0))
    )
    outcome = change(plan, manager, later(plan, places=1))
    assert [old.pk for old, _new in outcome.moved] == [one.pk, two.pk] and not outcome.left
    assert [at_hour(each) for each in (one, two, stays)] == ["19 10:00", "19 10:30", "19 11:00"]
    assert Message.objects.filter(subject="预约改了时间").count() == 2
    assert all(
        "窗口改时间" in text for text in Message.objects.filter(subject="预约改了时间").values_list("text", flat=True)
    )
    kinds = set(Event.objects.filter(stream__in=[one.stream, two.stream]).values_list("kind", flat=True))
    assert "hall.moved" in kinds
    assert not Slot.objects.filter(
        plan=plan, day=TOMORROW, begins_at__lt=slot_at(plan, hour=10).begins_at, closed_reason=""
    )


def test_what_is_shown_before_is_what_happens_and_nothing_has_happened(manager):
    plan = make_plan()
    one = booked(plan)
    events = Event.objects.count()
    shown = tried(lambda: change(plan, manager))
    one.refresh_from_db()
    plan.refresh_from_db()
    assert (one.status, plan.begins, Event.objects.count()) == ("booked", time(9), events)
    assert not Message.objects.filter(subject="预约改了时间")
    assert change(plan, manager, expected=shown.mark).mark == shown.mark


def test_who_was_shown_something_else_is_asked_to_look_again(manager):
    plan = make_plan()
    booked(plan)
    shown = tried(lambda: change(plan, manager))
    booked(plan)  # somebody books meanwhile
    with pytest.raises(SeenOtherwise):
        change(plan, manager, expected=shown.mark)
    plan.refresh_from_db()
    assert plan.begins == time(9) and not Appointment.objects.filter(status="moved")


def test_who_finds_no_free_time_keeps_his(manager):
    plan = make_plan(places=1, days_ahead=1, ends=time(10))
    one, two = booked(plan), booked(plan, slot=slot_at(plan, minute=30))
    outcome = change(plan, manager, later(plan, begins=time(9, 30), ends=time(10), places=1, days_ahead=1))
    assert not outcome.moved and [each.pk for each in outcome.left] == [one.pk]
    assert [at_hour(each) for each in (one, two)] == ["19 09:00", "19 09:30"]


@pytest.mark.parametrize(("reason", "hour"), [("改时间", "19 10:00"), ("", "19 09:00")], ids=["move", "keep"])
def test_people_are_moved_only_when_so_decided(manager, reason, hour):
    plan = make_plan()
    one, filling_in = booked(plan), held(plan)
    outcome = change(plan, manager, reason=reason)
    assert at_hour(one) == hour
    assert {each.pk for each in outcome.left} == ({filling_in.pk} if reason else {one.pk, filling_in.pk})
    appointments.book(filling_in.pk, by=PUBLIC, at=NOW, name="林小满（演示）", phone="13900000001")


def test_a_longer_slot_takes_the_minutes_of_those_who_left(manager):
    plan = make_plan(places=1, days_ahead=2)
    one = booked(plan, slot=slot_at(plan, minute=30))
    change(plan, manager, later(plan, begins=time(9), minutes=60, places=1, days_ahead=2))
    times = Slot.objects.filter(plan=plan, day=TOMORROW, closed_reason="").count()
    assert times == 3 and at_hour(one) == "19 10:00"


@pytest.mark.parametrize("moves", ["那天消防演练", ""], ids=["move", "keep"])
def test_a_day_that_is_shut_moves_who_was_booked_then(manager, moves):
    plan = make_plan()
    one = booked(plan)
    done = actions.set_day(plan.hall_id, TOMORROW, [], moves=moves, by=manager, at=NOW)
    assert at_hour(one) == ("20 09:00" if moves else "19 09:00")
    assert bool(done.outcome.moved) is bool(moves) and bool(done.outcome.left) is not bool(moves)
    with pytest.raises(appointments.NotBookable):
        held(plan)
    actions.set_day(plan.hall_id, TOMORROW, None, by=manager, at=NOW)
    assert held(plan).status == "held"


def test_a_window_has_its_own_days_and_shuts_on_others_and_follows_the_hall_on_the_rest(manager):
    hall = make_hall()
    plan = make_plan(hall)
    window = make_window(plan.series, staffed=False)
    actions.set_week(hall.pk, {day: spans_of("9:00-12:00") for day in range(1, 6)}, by=manager, at=NOW)
    change(plan, manager, draft(plan.series, window=window))
    one = booked(plan)
    week = {4: spans_of("10:00-11:00"), 5: None}
    done = actions.set_window_week(window.pk, week, moves="窗口改时间", by=manager, at=NOW)
    found = {
        day: [f"{span.opens_at:%H}-{span.closes_at:%H}" for span in opening.spans]
        for day, opening in queries.openings(hall, [TOMORROW + timedelta(days=n) for n in (0, 1, 4)], window).items()
    }
    assert list(found.values()) == [["10-11"], [], ["09-12"]]
    assert [new.pk for _old, new in done.outcome.moved] and at_hour(one) == "19 10:00"
    assert not Slot.objects.filter(plan=plan, day=TOMORROW + timedelta(days=1), closed_reason="")
    actions.set_window_week(window.pk, {}, by=manager, at=NOW)
    assert not OpeningTime.objects.filter(window=window, valid_until=None)
    assert queries.opening_on(hall, TOMORROW, window) == queries.opening_on(hall, TOMORROW)


def test_a_window_of_a_hall_without_hours_is_open_as_before_on_days_it_does_not_name(manager):
    hall = make_hall()
    window = make_window(make_plan(hall).series, staffed=False)
    actions.set_window_week(window.pk, {4: spans_of("10:00-11:00")}, by=manager, at=NOW)
    friday = TOMORROW + timedelta(days=1)
    assert queries.opening_on(hall, friday, window) == queries.opening_on(hall, friday)
    assert queries.opening_on(hall, friday, window).spans


@pytest.mark.parametrize("role", [Role.HALL_MANAGER, Role.CLERK])
def test_only_hall_managers_change_hours_and_plans(role):
    plan, staff = make_plan(), make_staff(role)
    window = make_window(plan.series, staffed=False)
    acts = (
        lambda: change(plan, staff),
        lambda: actions.set_window_week(window.pk, {4: None}, by=staff, at=NOW),
        lambda: actions.set_day(plan.hall_id, TOMORROW, [], window=window, by=staff, at=NOW),
    )
    for do in acts:
        if role == Role.HALL_MANAGER:
            do()
        else:
            with pytest.raises(NotAllowed):
                do()


def test_a_closure_is_shown_before_with_the_same_people(manager):
    plan = make_plan(places=1)
    one = booked(plan)
    begins = slot_at(plan).begins_at

    def shut(expected=""):
        return campaigns.close(
            plan.hall, from_at=begins, until_at=begins + timedelta(minutes=30), reason="停电", expected=expected,
            by=manager, at=NOW,
        )  # fmt: skip

    shown = tried(shut).outcome
    assert at_hour(one) == "19 09:00" and not plan.hall.closures.exists()
    booked(plan, slot=slot_at(plan, minute=30))
    with pytest.raises(SeenOtherwise):
        shut(shown.mark)
    assert shut().moved == 1 and at_hour(one) == "19 10:00"
