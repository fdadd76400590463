"""Tickets and calls: citizens take and follow, staff at a window call and finish."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Header, Path, Router, Schema, Status
from ninja.security import APIKeyCookie
from pydantic import Field, StringConstraints

from yimen.catalog.models import ServiceItem
from yimen.hall import actions, queries
from yimen.hall.models import Series, Ticket
from yimen.ledger.actions import PUBLIC, Actor
from yimen.ledger.once import Answer, once
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff, User
from yimen.web import waits
from yimen.web.api import refusals
from yimen.web.errors import api_error
from yimen.web.kiosk.views import address_of, tickets_limit

router = Router(tags=["hall"])


class StaffSession(APIKeyCookie):
    """The session of somebody on the staff, with the CSRF token on everything that writes."""

    param_name = settings.SESSION_COOKIE_NAME

    def _get_key(self, request: HttpRequest) -> str | None:
        return super()._get_key(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Staff | None:
        user = request.user
        staff = getattr(user, "staff", None) if isinstance(user, User) else None
        if isinstance(user, User) and user.must_change_password:
            raise access.NotAllowed(_("请先在登录页把初始密码改成自己的，再来办事。"))
        return staff if isinstance(staff, Staff) and user.is_active else None


Code = Annotated[str, StringConstraints(pattern=r"^[-a-zA-Z0-9_]{1,20}$"), Path()]
Key = Annotated[str, StringConstraints(min_length=8, max_length=80, pattern=r"^[\x21-\x7e]+$")]


class Problem(Schema):
    error: str
    code: str


class TicketRequest(Schema):
    series: str = Field(pattern="^[A-Za-z0-9]{1,2}$", description="the letter of the series, A")
    item: UUID | None = None
    phone_last_four: str = Field("", max_length=4)


class WaitOut(Schema):
    """Whole minutes from now, [from, to]: half of all waits lie in likely, nine in ten in almost_sure."""

    likely: tuple[int, int]
    almost_sure: tuple[int, int]


class TicketOut(Schema):
    """wait: until it is called; null when nobody can say or it does not wait."""

    id: UUID
    label: str
    status: str
    series: str
    day: str
    taken_at: datetime
    window: int | None
    people_ahead: int
    wait: WaitOut | None
    follow_url: str


class CallOut(Schema):
    ticket: TicketOut | None


class FinishRequest(Schema):
    ticket: UUID | None = Field(None, description="the ticket meant; without it, the one at the window")


class NoOpenTicket(DomainError):
    """Nobody is at the window."""


def _shown(ticket: Ticket) -> dict[str, Any]:
    ahead = queries.ahead_of(ticket)
    return {
        "id": str(ticket.pk),
        "label": ticket.label,
        "status": str(ticket.status),
        "series": ticket.series.letter,
        "day": ticket.day.isoformat(),
        "taken_at": ticket.taken_at.isoformat(),
        "window": ticket.window.number if ticket.window else None,
        "people_ahead": ahead.people,
        "wait": waits.as_json(waits.of_ticket(ticket, timezone.now())),
        "follow_url": f"/t/{ticket.pk}/",
    }


def _keyed(
    request: HttpRequest, act: str, key: str, by: Actor, produce: Callable[[], dict[str, Any]], status: int
) -> HttpResponse | Status[Any]:
    """The same key and body give the same status and body; another body is 422."""
    body = f"{request.get_full_path()}\n".encode() + request.body
    answer = once(act, key, by=by, at=timezone.now(), body=body, produce=lambda: Answer(status, produce()))
    if answer.status != status:
        return refusals.answer(str(answer.body["code"]), str(answer.body["error"]))
    return Status(status, answer.body)


_REFUSALS = {400: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem, 503: Problem}


@router.post("/halls/{hall}/tickets", response={201: TicketOut, 415: Problem, 429: Problem, **_REFUSALS})
def take_ticket(
    request: HttpRequest, hall: Code, wanted: TicketRequest, idempotency_key: Annotated[Key, Header()]
) -> Any:
    """Take a ticket. The Idempotency-Key decides: asking again with it gives the same ticket."""
    if request.content_type != "application/json":
        return api_error(415, "json_needed", _("请用 JSON 提交。"))
    if not tickets_limit.allows(address_of(request)):
        response = api_error(429, "too_many", _("刚才取号的人太多，请稍等半分钟再试。"))
        response["Retry-After"] = "30"
        return response
    place = queries.get_hall(hall)
    series = Series.objects.get(region_id=place.region_id, hall=place, letter=wanted.series)
    item = ServiceItem.objects.get(region_id=place.region_id, pk=wanted.item) if wanted.item else None

    # Made here if need be, so that nobody who takes a number waits for it behind the counter's lock.
    waits.of_hall(place, timezone.now())

    def produce() -> dict[str, Any]:
        ticket = actions.take_ticket(
            series.pk,
            by=PUBLIC,
            at=timezone.now(),
            source=Ticket.Source.WEB,
            item=item,
            phone_last_four=wanted.phone_last_four,
        )
        return _shown(ticket)

    return _keyed(request, "hall.take", idempotency_key, PUBLIC, produce, 201)


@router.get("/tickets/{ticket_id}", response={200: TicketOut, 404: Problem, 422: Problem, 503: Problem})
def show_ticket(request: HttpRequest, ticket_id: UUID) -> Any:
    """A ticket by the id on its slip."""
    return _shown(queries.get_ticket(ticket_id))


@router.post("/windows/{window_id}/call-next", auth=StaffSession(), response={200: CallOut, 401: Problem, **_REFUSALS})
def call_next(request: HttpRequest, window_id: UUID, idempotency_key: Annotated[Key | None, Header()] = None) -> Any:
    """Call the next ticket; while one is called and not yet served, the same one again. null: nobody waits."""
    by: Staff = request.auth  # type: ignore[attr-defined]
    window = queries.get_window_for(by, window_id)

    def produce() -> dict[str, Any]:
        ticket = actions.call_next(window.pk, by=by, at=timezone.now())
        return {"ticket": _shown(ticket) if ticket else None}

    return _keyed(request, "hall.call", idempotency_key or "", by, produce, 200)


@router.post("/windows/{window_id}/finish", auth=StaffSession(), response={200: CallOut, 401: Problem, **_REFUSALS})
def finish(
    request: HttpRequest,
    window_id: UUID,
    wanted: FinishRequest | None = None,
    idempotency_key: Annotated[Key | None, Header()] = None,
) -> Any:
    """Finish the ticket at the window. Finishing the same one again changes nothing."""
    by: Staff = request.auth  # type: ignore[attr-defined]
    window = queries.get_window_for(by, window_id)

    def produce() -> dict[str, Any]:
        ticket_id = wanted.ticket if wanted else None
        if ticket_id is None:
            ticket = queries.open_ticket(window)
            if ticket is None:
                raise NoOpenTicket(_("%(number)s 号窗口现在没有人在办。") % {"number": window.number})
            ticket_id = ticket.pk
        elif not Ticket.objects.filter(pk=ticket_id, region_id=by.region_id, window=window).exists():
            raise Ticket.DoesNotExist
        done = actions.finish(ticket_id, by=by, at=timezone.now())
        return {"ticket": _shown(done)}

    return _keyed(request, "hall.finish", idempotency_key or "", by, produce, 200)
