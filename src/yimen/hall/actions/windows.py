"""Writes: signing in and out at a window."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.hall.actions import common, sessions
from yimen.hall.actions.common import (
    NotOpenYet,
    TicketOpen,
    WindowTaken,
)
from yimen.hall.actions.pausing import end_pause, lose_stand_in
from yimen.hall.models import Ticket, Window, WindowPause
from yimen.hall.queries.opening import opening_on
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.people import access
from yimen.people.models import Staff


@act
def sign_in(window_id: UUID, *, by: Staff, at: datetime) -> Window:
    """
    Open a window with `by` behind it, a clerk or a leader. Signing in again where one sits changes nothing.

    Where the hall keeps hours: from margin_minutes before it opens until as long after it closes (S3-15), and later
    while people still wait (HALL-7). Raises NotOpenYet, WindowTaken when somebody else sits there or `by` sits
    elsewhere, Window.DoesNotExist.
    """
    window = common.lock_window(window_id)
    access.require(by, "hall.call", region=window.region_id)
    if window.staff_id == by.pk:
        return window
    if window.staff_id is not None:
        raise WindowTaken(_("%(number)s 号窗口已经有人签到了。请他先签退，或换一个窗口。") % {"number": window.number})
    elsewhere = Window.objects.filter(region_id=by.region_id, staff=by).first()
    if elsewhere is not None:
        raise WindowTaken(_("您还在 %(number)s 号窗口，先在那里签退。") % {"number": elsewhere.number})
    _require_hours(window, at)
    window.staff, window.opened_at, window.run = by, at, None
    try:
        with transaction.atomic():
            window.save(update_fields=["staff", "opened_at", "run"])
    except IntegrityError as error:  # at another window in the same moment
        raise WindowTaken(_("您刚在别的窗口签到了，先在那里签退。")) from error
    sessions.begin(window, by, at)
    common.record_window(window, "hall.window_opened", by, at)
    common.give_work(window.hall, at)
    return window


def _require_hours(window: Window, at: datetime) -> None:
    hall = window.hall
    if not hall.keeps_hours:
        return
    opening = opening_on(hall, localdate(at), window)
    if opening.admits(at, hall.margin_minutes):
        return
    if not opening.spans:
        why = opening.reasons[0] if opening.reasons else _("今天不开放")
        raise NotOpenYet(_("%(number)s 号窗口今天不能签到：%(why)s。") % {"number": window.number, "why": why})
    opens, closes = localtime(opening.spans[0].opens_at), localtime(opening.spans[-1].closes_at)
    if (
        at > closes
        and Ticket.objects.filter(
            region_id=hall.region_id, hall=hall, day=localdate(at), status=Ticket.Status.WAITING
        ).exists()
    ):
        return
    values = {
        "opens": f"{opens.hour}:{opens.minute:02d}",
        "closes": f"{closes.hour}:{closes.minute:02d}",
        "margin": hall.margin_minutes,
    }
    raise NotOpenYet(
        _("今天 %(opens)s 到 %(closes)s 开放，开门前 %(margin)s 分钟起、关门后 %(margin)s 分钟内可以签到。") % values
    )


@act
def sign_out(window_id: UUID, *, by: Actor, at: datetime) -> Window:
    """
    Close a window; whoever sits there, or a hall manager for him. A closed window stays closed.

    Raises TicketOpen, naming it, while somebody is being served; NotAtWindow.
    """
    window = common.lock_window(window_id)
    if window.staff_id is None:
        return window
    common.require_holder(window, by)
    held = common.open_ticket(window)
    if held is not None:
        raise TicketOpen(_("先办完 %(label)s 再签退。") % {"label": held.label})
    for pause in WindowPause.objects.filter(window=window, until_at=None).select_related("cover"):
        end_pause(pause, window, by, at)
    for pause in WindowPause.objects.filter(by_window=window, until_at=None).select_related("cover"):
        lose_stand_in(pause, by, at)
    window.staff, window.opened_at, window.paused_at = None, None, None
    window.save(update_fields=["staff", "opened_at", "paused_at"])
    sessions.end(window, at)
    _release(window, by, at)
    common.record_window(window, "hall.window_closed", by, at)
    return window


def _release(window: Window, by: Actor, at: datetime) -> None:
    """Who was sent to this window and still waits is called wherever his queue is called."""
    sent = common.with_names().filter(region_id=window.region_id, only_window=window, status=Ticket.Status.WAITING)
    for ticket in sent.select_for_update(of=("self",), no_key=True).order_by("pk"):
        common.move(ticket, "released", by=by, at=at, undoable=False, only_window_id=None)
        common.record(ticket, "hall.released", by, at, {"from_window": window.number})
