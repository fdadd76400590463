"""Writes: halls, series of numbers and windows, and which series a window calls. For hall managers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.hall import actions
from yimen.hall.models import Hall, HallZone, Series, Window
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, ServiceCenter


class NameTaken(DomainError):
    """Another hall has this code, another series this letter or another window this number."""


class NotComplete(DomainError):
    """A name is missing, or a code, letter or number has the wrong form."""


class NotHere(DomainError):
    """A series, item or department of another hall or region."""


@transaction.atomic
def open_hall(center: ServiceCenter, *, code: str, name: str, by: Actor, at: datetime) -> Hall:
    """Add a hall; its code stands in the addresses of its screens and kiosks. Raises NameTaken, NotComplete."""
    access.require(by, "hall.manage", region=center.region_id)
    code, name = code.strip().lower(), _named(name)
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,19}", code):
        raise NotComplete(_("代号用小写字母、数字和横线，最多 20 个，例如 main。"))
    ServiceCenter.objects.select_for_update(no_key=True).get(pk=center.pk)
    if Hall.objects.filter(region_id=center.region_id, code=code).exists():
        raise NameTaken(_("代号 %(code)s 已经有大厅在用，请换一个。") % {"code": code})
    hall = Hall.objects.create(region_id=center.region_id, center=center, code=code, name=name)
    data = {"center": str(center.pk), "code": code, "name": name}
    ledger.record(f"hall:{hall.pk}", "hall.hall_opened", region=hall.region_id, by=by, at=at, data=data)
    return hall


@transaction.atomic
def open_series(hall: Hall, *, letter: str, name: str, by: Actor, at: datetime, zone: str = "") -> Series:
    """Add a series of numbers, after those there are. letter: one or two capitals. Raises NameTaken, NotComplete."""
    access.require(by, "hall.manage", region=hall.region_id)
    letter, name = letter.strip().upper(), _named(name)
    if not re.fullmatch("[A-Z]{1,2}", letter):
        raise NotComplete(_("号的开头是 1 到 2 个英文字母，例如 A。"))
    _lock(hall)
    there = Series.objects.filter(region_id=hall.region_id, hall=hall)
    if there.filter(letter=letter).exists():
        raise NameTaken(_("字母 %(letter)s 已经有队在用，请换一个。") % {"letter": letter})
    last = there.aggregate(last=Max("position"))["last"]
    series = Series.objects.create(
        region_id=hall.region_id,
        hall=hall,
        letter=letter,
        name=name,
        zone=_zone(hall, zone),
        position=0 if last is None else last + 1,
    )
    data = {"hall": str(hall.pk), "letter": letter, "name": name}
    _record(series, "hall.series_opened", by, at, data)
    return series


@transaction.atomic
def let_take(series_id: UUID, is_open: bool, *, by: Actor, at: datetime) -> Series:
    """Give numbers in a series or stop; those given are still called (HALL-7). A repeat changes nothing."""
    series = Series.objects.select_for_update(no_key=True).get(pk=series_id)
    access.require(by, "hall.manage", region=series.region_id)
    if series.is_open != is_open:
        series.is_open = is_open
        series.save(update_fields=["is_open"])
        _record(series, "hall.series_resumed" if is_open else "hall.series_stopped", by, at, {"letter": series.letter})
    return series


@transaction.atomic
def set_items_of_series(series_id: UUID, items: Iterable[ServiceItem], *, by: Actor, at: datetime) -> Series:
    """Say for which items one takes a number of this series. Raises NotHere for one of another region."""
    series = Series.objects.select_for_update(no_key=True).get(pk=series_id)
    access.require(by, "hall.manage", region=series.region_id)
    wanted = {item.pk: item for item in items}
    if any(item.region_id != series.region_id for item in wanted.values()):
        raise NotHere(_("这个事项不在本地区。"))
    before = set(series.items.values_list("pk", flat=True))
    if before != set(wanted):
        series.items.set(wanted.values())
        data = {"added": _ids(set(wanted) - before), "removed": _ids(before - set(wanted))}
        _record(series, "hall.series_items_set", by, at, data)
    return series


@transaction.atomic
def open_window(
    hall: Hall,
    *,
    number: int,
    name: str,
    by: Actor,
    at: datetime,
    kind: str = Window.Kind.INTEGRATED,
    department: Department | None = None,
    series: Iterable[Series] = (),
) -> Window:
    """
    Add a window with the series it calls; nobody sits there yet. department: whose specialist window it is.

    Raises NameTaken, NotComplete, and NotHere for a series of another hall or a department of another region.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    name = _named(name)
    if not 1 <= number <= 999:
        raise NotComplete(_("窗口号是 1 到 999 的数字。"))
    if kind not in Window.Kind.values:
        raise NotComplete(_("没有这种窗口，请从列表里选。"))
    if department and department.region_id != hall.region_id:
        raise NotHere(_("这个部门不在本地区。"))
    _lock(hall)
    if Window.objects.filter(region_id=hall.region_id, hall=hall, number=number).exists():
        raise NameTaken(_("%(number)s 号窗口已经有了，请换一个号。") % {"number": number})
    wanted = _of_hall(hall, series)
    window = Window.objects.create(
        region_id=hall.region_id, hall=hall, number=number, name=name, kind=kind, department=department
    )
    window.series.set(wanted)
    data = {"hall": str(hall.pk), "number": number, "name": name, "series": _letters(wanted)}
    ledger.record(f"window:{window.pk}", "hall.window_set_up", region=hall.region_id, by=by, at=at, data=data)
    actions.tell(hall.pk)
    return window


@transaction.atomic
def set_series_of_window(window_id: UUID, series: Iterable[Series], *, by: Actor, at: datetime) -> Window:
    """Say which series a window calls from its next call on. A repeat changes nothing; raises NotHere."""
    window = Window.objects.select_for_update(of=("self",), no_key=True).select_related("hall").get(pk=window_id)
    access.require(by, "hall.manage", region=window.region_id)
    wanted, before = _of_hall(window.hall, series), list(window.series.all())
    if {one.pk for one in wanted} != {one.pk for one in before}:
        window.series.set(wanted)
        data = {"number": window.number, "before": _letters(before), "series": _letters(wanted)}
        ledger.record(f"window:{window.pk}", "hall.window_series_set", region=window.region_id, by=by, at=at, data=data)
        actions.tell(window.hall_id)
    return window


def _named(text: str) -> str:
    name = text.strip()
    if not name:
        raise NotComplete(_("请填写名称。"))
    return name


def _zone(hall: Hall, name: str) -> HallZone | None:
    """The zone of the hall with this name, new if need be; none for no name. The hall is locked."""
    if not name.strip():
        return None
    return HallZone.objects.get_or_create(region_id=hall.region_id, hall=hall, name=name.strip())[0]


def _lock(hall: Hall) -> None:
    """Two who add the same letter or number queue here; the second then sees the first one's."""
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)


def _of_hall(hall: Hall, series: Iterable[Series]) -> list[Series]:
    wanted = list({one.pk: one for one in series}.values())
    if any(one.hall_id != hall.pk for one in wanted):
        raise NotHere(_("这个队不在这个大厅。"))
    return wanted


def _letters(series: Iterable[Series]) -> list[str]:
    return sorted(one.letter for one in series)


def _ids(keys: Iterable[UUID]) -> list[str]:
    return sorted(str(key) for key in keys)


def _record(series: Series, kind: str, by: Actor, at: datetime, data: Mapping[str, object]) -> None:
    ledger.record(f"series:{series.pk}", kind, region=series.region_id, by=by, at=at, data=dict(data))
    actions.tell(series.hall_id)
