"""Trials on accounts, units, points and centres."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.timezone import localdate

from yimen.faults.catalog_acts import _item_version
from yimen.faults.world import Wish, World, now


def _open_account(world: World) -> Wish:
    clerk, n = world.staff("clerk"), next(world._people)
    fields = {"name": "新来的（演示）", "number": f"N{n}", "username": f"demo-{n}"}
    fields["department"] = str(clerk.department_id)
    return Wish(world.session("system_admin"), "/workbench/people/open", fields, world.session("security_admin"))


def _grant(world: World) -> Wish:
    one, _session = world.new_staff()
    fields = {"role": "guide", "department": ""}
    path = f"/workbench/people/{one.pk}/grant"
    return Wish(world.session("security_admin"), path, fields, world.session("system_admin"))


def _end_role(world: World) -> Wish:
    one, _session = world.new_staff("guide")
    fields = {"grant": str(one.grants.get().pk)}
    path = f"/workbench/people/{one.pk}/end-role"
    return Wish(world.session("security_admin"), path, fields, world.session("system_admin"))


def _close(world: World) -> Wish:
    one, _session = world.new_staff()
    fields = {"reason": "调离本中心"}
    path = f"/workbench/people/{one.pk}/close"
    return Wish(world.session("system_admin"), path, fields, world.session("security_admin"))


def _letters(n: int) -> str:
    return chr(ord("A") + n // 26 % 26) + chr(ord("A") + n % 26)


def _added(role: str, path: str, fields: Callable[[World, int], dict[str, Any]]) -> Callable[[World], Wish]:
    """A form that adds something: {hall} and {department} stand for the seed's."""

    def make(world: World) -> Wish:
        department = str(world.staff("clerk").department_id)
        address = "/workbench/" + path.format(hall=world.seed.hall_id, department=department)
        return Wish(world.session(role), address, fields(world, next(world._people)), world.session("clerk"))

    return make


def _center(world: World, n: int) -> dict[str, Any]:
    fields = {
        "parent": world.seed.center,
        "code": f"branch-{n}",
        "name": f"第 {n} 分中心（演示）",
        "letters": _letters(n),
    }
    return fields | {"address": "演示路 2 号", "hours": "工作日 9:00 到 17:00", "phone": "000-00000000"}


def _enter_hall(world: World) -> Wish:
    item, _draft = _item_version(world)
    fields = {"center": world.seed.center, "on": localdate(now()).isoformat(), "elsewhere": ""}
    path = f"/workbench/entry/items/{item.pk}/enter"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _new_unit(world: World, *, is_bureau: bool = False) -> Any:
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions
    from yimen.people.models import Region

    n = next(world._people)
    return actions.open_department(
        region=Region.objects.get(pk=world.seed.region), code=f"unit-{n}", name=f"演示单位 {n}", is_bureau=is_bureau,
        by=SYSTEM, at=now(),
    )  # fmt: skip


def _move_in(world: World) -> Wish:
    from yimen.catalog.actions import powers
    from yimen.catalog.models import ServiceItem
    from yimen.faults.seed import make_item
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions

    unit = _new_unit(world)
    pk, _version = make_item(unit, "immediate", n=next(world._people))
    post = actions.open_post(unit, "演示岗", by=SYSTEM, at=now())
    powers.grant_delegation(
        ServiceItem.objects.get(pk=pk), post=post, acts=["accept", "decide"], letter_no="演示文号", signed_by="演示",
        from_on=localdate(now()), by=SYSTEM, at=now(),
    )  # fmt: skip
    fields = {"center": world.seed.center, "on": localdate(now()).isoformat()}
    path = f"/workbench/entry/units/{unit.pk}/move-in"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _organisation(world: World) -> Wish:
    fields = {"name": f"调整 {next(world._people)}", "on": localdate(now()).isoformat(), "before": "一科\n二科"}
    fields |= {"after": "审批科", "department": "", "document_no": ""}
    return Wish(world.session("system_admin"), "/workbench/organisation/new", fields, world.session("clerk"))


def _transfer(world: World) -> Wish:
    from yimen.faults.seed import make_item

    source, bureau = _new_unit(world), _new_unit(world, is_bureau=True)
    pk, _version = make_item(source, "immediate", n=next(world._people))
    fields = {"target": str(bureau.pk), "on": localdate(now()).isoformat(), "document_no": "演示文号", "items": str(pk)}
    path = f"/workbench/organisation/transfer?source={source.pk}"
    return Wish(world.session("publisher"), path, fields, world.session("clerk"))


def _point(_world: World, n: int) -> dict[str, Any]:
    fields = {"kind": "town", "name": f"第 {n} 便民服务中心（演示）", "code": f"point-{n}"}
    return fields | {"address": "演示村 1 号", "hours": "", "phone": "000-00000000", "center": ""}


def _close_point(world: World) -> Wish:
    from yimen.ledger.actions import SYSTEM
    from yimen.people import points
    from yimen.people.models import Region

    fields = _point(world, next(world._people)) | {"center": None}
    point = points.open_point(region=Region.objects.get(pk=world.seed.region), by=SYSTEM, at=now(), **fields)
    return Wish(world.session("system_admin"), f"/workbench/points/{point.pk}/close", {}, world.session("clerk"))
