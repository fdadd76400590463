"""Appointments: times that can be booked, one booked, looked at and given back. The token is the secret."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from ninja import Header, Path, Router, Schema
from pydantic import Field, StringConstraints

from yimen.catalog.models import ServiceItem
from yimen.hall import queries as halls
from yimen.hall.actions import appointments, plans
from yimen.hall.models import Appointment, Channel
from yimen.hall.queries import appointments as queries
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.web.api.hall import Code, Key, Problem, _keyed
from yimen.web.errors import api_error
from yimen.web.kiosk.views import address_of, tickets_limit

router = Router(tags=["appointments"])

Token = Annotated[str, StringConstraints(pattern=r"^[-\w]{20,43}$"), Path()]
_REFUSALS = {404: Problem, 409: Problem, 415: Problem, 422: Problem, 429: Problem, 503: Problem}


class SlotOut(Schema):
    """left: how many people this channel may still bring; window: null where any window will do."""

    id: UUID
    begins_at: datetime
    ends_at: datetime
    left: int
    window: int | None


class BookingRequest(Schema):
    """slot: from the list of times; item: its id; name and phone are sealed and never shown again."""

    slot: UUID
    item: UUID
    name: str = Field(min_length=1, max_length=60)
    phone: str = Field(min_length=5, max_length=24)
    party: int = Field(1, ge=1, le=500)
    note: str = Field("", max_length=120)


class BookingOut(Schema):
    number: str
    token: str
    status: str
    item: str
    begins_at: datetime
    ends_at: datetime
    window: int | None
    party: int
    url: str


def _shown(one: Appointment) -> dict[str, Any]:
    window = one.slot.plan.window
    return {
        "number": one.number,
        "token": one.token,
        "status": str(one.status),
        "item": one.item.name if one.item else "",
        "begins_at": one.slot.begins_at.isoformat(),
        "ends_at": one.slot.ends_at.isoformat(),
        "window": window.number if window else None,
        "party": one.party,
        "url": f"/a/{one.token}",
    }


@router.get("/halls/{hall}/items/{item}/slots", response={200: list[SlotOut], **_REFUSALS})
def slots(request: HttpRequest, hall: Code, item: UUID) -> Any:
    """The times of an item in a hall that can be booked now through this channel, full ones left out."""
    place, at = halls.get_hall(hall), timezone.now()
    wanted = ServiceItem.objects.get(region_id=place.region_id, pk=item)
    found = queries.plans_for(wanted, localdate(at), hall=place)
    for pk in queries.not_made(found, localdate(at)):
        plans.make_slots(pk, by=SYSTEM, at=at)
    times = [time for day in queries.free_times(found, Channel.API, at) for time in day.times if time.left]
    return [
        {
            "id": time.slot.pk,
            "begins_at": time.slot.begins_at,
            "ends_at": time.slot.ends_at,
            "left": time.left,
            "window": time.slot.plan.window.number if time.slot.plan.window else None,
        }
        for time in times
    ]


@router.post("/halls/{hall}/appointments", response={201: BookingOut, **_REFUSALS})
def book_appointment(
    request: HttpRequest, hall: Code, wanted: BookingRequest, idempotency_key: Annotated[Key, Header()]
) -> Any:
    """Book a time. The Idempotency-Key decides: asking again with it gives the same appointment."""
    if request.content_type != "application/json":
        return api_error(415, "json_needed", _("请用 JSON 提交。"))
    if not tickets_limit.allows(address_of(request)):
        response = api_error(429, "too_many", _("刚才预约的人太多，请稍等半分钟再试。"))
        response["Retry-After"] = "30"
        return response
    place, at = halls.get_hall(hall), timezone.now()
    item = ServiceItem.objects.get(region_id=place.region_id, pk=wanted.item)

    def produce() -> dict[str, Any]:
        held = appointments.hold(
            wanted.slot, item=item, channel=Channel.API, party=wanted.party, by=PUBLIC, at=at, hall=place
        )
        one = appointments.book(held.pk, by=PUBLIC, at=at, name=wanted.name, phone=wanted.phone, note=wanted.note)
        return _shown(queries.by_token(one.token))

    return _keyed(request, "hall.book_api", idempotency_key, PUBLIC, produce, 201)


@router.get("/appointments/{token}", response={200: BookingOut, **_REFUSALS})
def show_appointment(request: HttpRequest, token: Token) -> Any:
    """An appointment by its token; one that was moved leads to the new one."""
    return _shown(queries.by_token(token))


@router.delete("/appointments/{token}", response={200: BookingOut, **_REFUSALS})
def cancel_appointment(request: HttpRequest, token: Token, idempotency_key: Annotated[Key, Header()]) -> Any:
    """Give an appointment back. Asking again changes nothing."""
    one = queries.by_token(token)

    def produce() -> dict[str, Any]:
        appointments.cancel(one.pk, by=PUBLIC, at=timezone.now())
        return _shown(queries.by_token(token))

    return _keyed(request, "hall.cancel_api", idempotency_key, PUBLIC, produce, 200)
