"""Writes: kiosks and printers set up, and that a kiosk is alive."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall.models import Hall, Kiosk, Printer, Series
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import receipts
from yimen.lib.errors import DomainError
from yimen.people import access

SHORTEST_IDLE, LONGEST_IDLE = 30, 600
WIDTHS = (576, 384)
SEEN_EVERY = timedelta(minutes=1)
# Digits and letters nobody mistakes for one another.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class KioskCodeTaken(DomainError):
    """Another kiosk or hall has this code."""


class BadKiosk(DomainError):
    """A code, name, number of seconds, width or address has the wrong form, or belongs to another hall."""


@transaction.atomic
def add_kiosk(hall: Hall, *, code: str, name: str, by: Actor, at: datetime, **more: Any) -> Kiosk:
    """
    Add a kiosk; its code stands in its address and is never changed. more: as set_kiosk takes it.

    Raises KioskCodeTaken, BadKiosk, access.NotAllowed.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    code = code.strip().lower()
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,19}", code):
        raise BadKiosk(_("代号用小写字母、数字和横线，最多 20 个，例如 k1。"))
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    # One address leads to one thing: a hall's code is the address of its own plain kiosk.
    if Kiosk.objects.filter(code=code).exists() or Hall.objects.filter(code=code).exists():
        raise KioskCodeTaken(_("代号 %(code)s 已经有人在用，请换一个。") % {"code": code})
    kiosk = Kiosk.objects.create(region_id=hall.region_id, hall=hall, code=code, name=_named(name))
    ledger.record(
        f"kiosk:{kiosk.pk}", "hall.kiosk_added", region=hall.region_id, by=by, at=at, data={"code": code, "name": name}
    )
    return set_kiosk(kiosk.pk, name=name, by=by, at=at, **more)


@transaction.atomic
def set_kiosk(
    kiosk_id: UUID,
    *,
    name: str,
    by: Actor,
    at: datetime,
    place: str = "",
    printer: Printer | None = None,
    idle_seconds: int = 60,
    series: Iterable[Series] = (),
    is_on: bool = True,
) -> Kiosk:
    """Set what a kiosk offers. series: none means all of the hall. Raises BadKiosk, access.NotAllowed."""
    kiosk = Kiosk.objects.select_for_update(of=("self",), no_key=True).select_related("hall").get(pk=kiosk_id)
    access.require(by, "hall.manage", region=kiosk.region_id)
    if not SHORTEST_IDLE <= idle_seconds <= LONGEST_IDLE:
        raise BadKiosk(
            _("没人碰多久回到开始，请填 %(low)s 到 %(high)s 秒。") % {"low": SHORTEST_IDLE, "high": LONGEST_IDLE}
        )
    offered = list(series)
    if any(one.hall_id != kiosk.hall_id for one in offered) or (printer and printer.hall_id != kiosk.hall_id):
        raise BadKiosk(_("这个队或打印机是别的大厅的，请换一个。"))
    kiosk.name, kiosk.place, kiosk.printer = _named(name), place.strip()[:40], printer
    kiosk.idle_seconds, kiosk.is_on = idle_seconds, is_on
    kiosk.save(update_fields=["name", "place", "printer", "idle_seconds", "is_on"])
    kiosk.series.set(offered)
    data = {
        "name": kiosk.name,
        "place": kiosk.place,
        "printer": str(printer.pk) if printer else None,
        "idle_seconds": idle_seconds,
        "series": sorted(one.letter for one in offered),
        "is_on": is_on,
    }
    ledger.record(f"kiosk:{kiosk.pk}", "hall.kiosk_set", region=kiosk.region_id, by=by, at=at, data=data)
    return kiosk


@transaction.atomic
def add_printer(
    hall: Hall, *, name: str, kind: str, target: str, by: Actor, at: datetime, width: int = WIDTHS[0]
) -> Printer:
    """
    Add a printer. target: host:port (9100–9199), a printer's device, or the name of a file in the folder of slips.

    Raises BadKiosk, access.NotAllowed.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    printer = Printer(region_id=hall.region_id, hall=hall)
    return _set_printer(printer, name, kind, target, width, True, "hall.printer_added", by, at)


@transaction.atomic
def set_printer(
    printer_id: UUID, *, name: str, kind: str, target: str, width: int, is_on: bool, by: Actor, at: datetime
) -> Printer:
    """Change a printer; a fault it had is forgotten, the next slip tells. Raises BadKiosk, access.NotAllowed."""
    printer = Printer.objects.select_for_update(no_key=True).get(pk=printer_id)
    access.require(by, "hall.manage", region=printer.region_id)
    return _set_printer(printer, name, kind, target, width, is_on, "hall.printer_set", by, at)


def _set_printer(
    printer: Printer, name: str, kind: str, target: str, width: int, is_on: bool, act: str, by: Actor, at: datetime
) -> Printer:
    if kind not in Printer.Kind.values or width not in WIDTHS:
        raise BadKiosk(_("请选网络打印机或文件，纸宽选 80 毫米或 58 毫米。"))
    try:
        target = receipts.check_target(kind, target)
    except receipts.BadTarget:
        raise BadKiosk(
            _("网络打印机写成 地址:端口，端口是 9100 到 9199，例如 192.168.1.50:9100；文件只写一个名字，例如 k1。")
        ) from None
    printer.name, printer.kind, printer.target, printer.width = _named(name), kind, target, width
    printer.is_on, printer.fault, printer.fault_at = is_on, "", None
    printer.save()
    data = {"name": printer.name, "kind": kind, "target": target, "width": width, "is_on": is_on}
    ledger.record(f"printer:{printer.pk}", act, region=printer.region_id, by=by, at=at, data=data)
    return printer


def seen(kiosk: Kiosk, at: datetime) -> None:
    """Note that a kiosk is alive, to the minute. No act of anybody: nothing in the ledger."""
    if kiosk.last_seen_at is None or abs(at - kiosk.last_seen_at) >= SEEN_EVERY:
        Kiosk.objects.filter(pk=kiosk.pk).update(last_seen_at=at)


@transaction.atomic
def set_joining(
    hall_id: UUID,
    *,
    by: Actor,
    at: datetime,
    new_code: bool = False,
    has_code: bool = True,
    latitude: float | None = None,
    longitude: float | None = None,
    radius: int = 1000,
) -> Hall:
    """
    Say how people may take a number by phone: with the code at the door, near the hall, or both, or neither.

    has_code False takes the code away; new_code makes another one. Both coordinates or none, WGS 84 degrees; radius in
    metres, 100 to 20,000. Raises BadKiosk, access.NotAllowed.
    """
    hall = Hall.objects.select_for_update(no_key=True).get(pk=hall_id)
    access.require(by, "hall.manage", region=hall.region_id)
    if (latitude is None) != (longitude is None):
        raise BadKiosk(_("经度和纬度请都填，或者都不填。"))
    if latitude is not None and longitude is not None and not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise BadKiosk(_("纬度在 −90 到 90 之间，经度在 −180 到 180 之间，请对一对。"))
    if not 100 <= radius <= 20_000:
        raise BadKiosk(_("多远以内能取号，请填 100 到 20000 米。"))
    if not has_code:
        hall.join_code = ""
    elif new_code or not hall.join_code:
        hall.join_code = "".join(secrets.choice(_LETTERS) for _n in range(6))
    hall.latitude, hall.longitude, hall.radius = latitude, longitude, radius
    hall.save(update_fields=["join_code", "latitude", "longitude", "radius"])
    # The code itself stays out of the ledger: whoever reads it there could take numbers from home.
    data = {"has_code": bool(hall.join_code), "new_code": new_code, "by_place": latitude is not None, "radius": radius}
    ledger.record(f"hall:{hall.pk}", "hall.joining_set", region=hall.region_id, by=by, at=at, data=data)
    return hall


def _named(name: str) -> str:
    if not (name := name.strip()[:40]):
        raise BadKiosk(_("请填写名称。"))
    return name
