"""What the worker does for messages; each job may run twice, late or never without harm."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.notify import sms


@app.periodic(cron="* * * * *")
@app.task(name="notify.send_sms", queueing_lock="notify.send_sms", pass_context=False)
def send_sms(timestamp: int) -> None:
    sms.send_due(at=timezone.now())


@app.periodic(cron="17 3 * * *")
@app.task(name="notify.end_sms", queueing_lock="notify.end_sms", pass_context=False)
def end_sms(timestamp: int) -> None:
    sms.end_unsaid(at=timezone.now())
