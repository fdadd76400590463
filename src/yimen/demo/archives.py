"""What the nightly job has packed by now: some finished cases of the last months, one of them handed over."""

from __future__ import annotations

from datetime import datetime, timedelta

from yimen.cases.actions import archiving
from yimen.demo import centre
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Staff

SHOWN = 4


def begin(now: datetime) -> None:
    """Pack the first few whose time has come; the job does the rest in the night."""
    region, at = centre.REGION[0], now - timedelta(hours=5)
    before = at - timedelta(days=archiving.ARCHIVE_AFTER_DAYS)
    kept = []
    for case_id in archiving.due_for_archive(region, before=before, most=SHOWN):
        try:
            kept.append(archiving.archive(case_id, by=SYSTEM, at=at))
        except archiving.NotYet:
            continue  # a document waits for its seal
    if kept:
        manager = Staff.objects.get(region=region, user__username="manager")
        archiving.hand_over(kept[0].pk, to="青禾县档案馆（演示）", by=manager, at=now - timedelta(hours=1))
