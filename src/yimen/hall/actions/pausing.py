"""Writes: a window is left for a while, with the B post standing in (HALL-6)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall import rules
from yimen.hall.actions import common, sessions
from yimen.hall.actions.common import (
    TicketOpen,
    WindowTaken,
    WrongReason,
    WrongStep,
)
from yimen.hall.models import Ticket, Window, WindowPause
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.lib.errors import DomainError
from yimen.people import access, covers
from yimen.people.models import Staff


@act
def pause(window_id: UUID, *, reason: str, by: Actor, at: datetime) -> WindowPause:
    """
    暂离: whoever sits at a window is away for a while; the B post set for him takes over what waits (HALL-6).

    B's own window in the same hall calls these queues too, from then on; B without a window sits down here. Somebody
    called who has not sat down yet waits again, first in line. Nobody set, or B away too: the queues wait for the
    windows that share them. Pausing again changes nothing. Raises TicketOpen while somebody is being served,
    WrongReason, WrongStep at a closed window, NotAtWindow.
    """
    window = common.lock_window(window_id)
    known = WindowPause.objects.filter(window=window, until_at=None).first()
    if known is not None:
        return known
    if window.staff_id is None:
        raise WrongStep(_("%(number)s 号窗口现在没有人，不用暂离。") % {"number": window.number})
    common.require_holder(window, by)
    if reason not in WindowPause.Reason.values:
        raise WrongReason(_("请选择为什么暂离。"))
    held = common.open_ticket(window)
    if held is not None and held.status == Ticket.Status.SERVING:
        raise TicketOpen(_("先办完 %(label)s 再暂离。") % {"label": held.label})
    if held is not None:
        held = common.lock_ticket(held.pk)
        common.let_both(held)
        common.move(held, "put_back", by=by, at=at, undoable=False, status=Ticket.Status.WAITING, window_id=None)
        held.window = None
        common.record(held, "hall.put_back", by, at)
    away = window.staff
    assert away is not None
    stand_in, seat = _stand_in(window, away)
    cover = None
    if stand_in is not None:
        try:
            with transaction.atomic():
                cover = covers.begin(away.pk, reason=str(WindowPause.Reason(reason).label), by=by, at=at)
        except DomainError:  # he is away himself, or covered: the queue waits
            stand_in, seat = None, None
    found = WindowPause.objects.create(
        region_id=window.region_id,
        window=window,
        staff=away,
        reason=reason,
        stand_in=stand_in,
        by_window=seat,
        cover=cover,
        from_at=at,
    )
    sits_here = stand_in is not None and seat is None
    window.staff, window.paused_at = (stand_in, None) if sits_here else (away, at)
    window.save(update_fields=["staff", "paused_at"])
    if stand_in is not None and sits_here:
        sessions.begin(window, stand_in, at)
    common.give_work(window.hall, at)
    data: dict[str, str | int | None] = {"reason": reason, "stand_in": str(stand_in.pk) if stand_in else None}
    data["by_window"] = seat.number if seat else None
    common.record_window(window, "hall.window_paused", by, at, data)
    return found


def _stand_in(window: Window, away: Staff) -> tuple[Staff | None, Window | None]:
    """The B post of somebody and B's window; both None when nobody can come, the window None when B has none."""
    stand_in = Staff.objects.filter(stands_in_for__primary=away, user__is_active=True).first()
    if stand_in is None or not access.allowed(stand_in, "hall.call", region=window.region_id):
        return None, None
    seat = Window.objects.filter(region_id=window.region_id, staff=stand_in).first()
    if seat is not None and (seat.hall_id != window.hall_id or seat.paused_at is not None):
        return None, None
    return stand_in, seat


@act
def resume(window_id: UUID, *, by: Actor, at: datetime) -> Window:
    """
    回来了: the pause of a window ends, with it B's authority; whoever was away, his B or a hall manager.

    Without a pause nothing changes. Raises TicketOpen while B serves somebody here, WindowTaken when A sits elsewhere.
    """
    window = common.lock_window(window_id)
    found = (
        WindowPause.objects.filter(window=window, until_at=None).select_related("cover", "staff", "stand_in").first()
    )
    if found is None:
        return window
    if by not in (found.staff, found.stand_in):
        common.require_holder(window, by)
    held = common.open_ticket(window)
    if held is not None and held.status == Ticket.Status.SERVING:
        raise TicketOpen(_("先办完 %(label)s 再换人。") % {"label": held.label})
    elsewhere = Window.objects.filter(region_id=window.region_id, staff=found.staff).exclude(pk=window.pk).first()
    if elsewhere is not None:
        raise WindowTaken(
            _("%(name)s在 %(number)s 号窗口，先在那里签退。") % {"name": found.staff.name, "number": elsewhere.number}
        )
    end_pause(found, window, by, at)
    if window.staff_id != found.staff_id:
        sessions.begin(window, found.staff, at)
    window.staff, window.paused_at = found.staff, None
    window.save(update_fields=["staff", "paused_at"])
    common.give_work(window.hall, at)
    return window


def end_pause(pause: WindowPause, window: Window, by: Actor, at: datetime) -> None:
    pause.until_at = max(at, pause.from_at)
    pause.save(update_fields=["until_at"])
    if pause.cover is not None:
        covers.end(pause.cover.pk, by=by, at=at)
    seconds = rules.seconds_between(pause.from_at, at)
    common.record_window(window, "hall.window_resumed", by, at, {"reason": pause.reason, "seconds": seconds})


def lose_stand_in(pause: WindowPause, by: Actor, at: datetime) -> None:
    """B has gone home before A came back: A's queues wait again, and B's authority ends."""
    pause.by_window = None
    pause.save(update_fields=["by_window"])
    if pause.cover is not None:
        covers.end(pause.cover.pk, by=by, at=at)
