"""What the worker does for departments' systems; every job may run twice without harm."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.exchange import webhooks

NAME = "exchange.webhooks"


@app.periodic(cron="* * * * *")
@app.task(name=NAME, queueing_lock=NAME, pass_context=False)
def tell_clients(timestamp: int) -> None:
    """What was told waits at most a minute longer than its cause."""
    at = timezone.now()
    while webhooks.follow(at=at):
        pass
    webhooks.send_due(at=at)


@app.periodic(cron="25 4 * * *")
@app.task(name="exchange.forget_deliveries", queueing_lock="exchange.forget_deliveries", pass_context=False)
def forget_deliveries(timestamp: int) -> None:
    webhooks.forget_old(at=timezone.now())
