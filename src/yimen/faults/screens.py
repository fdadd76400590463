"""Screens, notices, zones, facilities and work cards by a hall manager: one wish for each act with a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yimen.faults.world import Wish, World

_numbers = count(1)
SCREEN = {
    "layout": "hall", "repeats": "2", "language": "zh-CN", "volume": "100", "quiet_volume": "30", "speaks": "on",
}  # fmt: skip
NOTICE = {
    "title": "周六上午开门", "text": "社保和不动产各开两个窗口。", "kind": "public", "from_day": "2026-11-18",
    "until_day": "2036-11-18", "seconds": "15", "position": "0",
}  # fmt: skip


def _wish(world: World, path: str, fields: dict[str, Any]) -> Wish:
    from yimen.faults.world import Wish

    return Wish(world.session("hall_manager"), f"/workbench/hall/{path}", fields, world.session("clerk"))


def _hall(world: World) -> Any:
    from yimen.hall.models import Hall

    return Hall.objects.select_related("region").get(pk=world.seed.hall_id)


def _made(what: str, path: str, fields: dict[str, str]) -> Callable[[World], Wish]:
    """Something new of `what` exists; the form at `path` does the act on it."""

    def make(world: World) -> Wish:
        from yimen.faults.world import now
        from yimen.hall import setup
        from yimen.hall.actions import notices, places, screens
        from yimen.ledger.actions import SYSTEM

        n, hall = next(_numbers), _hall(world)
        by: Any = {"by": SYSTEM, "at": now()}
        at = now().date()
        thing: Any
        match what:
            case "screen":
                thing = screens.set_up_screen(hall, code=f"made-{n}", name=f"屏 {n}", layout="hall", **by)
            case "notice":
                thing = notices.post_notice(
                    hall.region, title=f"公告 {n}", text="内容", from_day=at, until_day=at.replace(year=2036), **by
                )
            case "zone":
                thing = places.add_zone(hall, name=f"旧区 {n}", **by)
            case "facility":
                thing = places.add_facility(hall, kind="water", name=f"热水 {n}", **by)
            case "window":
                thing = setup.open_window(hall, number=500 + n, name=f"{n} 号", series=[], department=None, **by)
            case _:
                thing = world.staff("clerk").post
        wish = _wish(world, path.format(pk=thing.pk), {key: value.format(n=n) for key, value in fields.items()})
        return replace(wish, stranger=world.session("security_admin"))  # clerks may report a facility too

    return make


def _new(path: str, fields: dict[str, str]) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        n = next(_numbers)
        said = {key: value.format(n=n) for key, value in fields.items()}
        return _wish(world, path.format(hall=world.seed.hall_id), said)

    return make


def _placed(world: World) -> Wish:
    wish = _made("window", "windows/{pk}/place", {})(world)
    wish.fields["department"] = str(world.staff("clerk").department_id)
    return wish


def _complaint(world: World) -> Wish:
    return _wish(world, "cards", {"way": f"拨 12345 转 {next(_numbers)}"})


TRIED: dict[str, Callable[[World], Wish]] = {
    "workbench:screen-new": _new("{hall}/screens/new", SCREEN | {"code": "try-{n}", "name": "屏 {n}"}),
    "workbench:screen": _made("screen", "screens/{pk}", SCREEN | {"name": "改名 {n}"}),
    "workbench:screen-switch": _made("screen", "screens/{pk}/switch", {"on": "0"}),
    "workbench:notice-new": _new("notices/new", NOTICE),
    "workbench:hall-notice": _made("notice", "notices/{pk}", NOTICE | {"title": "改了 {n}"}),
    "workbench:notice-end": _made("notice", "notices/{pk}/end", {}),
    "workbench:zone-new": _new("{hall}/zones/new", {"name": "新区 {n}"}),
    "workbench:zone": _made("zone", "zones/{pk}", {"name": "改区 {n}", "position": "3"}),
    "workbench:zone-remove": _made("zone", "zones/{pk}/remove", {}),
    "workbench:window-place": _placed,
    "workbench:facility-new": _new("{hall}/facilities/new", {"kind": "water", "name": "热水 {n}", "position": "0"}),
    "workbench:facility": _made("facility", "facilities/{pk}", {"kind": "copy", "name": "复印 {n}", "position": "1"}),
    "workbench:facility-works": _made("facility", "facilities/{pk}/works", {"works": "0", "note": "在修"}),
    "workbench:facility-end": _made("facility", "facilities/{pk}/end", {}),
    "workbench:work-cards": _complaint,
    "workbench:work-card": _made("post", "cards/{pk}", {"duties": "收件 {n}", "promise": "一次说清"}),
}
