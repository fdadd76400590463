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
    CHANNEL,
    TicketOpen,
    WindowPaused,
    WrongReason,
    WrongStep,
)
from yimen.hall.models import Ticket, TicketPeriod, Window
from yimen.hall.rules.reasons import CHOSEN
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
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
    window = common.lock_window(window_id)
    common.require_holder(window, by)
    _require_present(window)
    day = localdate(at)
    held, queues = _look(window, day)
    if held is not None:
        ticket = common.with_names().get(pk=held)
        ticket.window = window
        if ticket.status == Ticket.Status.SERVING:
            raise TicketOpen(_("先办完 %(label)s 再叫下一位。") % {"label": ticket.label})
        if ticket.day == day:
            return ticket
        common.pass_on(ticket, by, at)  # called on an earlier day and never closed
    called = _claim(window, queues, day, by, at)
    if called is None:
        return None
    called.window = window
    pick = called.pick or {}
    more: dict[str, str | int | None] = {
        "wait_seconds": rules.seconds_between(called.taken_at, at),
        "why": str(pick.get("why", "")),
        "first": int(called.is_priority),
    }
    if by_itself:
        more["by_itself"] = 1
    common.record(called, "hall.called", by, at, more)
    return called


def _require_present(window: Window) -> None:
    if window.paused_at is not None:
        raise WindowPaused(_("%(number)s 号窗口正在暂离，先“回来了”再叫号。") % {"number": window.number})


def _claim(window: Window, queues: list[list[rules.Head]], day: date, by: Actor, at: datetime) -> Ticket | None:
    """Take the best waiting ticket nobody else is taking; an UPDATE that finds it still waiting decides."""
    policy, tried = rules.policy_of(window.hall), list[UUID]()
    while order := rules.choices(queues, policy, run=window.run, at=at, depth=_DEPTH):
        if any(choice.head.visit for choice in order):
            try:
                with transaction.atomic():
                    found = _take(window, order, policy, by, at)
            except IntegrityError:  # the other ticket of the visit was called in this moment
                found = None
        else:
            found = _take(window, order, policy, by, at)
        if found is not None:
            return found
        tried += [choice.head.ticket_id for choice in order]
        queues = _look(window, day, tried)[1]
    return None


# The row as it was goes into undo; the run of the window counts on; the screens are told.
_CLAIM = """
WITH best AS MATERIALIZED (
    SELECT ticket.id, wanted.why
    FROM unnest(%(ids)s::uuid[], %(whys)s::text[]) WITH ORDINALITY AS wanted (id, why, place)
    JOIN hall_ticket AS ticket ON ticket.id = wanted.id
    WHERE ticket.region_id = %(region)s AND ticket.status = 'waiting'
    ORDER BY wanted.place
    LIMIT 1
    FOR UPDATE OF ticket SKIP LOCKED
), closed AS (
    UPDATE hall_ticketperiod AS period SET until_at = greatest(period.from_at, %(at)s::timestamptz)
    FROM best
    WHERE period.region_id = %(region)s AND period.ticket_id = best.id AND period.until_at IS NULL
    RETURNING period.id
), claimed AS (
    UPDATE hall_ticket AS ticket
    SET status = 'called', window_id = %(window)s::uuid, served_by_id = %(staff)s::uuid,
        called_at = coalesce(ticket.called_at, %(at)s::timestamptz), announced_at = %(at)s::timestamptz,
        call_count = ticket.call_count + 1,
        pick = %(pick)s::jsonb || jsonb_build_object('why', best.why),
        undo = %(undo)s::jsonb || jsonb_build_object('closed', (SELECT id FROM closed), 'before', jsonb_build_object(
            'status', ticket.status, 'series_id', ticket.series_id, 'window_id', ticket.window_id,
            'served_by_id', ticket.served_by_id, 'only_window_id', ticket.only_window_id,
            'called_at', ticket.called_at, 'announced_at', ticket.announced_at, 'call_count', ticket.call_count,
            'started_at', ticket.started_at, 'finished_at', ticket.finished_at, 'pick', ticket.pick))
    FROM best
    WHERE ticket.id = best.id AND ticket.region_id = %(region)s AND ticket.status = 'waiting'
    RETURNING ticket.*
), opened AS (
    INSERT INTO hall_ticketperiod (id, region_id, ticket_id, state, window_id, staff_id, from_at)
    SELECT %(period)s::uuid, %(region)s, claimed.id, %(state)s::text, %(window)s::uuid, %(staff)s::uuid,
        %(at)s::timestamptz
    FROM claimed LEFT JOIN closed ON true
), remembered AS (
    UPDATE hall_window AS here
    SET run = CASE WHEN claimed.is_priority THEN greatest(least(coalesce(here.run, 0), 0) - 1, -%(long)s::int)
        WHEN here.run IS NULL THEN %(long)s::int ELSE least(greatest(here.run, 0) + 1, %(long)s::int) END
    FROM claimed WHERE here.id = %(window)s::uuid
)
SELECT claimed.*, series.letter AS letter, pg_notify(%(channel)s::text, %(hall)s::text)::text AS told
FROM claimed JOIN hall_series AS series ON series.id = claimed.series_id
"""


def _take(window: Window, order: list[rules.Pick], policy: rules.Policy, by: Actor, at: datetime) -> Ticket | None:
    period = uuid7()
    picked = {"policy": policy.kind, "ratio": policy.ratio, "minutes": policy.ageing_minutes, "cap": policy.cap}
    note = {"verb": "called", "by": by.ledger_ref, "at": at.isoformat(), "opened": str(period), "run": window.run}
    values: dict[str, Any] = {
        "ids": [choice.head.ticket_id for choice in order],
        "whys": [choice.why.value for choice in order],
        "region": window.region_id,
        "window": window.pk,
        "staff": by.pk if isinstance(by, Staff) else window.staff_id,
        "at": at,
        "pick": json.dumps(picked),
        "undo": json.dumps(note),
        "period": period,
        "state": TicketPeriod.State.CALLED.value,
        "long": rules.LONG,
        "channel": CHANNEL,
        "hall": str(window.hall_id),
    }
    found = list(Ticket.objects.raw(_CLAIM, values))
    return found[0] if found else None


# One index scan a series and class, the partial index is in calling order; also the series of a window this one stands
# in for, what was sent here from elsewhere, and (last) whom the window has in front of it.
_HEADS = """
WITH mine AS (
    SELECT %(window)s::uuid AS id
    UNION SELECT window_id FROM hall_windowpause WHERE by_window_id = %(window)s::uuid AND until_at IS NULL
), held AS MATERIALIZED (
    SELECT skill_id FROM hall_staffskill
    WHERE region_id = %(region)s AND from_day <= %(day)s::date AND (until_day IS NULL OR until_day >= %(day)s::date)
        AND staff_id IN (
            SELECT %(staff)s::uuid UNION SELECT staff_id FROM hall_windowpause
            WHERE (by_window_id = %(window)s::uuid OR window_id = %(window)s::uuid) AND until_at IS NULL)
)
SELECT head.id, head.series_id, head.queue_at, head.number, head.is_priority, false, head.visit, false
FROM (SELECT DISTINCT series_id FROM hall_window_series WHERE window_id IN (SELECT id FROM mine)) AS link
CROSS JOIN (VALUES (false), (true)) AS class (is_priority)
CROSS JOIN LATERAL (
    SELECT ticket.id, ticket.series_id, ticket.queue_at, ticket.number, ticket.is_priority, ticket.visit
    FROM hall_ticket AS ticket
    WHERE ticket.region_id = %(region)s AND ticket.series_id = link.series_id AND ticket.day = %(day)s::date
        AND ticket.status = 'waiting' AND ticket.is_priority = class.is_priority AND ticket.only_window_id IS NULL
        AND (ticket.skill_id IS NULL OR ticket.skill_id IN (SELECT skill_id FROM held))
        AND (ticket.visit IS NULL OR NOT EXISTS (
            SELECT 1 FROM hall_ticket AS other WHERE other.region_id = ticket.region_id AND other.visit = ticket.visit
                AND other.status IN ('called', 'serving')))
        AND ticket.id <> ALL (%(tried)s::uuid[])
    ORDER BY ticket.queue_at, ticket.number
    LIMIT %(depth)s
) AS head
UNION ALL
SELECT ticket.id, NULL, ticket.queue_at, ticket.number, ticket.is_priority, true, ticket.visit, false
FROM hall_ticket AS ticket
WHERE ticket.region_id = %(region)s AND ticket.only_window_id IN (SELECT id FROM mine) AND ticket.status = 'waiting'
    AND ticket.day = %(day)s::date AND ticket.id <> ALL (%(tried)s::uuid[])
UNION ALL
SELECT ticket.id, NULL, ticket.queue_at, ticket.number, false, false, NULL, true
FROM hall_ticket AS ticket
WHERE ticket.region_id = %(region)s AND ticket.window_id = %(window)s::uuid AND ticket.status IN ('called', 'serving')
"""


def heads_of(window: Window, day: date, tried: list[UUID]) -> tuple[str, dict[str, Any]]:
    """Return the statement that looks at the queues, with its values."""
    return _HEADS, {
        "window": window.pk,
        "staff": window.staff_id,
        "region": window.region_id,
        "day": day,
        "tried": tried,
        "depth": _DEPTH,
    }


def _look(window: Window, day: date, tried: list[UUID] | None = None) -> tuple[UUID | None, list[list[rules.Head]]]:
    """Return whom the window has in front of it, and the first few of each queue it calls, in order."""
    queues: dict[tuple[UUID | None, bool], list[rules.Head]] = {}
    present: UUID | None = None
    with connection.cursor() as cursor:
        cursor.execute(*heads_of(window, day, tried or []))
        for ticket_id, series_id, queue_at, number, is_priority, is_moved, visit, is_open in cursor.fetchall():
            if is_open:
                present = ticket_id
                continue
            head = rules.Head(
                ticket_id, series_id or window.pk, queue_at, number, is_priority, is_moved=is_moved, visit=visit
            )
            queues.setdefault((series_id, is_priority), []).append(head)
    for queue in queues.values():
        queue.sort(key=lambda head: (head.queue_at, head.number))
    return present, list(queues.values())


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
