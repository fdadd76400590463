"""What all acts in a hall share: their errors, locks, who may act at a window, the record and telling the screens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from yimen.hall.models import Ticket, Window
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

CHANNEL = "yimen_hall"


OPEN = (Ticket.Status.CALLED, Ticket.Status.SERVING)


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


def with_names() -> QuerySet[Ticket]:
    return Ticket.objects.select_related("series", "window")


def lock_window(window_id: UUID) -> Window:
    """Two calls of one window queue here; the second then sees the first one's ticket."""
    return Window.objects.select_for_update(no_key=True).get(pk=window_id)


def lock_at_window(ticket_id: UUID, by: Actor) -> Ticket:
    ticket = with_names().select_for_update(of=("self",), no_key=True).get(pk=ticket_id)
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


def pass_on(ticket: Ticket, by: Actor, at: datetime) -> None:
    ticket.status = Ticket.Status.PASSED
    ticket.save(update_fields=["status"])
    record(ticket, "hall.passed", by, at, {"call_count": ticket.call_count})


def tell(hall_id: UUID) -> None:
    """The screens of the hall look again once this has been committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(hall_id)])


def record(ticket: Ticket, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None) -> None:
    data: dict[str, str | int | None] = {
        "series": ticket.series.letter,
        "label": ticket.label,
        "day": ticket.day.isoformat(),
        "window": ticket.window.number if ticket.window else None,
        **(more or {}),
    }
    ledger.record(ticket.stream, kind, region=ticket.region_id, by=by, at=at, data=data)
    tell(ticket.hall_id)


def record_window(
    window: Window, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None
) -> None:
    data: dict[str, str | int | None] = {"number": window.number, **(more or {})}
    ledger.record(f"window:{window.pk}", kind, region=window.region_id, by=by, at=at, data=data)
    tell(window.hall_id)
