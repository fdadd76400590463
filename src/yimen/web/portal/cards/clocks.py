"""哪些天没有算: the stops and the extension of a case, each with the notice the applicant was given."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from yimen.cases.models import Case, ClockStop, Extension
from yimen.web.portal.cards import Card

READS = ("stops", "extension")


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.accepted_at is None:
        return None
    stops = list(ClockStop.objects.filter(case=case).select_related("notice"))
    extension = Extension.objects.filter(case=case, approved_at__isnull=False).select_related("notice").first()
    if not stops and extension is None:
        return None
    running = next((stop for stop in stops if stop.ended_on is None), None)
    context = {"case": case, "stops": stops, "extension": extension, "running": running}
    return Card("clocks", "portal/cards/clocks.html", context)
