"""异地代收: which place took the papers in, which decides and keeps the time (HALL-17)."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from yimen.cases.models import Case
from yimen.web.portal.cards import Card


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.received_region_id is None:
        return None
    return Card("elsewhere", "portal/cards/elsewhere.html", {"case": case}, aside=True)
