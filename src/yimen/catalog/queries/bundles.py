"""Bundles with their items as the rules want them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from yimen.catalog.models import ItemVersion
from yimen.catalog.models.bundles import BundleItem, ServiceBundle
from yimen.catalog.queries.scenario import forms_of
from yimen.catalog.rules import bundles as rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.catalog.rules.bundles import Line, Part
from yimen.catalog.rules.forms import Form


def loaded(rows: QuerySet[ServiceBundle]) -> QuerySet[ServiceBundle]:
    """The same with everything the rules read, in a constant number of queries."""
    items = BundleItem.objects.select_related("item__published", "item__department").prefetch_related(
        "item__published__materials"
    )
    return rows.select_related("lead").prefetch_related(Prefetch("items", items))


def offered(region: str) -> QuerySet[ServiceBundle]:
    """Return what is offered there now."""
    found = ServiceBundle.objects.filter(region_id=region, published_at__isnull=False, withdrawn_at=None)
    return loaded(found).order_by("name")


def offered_bundle(region: str, code: str) -> ServiceBundle | None:
    return offered(region).filter(code=code).first()


@dataclass(frozen=True)
class Offer:
    """One chosen item: the row, its published version, the part with what applies to the answers."""

    row: BundleItem
    version: ItemVersion
    part: Part


def parts_of(bundle: ServiceBundle, answers: Mapping[str, Collection[str]] | None = None) -> list[Part]:
    """
    Return the parts in the order they are written. answers: by key what was answered to the item's own questions; only
    materials that apply are lines then. None: all lines.
    """
    return [part_of(row, None if answers is None else answers.get(row.key, ())) for row in bundle.items.all()]


def part_of(row: BundleItem, answers: Collection[str] | None = None) -> Part:
    version = row.item.published
    materials = list(version.materials.all()) if version else []
    if answers is not None:
        materials = scenario_rules.applying(materials, answers)
    return Part(
        row.key,
        version.name if version else row.item.name,
        tuple(row.after),
        {str(key): str(position) for key, position in row.feeds.items()},
        row.is_optional,
        tuple(
            Line(one.position, one.name, one.necessity, one.copies, one.source == one.Source.SHARED)
            for one in materials
        ),
        version is not None,
    )


def faults_of(bundle: ServiceBundle) -> list[str]:
    """Return everything that keeps it from being offered."""
    fresh = loaded(ServiceBundle.objects.filter(pk=bundle.pk)).get()
    return rules.faults(parts_of(fresh))


def offers(
    bundle: ServiceBundle, keys: Collection[str], answers: Mapping[str, Collection[str]] | None = None
) -> list[Offer]:
    """Return what somebody does who names these optional items, in the order it is done."""
    rows = {row.key: row for row in bundle.items.all()}
    parts = rules.chosen_parts(parts_of(bundle, answers), keys)
    return [
        Offer(rows[part.key], version, part) for part in parts if (version := rows[part.key].item.published) is not None
    ]


def forms_by_part(chosen: Collection[Offer], answers: Mapping[str, Collection[str]]) -> dict[str, list[Form]]:
    """Return the forms that apply, by the key of the item; one query an item."""
    return {
        one.part.key: scenario_rules.applying(forms_of(one.version), answers.get(one.part.key, ())) for one in chosen
    }
