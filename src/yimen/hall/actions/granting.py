"""Writes: an approved priority put on a ticket, and taken off again (HALL-10)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from yimen.cases.models import PriorityGrant
from yimen.hall.actions import common
from yimen.hall.actions.common import WrongStep
from yimen.hall.models import Ticket
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.people import access


@act
def prioritize(grant_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    Let a ticket come first from now on, as somebody else than who asked has approved (cases.answer_priority).

    Again changes nothing. Raises WrongStep for a grant that is not approved or not for a ticket, and when the ticket
    no longer waits.
    """
    grant = PriorityGrant.objects.get(pk=grant_id)
    access.require(by, "cases.prioritize", region=grant.region_id)
    if grant.approved_at is None or grant.ticket is None:
        raise WrongStep(_("这个优先还没有批准，或者不是给号的。"))
    ticket = common.lock_ticket(grant.ticket)
    if ticket.grant_id == grant.pk:
        return ticket
    if ticket.status not in common.STATES and ticket.status != Ticket.Status.PASSED:
        raise WrongStep(_("%(label)s 已经办完或者取消了，不用再优先。") % {"label": ticket.label})
    common.move(ticket, "prioritized", by=by, at=at, undoable=False, is_priority=True, grant_id=grant.pk)
    data: dict[str, str | int | None] = {"grant": str(grant.pk), "kind": grant.kind, "reason": grant.reason}
    common.record(ticket, "hall.prioritized", by, at, data)
    return ticket


@act
def end_priority(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """Take a granted priority off a ticket that waits: its care alone counts again. Raises WrongStep."""
    ticket = common.lock_ticket(ticket_id)
    access.require(by, "cases.prioritize", region=ticket.region_id)
    if ticket.grant_id is None:
        raise WrongStep(_("%(label)s 没有批准的优先。") % {"label": ticket.label})
    cares = ticket.care in ticket.hall.care_first or ticket.source == Ticket.Source.APPOINTMENT
    grant = ticket.grant_id
    common.move(ticket, "ended", by=by, at=at, undoable=False, is_priority=cares, grant_id=None)
    common.record(ticket, "hall.priority_ended", by, at, {"grant": str(grant)})
    return ticket
