"""What the worker does for halls; each may come late, twice or at once."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.hall.actions import alarms
from yimen.hall.models import Hall
from yimen.ledger.actions import SYSTEM
from yimen.lib.each import one_by_one


@app.periodic(cron="* * * * *")
@app.task(name="hall.watch", queueing_lock="hall.watch", pass_context=False)
def watch(timestamp: int) -> None:
    """Every minute: too many people, too long a wait, numbers running out (S0-1, S3-18)."""
    at = timezone.now()
    halls = Hall.objects.filter(merged_into=None)
    one_by_one(halls, lambda hall: alarms.watch(hall, by=SYSTEM, at=at), what="hall.watch")


# Appointments have theirs in a module of their own.
from yimen.hall import booking_jobs  # noqa: E402, F401
