"""还缺什么: what a correction notice asked for, by when, and what of it has come."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from yimen.cases.models import Case, Correction
from yimen.web.portal.cards import Card

READS = ("correction",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.status != Case.Status.RECEIVED:
        return None
    correction = Correction.objects.filter(case=case).select_related("notice").first()
    if correction is None:
        return None
    lines = list(correction.lines.select_related("material__material").order_by("material__material__position"))
    left = sum(line.done_at is None for line in lines)
    context = {"case": case, "correction": correction, "lines": lines, "left": left}
    return Card("correction", "portal/cards/correction.html", context)
