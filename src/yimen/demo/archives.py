"""What the nightly job has packed by now: some finished cases of the last months, one of them handed over."""

from __future__ import annotations

from datetime import datetime, timedelta

from yimen.cases.actions import archiving, sealing
from yimen.cases.models import Case, Notice
from yimen.demo import centre
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Staff

SHOWN = 4


def begin(now: datetime) -> None:
    """Pack a few whose time has come, one with its sealed documents; the job does the rest in the night."""
    region, at = centre.REGION[0], now - timedelta(hours=5)
    before = at - timedelta(days=archiving.ARCHIVE_AFTER_DAYS)
    found = Case.objects.filter(region=region, status=Case.Status.DELIVERED, delivered_at__lt=before, archives=None)
    with_documents = found.filter(notices__kind=Notice.Kind.DECISION).order_by("received_at")[:1]
    for notice in Notice.objects.filter(case__in=list(with_documents), wants_seal=True):
        sealing.plan_seal(notice.pk, at=at)
        sealing.finish_seal(notice.pk, at=at)
    others = found.filter(notices=None).order_by("received_at")[: SHOWN - 1]
    kept = [archiving.archive(case.pk, by=SYSTEM, at=at) for case in (*with_documents, *others)]
    if kept:
        manager = Staff.objects.get(region=region, user__username="manager")
        archiving.hand_over(kept[-1].pk, to="青禾县档案馆（演示）", by=manager, at=now - timedelta(hours=1))
