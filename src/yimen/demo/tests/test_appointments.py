"""The demo's appointments are there to be seen."""

from datetime import timedelta

import pytest

from yimen.demo import appointments, build
from yimen.demo.tests.test_demo import OPENS
from yimen.hall.models import Appointment, Campaign, Slot, SlotPlan, WaitListEntry
from yimen.hall.queries import appointments as queries


@pytest.mark.slow
@pytest.mark.django_db
def test_plans_a_campaign_bookings_and_people_who_wait_are_there():
    build.build(OPENS - timedelta(days=60))
    appointments.build(OPENS)
    assert SlotPlan.objects.count() == 5
    assert Campaign.objects.get().plans.count() == 1
    assert WaitListEntry.objects.filter(status="waiting").count() == 2
    today = Appointment.objects.filter(slot__day=OPENS.date(), status="booked")
    assert today.count() > 8
    assert Slot.objects.filter(taken__gt=0).exists()
    assert all("（演示）" in queries.name_of(one) for one in Appointment.objects.all())
