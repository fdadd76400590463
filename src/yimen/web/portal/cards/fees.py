"""What the applicant has to pay, under which law, and what is paid (LAW-21)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest

from yimen.cases.models import Case, FeeSlip
from yimen.web.portal.cards import Card

READS = ("fees",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if not case.version.has_fee:
        return None
    slips = list(case.fees.exclude(state=FeeSlip.State.CANCELLED).select_related("fee", "notice").order_by("issued_at"))
    due = sum((slip.amount for slip in slips if slip.state == FeeSlip.State.DUE), start=Decimal("0.00"))
    return Card("fees", "portal/cards/fees.html", {"case": case, "slips": slips, "due": due}) if slips else None
