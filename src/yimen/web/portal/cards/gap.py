"""What the applicant still has to bring, and by when (HALL-11)."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils.timezone import localdate

from yimen.cases.models import Case, HandlingMode
from yimen.web.portal.cards import Card

READS = ("gaps",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.handling_mode == HandlingMode.OWN:
        return None
    if case.status != Case.Status.ACCEPTED and case.outcome != Case.Outcome.GRANTED:
        return None
    gaps = list(case.gaps.filter(made_up_at=None).select_related("material__material").order_by("due_on"))
    if not gaps:
        return None
    today = localdate(now)
    return Card("gaps", "portal/cards/gap.html", {"gaps": [(gap, gap.due_on < today) for gap in gaps], "case": case})
