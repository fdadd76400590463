"""Writes: what follows a call: again, start, finish, passed, held, sent elsewhere, the next matter."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.actions import common
from yimen.hall.actions.common import (
    OPEN,
    WrongStep,
)
from yimen.hall.actions.tickets import give
from yimen.hall.models import Series, Ticket, Window
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.lib.ids import uuid7
from yimen.people import access
from yimen.people.models import Staff


@act
def recall(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """重呼: announce a called ticket again. Raises WrongStep unless it is called and not yet served."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 现在不用再叫。") % {"label": ticket.label})
    common.move(ticket, "recalled", by=by, at=at, announced_at=at, call_count=ticket.call_count + 1)
    common.record(ticket, "hall.recalled", by, at, {"call_count": ticket.call_count})
    return ticket


@act
def start(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """The person has sat down. Starting again changes nothing; raises WrongStep unless it was called."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.SERVING:
        return ticket
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 还没叫到窗口，不能开始办。") % {"label": ticket.label})
    walked = rules.seconds_between(ticket.announced_at if ticket.started_at else ticket.called_at, at)
    common.move(ticket, "started", by=by, at=at, status=Ticket.Status.SERVING, started_at=ticket.started_at or at)
    common.record(ticket, "hall.started", by, at, {"walk_seconds": walked})
    return ticket


@act
def finish(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """办完: close a called or serving ticket. Finishing again changes nothing; raises WrongStep otherwise."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.FINISHED:
        return ticket
    if ticket.status not in OPEN:
        raise WrongStep(_("%(label)s 不在窗口，办完不了。") % {"label": ticket.label})
    common.move(ticket, "finished", by=by, at=at, status=Ticket.Status.FINISHED, finished_at=at)
    served = rules.seconds_between(ticket.started_at or ticket.called_at, at)
    common.record(ticket, "hall.finished", by, at, {"service_seconds": served})
    common.give_work(ticket.hall, at)
    return ticket


@act
def pass_over(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """过号: nobody came. Passing again changes nothing; raises WrongStep unless the ticket is called."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.PASSED:
        return ticket
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 已经在办，不能过号。") % {"label": ticket.label})
    common.pass_on(ticket, by, at)
    common.give_work(ticket.hall, at)
    return ticket


@act
def hold(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    挂起: he fetches a copy or fills in a form; the window takes somebody else meanwhile and calls him back later.

    Holding again changes nothing; raises WrongStep unless he is at the window.
    """
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.HELD:
        return ticket
    if ticket.status not in OPEN:
        raise WrongStep(_("%(label)s 不在窗口，不能挂起。") % {"label": ticket.label})
    common.let_both(ticket)
    common.move(ticket, "held", by=by, at=at, status=Ticket.Status.HELD)
    common.record(ticket, "hall.held", by, at)
    common.give_work(ticket.hall, at)
    return ticket


@act
def transfer(
    ticket_id: UUID,
    *,
    by: Actor,
    at: datetime,
    to_window: Window | None = None,
    to_series: Series | None = None,
) -> Ticket:
    """
    转移: to one window of the hall, or into another queue; it waits there with the time it has (S0-10).

    By whoever has it at his window, or by the desk while it waits, is held or was passed. Sent where it waits already
    changes nothing. Raises WrongStep when it is over, when the window has nobody or the queue is of another hall.
    """
    if (to_window is None) == (to_series is None):
        raise WrongStep(_("请选转到哪个窗口，或者哪一队。"))
    window = common.lock_window(to_window.pk) if to_window else None  # windows before tickets
    ticket = common.lock_ticket(ticket_id)
    if ticket.status in OPEN and ticket.window is not None:
        common.require_holder(ticket.window, by)
    elif not access.allowed(by, "hall.take", region=ticket.region_id):
        access.require(by, "hall.call", region=ticket.region_id)
    if ticket.status in (Ticket.Status.FINISHED, Ticket.Status.LEFT) or ticket.day != localdate(at):
        raise WrongStep(_("%(label)s 今天已经结束了，转不了；请另取一个号。") % {"label": ticket.label})
    series = to_series or ticket.series
    if {ticket.hall_id} != {series.hall_id, window.hall_id if window else ticket.hall_id}:
        raise WrongStep(_("只能转到同一个大厅的窗口或队。"))
    if window is not None and (window.staff_id is None or window.paused_at is not None):
        raise WrongStep(_("%(number)s 号窗口现在没有人，请换一个窗口，或转到一队。") % {"number": window.number})
    wanted = window.pk if window else None
    if ticket.status == Ticket.Status.WAITING and (ticket.only_window_id, ticket.series_id) == (wanted, series.pk):
        return ticket
    if ticket.status in OPEN and window is not None and ticket.window_id == window.pk:
        raise WrongStep(_("%(label)s 就在这个窗口，不用转。") % {"label": ticket.label})
    common.refuse_twin(ticket, series)
    before, old = ticket.series.letter, ticket.window
    common.move(
        ticket,
        "transferred",
        by=by,
        at=at,
        status=Ticket.Status.WAITING,
        window_id=None,
        series_id=series.pk,
        only_window_id=wanted,
    )
    ticket.series, ticket.window, ticket.only_window = series, None, window
    more: dict[str, str | int | None] = {
        "from": before,
        "from_window": old.number if old else None,
        "to_window": window.number if window else None,
    }
    common.record(ticket, "hall.transferred", by, at, more)
    common.give_work(ticket.hall, at)
    return ticket


@act
def next_matter(
    ticket_id: UUID, series_id: UUID, *, by: Staff, at: datetime, item: ServiceItem | None = None
) -> Ticket:
    """
    接着办下一件: whoever sits at the window has another matter; the present ticket is finished, the next one is of
    the same visit. Where this window calls that series he stays and is served at once; elsewhere he waits with the
    time of his first ticket. Return the new ticket; its number counts, a daily cap does not stop it.

    Raises WrongStep unless he is being served and the series is of this hall, NotAtWindow.
    """
    present = common.lock_at_window(ticket_id, by)
    window = present.window
    if present.status != Ticket.Status.SERVING or window is None or present.day != localdate(at):
        raise WrongStep(_("先点“开始办”，办完这一件再接着办下一件。"))
    series = Series.objects.select_related("hall").get(pk=series_id)
    if series.hall_id != present.hall_id:
        raise WrongStep(_("只能接着办同一个大厅的事。"))
    visit = present.visit or uuid7()
    common.move(
        present, "finished", by=by, at=at, undoable=False, status=Ticket.Status.FINISHED, finished_at=at, visit=visit
    )
    served = rules.seconds_between(present.started_at or present.called_at, at)
    common.record(present, "hall.finished", by, at, {"service_seconds": served})
    here = Q(windows=window) | Q(windows__pauses__by_window=window, windows__pauses__until_at=None)
    stays = Series.objects.filter(here, pk=series.pk).exists()
    ticket = Ticket(
        region_id=present.region_id,
        hall_id=present.hall_id,
        series=series,
        day=present.day,
        source=Ticket.Source.DESK,
        item=item,
        applicant_id=present.applicant_id,
        phone_last_four=present.phone_last_four,
        care=present.care,
        is_priority=present.is_priority,
        name_sealed=present.name_sealed,
        visit=visit,
        queue_at=present.queue_at,
    )
    if stays:
        ticket.status, ticket.window, ticket.served_by = Ticket.Status.SERVING, window, by
        ticket.called_at = ticket.announced_at = ticket.started_at = at
        ticket.pick, ticket.call_count = {"why": rules.Why.VISIT.value}, 1
    return give(ticket, by, at, capped=False)
