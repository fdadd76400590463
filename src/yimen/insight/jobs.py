"""What the worker does for figures; each may come late, twice or never."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.hall.models import Hall
from yimen.insight.forecasts import checks
from yimen.lib.each import one_by_one

_KEEP, _CHECK, _FORGET = "insight.keep_forecasts", "insight.check_forecasts", "insight.forget_forecasts"


@app.periodic(cron="* * * * *")
@app.task(name=_KEEP, queueing_lock=_KEEP, pass_context=False)
def keep_forecasts(timestamp: int) -> None:
    """Every minute: what people who have just taken a number were told."""
    at = timezone.now()
    one_by_one(Hall.objects.filter(merged_into=None), lambda hall: checks.keep(hall, at=at), what=_KEEP)


@app.periodic(cron="7-59/10 * * * *")
@app.task(name=_CHECK, queueing_lock=_CHECK, pass_context=False)
def check_forecasts(timestamp: int) -> None:
    """Every ten minutes: how long they waited; the next forecasts learn from it."""
    checks.check(at=timezone.now())


@app.periodic(cron="23 3 * * *")
@app.task(name=_FORGET, queueing_lock=_FORGET, pass_context=False)
def forget_forecasts(timestamp: int) -> None:
    """Every night: what was told long ago."""
    checks.forget_old(at=timezone.now())
