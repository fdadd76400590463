"""Writes: what follows a call: again, start, finish, passed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall import rules
from yimen.hall.actions import common
from yimen.hall.actions.common import (
    OPEN,
    WrongStep,
)
from yimen.hall.models import Ticket
from yimen.ledger.actions import Actor


@transaction.atomic
def recall(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """重呼: announce a called ticket again. Raises WrongStep unless it is called and not yet served."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 现在不用再叫。") % {"label": ticket.label})
    ticket.announced_at, ticket.call_count = at, ticket.call_count + 1
    ticket.save(update_fields=["announced_at", "call_count"])
    common.record(ticket, "hall.recalled", by, at, {"call_count": ticket.call_count})
    return ticket


@transaction.atomic
def start(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """The person has sat down. Starting again changes nothing; raises WrongStep unless it was called."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.SERVING:
        return ticket
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 还没叫到窗口，不能开始办。") % {"label": ticket.label})
    ticket.status, ticket.started_at = Ticket.Status.SERVING, at
    ticket.save(update_fields=["status", "started_at"])
    common.record(ticket, "hall.started", by, at, {"walk_seconds": rules.seconds_between(ticket.called_at, at)})
    return ticket


@transaction.atomic
def finish(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """办完: close a called or serving ticket. Finishing again changes nothing; raises WrongStep otherwise."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.FINISHED:
        return ticket
    if ticket.status not in OPEN:
        raise WrongStep(_("%(label)s 不在窗口，办完不了。") % {"label": ticket.label})
    ticket.status, ticket.finished_at = Ticket.Status.FINISHED, at
    ticket.save(update_fields=["status", "finished_at"])
    served = rules.seconds_between(ticket.started_at or ticket.called_at, at)
    common.record(ticket, "hall.finished", by, at, {"service_seconds": served})
    return ticket


@transaction.atomic
def pass_over(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """过号: nobody came. Passing again changes nothing; raises WrongStep unless the ticket is called."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.PASSED:
        return ticket
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 已经在办，不能过号。") % {"label": ticket.label})
    common.pass_on(ticket, by, at)
    return ticket
