"""Writes to the basic catalogue (基本目录): one standard for everybody under the same code (ITEM-1, S2-12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import queries, rules
from yimen.catalog.actions.common import CODE_SCHEME
from yimen.catalog.models import BasicItem, ItemMaterial, ItemType, LimitUnit, ServiceItem
from yimen.catalog.queries.basic import basic_for, places_below
from yimen.catalog.rules.publishing import plain_name
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region

MOST_MATERIALS = 200
_COLUMNS = ("name", "item_type", "legal_basis", "statutory_limit", "statutory_unit", "materials", "cancelled_on")


class BadBasic(DomainError):
    """The entry cannot be saved; each of `reasons` names the part, what was in it and why."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("".join(self.reasons))


@transaction.atomic
def add_basic(
    region: Region,
    *,
    catalog_code: str,
    name: str,
    item_type: str,
    by: Actor,
    at: datetime,
    legal_basis: str = "",
    statutory_limit: int | None = None,
    statutory_unit: str = LimitUnit.WORKDAY,
    materials: Sequence[Mapping[str, str]] = (),
    cancelled_on: date | None = None,
) -> BasicItem:
    """
    Add an entry; items that have its code already, in the region and the places below it, carry it out from now on.

    materials: {"name", "necessity"}, in order. Raises BadBasic with everything wrong, access.NotAllowed.
    """
    access.require(by, "catalog.edit", region=region.pk)
    code = catalog_code.strip()
    said = {
        "name": name,
        "item_type": item_type,
        "legal_basis": legal_basis,
        "statutory_limit": statutory_limit,
        "statutory_unit": statutory_unit,
        "materials": list(materials),
        "cancelled_on": cancelled_on,
    }
    values, faults = _checked(said)
    scheme = queries.local_rule(region, CODE_SCHEME, localdate(at), default=rules.CodeScheme.PRACTICE)
    try:
        rules.check_catalog_code(code, rules.CodeScheme(scheme))
    except rules.InvalidItemCode as error:
        faults.insert(0, str(error))
    if not faults and (there := basic_for(region, code)):
        words = {"code": code, "name": there.name, "place": there.region.name}
        faults.append(_("基本编码 %(code)s 已经给了%(place)s的“%(name)s”，一个编码只有一个标准。") % words)
    if faults:
        raise BadBasic(faults)
    basic = BasicItem.objects.create(region=region, catalog_code=code, **values)
    below = places_below(region)
    linked = ServiceItem.objects.filter(region_id__in=below, catalog_code=code).update(basic=basic)
    _record(basic, "catalog.basic_added", by, at, {"code": code, "linked": linked, **_plain(values)})
    return basic


@transaction.atomic
def change_basic(basic: BasicItem, *, by: Actor, at: datetime, **fields: Any) -> BasicItem:
    """
    Change what an entry lays down (its code stays); published items keep what they say until they are published
    again. Nothing changed: nothing is recorded. Raises BadBasic with everything wrong, access.NotAllowed.
    """
    basic = BasicItem.objects.select_for_update().get(pk=basic.pk)
    access.require(by, "catalog.edit", region=basic.region_id)
    if unknown := sorted(fields.keys() - set(_COLUMNS)):
        raise BadBasic([_("没有“%(name)s”这一栏。") % {"name": name} for name in unknown])
    values, faults = _checked({name: getattr(basic, name) for name in _COLUMNS} | fields)
    if faults:
        raise BadBasic(faults)
    changed = {name: value for name, value in values.items() if getattr(basic, name) != value}
    for name, value in changed.items():
        setattr(basic, name, value)
    if changed:
        basic.save(update_fields=list(changed))
        _record(basic, "catalog.basic_changed", by, at, {"code": basic.catalog_code, "changed": _plain(changed)})
    return basic


def _checked(said: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    values, faults = dict(said), []
    values["name"], values["legal_basis"] = values["name"].strip(), values["legal_basis"].strip()
    if not values["name"]:
        faults.append(_("请填写事项名称。"))
    if len(values["name"]) > 300:
        faults.append(_("事项名称最多写 300 个字。"))
    if any("\x00" in values[name] for name in ("name", "legal_basis")):
        faults.append(_("有一个看不见的坏字符，请重新输入。"))
    if values["item_type"] not in ItemType.values:
        faults.append(_("没有“%(value)s”这种事项类型，请从列表里选。") % {"value": values["item_type"]})
    limit = values["statutory_limit"]
    if limit is not None and not (type(limit) is int and 0 <= limit < 32768):
        faults.append(_("法定办结时限“%(value)s”要是 0 到 32767 的整数。") % {"value": limit})
    if values["statutory_unit"] not in LimitUnit.values:
        faults.append(_("时限单位没有“%(value)s”，请从列表里选。") % {"value": values["statutory_unit"]})
    rows, seen = [], set[str]()
    for number, row in enumerate(values["materials"], 1):
        name, necessity = row["name"].strip(), row.get("necessity", "required")
        if not name or len(name) > 500 or "\x00" in name:
            faults.append(_("第 %(number)d 样材料的名称要有 1 到 500 个字。") % {"number": number})
        if necessity not in ItemMaterial.Necessity.values:
            faults.append(_("第 %(number)d 样材料的必要性请从列表里选。") % {"number": number})
        if plain_name(name) in seen:
            faults.append(_("材料“%(name)s”列了两次。") % {"name": name})
        seen.add(plain_name(name))
        rows.append({"name": name, "necessity": necessity})
    if len(rows) > MOST_MATERIALS:
        faults.append(_("最多 %(most)d 样材料，这里有 %(count)d 样。") % {"most": MOST_MATERIALS, "count": len(rows)})
    values["materials"] = rows
    return values, faults


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _record(basic: BasicItem, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"basic:{basic.pk}", kind, region=basic.region_id, by=by, at=at, data=data)
