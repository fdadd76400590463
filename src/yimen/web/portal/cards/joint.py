"""How many units have given their opinion on a joint case, each with its own day (S1-30); not what they said."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from yimen.cases import queries
from yimen.cases.models import Case, HandlingMode
from yimen.web.portal.cards import Card


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.handling_mode != HandlingMode.JOINT or case.status == Case.Status.WITHDRAWN:
        return None
    units = queries.unit_steps(case.tasks.all())
    if not units:
        return None
    received = sum(unit.done_at is not None for unit in units)
    return Card("joint", "portal/cards/joint.html", {"units": units, "received": received, "case": case})
