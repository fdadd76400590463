"""Trials on the power list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.timezone import localdate

from yimen.faults.world import Wish, World, now


def _power_draft(world: World, *, none: bool = False) -> Any:
    """A draft of the power list with a power of its own, and that power's code; none: make room for a new draft."""
    from yimen.catalog.actions import powers
    from yimen.catalog.models import PowerList
    from yimen.ledger.actions import SYSTEM
    from yimen.people.models import Region

    region, code = Region.objects.get(pk=world.seed.region), f"52010{next(world._people):04d}000"
    draft = PowerList.objects.filter(region=region, published_at=None).first()
    draft = draft or powers.begin_power_list(region, name="演示清单", by=SYSTEM, at=now())
    power = powers.PowerDraft(code, f"演示职权 {code}", "01")
    powers.save_power(draft, power, by=SYSTEM, at=now())
    if none:
        powers.publish_power_list(draft, effective_on=localdate(now()), by=SYSTEM, at=now())
    return draft, code


def _power_begin(world: World) -> Wish:
    _power_draft(world, none=True)
    return Wish(world.session("editor"), "/workbench/powers/new", {"name": "演示清单"}, world.session("clerk"))


def _power_act(role: str, act: str, fields: Callable[[str], dict[str, Any]]) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        draft, code = _power_draft(world)
        return Wish(world.session(role), f"/workbench/powers/{draft.pk}/{act}", fields(code), world.session("clerk"))

    return make


def _today_field(_code: str = "") -> dict[str, Any]:
    return {"effective_on": localdate(now()).isoformat()}


def _power_batch(world: World) -> Wish:
    _draft, code = _power_draft(world)
    fields = {"number": str(next(world._people)), "on": localdate(now()).isoformat(), "document_no": "演示文号"}
    fields["lines"] = f"{code}，取消"
    return Wish(world.session("editor"), "/workbench/powers/batches/new", fields, world.session("clerk"))


def _power_batch_apply(world: World) -> Wish:
    from yimen.catalog.actions import powers
    from yimen.ledger.actions import SYSTEM

    draft, code = _power_draft(world)
    batch = powers.record_batch(
        draft.region, number=next(world._people), on=localdate(now()), document_no="演示文号",
        lines=[powers.BatchLine(code, "cancel")], by=SYSTEM, at=now(),
    )  # fmt: skip
    return Wish(world.session("editor"), f"/workbench/powers/batches/{batch.pk}/apply", {}, world.session("clerk"))
