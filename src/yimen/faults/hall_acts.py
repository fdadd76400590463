"""Trials at windows, kiosks, desks and in the hall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yimen.faults.catalog_acts import _item_version
from yimen.faults.people_acts import _letters
from yimen.faults.world import Wish, World, now


def _at_window(name: str) -> Callable[[World], Wish]:
    def wish(world: World) -> Wish:
        _pk, session, ticket = world.called()
        return Wish(session, f"/workbench/window/{name}", {"ticket": str(ticket.pk)}, world.session("clerk-free"))

    return wish


def _call(world: World) -> Wish:
    _pk, session, _clerk = world.window()
    world.ticket()
    return Wish(session, "/workbench/window/call", {}, world.session("clerk-free"))


def _sign_in(world: World) -> Wish:
    from yimen.hall.models import Hall, Window

    hall = Hall.objects.get(pk=world.seed.hall_id)
    number = Window.objects.filter(hall=hall).count() + 1
    window = Window.objects.create(region_id=hall.region_id, hall=hall, number=number, name=f"{number} 号窗口")
    _one, session = world.new_staff("clerk")
    return Wish(session, "/workbench/window/sign-in", {"window": str(window.pk)}, world.new_staff("clerk")[1])


def _sign_out(world: World) -> Wish:
    _pk, session, _clerk = world.window()
    return Wish(session, "/workbench/window/sign-out", {}, world.session("clerk-free"))


def _kiosk(world: World) -> Wish:
    return Wish("", f"/kiosk/{world.seed.hall}/take/{world.seed.series['A']}/", {"phone": ""}, world.session("clerk"))


def _rate(world: World) -> Wish:
    return Wish("", f"/r/{world.invitation()}/level", {"level": "good"}, world.session("clerk"))


def _rate_more(world: World) -> Wish:
    from yimen.ratings import actions, rules
    from yimen.ratings.models import RatingLevel

    token = world.invitation()
    actions.rate(token, level="bad", at=now())
    reason = next(iter(rules.reasons_for(RatingLevel("bad"))), "")
    return Wish("", f"/r/{token}/more", {"reason": reason, "text": "等得久"}, world.session("clerk"))


def _at_desk(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.hall import actions

        if act == "take":
            fields = {"hall": world.seed.hall, "series": world.seed.series["A"], "item": "", "last_four": ""}
        else:
            _pk, _session, ticket = world.called()
            actions.pass_over(ticket.pk, by=ticket.window.staff, at=now())
            fields = {"hall": world.seed.hall, "ticket": str(ticket.pk)}
        return Wish(world.session("guide"), f"/workbench/desk/{act}", fields, world.session("security_admin"))

    return make


def _window_calls(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    window = setup.open_window(
        hall, number=n, name=f"{n} 号窗口", kind="integrated", series=[], department=None, by=SYSTEM, at=now()
    )
    fields = {"series": world.seed.series["A"]}
    return Wish(world.session("hall_manager"), f"/workbench/hall/windows/{window.pk}", fields, world.session("clerk"))


def _series_let(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    series = setup.open_series(hall, letter=_letters(n), name=f"第 {n} 队", zone="", by=SYSTEM, at=now())
    path = f"/workbench/hall/series/{series.pk}/let"
    return Wish(world.session("hall_manager"), path, {"let": "0"}, world.session("clerk"))


def _hall_alarm(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall, HallAlarm
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    series = setup.open_series(hall, letter=_letters(n), name=f"第 {n} 队", zone="", by=SYSTEM, at=now())
    alarm = HallAlarm.objects.create(
        region_id=hall.region_id, hall=hall, series=series, kind="surge", figure=31, raised_at=now()
    )
    fields = {"hall": hall.code, "answer": "已加开窗口"}
    return Wish(
        world.session("hall_manager"), f"/workbench/hall/now/alarms/{alarm.pk}/answer", fields, world.session("clerk")
    )


def _hall_lend(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    window = setup.open_window(hall, number=n, name=f"{n} 号窗口", by=SYSTEM, at=now())
    fields = {"hall": hall.code, "window": str(window.pk), "series": str(world.seed.series["A"])}
    return Wish(world.session("hall_manager"), "/workbench/hall/now/lend", fields, world.session("clerk"))


def _hall_sign_out(world: World) -> Wish:
    from yimen.hall.models import Hall

    window, _session, _clerk = world.window()
    fields = {"hall": Hall.objects.get(pk=world.seed.hall_id).code, "window": str(window)}
    return Wish(world.session("hall_manager"), "/workbench/hall/now/sign-out", fields, world.session("clerk"))


def _hall_merge(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    center = Hall.objects.select_related("center").get(pk=world.seed.hall_id).center
    halls = [
        setup.open_hall(center, code=f"zz{next(world._people)}", name="要合并的大厅", by=SYSTEM, at=now())
        for _n in range(2)
    ]
    fields = {"source": str(halls[0].pk), "into": str(halls[1].pk)}
    return Wish(world.session("hall_manager"), "/workbench/hall/merge", fields, world.session("clerk"))


def _series_item(world: World) -> Wish:
    item, _draft = _item_version(world)
    path = f"/workbench/hall/series/{world.seed.series['A']}"
    return Wish(world.session("hall_manager"), path, {"add": str(item.pk)}, world.session("clerk"))


def _own_window(world: World) -> tuple[Any, Any, str]:
    """A window of its own with somebody new signed in: the window, him, his session."""
    from yimen.hall import actions
    from yimen.hall.models import Hall, Window

    hall = Hall.objects.get(pk=world.seed.hall_id)
    number = Window.objects.filter(hall=hall).count() + 1
    window = Window.objects.create(region_id=hall.region_id, hall=hall, number=number, name=f"{number} 号窗口")
    one, session = world.new_staff("clerk")
    return actions.sign_in(window.pk, by=one, at=now()), one, session


def _away(act: str) -> Callable[[World], Wish]:
    """Leaving a window for a while and coming back."""

    def make(world: World) -> Wish:
        from yimen.hall import actions

        window, one, session = _own_window(world)
        fields = {"reason": "break", "window": str(window.pk)}
        if act == "resume":
            actions.pause(window.pk, reason="break", by=one, at=now())
        return Wish(session, f"/workbench/window/{act}", fields, world.new_staff("clerk")[1])

    return make
