"""What all acts in a hall share: their errors, locks, who may act at a window, the record and telling the screens."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from yimen.hall.models import Hall, Series, Ticket, TicketPeriod, Window
from yimen.hall.news import tell
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib import acts
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7
from yimen.lib.reading import Given, Question
from yimen.people import access
from yimen.people.models import Staff

OPEN = (Ticket.Status.CALLED, Ticket.Status.SERVING)
# States with a period; in the others the visit is over or has not gone on yet.
STATES: dict[str, str] = {
    Ticket.Status.WAITING: TicketPeriod.State.WAITING,
    Ticket.Status.CALLED: TicketPeriod.State.CALLED,
    Ticket.Status.SERVING: TicketPeriod.State.SERVING,
    Ticket.Status.HELD: TicketPeriod.State.HELD,
}
# What a verb may change, and its undoing puts back.
KEPT = (
    "status", "series_id", "window_id", "served_by_id", "only_window_id", "called_at", "announced_at", "call_count",
    "started_at", "finished_at", "pick",
)  # fmt: skip


class SeriesClosed(DomainError):
    """No numbers are given in this series now."""


class SeriesFull(DomainError):
    """All numbers of the day have been given."""


class AlreadyWaiting(DomainError):
    """This person holds a waiting number of the series."""


class WrongCare(DomainError):
    """Not one of the kinds of special care."""


class WrongPhoneEnd(DomainError):
    """Not the last four digits of a telephone number."""


class WindowTaken(DomainError):
    """Somebody else, or the same person elsewhere, is signed in."""


class NotOpenYet(DomainError):
    """Not within the hours in which somebody may sit down at a window."""


class NotAtWindow(DomainError):
    """Only whoever is signed in at a window may act there."""


class WindowPaused(DomainError):
    """Nobody sits at the window for a while."""


class TicketOpen(DomainError):
    """The window still has somebody in front of it."""


class WrongReason(DomainError):
    """Not one of the reasons for which this is done."""


class WrongStep(DomainError):
    """The ticket is not where this act begins."""


class NothingToUndo(DomainError):
    """Too late, or somebody has acted since."""


def with_names() -> QuerySet[Ticket]:
    return Ticket.objects.select_related("series", "window", "hall")


def lock_window(window_id: UUID) -> Window:
    """Two calls of one window queue here; the second then sees the first one's ticket. Always before a ticket."""
    for window in _LOCKED_WINDOW.ask(window=window_id):
        return cast(Window, window)
    raise Window.DoesNotExist


_LOCKED_WINDOW = Question(
    lambda: (
        Window.objects.select_for_update(of=("self",), no_key=True).select_related("hall").filter(pk=Given("window"))
    )
)
_LOCKED_TICKET = Question(lambda: with_names().select_for_update(of=("self",), no_key=True).filter(pk=Given("ticket")))


def lock_ticket(ticket_id: UUID) -> Ticket:
    """Raises Ticket.DoesNotExist."""
    for ticket in _LOCKED_TICKET.ask(ticket=ticket_id):
        return cast(Ticket, ticket)
    raise Ticket.DoesNotExist


def lock_at_window(ticket_id: UUID, by: Actor) -> Ticket:
    ticket = lock_ticket(ticket_id)
    if ticket.window is None:
        access.require(by, "hall.call", region=ticket.region_id)
    else:
        require_holder(ticket.window, by)
    return ticket


def open_ticket(window: Window) -> Ticket | None:
    ticket = Ticket.objects.filter(region_id=window.region_id, window=window, status__in=OPEN).first()
    if ticket is not None:
        ticket.window = window
    return ticket


def require_holder(window: Window, by: Actor) -> None:
    """The person signed in acts at a window; a hall manager may tidy up for him."""
    if by is SYSTEM or access.allowed(by, "hall.manage", region=window.region_id):
        return
    access.require(by, "hall.call", region=window.region_id)
    if not isinstance(by, Staff) or window.staff_id != by.pk:
        raise NotAtWindow(_("您没有在 %(number)s 号窗口签到，先签到再办。") % {"number": window.number})


def require_free(window: Window) -> None:
    """The next person comes after the present one is finished, held or passed. Raises TicketOpen."""
    held = open_ticket(window)
    if held is not None:
        raise TicketOpen(_("先办完 %(label)s 再叫下一位。") % {"label": held.label})


def twin(ticket: Ticket, series: Series | None = None) -> Ticket | None:
    """Return the other ticket with which the same person waits, or is held, in this queue or in `series` today."""
    if ticket.id_index is None:
        return None
    return (
        Ticket.objects.filter(
            region_id=ticket.region_id,
            series=series or ticket.series_id,
            day=ticket.day,
            id_index=ticket.id_index,
            status__in=[Ticket.Status.WAITING, Ticket.Status.HELD],
        )
        .exclude(pk=ticket.pk)
        .first()
    )


def refuse_twin(ticket: Ticket, series: Series | None = None) -> None:
    """One waiting ticket a person and queue. Raises WrongStep."""
    if other := twin(ticket, series):
        raise WrongStep(_("他在这一队已经有 %(label)s 在等，那个号照常叫，这个号不用再排。") % {"label": other.label})


def let_both(ticket: Ticket) -> None:
    """
    Before a ticket at a window goes back to its queue or is held: should the same person have taken another since,
    both wait, and this one is no longer known by the person's card.
    """
    if twin(ticket):
        Ticket.objects.filter(region_id=ticket.region_id, pk=ticket.pk).update(id_index=None)
        ticket.id_index = None


def pass_on(ticket: Ticket, by: Actor, at: datetime) -> None:
    move(ticket, "passed", by=by, at=at, status=Ticket.Status.PASSED)
    record(ticket, "hall.passed", by, at, {"call_count": ticket.call_count})


# The columns hall_move() writes.
MOVED = frozenset(
    {*KEPT, "queue_at", "put_off_at", "care", "is_priority", "grant_id", "case_id", "visit"}
)  # fmt: skip


def move(ticket: Ticket, verb: str, *, by: Actor, at: datetime, undoable: bool = True, **changes: Any) -> None:
    """
    Change a locked ticket: its row, its period and what undoes it, in one call; inside an act together with its ledger
    row. The screens are told.

    changes: columns of MOVED by attribute name. A new period begins where the status changes; the old values go into
    `undo`, unless undoable is False, which takes away what was undoable before.
    """
    if unknown := changes.keys() - MOVED:
        raise ValueError(f"hall_move() does not write {sorted(unknown)}")
    before = {name: getattr(ticket, name) for name in KEPT}
    is_new = "status" in changes and changes["status"] != ticket.status
    for name, value in changes.items():
        setattr(ticket, name, value)
    state = STATES.get(ticket.status) if is_new else None
    period = uuid7() if state else None
    note = _note(verb, by, at, before, period) if undoable else None
    acts.tell(
        "hall_move(%s, %s::jsonb, %s, %s::jsonb, %s::uuid, %s::text, %s)",
        [
            ticket.pk,
            json.dumps({name: plain(value) for name, value in changes.items()}),
            is_new,
            json.dumps(note) if note else None,
            period,
            state,
            at,
        ],
    )
    tell(ticket.hall_id)
    ticket.undo = note


def plain(value: Any) -> Any:
    """A column's value as JSON carries it to the database."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    return value


def _note(verb: str, by: Actor, at: datetime, before: dict[str, Any], period: UUID | None) -> dict[str, Any]:
    """What undoes a verb. `closed`, the period it ended, is known only in the statement itself."""
    opened = str(period) if period else None
    known = {name: plain(value) for name, value in before.items()}
    return {"verb": verb, "by": by.ledger_ref, "at": at.isoformat(), "before": known, "opened": opened}


def record(ticket: Ticket, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None) -> None:
    """The ledger's row of a verb; `move` has told the screens. A claimed ticket brings its series' letter along."""
    data: dict[str, str | int | None] = {
        "series": getattr(ticket, "letter", None) or ticket.series.letter,
        "label": ticket.label,
        "day": ticket.day.isoformat(),
        "window": ticket.window.number if ticket.window else None,
        **(more or {}),
    }
    ledger.note(ticket.stream, kind, region=ticket.region_id, by=by, at=at, data=data)


def record_window(
    window: Window, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None
) -> None:
    data: dict[str, str | int | None] = {"number": window.number, **(more or {})}
    ledger.note(f"window:{window.pk}", kind, region=window.region_id, by=by, at=at, data=data)
    tell(window.hall_id)


def give_work(hall: Hall, at: datetime) -> None:
    """After this act is committed, idle windows of the hall get the next person, if the hall is set so."""
    if hall.calls_by_itself:
        from yimen.hall.actions.by_itself import fill  # it calls, and calling needs this module

        transaction.on_commit(partial(fill, hall.pk, at))
