"""Appointments through the real actions."""

from contextlib import nullcontext
from datetime import datetime, time, timedelta
from itertools import count

import pytest
from django.utils.timezone import localtime

from yimen.catalog.actions import set_local_rule
from yimen.catalog.tests.factories import make_item
from yimen.hall import booking_jobs
from yimen.hall.actions import appointments, booking, campaigns, plans, waitlist
from yimen.hall.models import Appointment, OpeningTime, Slot, SlotPlan, Ticket
from yimen.hall.queries import appointments as queries
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.lib.workdays import LOCAL_ZONE
from yimen.notify.models import Delivery, Message
from yimen.people.access import NotAllowed
from yimen.people.identity import InvalidIdentity
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, in_ledger, make_applicant, make_staff

pytestmark = pytest.mark.django_db
Status = Appointment.Status
_phones = count(1)


def draft(series, **more):
    fields = {"weekdays": [1, 2, 3, 4, 5], "begins": time(9), "ends": time(12), "valid_from": NOW.date()}
    return plans.PlanDraft("上午（演示）", series, **(fields | more))


def make_plan(hall=None, **more) -> SlotPlan:
    """A plan of mornings of half hours with two places, for one item of series A."""
    hall = hall or make_hall()
    item = make_item()
    series = make_series(hall)
    series.items.add(item)
    return plans.save_plan(hall, draft(series, **more), by=SYSTEM, at=NOW)


def slot_at(plan, days=1, hour=9, minute=0) -> Slot:
    begins = datetime.combine(NOW.date() + timedelta(days=days), time(hour, minute), LOCAL_ZONE)
    return Slot.objects.get(plan=plan, begins_at=begins)


def item_of(plan):
    return plan.series.items.first()


def held(plan, at=NOW, slot=None, channel="web", by=PUBLIC, **more) -> Appointment:
    slot = slot or slot_at(plan)
    return appointments.hold(slot.pk, item=item_of(plan), channel=channel, by=by, at=at, **more)


def booked(plan, at=NOW, slot=None, phone="", **more) -> Appointment:
    one = held(plan, at, slot, **more)
    phone = phone or f"1380000{next(_phones):04d}"
    return appointments.book(one.pk, by=PUBLIC, at=at, name="林小满（演示）", phone=phone)


def test_a_plan_makes_slots_on_working_days_within_opening_hours():
    hall = make_hall()
    for opens, closes in ((time(9), time(10)), (time(10, 30), time(17))):
        for weekday in range(1, 6):
            OpeningTime.objects.create(
                region_id=hall.region_id, hall=hall, weekday=weekday, opens=opens, closes=closes, valid_from=NOW.date()
            )
    plan = make_plan(hall, weekdays=[1, 2, 3, 4, 5, 6, 7])
    days = {slot.day.isoweekday() for slot in plan.slots.all()}
    times = {f"{localtime(slot.begins_at):%H:%M}" for slot in plan.slots.filter(day__gt=NOW.date())}
    assert days == {1, 2, 3, 4, 5}
    assert times == {"09:00", "09:30", "10:30", "11:00", "11:30"}
    assert not plan.slots.filter(begins_at__lte=NOW).exists()
    assert plans.make_slots(plan.pk, by=SYSTEM, at=NOW) == 0  # again makes nothing


def test_booking_gives_a_number_and_keeps_no_name_in_clear():
    plan = make_plan()
    one = booked(plan, phone="138 0000 0417")
    one.refresh_from_db()
    assert (one.status, len(one.number), slot_at(plan).taken) == ("booked", 8, 1)
    assert (queries.name_of(one), queries.phone_of(one)) == ("林小满（演示）", "13800000417")
    events = Event.objects.filter(stream=one.stream).order_by("seq")
    assert [event.kind for event in events] == ["hall.place_held", "hall.booked"]
    assert "林小满" not in str([event.data for event in events]) + str(one.name_sealed)
    assert appointments.book(one.pk, by=PUBLIC, at=NOW, name="别人", phone="13900000000").number == one.number


@pytest.mark.parametrize("places", [1, 3])
def test_a_slot_never_takes_more_than_its_places(places):
    plan = make_plan(places=places)
    for _n in range(places):
        booked(plan)
    with pytest.raises(booking.SlotFull):
        held(plan)
    assert slot_at(plan).taken == places


@pytest.mark.parametrize(
    ("channel", "taken", "is_refused"),
    [("web", 1, True), ("web", 0, False), ("phone", 0, False), ("phone", 2, True)],
)
def test_channels_keep_to_their_quotas(channel, taken, is_refused):
    plan, clerk = make_plan(places=3, quotas={"web": 1}), make_staff(Role.GUIDE)
    for _n in range(taken):
        held(plan, channel=channel, by=clerk)
    with pytest.raises(booking.SlotFull) if is_refused else nullcontext():
        held(plan, channel=channel, by=clerk)


@pytest.mark.parametrize(("minutes", "is_refused"), [(16, False), (15, True), (0, True)])
def test_a_place_kept_too_long_is_given_to_somebody_else(minutes, is_refused):
    plan = make_plan(places=1)
    old = held(plan)
    late = NOW + timedelta(minutes=minutes)
    if minutes >= 15:
        held(plan, at=late)  # whoever asks now gets it
        with pytest.raises(booking.HoldLapsed):
            appointments.book(old.pk, by=PUBLIC, at=late, name="林小满", phone="13800000417")
    else:
        with pytest.raises(booking.SlotFull):
            held(plan, at=late)


def test_the_job_gives_kept_places_back():
    plan = make_plan(places=1)
    held(plan)
    assert booking_jobs.lapse_all(at=NOW + timedelta(minutes=14)) == 0
    assert booking_jobs.lapse_all(at=NOW + timedelta(minutes=16)) == 1
    assert booking_jobs.lapse_all(at=NOW + timedelta(minutes=16)) == 0
    assert slot_at(plan).taken == 0


def refuse_closed(plan):
    Slot.objects.filter(plan=plan).update(closed_reason="停办")
    held(plan)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda plan: held(plan, party=0), booking.NotComplete),
        (lambda plan: held(plan, party=2), booking.NotComplete),
        (lambda plan: held(plan, party=99999), booking.NotComplete),
        (lambda plan: held(plan, channel="phone"), booking.NotBookable),
        (lambda plan: appointments.hold(slot_at(plan).pk, item=make_item(), channel="web", by=PUBLIC, at=NOW),
         booking.NotBookable),
        (lambda plan: held(plan, at=slot_at(plan).begins_at - timedelta(minutes=30)), booking.NotBookable),
        (lambda plan: held(plan, at=slot_at(plan).ends_at), booking.NotBookable),
        (refuse_closed, booking.NotBookable),
        (lambda plan: held(plan, over="很急"), NotAllowed),
        (lambda plan: booked(plan, phone="12"), InvalidIdentity),
        (lambda plan: appointments.book(held(plan).pk, by=PUBLIC, at=NOW, name="  ", phone="13800000417"),
         booking.NotComplete),
        (lambda plan: [booked(plan, phone="13800000417") for _n in range(2)], booking.BookedAlready),
    ],
    ids=["nobody", "too-many", "huge", "channel", "other-item", "too-near", "past", "closed", "over", "phone", "name",
         "twice"],
)  # fmt: skip
def test_what_cannot_be_booked_is_refused_with_a_sentence(wrong, error):
    plan = make_plan()
    with pytest.raises(error) as refused:
        wrong(plan)
    assert len(str(refused.value)) > 8


def test_staff_go_beyond_quota_and_buffer_with_a_reason_never_beyond_the_places():
    plan, manager = make_plan(places=2, quotas={"desk": 0}), make_staff(Role.HALL_MANAGER)
    at = slot_at(plan).begins_at - timedelta(minutes=5)
    with pytest.raises(booking.NotBookable):
        held(plan, at=at, channel="desk", by=manager)
    with pytest.raises(booking.NotComplete):
        held(plan, at=at, channel="desk", by=manager, over="  ")
    one = held(plan, at=at, channel="desk", by=manager, over="老人远道而来")
    assert (one.over_limit_by, one.over_limit_reason) == (manager, "老人远道而来")
    assert Event.objects.get(stream=one.stream).data["over"] is True and not in_ledger("老人远道而来")
    held(plan, at=at, channel="desk", by=manager, over="老人远道而来")
    with pytest.raises(booking.SlotFull):
        held(plan, at=at, channel="desk", by=manager, over="老人远道而来")


def test_a_party_takes_as_many_places():
    plan = make_plan(places=5, party=4)
    one = held(plan, party=4)
    with pytest.raises(booking.SlotFull):
        held(plan, party=2)
    appointments.cancel(one.pk, by=PUBLIC, at=NOW)
    assert slot_at(plan).taken == 0


def test_changing_the_time_takes_and_frees_together_and_keeps_the_number():
    plan = make_plan(places=1)
    one = booked(plan)
    new = appointments.move(one.pk, slot_at(plan, hour=10).pk, by=PUBLIC, at=NOW)
    again = appointments.move(one.pk, slot_at(plan, hour=10).pk, by=PUBLIC, at=NOW)
    third = appointments.move(new.pk, slot_at(plan, hour=11).pk, by=PUBLIC, at=NOW)
    assert (new.number, again.pk, third.number) == (f"{one.number}-2", new.pk, f"{one.number}-3")
    assert [slot_at(plan, hour=hour).taken for hour in (9, 10, 11)] == [0, 0, 1]
    assert queries.by_token(one.token).pk == third.pk
    booked(plan)
    with pytest.raises(booking.SlotFull):
        appointments.move(third.pk, slot_at(plan).pk, by=PUBLIC, at=NOW)
    third.refresh_from_db()
    assert third.status == "booked"


def test_cancelling_twice_frees_once():
    plan = make_plan(places=1)
    one = booked(plan)
    for _n in range(2):
        appointments.cancel(one.pk, by=PUBLIC, at=NOW)
    assert slot_at(plan).taken == 0
    assert booked(plan).status == "booked"


@pytest.mark.parametrize(("minutes", "queue_minutes"), [(-31, None), (-30, 0), (0, 0), (15, 0), (16, 16)])
def test_who_arrives_in_time_stands_with_his_time(minutes, queue_minutes):
    plan = make_plan()
    one = booked(plan)
    begins = slot_at(plan).begins_at
    at = begins + timedelta(minutes=minutes)
    if queue_minutes is None:
        with pytest.raises(booking.TooEarly):
            appointments.check_in(one.pk, by=PUBLIC, at=at)
        return
    ticket = appointments.check_in(one.pk, by=PUBLIC, at=at)
    assert ticket.queue_at == begins + timedelta(minutes=queue_minutes)
    assert (ticket.source, ticket.item_id) == (Ticket.Source.APPOINTMENT, one.item_id)
    assert appointments.check_in(one.pk, by=PUBLIC, at=at).pk == ticket.pk
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("by", [PUBLIC, "clerk"])
def test_once_it_has_begun_only_staff_cancel(by):
    plan = make_plan()
    one, at = booked(plan), slot_at(plan).begins_at
    actor = make_staff(Role.CLERK) if by == "clerk" else by
    with nullcontext() if by == "clerk" else pytest.raises(booking.AppointmentOver):
        appointments.cancel(one.pk, by=actor, at=at)


def test_found_at_the_kiosk_by_number_or_the_end_of_the_telephone():
    plan = make_plan()
    one, other = booked(plan, phone="13800000417"), booked(plan, phone="13900000417")
    at = slot_at(plan).begins_at

    def found(text):
        return [each.pk for each in queries.find_today(plan.hall, text, at)]

    assert found(one.number) == [one.pk]
    assert set(found("0417")) == {one.pk, other.pk}
    assert found("0418") == found("") == found("1") == found(one.number[:5]) == []
    moved = appointments.move(one.pk, slot_at(plan, hour=10).pk, by=PUBLIC, at=NOW)
    assert found(one.number) == [moved.pk]


def test_one_on_another_day_is_told_when_to_come():
    plan = make_plan()
    one = booked(plan)
    with pytest.raises(booking.AppointmentOver, match="9:00"):
        appointments.check_in(one.pk, by=PUBLIC, at=NOW)


@pytest.mark.parametrize("staffed", [True, False])
def test_a_booking_at_one_window_is_called_there_only_if_somebody_sits_there(staffed):
    hall = make_hall()
    series = make_series(hall)
    item = make_item()
    series.items.add(item)
    window = make_window(series, staffed=staffed)
    plan = plans.save_plan(hall, draft(series, window=window), by=SYSTEM, at=NOW)
    ticket = appointments.check_in(booked(plan).pk, by=PUBLIC, at=slot_at(plan).begins_at)
    assert ticket.only_window == (window if staffed else None)


def missed(plan, days, phone):
    one = booked(plan, slot=slot_at(plan, days=days), phone=phone)
    appointments.note_no_show(one.pk, by=SYSTEM, at=one.slot.ends_at + timedelta(hours=1))
    return one


def test_who_often_does_not_come_rests_from_the_web_until_staff_lift_it():
    plan, manager = make_plan(days_ahead=30), make_staff(Role.HALL_MANAGER)
    for days in (1, 2, 5):
        last = missed(plan, days, "13800000417")
    at = last.slot.ends_at + timedelta(hours=2)
    one = held(plan, at=at, slot=slot_at(plan, days=8))
    with pytest.raises(booking.BookingBlocked):
        appointments.book(one.pk, by=PUBLIC, at=at, name="林小满", phone="13800000417")
    desk = held(plan, at=at, slot=slot_at(plan, days=9), channel="phone", by=manager)
    assert appointments.book(desk.pk, by=manager, at=at, name="林小满", phone="13800000417").status == "booked"
    with pytest.raises(booking.NotComplete):
        appointments.excuse(last.pk, reason="", by=manager, at=at)
    assert appointments.excuse(last.pk, reason="住院了", by=manager, at=at) == 3
    assert appointments.book(one.pk, by=PUBLIC, at=at, name="林小满", phone="13800000417").status == "booked"


def test_nobody_is_a_no_show_while_he_may_still_come():
    plan = make_plan(minutes=5, ends=time(9, 30))
    one = booked(plan)
    begins = one.slot.begins_at
    with pytest.raises(booking.TooEarly):
        appointments.note_no_show(one.pk, by=SYSTEM, at=begins + timedelta(minutes=15))
    assert booking_jobs.note_all_no_shows(at=begins + timedelta(minutes=10)) == 0
    assert booking_jobs.note_all_no_shows(at=begins + timedelta(minutes=16)) == 1
    assert booking_jobs.note_all_no_shows(at=begins + timedelta(minutes=16)) == 0


def waiting(plan, phone, at=NOW, days=(0, 14)):
    first = NOW.date()
    return waitlist.wait(
        plan.hall, item_of(plan), from_day=first + timedelta(days=days[0]), until_day=first + timedelta(days=days[1]),
        by=PUBLIC, at=at, name="候补的人（演示）", phone=phone,
    )  # fmt: skip


def test_a_freed_place_is_offered_to_the_first_in_line_and_then_to_the_next():
    plan = make_plan(places=1)
    one = booked(plan)
    first, second = waiting(plan, "13900000001"), waiting(plan, "13900000002", at=NOW + timedelta(minutes=1))
    appointments.cancel(one.pk, by=PUBLIC, at=NOW)
    first.refresh_from_db()
    assert (first.status, slot_at(plan).taken) == ("offered", 1)
    with pytest.raises(booking.SlotFull):
        held(plan)  # it is kept for him
    Slot.objects.exclude(pk=slot_at(plan).pk).update(closed_reason="停办")  # nothing else is free
    booking_jobs.lapse_all(at=NOW + timedelta(minutes=31))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.offers, second.status) == ("waiting", 1, "offered")
    taken = waitlist.take_offer(second.pk, by=PUBLIC, at=NOW + timedelta(minutes=40))
    second.refresh_from_db()
    assert (taken.status, taken.slot, second.status) == ("booked", slot_at(plan), "taken")
    told = Message.objects.filter(subject="候补有号了", applicant=None).order_by("made_at")
    assert [one.masked_phone for one in told] == ["139****0001", "139****0002"]
    assert "候补的人" not in told[0].text + told[0].masked_name
    assert Delivery.objects.filter(channel="outbox").exists()


def test_who_leaves_the_list_gives_his_offer_to_the_next():
    plan = make_plan(places=1)
    one = booked(plan)
    first, second = waiting(plan, "13900000001"), waiting(plan, "13900000002", at=NOW + timedelta(minutes=1))
    appointments.cancel(one.pk, by=PUBLIC, at=NOW)
    waitlist.leave(first.pk, by=PUBLIC, at=NOW)
    second.refresh_from_db()
    assert second.status == "offered"
    assert slot_at(plan).taken == 1


def test_reminders_go_out_the_day_before_and_on_the_day_once():
    plan = make_plan()
    mine = make_applicant()
    one = held(plan, slot=slot_at(plan, days=2))
    appointments.book(one.pk, by=mine, at=NOW, applicant=mine)
    assert booking_jobs.remind_all(at=NOW) == 0
    sent = [booking_jobs.remind_all(at=NOW + timedelta(days=days, hours=-0.2)) for days in (1, 1, 2, 2)]
    assert sent == [1, 0, 1, 0]
    assert booking_jobs.remind_all(at=NOW.replace(hour=3) + timedelta(days=1)) == 0
    texts = list(Message.objects.filter(applicant=mine, subject="别忘了您的预约").values_list("text", flat=True))
    assert len(texts) == 2
    assert mine.name not in str(texts)


def test_a_served_ticket_ends_the_appointment():
    from yimen.hall import actions

    plan = make_plan()
    window = make_window(plan.series)
    one = booked(plan)
    at = slot_at(plan).begins_at
    ticket = appointments.check_in(one.pk, by=PUBLIC, at=at)
    actions.call_next(window.pk, by=window.staff, at=at)
    actions.finish(ticket.pk, by=window.staff, at=at + timedelta(minutes=5))
    assert appointments.note_served(ticket.pk, at=at)
    assert not appointments.note_served(ticket.pk, at=at)
    one.refresh_from_db()
    assert one.status == "served"


def test_a_changed_plan_says_whom_it_touches_and_keeps_them():
    plan = make_plan()
    one, other = booked(plan), booked(plan, slot=slot_at(plan, hour=11))
    later = draft(plan.series, begins=time(10))
    effect = plans.effect_of(plan, later, at=NOW)
    assert [each.pk for each in effect.touched] == [one.pk]
    assert slot_at(plan).closed_reason == ""  # nothing is written
    plans.save_plan(plan.hall, later, plan_id=plan.pk, by=SYSTEM, at=NOW)
    one.refresh_from_db()
    assert (one.status, bool(slot_at(plan).closed_reason), other.status) == ("booked", True, "booked")
    assert not Slot.objects.filter(plan=plan, begins_at=slot_at(plan, 1).begins_at + timedelta(minutes=30)).exists()


def test_two_plans_never_share_minutes_of_one_window():
    hall = make_hall()
    series = make_series(hall)
    series.items.add(make_item())
    window = make_window(series, staffed=False)
    plans.save_plan(hall, draft(series, window=window), by=SYSTEM, at=NOW)
    with pytest.raises(plans.PlansClash):
        plans.save_plan(hall, draft(series, window=window, begins=time(11), ends=time(13)), by=SYSTEM, at=NOW)
    afternoon = draft(series, window=window, begins=time(13), ends=time(15))
    assert plans.save_plan(hall, afternoon, by=SYSTEM, at=NOW).slots.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"weekdays": []}, {"weekdays": [8]}, {"ends": time(8)}, {"minutes": 1}, {"places": 0},
        {"party": 3}, {"quotas": {"web": 3}}, {"quotas": {"fax": 1}}, {"quotas": {"web": -1}}, {"days_ahead": 400},
        {"valid_until": NOW.date() - timedelta(days=1)},
    ],
    ids=lambda wrong: "-".join(f"{key}" for key in wrong),
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_with_a_sentence(wrong):
    hall = make_hall()
    with pytest.raises(booking.NotComplete):
        plans.save_plan(hall, plans.PlanDraft(**{**vars(draft(make_series(hall))), **wrong}), by=SYSTEM, at=NOW)


@pytest.mark.parametrize("role", [Role.HALL_MANAGER, Role.CLERK])
def test_only_hall_managers_write_plans(role):
    hall = make_hall()
    with nullcontext() if role == Role.HALL_MANAGER else pytest.raises(NotAllowed):
        plans.save_plan(hall, draft(make_series(hall)), by=make_staff(role), at=NOW)


def test_a_closure_moves_those_it_hits_or_cancels_them_and_tells_each():
    plan = make_plan(places=1, days_ahead=1)
    one, two = booked(plan), booked(plan, slot=slot_at(plan, minute=30))
    for hour, minute in ((10, 30), (11, 0), (11, 30)):
        booked(plan, slot=slot_at(plan, hour=hour, minute=minute))
    begins = slot_at(plan).begins_at
    hit = campaigns.hit_by(plan.hall, begins, begins + timedelta(hours=1))
    assert [each.pk for each in hit] == [one.pk, two.pk]
    done = campaigns.close(
        plan.hall, from_at=begins, until_at=begins + timedelta(hours=1), reason="停电，找电工老李", by=SYSTEM, at=NOW
    )
    assert not in_ledger("老李") and done.closure.reason == "停电，找电工老李"
    assert (done.moved, done.cancelled) == (1, 1)
    states = sorted(Appointment.objects.filter(pk__in=[one.pk, two.pk]).values_list("status", flat=True))
    assert states == ["cancelled", "moved"]
    told = Delivery.objects.filter(channel="outbox").values_list("message__subject", flat=True)
    assert sorted(told) == ["预约取消了", "预约改了时间"]
    assert slot_at(plan).closed_reason
    campaigns.reopen(done.closure.pk, by=SYSTEM, at=NOW)
    assert not slot_at(plan).closed_reason


@pytest.mark.capability("S0-2")
def test_extra_slots_of_a_campaign_show_only_between_its_days():
    hall = make_hall()
    series, item = make_series(hall), make_item()
    series.items.add(item)
    manager = make_staff(Role.HALL_MANAGER)
    plans.save_plan(hall, draft(series), by=manager, at=NOW)
    first, last = NOW.date() + timedelta(days=5), NOW.date() + timedelta(days=9)  # Monday to Friday
    season = campaigns.save_campaign(
        hall, name="入学查档（演示）", items=[item], from_day=first, until_day=last, by=manager, at=NOW
    )
    extra = draft(series, campaign=season, begins=time(13), ends=time(15))
    plans.save_plan(hall, extra, by=manager, at=NOW)

    def afternoons(at):
        booking_jobs.make_all_slots(at=at)
        days = queries.free_times(queries.plans_for(item, at.date(), hall=hall), "web", at)
        return {day.day for day in days for time in day.times if localtime(time.slot.begins_at).hour >= 13}

    def mornings(at):
        days = queries.free_times(queries.plans_for(item, at.date(), hall=hall), "web", at)
        return {day.day for day in days for time in day.times if localtime(time.slot.begins_at).hour < 13}

    before, within = NOW, NOW + timedelta(days=6)
    assert afternoons(before) == set()  # not before its first day
    assert afternoons(within) == {first + timedelta(days=n) for n in (1, 2, 3, 4)}  # its own days, none after the last
    assert mornings(within) > afternoons(within)
    assert afternoons(NOW + timedelta(days=12)) == set()
    extra_slot = Slot.objects.filter(plan__campaign=season).last()
    with pytest.raises(booking.NotBookable):
        appointments.hold(extra_slot.pk, item=item, channel="web", by=PUBLIC, at=NOW)


@pytest.mark.capability("S1-56")
def test_appointments_can_be_on_for_some_windows_only():
    hall = make_hall()
    series, item = make_series(hall), make_item()
    series.items.add(item)
    one, two = make_window(series, staffed=False), make_window(series, staffed=False)
    manager = make_staff(Role.HALL_MANAGER)
    mine = plans.save_plan(hall, draft(series, window=one), by=manager, at=NOW)

    def windows(at=NOW):
        days = queries.free_times(queries.plans_for(item, at.date(), hall=hall), "web", at)
        return {time.slot.plan.window for day in days for time in day.times}

    assert windows() == {one}
    plans.save_plan(hall, draft(series, window=two), by=manager, at=NOW)
    assert windows() == {one, two}
    plans.save_plan(hall, draft(series, window=one, is_on=False), plan_id=mine.pk, by=manager, at=NOW)
    assert windows() == {two}
    slot = Slot.objects.filter(plan=mine).first()
    assert slot is None or slot.closed_reason


@pytest.mark.capability("S1-57")
def test_bookings_are_counted_by_week_and_window():
    hall = make_hall()
    series, item = make_series(hall), make_item()
    series.items.add(item)
    one, two = make_window(series, staffed=False), make_window(series, staffed=False)
    first = plans.save_plan(hall, draft(series, window=one, places=5), by=SYSTEM, at=NOW)
    other = plans.save_plan(hall, draft(series, window=two), by=SYSTEM, at=NOW)
    for _n in range(5):
        booked(first)
    gone = booked(other, slot=slot_at(other, days=5))
    appointments.cancel(gone.pk, by=PUBLIC, at=NOW)
    moved = booked(other, slot=slot_at(other, days=5))
    appointments.move(moved.pk, slot_at(other, days=6).pk, by=PUBLIC, at=NOW)
    start = NOW.date() - timedelta(days=2)  # Monday
    found = {(week.monday, week.window): (week.booked, week.cancelled) for week in queries.weeks(
        hall, start, start + timedelta(days=13))}  # fmt: skip
    assert found[start, one.number] == (5, 0)
    assert found[start + timedelta(days=7), two.number] == (2, 1)


def test_local_rules_count_from_their_day():
    plan = make_plan()
    set_local_rule(plan.region, booking.HOLD_KEY, 20, effective_on=NOW.date(), reason="先试一个月", by=SYSTEM, at=NOW)
    assert held(plan).hold_until == NOW + timedelta(minutes=20)


def test_midnight_and_the_local_day():
    """A slot of 0:00 to 0:30 local is of that day, though the day before in UTC."""
    hall = make_hall()
    plan = make_plan(hall, begins=time(0), ends=time(0, 30))
    slot = slot_at(plan, hour=0)
    assert slot.day == NOW.date() + timedelta(days=1)
    one = booked(plan, slot=slot)
    with pytest.raises(booking.AppointmentOver):  # 23:59 is the day before
        appointments.check_in(one.pk, by=PUBLIC, at=slot.begins_at - timedelta(minutes=1))
    assert appointments.check_in(one.pk, by=PUBLIC, at=slot.begins_at).day == slot.day


def test_who_waited_past_his_last_day_waits_no_longer():
    plan = make_plan(places=1)
    Slot.objects.filter(plan=plan).update(closed_reason="停办")
    entry = waiting(plan, "13900000001", days=(0, 1))
    booking_jobs.lapse_all(at=NOW + timedelta(days=1))
    entry.refresh_from_db()
    assert entry.status == "waiting"
    booking_jobs.lapse_all(at=NOW + timedelta(days=2))
    entry.refresh_from_db()
    assert entry.status == "gone"
