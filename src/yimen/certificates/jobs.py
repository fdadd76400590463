"""What the worker does for certificates; it may run twice, late or never without harm."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.timezone import localdate
from procrastinate.contrib.django import app

from yimen.certificates import actions, queries
from yimen.ledger.actions import SYSTEM
from yimen.lib.each import one_by_one
from yimen.people.models import Region


@app.periodic(cron="25 0 * * *")
@app.task(name="certificates.note_states", queueing_lock="certificates.note_states", pass_context=False)
def note_states(timestamp: int) -> None:
    note_all_states(at=timezone.now())


def note_all_states(*, at: datetime) -> int:
    """Mark what has run out and what changes today; return how many. State on a day never waits for this."""
    regions = Region.objects.order_by("code").values_list("code", flat=True)
    waiting = (pk for code in list(regions) for pk in queries.to_note(code, today=localdate(at)))
    return one_by_one(waiting, lambda pk: actions.note_state(pk, by=SYSTEM, at=at), what="state not noted: certificate")
