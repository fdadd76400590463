"""Writes: the zones of a hall, where each window stands and whose it is, and the facilities. For hall managers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall.actions import common
from yimen.hall.actions.telling import tell_changed
from yimen.hall.models import Facility, Hall, HallZone, Series, Window
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department


class ZoneTaken(DomainError):
    """Another zone of the hall has this name."""


class PlaceIncomplete(DomainError):
    """A name is missing, or a zone, window or unit is of another place."""


@transaction.atomic
def add_zone(hall: Hall, *, name: str, by: Actor, at: datetime, position: int | None = None) -> HallZone:
    """Add a zone (功能区), after those there are unless `position` says otherwise (S3-20). Raises ZoneTaken."""
    access.require(by, "hall.manage", region=hall.region_id)
    _lock(hall.pk)
    there = HallZone.objects.filter(region_id=hall.region_id, hall=hall)
    name = _free_name(there.values_list("name", flat=True), name)
    last = there.order_by("-position").values_list("position", flat=True).first()
    place = position if position is not None else 0 if last is None else last + 1
    zone = HallZone.objects.create(region_id=hall.region_id, hall=hall, name=name, position=place)
    _record_zone(zone, "hall.zone_added", by, at)
    return zone


@transaction.atomic
def change_zone(zone_id: UUID, *, name: str, position: int, by: Actor, at: datetime) -> HallZone:
    """Rename a zone or give it another place in the order. Raises ZoneTaken."""
    zone = HallZone.objects.select_related("hall").get(pk=zone_id)
    access.require(by, "hall.manage", region=zone.region_id)
    _lock(zone.hall_id)
    others = HallZone.objects.filter(region_id=zone.region_id, hall=zone.hall).exclude(pk=zone.pk)
    zone.name, zone.position = _free_name(others.values_list("name", flat=True), name), position
    zone.save(update_fields=["name", "position"])
    _record_zone(zone, "hall.zone_changed", by, at)
    return zone


@transaction.atomic
def remove_zone(zone_id: UUID, *, by: Actor, at: datetime) -> None:
    """
    Take a zone away; its windows, series and facilities stay, in no zone. Gone already: nothing.

    Raises PlaceIncomplete while a screen shows it.
    """
    zone = HallZone.objects.select_related("hall").filter(pk=zone_id).first()
    if zone is None:
        return
    access.require(by, "hall.manage", region=zone.region_id)
    _lock(zone.hall_id)
    if screen := zone.screens.first():
        raise PlaceIncomplete(_("%(screen)s还在显示这个区，先改那块屏。") % {"screen": screen.name})
    for model in (Window, Series, Facility):
        model._default_manager.filter(region_id=zone.region_id, zone=zone).update(zone=None)
    _record_zone(zone, "hall.zone_removed", by, at)
    zone.delete()


@transaction.atomic
def place_window(
    window_id: UUID, *, zone: HallZone | None, department: Department | None, by: Actor, at: datetime
) -> Window:
    """
    Say in which zone a window stands, and whose it is (None: an integrated one for all units). Repeats change nothing.

    Raises PlaceIncomplete for a zone of another hall or a unit of another region.
    """
    window = common.lock_window(window_id)
    access.require(by, "hall.manage", region=window.region_id)
    if zone is not None and zone.hall_id != window.hall_id:
        raise PlaceIncomplete(_("这个区不在窗口所在的大厅。"))
    if department is not None and department.region_id != window.region_id:
        raise PlaceIncomplete(_("这个部门不在本地区。"))
    wanted = (zone.pk if zone else None, department.pk if department else None)
    if (window.zone_id, window.department_id) != wanted:
        window.zone, window.department = zone, department
        window.kind = Window.Kind.SPECIALIST if department else Window.Kind.INTEGRATED
        window.save(update_fields=["zone", "department", "kind"])
        data: dict[str, str | int | None] = {"zone": zone.name if zone else None}
        data |= {"department": str(department.pk) if department else None}
        common.record_window(window, "hall.window_placed", by, at, data)
    return window


@transaction.atomic
def add_facility(
    hall: Hall,
    *,
    kind: str,
    name: str,
    by: Actor,
    at: datetime,
    place: str = "",
    zone: HallZone | None = None,
    note: str = "",
    position: int = 0,
) -> Facility:
    """Add something people may use in a hall: hot water, a copier, a room (S4-36). Raises PlaceIncomplete."""
    access.require(by, "hall.manage", region=hall.region_id)
    facility = Facility(region_id=hall.region_id, hall=hall)
    _apply(facility, kind, name, place, zone, note, position)
    facility.save(force_insert=True)
    _record_facility(facility, "hall.facility_added", by, at)
    return facility


@transaction.atomic
def change_facility(
    facility_id: UUID,
    *,
    kind: str,
    name: str,
    by: Actor,
    at: datetime,
    place: str = "",
    zone: HallZone | None = None,
    note: str = "",
    position: int = 0,
) -> Facility:
    """Change what is said of a facility. Raises PlaceIncomplete."""
    facility = _locked(facility_id, by)
    _apply(facility, kind, name, place, zone, note, position)
    facility.save(update_fields=["kind", "name", "place", "zone", "note", "position"])
    _record_facility(facility, "hall.facility_changed", by, at)
    return facility


@transaction.atomic
def report_facility(facility_id: UUID, works: bool, *, by: Actor, at: datetime, note: str = "") -> Facility:
    """Say that a facility works, or does not and why; anybody on the hall's staff may. A repeat changes nothing."""
    facility = Facility.objects.select_for_update(no_key=True).get(pk=facility_id)
    if not any(access.allowed(by, right, region=facility.region_id) for right in ("hall.take", "hall.call")):
        access.require(by, "hall.manage", region=facility.region_id)
    note = note.strip()[:120]
    if (facility.works, facility.note) != (works, note):
        facility.works, facility.note = works, note
        facility.save(update_fields=["works", "note"])
        _record_facility(facility, "hall.facility_works" if works else "hall.facility_broken", by, at)
    return facility


@transaction.atomic
def end_facility(facility_id: UUID, *, on: date, by: Actor, at: datetime) -> Facility:
    """Take a facility off the list from `on`; it is kept. A repeat changes nothing."""
    facility = _locked(facility_id, by)
    if facility.ended_on is None:
        facility.ended_on = on
        facility.save(update_fields=["ended_on"])
        _record_facility(facility, "hall.facility_ended", by, at)
    return facility


def _locked(facility_id: UUID, by: Actor) -> Facility:
    facility = Facility.objects.select_for_update(no_key=True).get(pk=facility_id)
    access.require(by, "hall.manage", region=facility.region_id)
    return facility


def _apply(
    facility: Facility, kind: str, name: str, place: str, zone: HallZone | None, note: str, position: int
) -> None:
    facility.name, facility.place, facility.note = name.strip(), place.strip(), note.strip()
    if not facility.name:
        raise PlaceIncomplete(_("请填写名称。"))
    if kind not in Facility.Kind.values:
        raise PlaceIncomplete(_("没有这种设施，请从列表里选。"))
    if zone is not None and zone.hall_id != facility.hall_id:
        raise PlaceIncomplete(_("这个区不在设施所在的大厅。"))
    facility.kind, facility.zone, facility.position = kind, zone, position


def _free_name(taken: Iterable[str], name: str) -> str:
    name = name.strip()
    if not name:
        raise PlaceIncomplete(_("请填写名称。"))
    if name in set(taken):
        raise ZoneTaken(_("已经有%(name)s了，请换一个名字。") % {"name": name})
    return name


def _lock(hall_id: UUID) -> None:
    """Two who add the same zone queue here; the second then sees the first one's."""
    Hall.objects.select_for_update(no_key=True).get(pk=hall_id)


def _record_zone(zone: HallZone, kind: str, by: Actor, at: datetime) -> None:
    data = {"hall": str(zone.hall_id), "name": zone.name, "position": zone.position}
    ledger.record(f"zone:{zone.pk}", kind, region=zone.region_id, by=by, at=at, data=data)
    tell_changed(zone.hall_id)


def _record_facility(facility: Facility, kind: str, by: Actor, at: datetime) -> None:
    data = {"name": facility.name, "kind": facility.kind, "works": facility.works}
    ledger.record(f"facility:{facility.pk}", kind, region=facility.region_id, by=by, at=at, data=data)
    tell_changed(facility.hall_id)
