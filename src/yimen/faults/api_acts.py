"""Trials of programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yimen.faults.world import Wish, World, now


def _api_take(world: World) -> Wish:
    return Wish("", f"/api/v1/halls/{world.seed.hall}/tickets", {"series": "B"}, program=True, public=True)


def _api_call(world: World) -> Wish:
    pk, session, _clerk = world.window()
    world.ticket()
    return Wish(session, f"/api/v1/windows/{pk}/call-next", {}, world.session("clerk-free"), program=True)


def _api_finish(world: World) -> Wish:
    pk, session, ticket = world.called()
    path = f"/api/v1/windows/{pk}/finish"
    return Wish(session, path, {"ticket": str(ticket.pk)}, world.session("clerk-free"), program=True)


def _system(world: World) -> tuple[Any, Any]:
    """A department's system that was let in, and where it is told: a public address that nobody calls here."""
    from yimen.exchange import clients
    from yimen.exchange.models import Webhook
    from yimen.ledger.actions import SYSTEM
    from yimen.lib import crypto
    from yimen.people import actions
    from yimen.people.models import Region, Staff

    clerk, n = world.staff("clerk"), next(world._people)
    account = actions.open_account(
        region=Region.objects.get(pk=world.seed.region), department=clerk.department, number=f"S{n:05d}",
        name="接口账号（演示）", username=f"system-{n}", password=None, by=SYSTEM, at=now(),
    )  # fmt: skip
    actions.grant_role(account, "clerk", by=SYSTEM, at=now())
    admin = Staff.objects.filter(grants__role="system_admin", region=world.seed.region).first()
    assert admin is not None
    client, _key = clients.make_client(f"业务系统 {n}（演示）", account.pk, by=admin, at=now())
    webhook = Webhook.objects.create(
        region_id=client.region_id, client=client, url=f"https://hooks.example.org/{n}",
        secret_sealed=crypto.seal("secret", "exchange_webhook.secret"), made_at=now(), paused_at=now(),
    )  # fmt: skip
    return client, webhook


def _system_act(act: str, **fields: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        client, webhook = _system(world)
        path = f"/workbench/clients/{client.pk}/" + act.format(webhook=webhook.pk)
        return Wish(world.session("system_admin"), path, fields, world.session("security_admin"))

    return make
