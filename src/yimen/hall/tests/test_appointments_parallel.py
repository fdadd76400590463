"""Many citizens for few places: real threads with connections of their own; and a version that must fail."""

import threading
from collections import Counter
from datetime import time, timedelta
from functools import partial

import pytest
from django.db import connection

from yimen.hall import booking_jobs
from yimen.hall.actions import appointments, booking, moving, plans
from yimen.hall.models import Appointment, Slot, SlotPlan, WaitListEntry
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.hall.tests.test_appointments import booked, draft, held, item_of, make_plan, slot_at, waiting
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff

pytestmark = pytest.mark.django_db(transaction=True)
TRIES, THREADS = 200, 24


def at_once(works, threads=THREADS) -> Counter:
    """Do all the work, spread over threads that start together; return what came of it by name."""
    works, done, lock = list(works), Counter(), threading.Lock()
    start = threading.Barrier(min(threads, len(works)))

    def run() -> None:
        start.wait()
        try:
            while True:
                with lock:
                    if not works:
                        return
                    work = works.pop()
                try:
                    work()
                    name = "done"
                except DomainError as error:
                    name = type(error).__name__
                with lock:
                    done[name] += 1
        finally:
            connection.close()

    running = [threading.Thread(target=run) for _n in range(start.parties)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return done


def book_one(plan, slot, n, channel="web", by=PUBLIC, at=NOW) -> Appointment:
    one = appointments.hold(slot.pk, item=item_of(plan), channel=channel, by=by, at=at)
    return appointments.book(one.pk, by=by, at=at, name="林小满（演示）", phone=f"1391000{n:04d}")


def places_are_true(plan) -> None:
    """Every slot counts exactly those who hold or have booked a place, by channel too, and never too many."""
    for slot in Slot.objects.filter(plan=plan):
        inside = Appointment.objects.filter(slot=slot, status__in=["held", "booked", "arrived", "served", "no_show"])
        by = Counter()
        for channel, party in inside.values_list("channel", "party"):
            by[channel] += party
        assert slot.taken == by.total() <= slot.places
        assert {key: n for key, n in slot.taken_by.items() if n} == dict(by)


@pytest.mark.parametrize("places", [1, 7])
def test_exactly_as_many_bookings_as_places_under_200_parallel_tries(places):
    plan = make_plan(places=places)
    slot = slot_at(plan)
    done = at_once(partial(book_one, plan, slot, n) for n in range(TRIES))
    assert done == {"done": places, "SlotFull": TRIES - places}
    assert Appointment.objects.filter(slot=slot, status="booked").count() == places
    places_are_true(plan)
    numbers = Appointment.objects.filter(status="booked").values_list("number", flat=True)
    assert len(set(numbers)) == places
    assert Event.objects.filter(kind="hall.booked").count() == places


def test_quotas_hold_under_parallel_tries_of_all_channels():
    plan, guide = make_plan(places=10, quotas={"web": 4, "phone": 2}), make_staff(Role.GUIDE)
    slot = slot_at(plan)
    channels = ["web", "phone", "desk", "kiosk"]
    at_once(
        partial(book_one, plan, slot, n, channels[n % 4], PUBLIC if channels[n % 4] in {"web", "kiosk"} else guide)
        for n in range(120)
    )
    by = Counter(Appointment.objects.filter(slot=slot, status="booked").values_list("channel", flat=True))
    assert (by["web"], by["phone"], by["desk"] + by["kiosk"]) == (4, 2, 4)
    places_are_true(plan)


def test_places_stay_true_while_holds_lapse_people_cancel_move_and_wait():
    plan = make_plan(places=3)
    slot, other = slot_at(plan), slot_at(plan, hour=10)
    for _n in range(3):
        held(plan, slot=slot)
    mine = [booked(plan, slot=other) for _n in range(3)]
    entries = [waiting(plan, f"1372000{n:04d}") for n in range(6)]
    late = NOW + timedelta(minutes=16)
    works = [partial(book_one, plan, slot, n, at=late) for n in range(40)]
    works += [partial(book_one, plan, other, 100 + n, at=late) for n in range(40)]
    works += [partial(appointments.cancel, one.pk, by=PUBLIC, at=late) for one in mine for _twice in range(2)]
    works += [partial(appointments.move, mine[0].pk, slot.pk, by=PUBLIC, at=late) for _n in range(4)]
    works += [partial(booking_jobs.lapse_all, at=late) for _n in range(3)]
    at_once(works)
    places_are_true(plan)
    offers = WaitListEntry.objects.filter(pk__in=[entry.pk for entry in entries], status="offered")
    assert len({entry.offer_id for entry in offers}) == offers.count()
    for entry in offers:
        assert entry.offer.status == "held"
    booking_jobs.lapse_all(at=late + timedelta(hours=2))
    places_are_true(plan)


def test_people_who_swap_times_never_wait_for_each_other():
    plan = make_plan(places=5)
    early, later = slot_at(plan), slot_at(plan, hour=10)
    there = [booked(plan, slot=early) for _n in range(4)]
    back = [booked(plan, slot=later) for _n in range(4)]
    works = [partial(appointments.move, one.pk, later.pk, by=PUBLIC, at=NOW) for one in there]
    works += [partial(appointments.move, one.pk, early.pk, by=PUBLIC, at=NOW) for one in back]
    at_once(works)
    places_are_true(plan)
    assert Appointment.objects.filter(status="booked").count() == 8


def test_one_telephone_number_never_has_more_bookings_than_it_may():
    plan = make_plan(places=5, days_ahead=10)
    slots = list(Slot.objects.filter(plan=plan, day__gt=NOW.date()).order_by("begins_at")[:12])
    works = []
    for slot in slots:
        one = held(plan, slot=slot)
        works.append(partial(appointments.book, one.pk, by=PUBLIC, at=NOW, name="林小满", phone="13800000417"))
    assert at_once(works)["done"] == 3


def test_two_managers_cannot_give_one_window_away_twice():
    hall = make_hall()
    series = make_series(hall)
    window = make_window(series, staffed=False)
    wanted = [draft(series, window=window, begins=time(9 + n % 2)) for n in range(8)]
    done = at_once(partial(plans.save_plan, hall, one, by=SYSTEM, at=NOW) for one in wanted)
    assert done == {"done": 1, "PlansClash": 7}
    assert SlotPlan.objects.count() == 1


def test_what_is_done_many_times_at_once_is_done_once():
    """Slots made by several jobs, a double click, an arrival at kiosk and desk."""
    plan = make_plan(places=5, days_ahead=3)
    before = Slot.objects.filter(plan=plan).count()
    Slot.objects.filter(plan=plan).delete()
    at_once(partial(plans.make_slots, plan.pk, by=SYSTEM, at=NOW) for _n in range(8))
    assert Slot.objects.filter(plan=plan).count() == before > 0
    one = held(plan)
    works = [
        partial(appointments.book, one.pk, by=PUBLIC, at=NOW, name="林小满", phone="13800000417") for _n in range(12)
    ]
    assert at_once(works) == {"done": 12}
    assert Event.objects.filter(kind="hall.booked").count() == 1
    at = slot_at(plan).begins_at
    assert at_once(partial(appointments.check_in, one.pk, by=PUBLIC, at=at) for _n in range(8)) == {"done": 8}
    assert Event.objects.filter(kind="hall.taken").count() == 1


def test_without_the_lock_on_the_slot_it_would_fail(monkeypatch):
    """The counter-proof: reading without the lock loses counts; the database refuses what it can see."""
    plan = make_plan(places=50)
    slot = slot_at(plan)

    def unlocked(ids):
        rows = Slot.objects.select_related("plan__hall", "plan__campaign").filter(pk__in=list(ids))
        return {one.pk: one for one in rows}

    monkeypatch.setattr(booking, "lock_slots", unlocked)
    at_once(partial(book_one, plan, slot, n) for n in range(60))
    with pytest.raises(AssertionError):
        places_are_true(plan)


def test_a_plan_changed_while_people_book_move_and_cancel_loses_nobody_and_fills_nothing_twice():
    hall = make_hall()
    plan = make_plan(hall, places=3)
    other = plans.save_plan(hall, draft(plan.series, begins=time(14), ends=time(17), places=3), by=SYSTEM, at=NOW)
    there = [booked(plan, slot=slot_at(plan, minute=minute)) for minute in (0, 30) for _n in range(3)]
    away = [booked(other, slot=slot_at(other, hour=14)) for _n in range(3)]
    manager = make_staff(Role.HALL_MANAGER)
    later = draft(plan.series, begins=time(10), ends=time(11), places=3)
    works = [partial(book_one, plan, slot_at(plan, hour=10), n) for n in range(6)]
    works += [
        partial(appointments.move, one.pk, slot_at(plan, hour=10, minute=30).pk, by=PUBLIC, at=NOW) for one in away
    ]
    works += [partial(appointments.cancel, there[0].pk, by=PUBLIC, at=NOW)]
    works.insert(4, partial(moving.change_plan, hall, plan.pk, later, reason="改时间", by=manager, at=NOW))
    done = at_once(works, threads=6)
    assert sum(done.values()) == len(works)
    places_are_true(plan), places_are_true(other)
    assert not Appointment.objects.filter(status="booked", slot__begins_at__in=[slot_at(plan, minute=0).begins_at])
    for one in [*there[1:], *away]:
        one.refresh_from_db()
        while one.moved_to is not None:
            one = one.moved_to
        assert one.status == "booked" and not one.slot.closed_reason
