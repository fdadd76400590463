"""Writes: calling the next person to a window."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall import rules
from yimen.hall.actions import common
from yimen.hall.actions.common import (
    TicketOpen,
    WindowPaused,
)
from yimen.hall.models import Ticket, Window
from yimen.ledger.actions import Actor
from yimen.people.models import Staff

# How far down each queue one call looks when other windows hold the tickets before.
_DEPTH = 8


@transaction.atomic
def call_next(window_id: UUID, *, by: Actor, at: datetime) -> Ticket | None:
    """
    Call the next ticket to a window and return it; None when nobody is waiting.

    Calling again before the person has sat down returns the same ticket and calls nobody: an answer lost on the way
    is asked for again (assurance lesson 1). A series closed for new numbers is still called until it is empty (HALL-7).
    Raises TicketOpen while a ticket is being served, WindowPaused, NotAtWindow, access.NotAllowed, Window.DoesNotExist.
    """
    window = common.lock_window(window_id)
    common.require_holder(window, by)
    if window.paused_at is not None:
        raise WindowPaused(_("%(number)s 号窗口正在暂离，先“回来了”再叫号。") % {"number": window.number})
    day = localdate(at)
    held = common.open_ticket(window)
    if held is not None and held.status == Ticket.Status.SERVING:
        raise TicketOpen(_("先办完 %(label)s 再叫下一位。") % {"label": held.label})
    if held is not None and held.day == day:
        return held
    if held is not None:  # called on an earlier day and never closed
        common.pass_on(held, by, at)
    ticket_id = _claim(window, day, by, at)
    if ticket_id is None:
        return None
    ticket = Ticket.objects.select_related("series").get(pk=ticket_id)
    ticket.window = window
    common.record(ticket, "hall.called", by, at, {"wait_seconds": rules.seconds_between(ticket.taken_at, at)})
    return ticket


def _claim(window: Window, day: date, by: Actor, at: datetime) -> UUID | None:
    """Take the best waiting ticket nobody else is taking; an UPDATE that finds it still waiting decides."""
    tried: list[UUID] = []
    while order := rules.calling_order(_queues(window, day, tried)):
        candidates = [head.ticket_id for head in order]
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                [
                    candidates,
                    window.region_id,
                    Ticket.Status.WAITING,
                    Ticket.Status.CALLED,
                    window.pk,
                    by.pk if isinstance(by, Staff) else None,
                    at,
                    at,
                    window.region_id,
                    Ticket.Status.WAITING,
                ],
            )
            row = cursor.fetchone()
        if row:
            ticket_id: UUID = row[0]
            return ticket_id
        tried += candidates
    return None


_CLAIM = """
WITH best AS MATERIALIZED (
    SELECT ticket.id
    FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted (id, place)
    JOIN hall_ticket AS ticket ON ticket.id = wanted.id
    WHERE ticket.region_id = %s AND ticket.status = %s
    ORDER BY wanted.place
    LIMIT 1
    FOR UPDATE OF ticket SKIP LOCKED
)
UPDATE hall_ticket AS ticket
SET status = %s, window_id = %s, served_by_id = %s, called_at = coalesce(ticket.called_at, %s), announced_at = %s,
    call_count = ticket.call_count + 1
FROM best
WHERE ticket.id = best.id AND ticket.region_id = %s AND ticket.status = %s
RETURNING ticket.id
"""


# One index scan a series, the partial index is in calling order; also the series of a window this one stands in for.
_HEADS = """
SELECT head.id, head.series_id, head.queue_at, head.number
FROM (
    SELECT DISTINCT series_id FROM hall_window_series
    WHERE window_id = %s
        OR window_id IN (SELECT window_id FROM hall_windowpause WHERE by_window_id = %s AND until_at IS NULL)
) AS link
CROSS JOIN (VALUES (false), (true)) AS class (is_priority)
CROSS JOIN LATERAL (
    SELECT ticket.id, ticket.series_id, ticket.queue_at, ticket.number
    FROM hall_ticket AS ticket
    WHERE ticket.region_id = %s AND ticket.series_id = link.series_id AND ticket.day = %s AND ticket.status = 'waiting'
        AND ticket.is_priority = class.is_priority AND ticket.id <> ALL (%s::uuid[])
    ORDER BY ticket.queue_at, ticket.number
    LIMIT %s
) AS head
"""


def _queues(window: Window, day: date, tried: list[UUID]) -> list[list[rules.Head]]:
    """The first few of each series this window calls, in order."""
    queues: dict[UUID, list[rules.Head]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HEADS, [window.pk, window.pk, window.region_id, day, tried, _DEPTH])
        for row in cursor.fetchall():
            queues.setdefault(row[1], []).append(rules.Head(*row))
    return list(queues.values())
