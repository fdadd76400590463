"""
Invitations follow the ledger: a finished visit, a completed or delivered case.

A visit to the counter is rated once, and what was finished during it belongs to it; a matter handled on line, or
handed over on a later day, is rated as a matter (RATE-4, docs/rules/ratings.md).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.timezone import localdate
from procrastinate.contrib.django import app

from yimen.cases.models import Case
from yimen.catalog.models import CaseType
from yimen.hall.models import Ticket
from yimen.ledger import followers
from yimen.ledger.models import Event
from yimen.ratings import actions

NAME = "ratings.invite"
KINDS = ("hall.finished", "case.decided", "case.delivered")


@app.periodic(cron="* * * * *")
@app.task(name=NAME, queueing_lock=NAME, pass_context=False)
def invite(timestamp: int) -> None:
    while invite_new(at=timezone.now()):
        pass


def invite_new(*, at: datetime) -> int:
    """Make the invitations for what was finished since the last time; return how many rows were looked at."""
    return followers.follow(NAME, KINDS, _invite, at=at)


def _invite(event: Event) -> None:
    subject, _colon, pk = event.stream.partition(":")
    if subject == "ticket":
        ticket = Ticket.objects.select_related("hall", "case").filter(pk=UUID(pk)).first()
        if ticket and ticket.status == Ticket.Status.FINISHED:
            actions.invite_for_visit(ticket, at=event.at)
        return
    case = Case.objects.filter(pk=UUID(pk)).first()
    if case and case.completed_at and not _belongs_to_a_visit(case, event):
        actions.invite_for_matter(case, at=event.at)


def _belongs_to_a_visit(case: Case, event: Event) -> bool:
    """True when the visit of that day covers it, or when the result has still to be handed over."""
    if case.tickets.filter(day=localdate(event.at)).exists():
        return True
    is_later = case.channel == Case.Channel.WINDOW and case.case_type != CaseType.IMMEDIATE
    return event.kind == "case.decided" and is_later
