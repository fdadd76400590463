"""What the worker does for cases; every job may run twice without harm."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.cases import actions
from yimen.ledger import followers
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Region

NAME = "cases.follow_calendar"
KINDS = ("catalog.calendar_announced", "catalog.calendar_day_set", "catalog.calendar_loaded")


@app.periodic(cron="* * * * *")
@app.task(name=NAME, queueing_lock=NAME, pass_context=False)
def follow_calendar(timestamp: int) -> None:
    while follow(at=timezone.now()):
        pass


def follow(*, at: datetime) -> int:
    """Move the due dates of running cases after the work calendar changed (CAL-7); return how many rows were read."""

    def move(event: Event) -> None:
        for region in Region.objects.order_by("code"):
            actions.move_due_dates(region.pk, by=SYSTEM, at=at)

    return followers.follow(NAME, KINDS, move, at=at)
