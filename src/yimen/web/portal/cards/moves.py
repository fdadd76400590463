"""Where a case is that was handed on, and who answers for its time limit (HALL-17)."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from yimen.cases import queries
from yimen.cases.models import Case, Notice
from yimen.web.portal.cards import Card

READS = ("moves",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.status != Case.Status.ACCEPTED:
        return None
    moves = queries.moves_of(case)
    if not any(move.closed_at is None for move in moves):
        return None
    notice = case.notices.filter(kind=Notice.Kind.TRANSFER).last()
    last = next(move for move in reversed(moves) if move.closed_at is None)
    return Card("moves", "portal/cards/moves.html", {"case": case, "last": last, "notice": notice})
