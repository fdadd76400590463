"""What the worker does for certificates; it may run twice, late or never without harm."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection
from django.utils import timezone
from django.utils.timezone import localdate
from procrastinate.contrib.django import app

from yimen.certificates import actions, queries
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Region

log = logging.getLogger("yimen.certificates")


@app.periodic(cron="25 0 * * *")
@app.task(name="certificates.note_states", queueing_lock="certificates.note_states", pass_context=False)
def note_states(timestamp: int) -> None:
    note_all_states(at=timezone.now())


def note_all_states(*, at: datetime) -> int:
    """Mark what has run out and what changes today; return how many. State on a day never waits for this."""
    count = 0
    for region in Region.objects.order_by("code"):
        for pk in queries.to_note(region.pk, today=localdate(at)):
            try:
                count += actions.note_state(pk, by=SYSTEM, at=at)
            except Exception as error:  # one must not keep the others waiting
                if connection.connection is None or connection.connection.closed:
                    raise
                log.error("certificate %s: %s", pk, type(error).__name__)
    return count
