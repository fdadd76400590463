"""Trials of appointments: one request each (see acts.py)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.timezone import localdate
from django.utils.timezone import now as at_once

if TYPE_CHECKING:
    from yimen.faults.world import Wish, World

UNKEYED = {"workbench:booking-export": "as cases-export"}
ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]


def _wish(session: str, path: str, fields: dict[str, Any], world: World, **more: Any) -> Wish:
    from yimen.faults.world import Wish

    stranger = "" if more.get("public") else world.session("clerk-free")
    return Wish(session, path, fields, stranger, **more)


def _item(world: World) -> Any:
    from yimen.catalog.models import ServiceItem

    return ServiceItem.objects.get(pk=world.seed.items["immediate"])


def _plan(world: World) -> Any:
    """The plan of the trials with many places, whole days of the next weeks; a second call finds it."""
    from yimen.hall.actions import plans
    from yimen.hall.models import Series, SlotPlan
    from yimen.ledger.actions import SYSTEM

    found = SlotPlan.objects.filter(name="试办（演示）").first()
    if found is not None:
        return found
    series = Series.objects.select_related("hall").get(pk=world.seed.series["A"])
    draft = plans.PlanDraft(
        "试办（演示）",
        series,
        ALL_WEEK,
        time(0),
        time(23, 30),
        localdate(),
        places=100,
        buffer_minutes=0,
        days_ahead=30,
    )
    return plans.save_plan(series.hall, draft, by=SYSTEM, at=at_once())


def _slot(world: World, n: int = 0) -> Any:
    slots = _plan(world).slots.filter(begins_at__gt=at_once() + timedelta(hours=2), closed_reason="")
    return slots.order_by("begins_at")[n]


def _held(world: World, n: int = 0) -> Any:
    from yimen.hall.actions import appointments
    from yimen.ledger.actions import PUBLIC

    return appointments.hold(_slot(world, n).pk, item=_item(world), channel="web", by=PUBLIC, at=at_once())


def _who(world: World) -> dict[str, Any]:
    return {"name": "李小花（演示）", "phone": f"1390003{next(world._people):04d}"}


def _booked(world: World) -> Any:
    from yimen.hall.actions import appointments
    from yimen.ledger.actions import PUBLIC

    return appointments.book(_held(world).pk, by=PUBLIC, at=at_once(), **_who(world))


def _hold(world: World) -> Wish:
    fields = {"slot": str(_slot(world).pk), "party": "1"}
    return _wish("", f"/items/{_item(world).task_code}/book", fields, world, public=True)


def _citizen(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        one = _held(world) if act == "book" else _booked(world)
        fields = {
            "book": _who(world),
            "cancel": {},
            "papers": {"miss": "0"},
            "move": {"slot": str(_slot(world, 3).pk)} if act == "move" else {},
        }
        return _wish("", f"/a/{one.token}/{act}", fields[act], world, public=True)

    return make


def _entry(world: World) -> Any:
    from yimen.hall.actions import waitlist
    from yimen.ledger.actions import PUBLIC

    today = localdate()
    return waitlist.wait(
        _plan(world).hall, _item(world), from_day=today, until_day=today + timedelta(days=9), by=PUBLIC, at=at_once(),
        **_who(world),
    )  # fmt: skip


def _wait(world: World) -> Wish:
    _plan(world)
    days = {"from_day": localdate().isoformat(), "until_day": (localdate() + timedelta(days=9)).isoformat()}
    return _wish("", f"/items/{_item(world).task_code}/wait", days | _who(world), world, public=True)


def _offered(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.hall.actions import waitlist

        entry = _entry(world)
        while entry.status == "waiting":  # those of other trials come before him
            waitlist.serve(entry.pk, at=at_once())
            entry.refresh_from_db()
        return _wish("", f"/w/{entry.token}/{act}", {}, world, public=True)

    return make


def _api(world: World) -> Wish:
    fields = {"slot": str(_slot(world).pk), "item": str(_item(world).pk), **_who(world)}
    return _wish("", f"/api/v1/halls/{world.seed.hall}/appointments", fields, world, public=True, program=True)


def _by_role(role: str, path: str, fields: Callable[[World], dict[str, str]]) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        return _wish(world.session(role), f"/workbench/{path}?hall={world.seed.hall}", fields(world), world)

    return make


def _today(world: World, *, over: bool) -> Any:
    """A booking of today that may arrive now, or whose time is over."""
    from yimen.hall.models import Slot

    one, now = _booked(world), at_once()
    begins = now - timedelta(hours=3) if over else now
    slot = Slot.objects.create(
        region_id=one.region_id, plan=one.slot.plan, day=localdate(now), places=2, taken=1,
        begins_at=begins, ends_at=begins + timedelta(minutes=30),
    )  # fmt: skip
    one.slot = slot
    one.save(update_fields=["slot"])
    return one


def _at_desk(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        one = _today(world, over=act == "no-show")
        return _wish(world.session("clerk"), f"/workbench/appointments/{act}", {"appointment": str(one.pk)}, world)

    return make


def _one(world: World) -> Wish:
    path = f"/workbench/appointments/{_booked(world).pk}"
    return _wish(world.session("clerk"), path, {"do": "cancel", "reason": "他打电话来"}, world)


def _caller(world: World) -> Wish:
    path = f"/workbench/appointments/new?hall={world.seed.hall}&item={_item(world).pk}"
    fields = {"slot": str(_slot(world).pk), "channel": "phone", "party": "1", **_who(world)}
    return _wish(world.session("clerk"), path, fields, world)


def _plan_fields(world: World) -> dict[str, str]:
    n = next(world._people)
    return {
        "name": f"试办 {n}（演示）", "series": world.seed.series["B"], "weekdays": "1",
        "begins": "09:00", "ends": "10:00",
        "minutes": "30", "places": "2", "party": "1", "buffer_minutes": "30", "days_ahead": "7",
        "valid_from": localdate().isoformat(), "is_on": "on", "do": "save",
    }  # fmt: skip


def _plan_there(world: World) -> Wish:
    from yimen.hall.actions import plans
    from yimen.hall.models import Series
    from yimen.ledger.actions import SYSTEM

    series = Series.objects.select_related("hall").get(pk=world.seed.series["B"])
    draft = plans.PlanDraft(f"试办 {next(world._people)}", series, [2], time(9), time(10), localdate())
    plan = plans.save_plan(series.hall, draft, by=SYSTEM, at=at_once())
    return _by_role("hall_manager", f"slot-plans/{plan.pk}", _plan_fields)(world)


def _season_fields(world: World) -> dict[str, str]:
    return {
        "name": f"集中办理 {next(world._people)}（演示）", "items": str(_item(world).pk), "do": "save",
        "from_day": localdate().isoformat(), "until_day": (localdate() + timedelta(days=5)).isoformat(),
    }  # fmt: skip


def _season_there(world: World) -> Wish:
    from yimen.hall.actions import campaigns
    from yimen.ledger.actions import SYSTEM

    found = campaigns.save_campaign(
        _plan(world).hall, name=f"集中办理 {next(world._people)}", items=[_item(world)], from_day=localdate(),
        until_day=localdate(), by=SYSTEM, at=at_once(),
    )  # fmt: skip
    return _by_role("hall_manager", f"campaigns/{found.pk}", _season_fields)(world)


def _closure_fields(world: World) -> dict[str, str]:
    """One hour far away, at a window nobody books."""
    from yimen.hall.models import Window

    day = (localdate() + timedelta(days=80)).isoformat()
    window = Window.objects.filter(hall__id=world.seed.hall_id).order_by("-number").first()
    assert window is not None
    return {
        "window": str(window.pk), "from_day": day, "from_time": "09:00", "until_day": day, "until_time": "10:00",
        "reason": f"检修 {next(world._people)}", "moves": "on", "do": "save",
    }  # fmt: skip


def _reopen(world: World) -> Wish:
    from yimen.hall.actions import campaigns
    from yimen.hall.models import Window
    from yimen.ledger.actions import SYSTEM

    window = Window.objects.select_related("hall").filter(hall__id=world.seed.hall_id).order_by("-number").first()
    assert window is not None
    begins = at_once() + timedelta(days=70)
    done = campaigns.close(
        window.hall, window=window, from_at=begins, until_at=begins + timedelta(hours=1), reason="检修", by=SYSTEM,
        at=at_once(),
    )  # fmt: skip
    return _by_role("hall_manager", "closures/reopen", lambda _world: {"closure": str(done.closure.pk)})(world)


def _leave_for(world: World) -> Wish:
    entry = _entry(world)
    return _by_role("clerk", "appointments/waiting", lambda _world: {"entry": str(entry.pk)})(world)


TRIED: dict[str, Callable[[World], Wish]] = {
    "portal:book": _hold,
    "portal:appointment-book": _citizen("book"),
    "portal:appointment-cancel": _citizen("cancel"),
    "portal:appointment-papers": _citizen("papers"),
    "portal:appointment-move": _citizen("move"),
    "portal:wait": _wait,
    "portal:waiting-take": _offered("take"),
    "portal:waiting-leave": _offered("leave"),
    "api:book_appointment": _api,
    "workbench:appointment-check-in": _at_desk("check-in"),
    "workbench:appointment-no-show": _at_desk("no-show"),
    "workbench:appointment": _one,
    "workbench:appointment-new": _caller,
    "workbench:wait-list": _leave_for,
    "workbench:slot-plan-new": _by_role("hall_manager", "slot-plans/new", _plan_fields),
    "workbench:slot-plan": _plan_there,
    "workbench:campaign-new": _by_role("hall_manager", "campaigns/new", _season_fields),
    "workbench:campaign": _season_there,
    "workbench:closures": _by_role("hall_manager", "closures", _closure_fields),
    "workbench:closure-reopen": _reopen,
}
