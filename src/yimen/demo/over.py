"""Handing over what was granted, with its certificate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from yimen.cases import actions as cases
from yimen.cases import queries
from yimen.cases.models import Case
from yimen.people.models import Staff


def make_if_lacking(case_id: UUID, *, by: Staff, at: datetime) -> None:
    """Make the certificate where the item grants one, also where its flow has no step for it."""
    case = Case.objects.select_related("version").get(pk=case_id)
    if queries.grants_certificate(case) and not queries.has_certificate(case):
        cases.make_certificate(case.pk, by=by, at=at)


def hand_over(case_id: UUID, *, by: Staff, at: datetime) -> None:
    """Deliver at the window what has its certificate by then."""
    make_if_lacking(case_id, by=by, at=at)
    cases.deliver(case_id, how="window", by=by, at=at)
