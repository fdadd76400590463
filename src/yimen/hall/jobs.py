"""What the worker does for halls; each may come late, twice or at once."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.hall.actions import alarms, forgotten
from yimen.hall.models import Hall, Window
from yimen.ledger.actions import SYSTEM
from yimen.lib.dates import begin_of
from yimen.lib.each import one_by_one


@app.periodic(cron="* * * * *")
@app.task(name="hall.watch", queueing_lock="hall.watch", pass_context=False)
def watch(timestamp: int) -> None:
    """Every minute: too many people, too long a wait, numbers running out (S0-1, S3-18)."""
    at = timezone.now()
    halls = Hall.objects.filter(merged_into=None)
    one_by_one(halls, lambda hall: alarms.watch(hall, by=SYSTEM, at=at), what="hall.watch")


@app.periodic(cron="7 * * * *")
@app.task(name="hall.close_forgotten", queueing_lock="hall.close_forgotten", pass_context=False)
def close_forgotten(timestamp: int) -> None:
    """Every hour: windows nobody signed out of the day before."""
    at = timezone.now()
    windows = Window.objects.filter(staff__isnull=False, opened_at__lt=begin_of(timezone.localdate(at)))
    one_by_one(windows, lambda one: forgotten.close_forgotten(one.pk, by=SYSTEM, at=at), what="hall.close_forgotten")


# Appointments have theirs in a module of their own.
from yimen.hall import booking_jobs  # noqa: E402, F401
