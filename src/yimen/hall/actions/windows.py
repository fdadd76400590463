"""Writes: signing in and out at a window."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yimen.hall.actions import common
from yimen.hall.actions.common import (
    TicketOpen,
    WindowTaken,
)
from yimen.hall.actions.pausing import end_pause, lose_stand_in
from yimen.hall.models import Window, WindowPause
from yimen.people import access
from yimen.people.models import Staff


@transaction.atomic
def sign_in(window_id: UUID, *, by: Staff, at: datetime) -> Window:
    """
    Open a window with `by` behind it. Signing in again where one sits changes nothing.

    Raises WindowTaken when somebody else sits there or `by` sits elsewhere, Window.DoesNotExist.
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
    window.staff, window.opened_at = by, at
    try:
        with transaction.atomic():
            window.save(update_fields=["staff", "opened_at"])
    except IntegrityError as error:  # at another window in the same moment
        raise WindowTaken(_("您刚在别的窗口签到了，先在那里签退。")) from error
    common.record_window(window, "hall.window_opened", by, at)
    return window


@transaction.atomic
def sign_out(window_id: UUID, *, by: Staff, at: datetime) -> Window:
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
    common.record_window(window, "hall.window_closed", by, at)
    return window
