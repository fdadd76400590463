"""Writes: calling the next person to a window, or a chosen one, or one who was held or passed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall import rules
from yimen.hall.actions import common
from yimen.hall.actions.common import (
    TicketOpen,
    WindowPaused,
    WrongReason,
    WrongStep,
)
from yimen.hall.models import Hall, Series, Ticket, Window
from yimen.hall.rules.reasons import CHOSEN
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.lib.compiled import Rows
from yimen.lib.ids import uuid7
from yimen.people.models import Staff

# How far down each queue one call looks when other windows hold the tickets before.
_DEPTH = 8


@act
def call_next(window_id: UUID, *, by: Actor, at: datetime, by_itself: bool = False) -> Ticket | None:
    """
    Call the next ticket to a window by the hall's policy and return it; None when nobody is waiting.

    Calling again before the person has sat down returns the same ticket and calls nobody: an answer lost on the way
    is asked for again (assurance lesson 1). A series closed for new numbers is still called until it is empty (HALL-7).
    Tickets whose item needs a skill are called only where whoever sits holds it (S0-23), those sent to a window only
    there; of one visit's tickets never two at once. by_itself: nobody pressed (Hall.calls_by_itself).
    Raises TicketOpen while a ticket is being served, WindowPaused, NotAtWindow, access.NotAllowed, Window.DoesNotExist.
    """
    day = localdate(at)
    window, held, queues = _look(window_id, day)
    common.require_holder(window, by)
    _require_present(window)
    if held is not None:
        ticket = common.with_names().get(pk=held)
        ticket.window = window
        if ticket.status == Ticket.Status.SERVING:
            raise TicketOpen(_("先办完 %(label)s 再叫下一位。") % {"label": ticket.label})
        if ticket.day == day:
            return ticket
        common.pass_on(ticket, by, at)  # called on an earlier day and never closed
    return _claim(window, queues, day, by, at, {"by_itself": 1} if by_itself else {})


def _require_present(window: Window) -> None:
    if window.paused_at is not None:
        raise WindowPaused(_("%(number)s 号窗口正在暂离，先“回来了”再叫号。") % {"number": window.number})


def _claim(
    window: Window, queues: list[list[rules.Head]], day: date, by: Actor, at: datetime, more: dict[str, int]
) -> Ticket | None:
    """Take the best waiting ticket nobody else is taking; an UPDATE that finds it still waiting decides."""
    policy, tried = rules.policy_of(window.hall), list[UUID]()
    while order := rules.choices(queues, policy, run=window.run, at=at, depth=_DEPTH):
        if any(choice.head.visit for choice in order):
            try:
                with transaction.atomic():
                    found = _take(window, order, policy, by, at, more)
            except IntegrityError:  # the other ticket of the visit was called in this moment
                found = None
        else:
            found = _take(window, order, policy, by, at, more)
        if found is not None:
            return found
        tried += [choice.head.ticket_id for choice in order]
        queues = _look(window.pk, day, tried)[2]
    return None


_TICKETS, _SERIES, _WINDOWS, _HALLS = Rows(Ticket), Rows(Series), Rows(Window), Rows(Hall)
CLAIM = f"""
SELECT {_TICKETS.columns("ticket")}, {_SERIES.columns("series")}
FROM hall_claim(%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s, %s, %s, %s::jsonb) AS ticket
JOIN hall_series AS series ON series.id = ticket.series_id
"""  # noqa: S608 - our own columns


def _take(
    window: Window, order: list[rules.Pick], policy: rules.Policy, by: Actor, at: datetime, more: dict[str, int]
) -> Ticket | None:
    """Claim, with the period, the window's run, the ledger's row and what undoes it, in one call."""
    period = uuid7()
    picked = {"policy": policy.kind, "ratio": policy.ratio, "minutes": policy.ageing_minutes, "cap": policy.cap}
    note = {"verb": "called", "by": by.ledger_ref, "at": at.isoformat(), "opened": str(period), "run": window.run}
    values: list[Any] = [
        window.region_id,
        window.pk,
        window.number,
        by.pk if isinstance(by, Staff) else window.staff_id,
        [choice.head.ticket_id for choice in order],
        [choice.why.value for choice in order],
        at,
        json.dumps(picked),
        json.dumps(note),
        period,
        rules.LONG,
        by.ledger_ref,
        by.role_name,
        json.dumps(more),
    ]
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        row = cursor.fetchone()
    if row is None:
        return None
    called = _TICKETS.one(row[: _TICKETS.width])
    called.series, called.window = _SERIES.one(row[_TICKETS.width :]), window
    common.tell(window.hall_id)
    return called


HEADS = f"""
SELECT {_WINDOWS.columns("(found.o_window)")}, {_HALLS.columns("(found.o_hall)")}, found.o_held, found.o_heads
FROM hall_heads(%s, %s, %s::uuid[], %s) AS found
"""  # noqa: S608 - our own columns


def _look(
    window_id: UUID, day: date, tried: list[UUID] | None = None
) -> tuple[Window, UUID | None, list[list[rules.Head]]]:
    """
    Lock a window and return it, whom it has in front of it, and the first few of each queue it calls, in order.

    Raises Window.DoesNotExist.
    """
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [window_id, day, tried or [], _DEPTH])
        row = cursor.fetchone()
    if row is None:
        raise Window.DoesNotExist
    window = _WINDOWS.one(row[: _WINDOWS.width])
    window.hall = _HALLS.one(row[_WINDOWS.width : -2])
    queues: dict[tuple[str | None, bool], list[rules.Head]] = {}
    for ticket_id, series_id, queue_at, number, is_priority, is_moved, visit in row[-1] or ():
        head = rules.Head(
            UUID(ticket_id),
            UUID(series_id) if series_id else window.pk,
            datetime.fromisoformat(queue_at),
            number,
            is_priority,
            is_moved=is_moved,
            visit=UUID(visit) if visit else None,
        )
        queues.setdefault((series_id, is_priority), []).append(head)
    for queue in queues.values():
        queue.sort(key=lambda head: (head.queue_at, head.number))
    return window, row[-2], list(queues.values())


@dataclass(frozen=True)
class _At:
    """A window ready to call somebody in particular, with the lock held."""

    window: Window
    ticket: Ticket


def _ready(window_id: UUID, ticket_id: UUID, by: Actor, at: datetime) -> _At:
    window = common.lock_window(window_id)
    common.require_holder(window, by)
    _require_present(window)
    ticket = common.lock_ticket(ticket_id)
    if ticket.hall_id != window.hall_id or ticket.day != localdate(at):
        raise WrongStep(_("%(label)s 不是这个大厅今天的号。") % {"label": ticket.label})
    if not (ticket.status in common.OPEN and ticket.window_id == window.pk):
        common.require_free(window)
        if ticket.visit is not None and _visit_is_open(ticket):
            raise WrongStep(_("%(label)s 正在别的窗口办另一件事，办完再叫。") % {"label": ticket.label})
    return _At(window, ticket)


def _visit_is_open(ticket: Ticket) -> bool:
    return Ticket.objects.filter(region_id=ticket.region_id, visit=ticket.visit, status__in=common.OPEN).exists()


def _call_him(here: _At, kind: str, pick: dict[str, str], by: Actor, at: datetime) -> Ticket:
    window, ticket = here.window, here.ticket
    common.move(
        ticket,
        kind,
        by=by,
        at=at,
        status=Ticket.Status.CALLED,
        window_id=window.pk,
        served_by_id=by.pk if isinstance(by, Staff) else window.staff_id,
        called_at=ticket.called_at or at,
        announced_at=at,
        call_count=ticket.call_count + 1,
        pick=pick,
    )
    ticket.window = window
    more: dict[str, str | int | None] = {
        "why": pick["why"],
        "reason": pick.get("reason"),
        "first": int(ticket.is_priority),
        "wait_seconds": rules.seconds_between(ticket.taken_at, at),
    }
    common.record(ticket, f"hall.{kind}", by, at, more)
    return ticket


@act
def call_chosen(window_id: UUID, ticket_id: UUID, *, reason: str, note: str = "", by: Actor, at: datetime) -> Ticket:
    """
    叫指定号: call one who waits in this hall out of turn, with a reason of CHOSEN; who was jumped sees that it was so.

    note: what is said besides; required for "other", kept with the ticket only. Calling again changes nothing. Raises
    WrongReason, WrongStep unless it waits here today, TicketOpen while somebody is at the window, WindowPaused.
    """
    if reason not in CHOSEN or (reason == "other" and not note.strip()):
        raise WrongReason(_("请选为什么先叫他；选“其他原因”的，写一句话。"))
    here = _ready(window_id, ticket_id, by, at)
    if here.ticket.status in common.OPEN and here.ticket.window_id == window_id:
        return here.ticket
    if here.ticket.status != Ticket.Status.WAITING:
        raise WrongStep(_("%(label)s 现在不在等候，叫不了。请刷新看看。") % {"label": here.ticket.label})
    pick = {"why": rules.Why.CHOSEN.value, "reason": reason, "note": note.strip()[:120]}
    return _call_him(here, "chosen", pick, by, at)


@act
def call_back(window_id: UUID, ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    回呼: call one who was held or passed to this window. Calling again changes nothing.

    Raises WrongStep unless he is held or passed today, TicketOpen while somebody is at the window, WindowPaused.
    """
    here = _ready(window_id, ticket_id, by, at)
    if here.ticket.status in common.OPEN and here.ticket.window_id == window_id:
        return here.ticket
    if here.ticket.status not in (Ticket.Status.HELD, Ticket.Status.PASSED):
        raise WrongStep(_("%(label)s 没有挂起也没有过号，不用回呼。") % {"label": here.ticket.label})
    return _call_him(here, "called_back", {"why": rules.Why.BACK.value, "from": here.ticket.status}, by, at)
