"""What the worker does for the ledger; every job may run twice without harm."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.ledger import actions, once, seals
from yimen.ledger.verify import verify as verify_ledger
from yimen.lib.ids import uuid7


@app.periodic(cron="* * * * *")
@app.task(name="ledger.seal", queueing_lock="ledger.seal", pass_context=False)
def seal(timestamp: int) -> None:
    seals.seal(timezone.now())
    seals.publish()


@app.periodic(cron="10 3 * * *")
@app.task(name="ledger.forget_old", queueing_lock="ledger.forget_old", pass_context=False)
def forget_old(timestamp: int) -> None:
    once.forget_old(timezone.now())


@app.periodic(cron="40 2 * * *")
@app.task(name="ledger.verify", queueing_lock="ledger.verify", pass_context=False)
def verify(timestamp: int) -> None:
    """Check the whole ledger and leave the result in it, where the audit administrator's page finds it."""
    report = verify_ledger(settings.SEALS if settings.SEALS.exists() else None)
    data = {
        "intact": report.is_intact,
        "rows": report.row_count,
        "seals": report.seal_count,
        "compared_outside": report.outside_count,
        "milliseconds": round(report.seconds * 1000),
        "fault": str(report.fault or ""),
    }
    with transaction.atomic():
        now = timezone.now()
        actions.record(f"verify:{uuid7()}", "ledger.verified", region="", by=actions.SYSTEM, at=now, data=data)
