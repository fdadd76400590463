"""Writes of whoever holds a phone: a ticket taken from near by, and put off a few places. Its id is the right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import queries as catalog
from yimen.hall.actions import common
from yimen.hall.actions.common import WrongStep
from yimen.hall.actions.tickets import take_ticket
from yimen.hall.models import Hall, Series, Ticket
from yimen.hall.queries.opening import opening_on
from yimen.hall.rules import joining as rules
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError


class NotHereYet(DomainError):
    """Neither the code at the door, nor near enough; or this hall gives no numbers by phone, or not at this hour."""


class AlreadyPutOff(DomainError):
    """More minutes can be asked for once."""


def may_join(hall: Hall) -> tuple[bool, bool]:
    """Return whether one may take a number by phone with the door's code, and by being near."""
    return bool(hall.join_code), hall.latitude is not None and hall.longitude is not None


@transaction.atomic
def join(
    series_id: UUID,
    *,
    by: Actor,
    at: datetime,
    code: str = "",
    place: tuple[float, float, float] | None = None,
    **more: Any,
) -> Ticket:
    """
    Take a number by phone: with the code at the hall's door, or from near by; where the hall keeps hours, from as long
    before it opens as its staff may come, so that nobody is first who took a number at home at night.

    place: latitude, longitude, and the metres the phone may be wrong by; compared here and kept nowhere. more: as
    take_ticket. Raises NotHereYet and whatever take_ticket raises.
    """
    hall = Series.objects.select_related("hall").get(pk=series_id).hall
    by_code, by_place = may_join(hall)
    if not by_code and not by_place:
        raise NotHereYet(_("%(hall)s还不能在手机上取号，请到大厅自助机上取。") % {"hall": hall.name})
    _require_hours(hall, at)
    is_here = rules.same_code(code, hall.join_code)
    if not is_here and place is not None and hall.latitude is not None and hall.longitude is not None:
        metres = rules.metres_between(place[0], place[1], hall.latitude, hall.longitude)
        is_here = rules.is_near(metres, hall.radius, place[2])
        if not is_here and not code:
            raise NotHereYet(
                _("您离大厅大约 %(km)s 公里，到 %(metres)s 米以内就能取号。快到了再点一次。")
                % {"km": max(0.1, round(metres / 1000, 1)), "metres": hall.radius}
            )
    if not is_here:
        raise NotHereYet(_("这个取号码不对。码贴在大厅门口，每天都能用；看不清可以打电话问我们。"))
    return take_ticket(series_id, by=by, at=at, source=Ticket.Source.WEB, **more)


def _require_hours(hall: Hall, at: datetime) -> None:
    if not hall.keeps_hours or opening_on(hall, localdate(at)).admits(at, hall.margin_minutes):
        return
    values = {"hall": hall.name, "margin": hall.margin_minutes}
    raise NotHereYet(_("%(hall)s现在没开，开门前 %(margin)s 分钟起能在手机上取号；也可以先预约。") % values)


@transaction.atomic
def put_off(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    Let a few people behind go first, once: the ticket stands behind as many as the place says (three).

    Raises AlreadyPutOff, WrongStep unless it waits today.
    """
    ticket = common.lock_ticket(ticket_id)
    if ticket.put_off_at is not None:
        raise AlreadyPutOff(_("已经让过一次了，不能再往后排。赶不上的话，过号了找导办员接着办。"))
    if ticket.status != Ticket.Status.WAITING or ticket.day != localdate(at):
        raise WrongStep(_("%(label)s 现在不在等候，不能往后排。") % {"label": ticket.label})
    places = catalog.local_rule(ticket.region_id, rules.PUT_OFF_PLACES_KEY, ticket.day, default=rules.PUT_OFF_PLACES)
    behind = (
        Ticket.objects.filter(
            region_id=ticket.region_id, series_id=ticket.series_id, day=ticket.day, status=Ticket.Status.WAITING,
            is_priority=ticket.is_priority,
        )
        .filter(Q(queue_at__gt=ticket.queue_at) | Q(queue_at=ticket.queue_at, number__gt=ticket.number))
        .order_by("queue_at", "number")
        .values_list("queue_at", flat=True)[: max(1, places)]
    )  # fmt: skip
    times = list(behind)
    if not times:
        raise WrongStep(_("后面还没有人，不用往后排。叫到了请回来。"))
    until = times[-1] + timedelta(microseconds=1)
    common.move(ticket, "put off", by=by, at=at, undoable=False, queue_at=until, put_off_at=at)
    common.record(ticket, "hall.put_off", by, at, {"places": len(times)})
    return ticket
