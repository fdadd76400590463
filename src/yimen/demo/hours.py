"""When the demo's hall is open: its week, one window's own hours, a Wednesday that ends at noon."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils.timezone import localdate

from yimen.hall import actions
from yimen.hall.models import Hall, Window
from yimen.ledger.actions import SYSTEM

DAY, MORNING, AFTERNOON = (time(9), time(17)), (time(9), time(11, 30)), (time(14), time(16, 30))
WORKDAYS = range(1, 6)
OWN_HOURS = 7


def build(hall: Hall, at: datetime) -> None:
    """Set the hours; whoever tries the demo at night can still sign in at a window."""
    actions.set_policy(hall.pk, keeps_hours=False, by=SYSTEM, at=at)
    actions.set_week(hall.pk, {day: [DAY] for day in WORKDAYS}, extended={6: [MORNING]}, by=SYSTEM, at=at)
    window = Window.objects.get(hall=hall, number=OWN_HOURS)
    actions.set_window_week(window.pk, {day: [MORNING, AFTERNOON] for day in WORKDAYS}, by=SYSTEM, at=at)
    today = localdate(at)
    wednesday = today + timedelta(days=(2 - today.weekday()) % 7 + 14)
    actions.set_day(hall.pk, wednesday, [MORNING], by=SYSTEM, at=at)
