"""Completeness of editions (S4-27), for one page of a list as for one item."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from yimen.catalog.models import FlowStep as Step
from yimen.catalog.models import ItemFaq, ItemForm, ItemMaterial, ItemType, ItemVersion
from yimen.catalog.rules.completeness import PARTS, Completeness, completeness
from yimen.people.models import Region

_ALWAYS = frozenset({"materials", "material_basis", "steps", "forms", "faqs", "has_fee", "fee_note", "fee_basis"})


def with_counts(versions: QuerySet[ItemVersion]) -> QuerySet[ItemVersion]:
    """Annotate what completeness_of() looks at beside the fields, without a query for each edition."""

    def count(model: type[Model], **only: object) -> Coalesce:
        rows = model._default_manager.filter(version=OuterRef("pk"), **only).order_by().values("version")
        return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)

    return versions.select_related("item").annotate(
        material_count=count(ItemMaterial),
        step_count=count(Step),
        faq_count=count(ItemFaq),
        form_count=count(ItemForm),
        has_baseless_material=Exists(ItemMaterial.objects.filter(version=OuterRef("pk"), legal_basis="")),
    )


def completeness_of(version: ItemVersion) -> Completeness:
    """Return how complete an edition is; it comes from with_counts()."""
    filled: dict[str, bool | None] = {
        name: bool(getattr(version, name)) and version.is_stated(name) for name in PARTS if name not in _ALWAYS
    }
    counted = version.material_count  # type: ignore[attr-defined]
    filled |= {
        "materials": counted > 0 or version.needs_no_materials,
        "material_basis": not version.has_baseless_material if counted else None,  # type: ignore[attr-defined]
        "steps": version.step_count > 0,  # type: ignore[attr-defined]
        "faqs": version.faq_count > 0,  # type: ignore[attr-defined]
        "forms": version.form_count > 0 if counted else None,  # type: ignore[attr-defined]
        "has_fee": version.is_stated("has_fee"),
        "fee_note": bool(version.fee_note) if version.has_fee else None,
        "fee_basis": bool(version.fee_basis) if version.has_fee else None,
        "promised_limit": version.promised_limit is not None or version.is_immediate,
        "statutory_limit": None if version.is_immediate else version.statutory_limit is not None,
        "visit_count": version.visit_count is not None and version.is_stated("visit_count"),
        "visit_reason": bool(version.visit_reason) if version.visit_count else None,
    }
    if version.item.item_type == ItemType.PUBLIC_SERVICE:
        filled |= {"legal_basis": None, "power_source": None, "statutory_limit": None}
    return completeness(filled)


def completeness_by_item(items: Iterable[UUID]) -> dict[UUID, Completeness]:
    """Return for each item how complete its working edition is: the open one, else the published one. One query."""
    versions = ItemVersion.objects.filter(
        Q(state__in=("draft", "approved")) | Q(state="published"), item__in=list(items)
    )
    found: dict[UUID, ItemVersion] = {}
    for version in with_counts(versions):
        if version.item_id not in found or version.state != ItemVersion.State.PUBLISHED:
            found[version.item_id] = version
    return {pk: completeness_of(version) for pk, version in found.items()}


def published_editions(region: Region | str) -> QuerySet[ItemVersion]:
    """Return the region's published editions ready for completeness_of(); read them with iterator()."""
    code = region if isinstance(region, str) else region.pk
    return with_counts(ItemVersion.objects.filter(published_for__region_id=code))
