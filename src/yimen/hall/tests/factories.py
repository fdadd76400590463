"""Halls with windows and people at them, through the real actions where there is one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from yimen.hall import actions
from yimen.hall.models import Hall, HallZone, Series, Ticket, Window
from yimen.ledger.actions import PUBLIC, Actor
from yimen.people.models import Region, Role
from yimen.people.tests.factories import NOW, make_center, make_region, make_staff

_numbers = count(1)


def make_hall(region: Region | None = None, **fields: Any) -> Hall:
    region = region or make_region()
    defaults = {"code": f"hall-{next(_numbers)}", "name": "一楼大厅"}
    center = fields.pop("center", None) or make_center(region)
    return Hall.objects.create(region=region, center=center, **(defaults | fields))


def make_series(hall: Hall | None = None, letter: str = "A", **fields: Any) -> Series:
    hall = hall or make_hall()
    zone = fields.pop("zone", "一楼东区")
    where = HallZone.objects.get_or_create(region_id=hall.region_id, hall=hall, name=zone)[0] if zone else None
    defaults = {"name": "综合窗口", "zone": where}
    return Series.objects.create(region_id=hall.region_id, hall=hall, letter=letter, **(defaults | fields))


def make_window(series: Series | Iterable[Series], *, staffed: bool = True, number: int = 0, **fields: Any) -> Window:
    """A window calling these series, with a clerk of its own signed in unless staffed=False."""
    all_series = [series] if isinstance(series, Series) else list(series)
    hall = all_series[0].hall
    number = number or Window.objects.filter(hall=hall).count() + 1
    window = Window.objects.create(
        region_id=hall.region_id, hall=hall, number=number, name=f"{number} 号综合窗口", **fields
    )
    window.series.set(all_series)
    if not staffed:
        return window
    clerk = make_staff(Role.CLERK, region=hall.region)
    return actions.sign_in(window.pk, by=clerk, at=NOW)


def take(series: Series, at: datetime = NOW, by: Actor = PUBLIC, **fields: Any) -> Ticket:
    return actions.take_ticket(series.pk, by=by, at=at, source=Ticket.Source.KIOSK, **fields)


def call(window: Window, at: datetime = NOW) -> Ticket | None:
    return actions.call_next(window.pk, by=window.staff, at=at)


def serve(window: Window, at: datetime = NOW, minutes: int = 5) -> Ticket:
    """Call somebody who waits, and see them through."""
    ticket = call(window, at)
    assert ticket is not None
    actions.start(ticket.pk, by=window.staff, at=at)
    return actions.finish(ticket.pk, by=window.staff, at=at + timedelta(minutes=minutes))
