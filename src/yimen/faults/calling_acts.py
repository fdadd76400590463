"""The verbs of a window and of the desk, and how a hall calls: one wish for each act with a key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yimen.faults.world import Wish, World


def _verb(name: str) -> Callable[[World], Wish]:
    """At a window of its own, with somebody new at it, so that nobody else's act is in the way."""

    def make(world: World) -> Wish:
        from yimen.faults.hall_acts import _own_window
        from yimen.faults.world import Wish, now
        from yimen.hall import actions
        from yimen.hall.models import Series

        window, one, session = _own_window(world)
        series = Series.objects.get(pk=world.seed.series["A"])
        window.series.set([series])
        ticket = world.ticket()
        fields: dict[str, Any] = {"ticket": str(ticket.pk)}
        if name == "chosen":
            fields = {"label": ticket.label, "reason": "urgent"}
        else:
            actions.call_chosen(window.pk, ticket.pk, reason="urgent", by=one, at=now())
        if name in ("hold", "next-matter"):
            actions.start(ticket.pk, by=one, at=now())
        if name == "back":
            actions.hold(ticket.pk, by=one, at=now())
        if name == "transfer":
            fields["to"] = f"s:{world.seed.series['B']}"
        if name == "next-matter":
            fields["series"] = str(series.pk)
        if name == "after":
            fields["how"] = "pass"
        return Wish(session, f"/workbench/window/{name}", fields, world.session("clerk-free"))

    return make


def _desk(name: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.faults.world import Wish

        ticket = world.ticket()
        fields = {"ticket": str(ticket.pk), "care": "old"}
        if name == "transfer":
            fields = {"label": ticket.label, "to": f"s:{world.seed.series['B']}"}
        return Wish(world.session("guide"), f"/workbench/desk/{name}", fields, world.session("security_admin"))

    return make


def _policy(world: World) -> Wish:
    from yimen.faults.world import Wish
    from yimen.hall.models import Hall

    hall = Hall.objects.get(pk=world.seed.hall_id)
    # Another number each time, so that there is something to change.
    fields = {
        "policy": hall.policy, "ratio": "3", "ageing_minutes": "20", "cap": "2", "margin_minutes": "10",
        "wait_limit": str(30 + next(world._people) % 400), "keeps_hours": "on",
        "care_first": list(hall.care_first),
    }  # fmt: skip
    return Wish(world.session("hall_manager"), f"/workbench/hall/{hall.pk}/calling", fields, world.session("clerk"))


def _hours(world: World) -> Wish:
    from yimen.faults.world import Wish

    hour = 14 + next(world._people) % 4
    fields = {f"day{n}": f"00:00-12:00 {hour}:00-23:59" for n in range(1, 8)} | {f"late{n}": "" for n in range(1, 8)}
    path = f"/workbench/hall/{_free_hall(world)}/hours"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _special_day(world: World) -> Wish:
    from yimen.faults.world import Wish

    day = date(2030, 1, 1) + timedelta(days=next(world._people) % 3000)
    fields = {"day": day.isoformat(), "window": "", "hours": "9:00-11:00", "people": "keep", "why": ""}
    path = f"/workbench/hall/{_free_hall(world)}/days"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _window_hours(world: World) -> Wish:
    from yimen.faults.world import Wish
    from yimen.hall.models import Window

    hall = _free_hall(world)
    n = next(world._people)
    window = Window.objects.create(region_id=world.seed.region, hall_id=hall, number=500 + n, name=f"{500 + n} 号")
    fields = {f"own{day}": "hall" for day in range(1, 8)} | {"own3": "own", "day3": "9:00-11:00", "people": "keep"}
    path = f"/workbench/hall/windows/{window.pk}/hours"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _free_hall(world: World) -> str:
    """Another hall of the centre: the seed's windows sign in at any hour."""
    from yimen.hall.models import Hall

    hall = Hall.objects.get(pk=world.seed.hall_id)
    return str(
        Hall.objects.create(
            region_id=hall.region_id, center_id=hall.center_id, code=f"h-{next(world._people)}", name="二楼大厅"
        ).pk
    )


def _limits(world: World) -> Wish:
    from yimen.faults.world import Wish

    fields = {"daily_cap": "", "warning_at": "", "surge_at": str(31 + next(world._people) % 900)}
    path = f"/workbench/hall/series/{world.seed.series['A']}/limits"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _skill(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.catalog.models import ServiceItem
        from yimen.faults.world import Wish
        from yimen.hall.models import Hall, Skill

        item = ServiceItem.objects.get(pk=world.seed.items["promised"])
        region = Hall.objects.select_related("region").get(pk=world.seed.hall_id).region
        name = f"专长 {next(world._people)}"
        path, fields = "/workbench/hall/skills/new", {"name": name, "items": str(item.pk)}
        if act != "new":
            known = Skill.objects.create(region=region, name=name)
            path, fields = f"/workbench/hall/skills/{known.pk}", {"name": f"{name} 改", "items": str(item.pk)}
        if act == "give":
            one, _session = world.new_staff("clerk")
            path, fields = "/workbench/hall/skills", {"skill": str(known.pk), "number": one.number}
        return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))

    return make


def _end_priority(world: World) -> Wish:
    from yimen.cases import actions as cases
    from yimen.faults.world import Wish, now
    from yimen.hall import actions

    clerk, leader = world.staff("clerk"), world.staff("leader")
    grant = cases.ask_priority("urgent", "exam", ticket=world.ticket().pk, by=clerk, at=now())
    cases.answer_priority(grant.pk, is_granted=True, by=leader, at=now())
    actions.prioritize(grant.pk, by=leader, at=now())
    return Wish(world.session("leader"), f"/workbench/priority/{grant.pk}/end", {}, world.session("clerk"))


TRIED: dict[str, Callable[[World], Wish]] = {
    "workbench:window-hold": _verb("hold"),
    "workbench:window-back": _verb("back"),
    "workbench:window-chosen": _verb("chosen"),
    "workbench:window-transfer": _verb("transfer"),
    "workbench:window-matter": _verb("next-matter"),
    "workbench:window-after": _verb("after"),
    "workbench:window-undo": _verb("undo"),
    "workbench:desk-care": _desk("care"),
    "workbench:desk-transfer": _desk("transfer"),
    "workbench:hall-calling": _policy,
    "workbench:hall-hours": _hours,
    "workbench:special-days": _special_day,
    "workbench:window-hours": _window_hours,
    "workbench:series-limits": _limits,
    "workbench:skills": _skill("give"),
    "workbench:skill-new": _skill("new"),
    "workbench:skill": _skill("change"),
    "workbench:priority-end": _end_priority,
}
