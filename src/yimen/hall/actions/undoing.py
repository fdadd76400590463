"""Writes: the latest verb taken back within a minute, as if it had not been."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall.actions import common
from yimen.hall.actions.common import OPEN, NothingToUndo
from yimen.hall.models import Ticket, Window
from yimen.hall.rules.undoing import is_in_time
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.people import access

_TIMES = ("called_at", "announced_at", "started_at", "finished_at")
_IDS = ("series_id", "window_id", "served_by_id", "only_window_id")


@act
def undo(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    撤销: put a ticket, its periods and the window's run back to what they were before the latest verb on it.

    Only by whoever did it and within rules.undoing.SECONDS. What was announced or shown meanwhile is shown anew.
    Raises NothingToUndo when it is too late, somebody else has acted since, or the window has called somebody else.
    """
    seen = Ticket.objects.only("undo", "window_id", "label").get(pk=ticket_id)
    note = _note(seen, by, at)
    back_at = note["before"]["window_id"] if note["before"]["status"] in OPEN else None
    window_id = back_at or (seen.window_id if note["verb"] in {"called", "chosen", "called_back"} else None)
    window = common.lock_window(UUID(str(window_id))) if window_id else None  # windows before tickets
    ticket = common.lock_ticket(ticket_id)
    if _note(ticket, by, at) != note:
        raise NothingToUndo(_("%(label)s 刚有人动过，撤销不了。请刷新看看。") % {"label": ticket.label})
    access.require(by, "hall.call" if window else "hall.take", region=ticket.region_id)
    if window is not None and back_at:
        common.require_holder(window, by)
        held = common.open_ticket(window)
        if held is not None and held.pk != ticket.pk:
            raise NothingToUndo(
                _("窗口已经叫了 %(label)s，上一步撤销不了。要请他回来，用“回呼”。") % {"label": held.label}
            )
    verb, before = note["verb"], _before(note)
    try:
        with transaction.atomic():
            _put_back(ticket, note, before)
    except IntegrityError as error:
        raise NothingToUndo(_("他又取了一个号，这一步撤销不了。")) from error
    if window is not None and verb == "called":
        Window.objects.filter(pk=window.pk).update(run=note.get("run"))
    ticket = common.with_names().get(pk=ticket_id)
    common.record(ticket, "hall.undone", by, at, {"verb": verb})
    common.tell(ticket.hall_id)
    return ticket


def _note(ticket: Ticket, by: Actor, at: datetime) -> dict[str, Any]:
    note: dict[str, Any] | None = ticket.undo
    if note is None or note["by"] != by.ledger_ref:
        raise NothingToUndo(_("%(label)s 没有您刚做的、能撤销的一步。") % {"label": ticket.label})
    done_at = datetime.fromisoformat(note["at"])
    if not is_in_time(done_at, at) or localdate(done_at) != localdate(at):
        raise NothingToUndo(_("过了一分钟就不能撤销了。要改，请用转移、回呼等再办一步。"))
    return note


def _before(note: dict[str, Any]) -> dict[str, Any]:
    before = dict(note["before"])
    for name in _TIMES:
        before[name] = datetime.fromisoformat(before[name]) if before[name] else None
    for name in _IDS:
        before[name] = UUID(before[name]) if before[name] else None
    return before


def _put_back(ticket: Ticket, note: dict[str, Any], before: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        if note["opened"]:
            cursor.execute(
                "DELETE FROM hall_ticketperiod WHERE region_id = %s AND id = %s",
                [ticket.region_id, UUID(note["opened"])],
            )
        if note.get("closed"):
            cursor.execute(
                "UPDATE hall_ticketperiod SET until_at = NULL WHERE region_id = %s AND id = %s",
                [ticket.region_id, UUID(note["closed"])],
            )
    Ticket.objects.filter(region_id=ticket.region_id, pk=ticket.pk).update(**before, undo=None)
