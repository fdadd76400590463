"""What the worker does for the ledger; every job may run twice without harm."""

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.ledger import once, seals


@app.periodic(cron="* * * * *")
@app.task(name="ledger.seal", queueing_lock="ledger.seal", pass_context=False)
def seal(timestamp: int) -> None:
    seals.seal(timezone.now())
    seals.publish()


@app.periodic(cron="10 3 * * *")
@app.task(name="ledger.forget_old", queueing_lock="ledger.forget_old", pass_context=False)
def forget_old(timestamp: int) -> None:
    once.forget_old(timezone.now())
