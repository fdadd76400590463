"""Writes to bundles (一件事): what belongs to one, in which order, and whether it is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.catalog.models.bundles import BundleItem, ServiceBundle
from yimen.catalog.queries import bundles as queries
from yimen.catalog.rules import bundles as rules
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department


class BadBundle(DomainError):
    """What keeps a bundle from being kept or offered; `faults` has one sentence for each thing."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__("".join(self.faults))


@dataclass(frozen=True)
class BundleLine:
    """One item of a bundle as it is typed; see BundleItem."""

    key: str
    item: UUID
    after: tuple[str, ...] = ()
    feeds: dict[str, str] = field(default_factory=dict)
    is_optional: bool = False
    note: str = ""


@transaction.atomic
def save_bundle(
    *,
    lead: Department,
    code: str,
    name: str,
    lines: Sequence[BundleLine],
    by: Actor,
    at: datetime,
    plain_text: str = "",
    everyday_names: Sequence[str] = (),
    promised_limit: int | None = None,
    is_demo: bool = False,
) -> ServiceBundle:
    """
    Write a bundle as it stands in the form, the new one as well as the known one of this code.

    A draft may have faults (queries.faults_of); one that is offered must have none. Applications that run keep the
    order they began with. Nothing changed: nothing is recorded. Raises BadBundle, access.NotAllowed.
    """
    access.require(by, "catalog.edit", department=lead, region=lead.region_id)
    _check(name, lines, lead.region_id)
    heads: dict[str, Any] = {
        "name": name.strip(),
        "lead": lead,
        "plain_text": plain_text.strip(),
        "everyday_names": [one.strip() for one in everyday_names if one.strip()],
        "promised_limit": promised_limit,
    }
    bundle, is_new = ServiceBundle.objects.select_for_update().get_or_create(
        region_id=lead.region_id, code=code, defaults=heads | {"is_demo": is_demo}
    )
    if not is_new:
        access.require(by, "catalog.edit", department=bundle.lead, region=bundle.region_id)
    columns = ("key", "item_id", "after", "feeds", "is_optional", "note")
    wanted = [
        dict(
            zip(
                columns, (one.key, one.item, list(one.after), one.feeds, one.is_optional, one.note.strip()), strict=True
            )
        )
        for one in lines
    ]
    changed = is_new or any(getattr(bundle, key) != value for key, value in heads.items())
    if wanted != list(bundle.items.values(*columns)):
        changed = True
        bundle.items.all().delete()
        BundleItem.objects.bulk_create(BundleItem(bundle=bundle, position=n, **row) for n, row in enumerate(wanted, 1))
    if not changed:
        return bundle
    for key, value in heads.items():
        setattr(bundle, key, value)
    bundle.save(update_fields=list(heads))
    if bundle.published_at and not bundle.withdrawn_at and (found := queries.faults_of(bundle)):
        raise BadBundle([_("这件事正在办，改成这样就办不了了：") + found[0], *found[1:]])
    data = {"name": bundle.name, "items": [row["key"] for row in wanted]}
    _record(bundle, "catalog.bundle_saved", by, at, data)
    return bundle


def _check(name: str, lines: Sequence[BundleLine], region: str) -> None:
    found = []
    keys, items = [one.key for one in lines], [one.item for one in lines]
    if not name.strip():
        found.append(_("请写这件事叫什么，用老百姓的话。"))
    if len(lines) > rules.MOST_ITEMS:
        found.append(_("一件事最多 %(most)d 个事项。") % {"most": rules.MOST_ITEMS})
    if len(set(keys)) < len(keys) or len(set(items)) < len(items):
        found.append(_("同一个事项写了两遍，请去掉一个。"))
    if ServiceItem.objects.filter(region_id=region, pk__in=items).count() < len(set(items)):
        found.append(_("有一个事项找不到，请重新选。"))
    if found:
        raise BadBundle(found)


@transaction.atomic
def publish_bundle(bundle_id: UUID, *, by: Actor, at: datetime) -> ServiceBundle:
    """Offer a bundle from now on. Raises BadBundle with everything that is missing, access.NotAllowed."""
    bundle = _locked(bundle_id)
    access.require(by, "catalog.publish", department=bundle.lead, region=bundle.region_id)
    if found := queries.faults_of(bundle):
        raise BadBundle(found)
    if bundle.published_at and not bundle.withdrawn_at:
        return bundle
    bundle.published_at, bundle.withdrawn_at = at, None
    bundle.save(update_fields=["published_at", "withdrawn_at"])
    _record(bundle, "catalog.bundle_published", by, at, {"name": bundle.name})
    return bundle


@transaction.atomic
def withdraw_bundle(bundle_id: UUID, *, by: Actor, at: datetime) -> ServiceBundle:
    """Offer it no longer; what runs is finished."""
    bundle = _locked(bundle_id)
    access.require(by, "catalog.publish", department=bundle.lead, region=bundle.region_id)
    if bundle.published_at and not bundle.withdrawn_at:
        bundle.withdrawn_at = at
        bundle.save(update_fields=["withdrawn_at"])
        _record(bundle, "catalog.bundle_withdrawn", by, at, {"name": bundle.name})
    return bundle


def _locked(pk: UUID) -> ServiceBundle:
    return ServiceBundle.objects.select_for_update(of=("self",)).select_related("lead").get(pk=pk)


def _record(bundle: ServiceBundle, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"catalog-bundle:{bundle.pk}", kind, region=bundle.region_id, by=by, at=at, data=data)
