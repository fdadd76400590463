"""What the worker does for appointments; each may come late, twice or at once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.timezone import localtime
from procrastinate.contrib.django import app

from yimen.hall.actions import appointments, plans, waitlist
from yimen.hall.queries import appointments as queries
from yimen.ledger import followers
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.each import one_by_one

# Nobody is reminded at night.
REMIND_FROM, REMIND_UNTIL = 8, 20
FOLLOW = "hall.follow_finished"


@app.periodic(cron="*/10 * * * *")
@app.task(name="hall.make_slots", queueing_lock="hall.make_slots", pass_context=False)
def make_slots(timestamp: int) -> None:
    make_all_slots(at=timezone.now())


def make_all_slots(*, at: datetime) -> int:
    """Make and mend the slots of every plan: new days, changed hours, closures, the calendar."""
    waiting = queries.plans_to_make()
    return one_by_one(waiting, lambda pk: plans.make_slots(pk, by=SYSTEM, at=at), what="slots not made: plan")


@app.periodic(cron="* * * * *")
@app.task(name="hall.lapse_holds", queueing_lock="hall.lapse_holds", pass_context=False)
def lapse_holds(timestamp: int) -> None:
    lapse_all(at=timezone.now())


def lapse_all(*, at: datetime) -> int:
    """Give back places kept too long, then look for places for those who wait."""
    gone = one_by_one(
        queries.holds_over(at), lambda pk: appointments.lapse(pk, at=at), what="hold not lapsed: appointment"
    )
    waiting = queries.waiting_entries()
    return gone + one_by_one(waiting, lambda pk: waitlist.serve(pk, at=at), what="not served: wait")


@app.periodic(cron="*/10 * * * *")
@app.task(name="hall.remind", queueing_lock="hall.remind", pass_context=False)
def remind(timestamp: int) -> None:
    remind_all(at=timezone.now())


def remind_all(*, at: datetime) -> int:
    """Tell everybody booked for tomorrow or today, once each day, by daylight."""
    if not REMIND_FROM <= localtime(at).hour < REMIND_UNTIL:
        return 0
    waiting = queries.to_remind(at)
    return one_by_one(waiting, lambda pk: appointments.remind(pk, at=at), what="not reminded: appointment")


@app.periodic(cron="*/10 * * * *")
@app.task(name="hall.note_no_shows", queueing_lock="hall.note_no_shows", pass_context=False)
def note_no_shows(timestamp: int) -> None:
    note_all_no_shows(at=timezone.now())


def note_all_no_shows(*, at: datetime) -> int:
    """Note who has not come; one whose late minutes still run is left for the next time."""

    def note(pk: UUID) -> object:
        try:
            return appointments.note_no_show(pk, by=SYSTEM, at=at)
        except (appointments.TooEarly, appointments.AppointmentOver):
            return None

    return one_by_one(queries.not_come(at), note, what="no-show not noted: appointment")


@app.periodic(cron="* * * * *")
@app.task(name=FOLLOW, queueing_lock=FOLLOW, pass_context=False)
def follow_finished(timestamp: int) -> None:
    while follow(at=timezone.now()):
        pass


def follow(*, at: datetime) -> int:
    """Note which appointments have been served, from the tickets finished; return how many rows were read."""

    def served(event: Event) -> None:
        appointments.note_served(UUID(event.stream.removeprefix("ticket:")), at=event.at)

    return followers.follow(FOLLOW, ("hall.finished",), served, at=at)
