"""Writes: taking a ticket, signing in at a window, calling and what follows a call."""

from __future__ import annotations

import re
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case
from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.models import Series, Ticket, Window, WindowPause
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.errors import DomainError
from yimen.people import access, covers
from yimen.people.models import Applicant, Staff

CHANNEL = "yimen_hall"
OPEN = (Ticket.Status.CALLED, Ticket.Status.SERVING)
# How far down each queue one call looks when other windows hold the tickets before.
_DEPTH = 8


class SeriesClosed(DomainError):
    """No numbers are given in this series now."""


class WrongPhoneEnd(DomainError):
    """Not the last four digits of a telephone number."""


class WindowTaken(DomainError):
    """Somebody else, or the same person elsewhere, is signed in."""


class NotAtWindow(DomainError):
    """Only whoever is signed in at a window may act there."""


class WindowPaused(DomainError):
    """Nobody sits at the window for a while."""


class TicketOpen(DomainError):
    """The window still has somebody in front of it."""


class WrongReason(DomainError):
    """Not one of the reasons for which somebody leaves a window for a while."""


class WrongStep(DomainError):
    """The ticket is not where this act begins."""


@transaction.atomic
def take_ticket(
    series_id: UUID,
    *,
    by: Actor,
    at: datetime,
    source: str,
    item: ServiceItem | None = None,
    applicant: Applicant | None = None,
    phone_last_four: str = "",
) -> Ticket:
    """
    Give the next number of a series on the local day of `at`; without gaps, whoever fails gives theirs back.

    Citizens take one as ledger.PUBLIC or as themselves; staff need hall.take. The web limits how often.
    Raises Series.DoesNotExist, SeriesClosed, WrongPhoneEnd, access.NotAllowed.
    """
    series = Series.objects.get(pk=series_id)
    if isinstance(by, Staff):
        access.require(by, "hall.take", region=series.region_id)
    if phone_last_four and not re.fullmatch("[0-9]{4}", phone_last_four):
        raise WrongPhoneEnd(_("手机尾号是 4 个数字，也可以不填。"))
    if not series.is_open:
        raise SeriesClosed(_("%(name)s现在不取号。请问一下导办员，或换一类业务。") % {"name": series.name})
    day = localdate(at)
    number, taken_at = _next_number(series, day, at)
    ticket = Ticket.objects.create(
        region_id=series.region_id,
        hall_id=series.hall_id,
        series=series,
        day=day,
        number=number,
        label=rules.label(series.letter, number),
        source=source,
        item=item,
        applicant=applicant,
        phone_last_four=phone_last_four,
        taken_at=taken_at,
    )
    _record(ticket, "hall.taken", by, at, {"source": str(source), "item": str(item.pk) if item else None})
    return ticket


def _next_number(series: Series, day: date, at: datetime) -> tuple[int, datetime]:
    """Count on under the counter's row lock; times follow the numbers even when `at` arrives out of order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hall_ticketcounter AS known (region_id, series_id, day, value, last_at)"
            " VALUES (%s, %s, %s, 1, %s)"
            " ON CONFLICT (region_id, series_id, day) DO UPDATE"
            " SET value = known.value + 1, last_at = greatest(known.last_at, excluded.last_at)"
            " RETURNING value, last_at",
            [series.region_id, series.pk, day, at],
        )
        number, last_at = cursor.fetchone()
    return number, last_at


@transaction.atomic
def sign_in(window_id: UUID, *, by: Staff, at: datetime) -> Window:
    """
    Open a window with `by` behind it. Signing in again where one sits changes nothing.

    Raises WindowTaken when somebody else sits there or `by` sits elsewhere, Window.DoesNotExist.
    """
    window = _lock_window(window_id)
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
    _record_window(window, "hall.window_opened", by, at)
    return window


@transaction.atomic
def sign_out(window_id: UUID, *, by: Staff, at: datetime) -> Window:
    """
    Close a window; whoever sits there, or a hall manager for him. A closed window stays closed.

    Raises TicketOpen, naming it, while somebody is being served; NotAtWindow.
    """
    window = _lock_window(window_id)
    if window.staff_id is None:
        return window
    _require_holder(window, by)
    held = _open_ticket(window)
    if held is not None:
        raise TicketOpen(_("先办完 %(label)s 再签退。") % {"label": held.label})
    for pause in WindowPause.objects.filter(window=window, until_at=None).select_related("cover"):
        _end_pause(pause, window, by, at)
    for pause in WindowPause.objects.filter(by_window=window, until_at=None).select_related("cover"):
        _lose_stand_in(pause, by, at)
    window.staff, window.opened_at, window.paused_at = None, None, None
    window.save(update_fields=["staff", "opened_at", "paused_at"])
    _record_window(window, "hall.window_closed", by, at)
    return window


@transaction.atomic
def pause(window_id: UUID, *, reason: str, by: Actor, at: datetime) -> WindowPause:
    """
    暂离: whoever sits at a window is away for a while; the B post set for him takes over what waits (HALL-6).

    B's own window in the same hall calls these queues too, from then on; B without a window sits down here. Somebody
    called who has not sat down yet waits again, first in line. Nobody set, or B away too: the queues wait for the
    windows that share them. Pausing again changes nothing. Raises TicketOpen while somebody is being served,
    WrongReason, WrongStep at a closed window, NotAtWindow.
    """
    window = _lock_window(window_id)
    known = WindowPause.objects.filter(window=window, until_at=None).first()
    if known is not None:
        return known
    if window.staff_id is None:
        raise WrongStep(_("%(number)s 号窗口现在没有人，不用暂离。") % {"number": window.number})
    _require_holder(window, by)
    if reason not in WindowPause.Reason.values:
        raise WrongReason(_("请选择为什么暂离。"))
    held = _open_ticket(window)
    if held is not None and held.status == Ticket.Status.SERVING:
        raise TicketOpen(_("先办完 %(label)s 再暂离。") % {"label": held.label})
    if held is not None:
        held.status, held.window = Ticket.Status.WAITING, None
        held.save(update_fields=["status", "window"])
        _record(held, "hall.put_back", by, at)
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
    data: dict[str, str | int | None] = {"reason": reason, "stand_in": str(stand_in.pk) if stand_in else None}
    data["by_window"] = seat.number if seat else None
    _record_window(window, "hall.window_paused", by, at, data)
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


@transaction.atomic
def resume(window_id: UUID, *, by: Actor, at: datetime) -> Window:
    """
    回来了: the pause of a window ends, with it B's authority; whoever was away, his B or a hall manager.

    Without a pause nothing changes. Raises TicketOpen while B serves somebody here, WindowTaken when A sits elsewhere.
    """
    window = _lock_window(window_id)
    found = (
        WindowPause.objects.filter(window=window, until_at=None).select_related("cover", "staff", "stand_in").first()
    )
    if found is None:
        return window
    if by not in (found.staff, found.stand_in):
        _require_holder(window, by)
    held = _open_ticket(window)
    if held is not None and held.status == Ticket.Status.SERVING:
        raise TicketOpen(_("先办完 %(label)s 再换人。") % {"label": held.label})
    elsewhere = Window.objects.filter(region_id=window.region_id, staff=found.staff).exclude(pk=window.pk).first()
    if elsewhere is not None:
        raise WindowTaken(
            _("%(name)s在 %(number)s 号窗口，先在那里签退。") % {"name": found.staff.name, "number": elsewhere.number}
        )
    _end_pause(found, window, by, at)
    window.staff, window.paused_at = found.staff, None
    window.save(update_fields=["staff", "paused_at"])
    return window


def _end_pause(pause: WindowPause, window: Window, by: Actor, at: datetime) -> None:
    pause.until_at = max(at, pause.from_at)
    pause.save(update_fields=["until_at"])
    if pause.cover is not None:
        covers.end(pause.cover.pk, by=by, at=at)
    seconds = rules.seconds_between(pause.from_at, at)
    _record_window(window, "hall.window_resumed", by, at, {"reason": pause.reason, "seconds": seconds})


def _lose_stand_in(pause: WindowPause, by: Actor, at: datetime) -> None:
    """B has gone home before A came back: A's queues wait again, and B's authority ends."""
    pause.by_window = None
    pause.save(update_fields=["by_window"])
    if pause.cover is not None:
        covers.end(pause.cover.pk, by=by, at=at)


@transaction.atomic
def call_next(window_id: UUID, *, by: Actor, at: datetime) -> Ticket | None:
    """
    Call the next ticket to a window and return it; None when nobody is waiting.

    Calling again before the person has sat down returns the same ticket and calls nobody: an answer lost on the way
    is asked for again (assurance lesson 1). A series closed for new numbers is still called until it is empty (HALL-7).
    Raises TicketOpen while a ticket is being served, WindowPaused, NotAtWindow, access.NotAllowed, Window.DoesNotExist.
    """
    window = _lock_window(window_id)
    _require_holder(window, by)
    if window.paused_at is not None:
        raise WindowPaused(_("%(number)s 号窗口正在暂离，先“回来了”再叫号。") % {"number": window.number})
    day = localdate(at)
    held = _open_ticket(window)
    if held is not None and held.status == Ticket.Status.SERVING:
        raise TicketOpen(_("先办完 %(label)s 再叫下一位。") % {"label": held.label})
    if held is not None and held.day == day:
        return held
    if held is not None:  # called on an earlier day and never closed
        _pass(held, by, at)
    ticket_id = _claim(window, day, by, at)
    if ticket_id is None:
        return None
    ticket = Ticket.objects.select_related("series").get(pk=ticket_id)
    ticket.window = window
    _record(ticket, "hall.called", by, at, {"wait_seconds": rules.seconds_between(ticket.taken_at, at)})
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
SELECT head.id, head.series_id, head.taken_at, head.number
FROM (
    SELECT DISTINCT series_id FROM hall_window_series
    WHERE window_id = %s
        OR window_id IN (SELECT window_id FROM hall_windowpause WHERE by_window_id = %s AND until_at IS NULL)
) AS link
CROSS JOIN LATERAL (
    SELECT ticket.id, ticket.series_id, ticket.taken_at, ticket.number
    FROM hall_ticket AS ticket
    WHERE ticket.region_id = %s AND ticket.series_id = link.series_id AND ticket.day = %s AND ticket.status = 'waiting'
        AND ticket.id <> ALL (%s::uuid[])
    ORDER BY ticket.taken_at, ticket.number
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


@transaction.atomic
def recall(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """重呼: announce a called ticket again. Raises WrongStep unless it is called and not yet served."""
    ticket = _lock_at_window(ticket_id, by)
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 现在不用再叫。") % {"label": ticket.label})
    ticket.announced_at, ticket.call_count = at, ticket.call_count + 1
    ticket.save(update_fields=["announced_at", "call_count"])
    _record(ticket, "hall.recalled", by, at, {"call_count": ticket.call_count})
    return ticket


@transaction.atomic
def start(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """The person has sat down. Starting again changes nothing; raises WrongStep unless it was called."""
    ticket = _lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.SERVING:
        return ticket
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 还没叫到窗口，不能开始办。") % {"label": ticket.label})
    ticket.status, ticket.started_at = Ticket.Status.SERVING, at
    ticket.save(update_fields=["status", "started_at"])
    _record(ticket, "hall.started", by, at, {"walk_seconds": rules.seconds_between(ticket.called_at, at)})
    return ticket


@transaction.atomic
def finish(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """办完: close a called or serving ticket. Finishing again changes nothing; raises WrongStep otherwise."""
    ticket = _lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.FINISHED:
        return ticket
    if ticket.status not in OPEN:
        raise WrongStep(_("%(label)s 不在窗口，办完不了。") % {"label": ticket.label})
    ticket.status, ticket.finished_at = Ticket.Status.FINISHED, at
    ticket.save(update_fields=["status", "finished_at"])
    served = rules.seconds_between(ticket.started_at or ticket.called_at, at)
    _record(ticket, "hall.finished", by, at, {"service_seconds": served})
    return ticket


@transaction.atomic
def pass_over(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """过号: nobody came. Passing again changes nothing; raises WrongStep unless the ticket is called."""
    ticket = _lock_at_window(ticket_id, by)
    if ticket.status == Ticket.Status.PASSED:
        return ticket
    if ticket.status != Ticket.Status.CALLED:
        raise WrongStep(_("%(label)s 已经在办，不能过号。") % {"label": ticket.label})
    _pass(ticket, by, at)
    return ticket


@transaction.atomic
def put_back(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    Let a passed ticket wait again with the time it was taken, so that it comes next: a passed number is not lost.

    Raises WrongStep unless it is passed and of today.
    """
    ticket = _with_names().select_for_update(of=("self",)).get(pk=ticket_id)
    access.require(by, "hall.take", region=ticket.region_id)
    if ticket.status == Ticket.Status.WAITING:
        return ticket
    if ticket.status != Ticket.Status.PASSED or ticket.day != localdate(at):
        raise WrongStep(_("只有今天过号的才能接着等，%(label)s 不是。") % {"label": ticket.label})
    ticket.status, ticket.window = Ticket.Status.WAITING, None
    ticket.save(update_fields=["status", "window"])
    _record(ticket, "hall.put_back", by, at)
    return ticket


@transaction.atomic
def link_case(ticket_id: UUID, case: Case, *, by: Actor, at: datetime) -> Ticket:
    """Note which case came of an open ticket. Linking it again changes nothing; WrongStep for a second case."""
    ticket = _lock_at_window(ticket_id, by)
    if ticket.case_id == case.pk:
        return ticket
    if ticket.case_id is not None:
        raise WrongStep(_("%(label)s 已经收过一件了，再办一件请另取一个号。") % {"label": ticket.label})
    if ticket.region_id != case.region_id or ticket.status not in OPEN:
        raise WrongStep(_("%(label)s 不在窗口，收件挂不上。") % {"label": ticket.label})
    ticket.case = case
    ticket.save(update_fields=["case"])
    _record(ticket, "hall.linked", by, at, {"case": case.stream})
    return ticket


def _pass(ticket: Ticket, by: Actor, at: datetime) -> None:
    ticket.status = Ticket.Status.PASSED
    ticket.save(update_fields=["status"])
    _record(ticket, "hall.passed", by, at, {"call_count": ticket.call_count})


def _with_names() -> QuerySet[Ticket]:
    return Ticket.objects.select_related("series", "window")


def _lock_window(window_id: UUID) -> Window:
    """Two calls of one window queue here; the second then sees the first one's ticket."""
    return Window.objects.select_for_update(no_key=True).get(pk=window_id)


def _lock_at_window(ticket_id: UUID, by: Actor) -> Ticket:
    ticket = _with_names().select_for_update(of=("self",), no_key=True).get(pk=ticket_id)
    if ticket.window is None:
        access.require(by, "hall.call", region=ticket.region_id)
    else:
        _require_holder(ticket.window, by)
    return ticket


def _open_ticket(window: Window) -> Ticket | None:
    ticket = Ticket.objects.filter(region_id=window.region_id, window=window, status__in=OPEN).first()
    if ticket is not None:
        ticket.window = window
    return ticket


def _require_holder(window: Window, by: Actor) -> None:
    """The person signed in acts at a window; a hall manager may tidy up for him."""
    if by is SYSTEM or access.allowed(by, "hall.manage", region=window.region_id):
        return
    access.require(by, "hall.call", region=window.region_id)
    if not isinstance(by, Staff) or window.staff_id != by.pk:
        raise NotAtWindow(_("您没有在 %(number)s 号窗口签到，先签到再办。") % {"number": window.number})


def tell(hall_id: UUID) -> None:
    """The screens of the hall look again once this has been committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(hall_id)])


def _record(
    ticket: Ticket, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None
) -> None:
    data: dict[str, str | int | None] = {
        "series": ticket.series.letter,
        "label": ticket.label,
        "day": ticket.day.isoformat(),
        "window": ticket.window.number if ticket.window else None,
        **(more or {}),
    }
    ledger.record(ticket.stream, kind, region=ticket.region_id, by=by, at=at, data=data)
    tell(ticket.hall_id)


def _record_window(
    window: Window, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None
) -> None:
    data: dict[str, str | int | None] = {"number": window.number, **(more or {})}
    ledger.record(f"window:{window.pk}", kind, region=window.region_id, by=by, at=at, data=data)
    tell(window.hall_id)
