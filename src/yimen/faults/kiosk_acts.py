"""Trials of the kiosk, of tickets on phones, of guides, printers and opinions: one request each (see acts.py)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.timezone import localdate
from django.utils.timezone import now as at_once

if TYPE_CHECKING:
    from yimen.faults.world import Wish, World

UNKEYED = {
    "kiosk:look": "a cookie of this browser",
    "kiosk:alive": "notes that a kiosk was seen, to the minute",
    "kiosk:progress": "as portal:progress",
    "kiosk:verify": "as portal:verify",
    "workbench:visitor-opinion-phone": "as case-reveal",
}


def _wish(session: str, path: str, fields: dict[str, Any], world: World) -> Wish:
    from yimen.faults.world import Wish

    return Wish(session, path, fields, world.session("clerk"))


def _hall(world: World) -> Any:
    from yimen.hall.models import Hall

    return Hall.objects.get(pk=world.seed.hall_id)


def _code(world: World, start: str) -> str:
    return f"{start}{next(world._people)}"


def _kiosk(world: World, *, printer: Any = None) -> Any:
    from yimen.hall.actions import kiosks
    from yimen.ledger.actions import SYSTEM

    return kiosks.add_kiosk(
        _hall(world), code=_code(world, "k"), name="自助机（演示）", printer=printer, by=SYSTEM, at=at_once()
    )


def _printer(world: World) -> Any:
    from yimen.hall.actions import kiosks
    from yimen.ledger.actions import SYSTEM

    return kiosks.add_printer(
        _hall(world), name="小票机（演示）", kind="file", target=_code(world, "p"), by=SYSTEM, at=at_once()
    )


def _at_kiosk(way: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        kiosk = _kiosk(world, printer=_printer(world) if way == "items" else None)
        path, fields = f"/kiosk/{kiosk.code}/{way}/", {}
        if way == "items":
            from yimen.catalog.models import ItemVersion

            path += f"{ItemVersion.objects.get(pk=world.seed.versions['immediate']).item_id}/"
        elif way == "opinion":
            fields = {"kind": "praise", "topic": "staff"}
        elif way == "check-in":
            fields = {"number": _booked(world)}
        return _wish("", path, fields, world)

    return make


def _booked(world: World) -> str:
    """The number of an appointment of today, made without its page."""
    from yimen.hall.actions.booking import new_token
    from yimen.hall.models import Appointment, Series, Slot, SlotPlan

    series, now, n = Series.objects.get(pk=world.seed.series["B"]), at_once(), next(world._people)
    same = {"region_id": series.region_id, "hall_id": series.hall_id}
    plan = SlotPlan.objects.create(
        **same, name=f"演示 {n}", series=series, weekdays=[], begins="09:00", ends="17:00", valid_from=localdate(now)
    )
    slot = Slot.objects.create(
        region_id=series.region_id, plan=plan, day=localdate(now), begins_at=now, ends_at=now + timedelta(minutes=30),
        places=2, taken=1,
    )  # fmt: skip
    one = Appointment.objects.create(
        **same, slot=slot, number=f"9{n:07d}", token=new_token(), status="booked", channel="web", made_at=now
    )
    return one.number


def _on_phone(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        ticket = world.ticket("B")
        if act == "put-off":
            world.ticket("B")
        return _wish("", f"/t/{ticket.pk}/{act}", {}, world)

    return make


def _join(world: World) -> Wish:
    from yimen.hall.actions import kiosks
    from yimen.ledger.actions import SYSTEM

    hall = kiosks.set_joining(world.seed.hall_id, by=SYSTEM, at=at_once())  # type: ignore[arg-type]
    return _wish("", f"/queues/{hall.code}/join", {"series": world.seed.series["A"], "code": hall.join_code}, world)


def _machine(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        manager, hall = world.session("hall_manager"), world.seed.hall_id
        printer = {"name": "小票机", "kind": "file", "target": _code(world, "p"), "width": "576", "is_on": "on"}
        kiosk = {"name": "自助机", "idle_seconds": "60", "is_on": "on"}
        match act:
            case "kiosk-new":
                path, fields = f"{hall}/kiosks/new", {**kiosk, "code": _code(world, "k")}
            case "kiosk":
                path, fields = f"kiosks/{_kiosk(world).pk}", kiosk
            case "printer-new":
                path, fields = f"{hall}/printers/new", printer
            case "printer":
                path, fields = f"printers/{_printer(world).pk}", printer
            case "printer-test":
                path, fields = f"printers/{_printer(world).pk}/test", {}
            case "joining":
                path, fields = f"{hall}/joining", {"has_code": "on", "radius": "1000"}
            case _:
                ticket = world.ticket()
                fields = {"label": ticket.label, "printer": str(_printer(world).pk)}
                return _wish(world.session("guide"), "/workbench/machines/reprint/now", fields, world)
        return _wish(manager, f"/workbench/machines/{path}", fields, world)

    return make


def _guide(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.hall.actions import helping
        from yimen.ledger.actions import SYSTEM

        hall, now = _hall(world), at_once()
        fields: dict[str, Any] = {"hall": hall.code}
        if act == "note":
            fields |= {"kind": "way"}
        elif act == "go":
            fields |= {"call": str(helping.call_guide(hall, kiosk=_kiosk(world), at=now).pk)}
        else:
            staff, _session = world.new_staff("guide")
            if act == "roster/add":
                fields |= {
                    "staff": str(staff.pk),
                    "day": f"{localdate(now):%Y-%m-%d}",
                    "from": "09:00",
                    "until": "12:00",
                }
            else:
                duty = helping.put_on_duty(
                    hall, staff, from_at=now, until_at=now + timedelta(hours=2), by=SYSTEM, at=now
                )
                fields |= {"duty": str(duty.pk)}
        role = "hall_manager" if act.startswith("roster") else "guide"
        return _wish(world.session(role), f"/workbench/guides/{act}", fields, world)

    return make


def _opinion(world: World) -> Wish:
    from yimen.ratings import opinions

    left = opinions.leave_opinion(_hall(world).center, "praise", topics=["staff"], at=at_once())
    path = f"/workbench/visitor-opinions/{left.pk}/close"
    return _wish(world.session("hall_manager"), path, {"answer": "谢谢"}, world)


TRIED: dict[str, Callable[[World], Wish]] = {
    "kiosk:opinion": _at_kiosk("opinion"),
    "kiosk:help": _at_kiosk("help"),
    "kiosk:item": _at_kiosk("items"),
    "kiosk:check-in": _at_kiosk("check-in"),
    "ticket-leave": _on_phone("leave"),
    "ticket-put-off": _on_phone("put-off"),
    "portal:join": _join,
    "workbench:kiosk-new": _machine("kiosk-new"),
    "workbench:kiosk": _machine("kiosk"),
    "workbench:printer-new": _machine("printer-new"),
    "workbench:printer": _machine("printer"),
    "workbench:printer-test": _machine("printer-test"),
    "workbench:joining": _machine("joining"),
    "workbench:reprint-now": _machine("reprint-now"),
    "workbench:guides-note": _guide("note"),
    "workbench:guides-go": _guide("go"),
    "workbench:guides-put-on": _guide("roster/add"),
    "workbench:guides-take-off": _guide("roster/drop"),
    "workbench:visitor-opinion-close": _opinion,
}
