"""The basic catalogue (基本目录) and who carries it out (ITEM-1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from yimen.catalog.models import BasicItem, ItemVersion, ServiceItem
from yimen.catalog.rules.standard import Asked, Deviation, Standard, deviations
from yimen.lib.workdays import Limit, Unit
from yimen.people.models import Region


def basic_items(region: Region | str, *, text: str = "") -> QuerySet[BasicItem]:
    """Return the region's basic catalogue by code, each with `item_count`. text: of the name or the code."""
    code = region if isinstance(region, str) else region.pk
    rows = BasicItem.objects.filter(region_id=code).annotate(item_count=Count("items")).order_by("catalog_code")
    return rows.filter(Q(name__icontains=text) | Q(catalog_code__startswith=text)) if text else rows


def places_above(region: Region) -> list[str]:
    """Return the codes of a region and of those it belongs to, itself first: whose catalogues bind it."""
    found: list[str] = []
    place: Region | None = region
    while place is not None and place.pk not in found:
        found.append(place.pk)
        place = place.parent
    return found


def places_below(region: Region) -> list[str]:
    """Return the codes of a region and of all that belong to it: whom its catalogue binds."""
    found, level = [region.pk], [region.pk]
    while level:
        level = list(Region.objects.filter(parent_id__in=level).exclude(pk__in=found).values_list("pk", flat=True))
        found += level
    return found


def basic_for(region: Region, catalog_code: str) -> BasicItem | None:
    """Return the entry with this basic code that binds `region`: the highest place's, so that all have one (S2-12)."""
    places = places_above(region)
    entries = BasicItem.objects.filter(region_id__in=places, catalog_code=catalog_code).select_related("region")
    rows = {row.region_id: row for row in entries}
    return next((rows[place] for place in reversed(places) if place in rows), None)


def implementations(basic: BasicItem) -> QuerySet[ServiceItem]:
    """Return the items that carry out an entry, handling items beside theirs."""
    return basic.items.select_related("department", "parent", "published").order_by("department__name", "task_code")


def standard_of(basic: BasicItem) -> Standard:
    limit = None if basic.statutory_limit is None else Limit(basic.statutory_limit, Unit(basic.statutory_unit))
    asked = tuple(Asked(row["name"], row["necessity"]) for row in basic.materials)
    return Standard(basic.name, basic.item_type, limit, asked)


def deviations_from(basic: BasicItem, version: ItemVersion) -> list[Deviation]:
    """Return where an edition differs from the entry it carries out; its materials and item are read."""
    item = version.item
    asked = tuple(Asked(row.name, row.necessity) for row in version.materials.all())
    said = Standard(version.name, item.item_type, version.statutory, asked)
    return deviations(standard_of(basic), said, is_handling_item=item.parent_id is not None)


def deviations_of(version: ItemVersion, on: date, *, blocking: bool = False) -> list[str]:
    """
    Return the sentences about an edition and its basic entry; none when it carries out no entry.

    blocking: only what keeps it from being published on the day `on`.
    """
    basic = version.item.basic
    if basic is None:
        return []
    found = [one.sentence for one in deviations_from(basic, version) if one.blocks or not blocking]
    sentences = [_("和基本目录不一致：%(what)s") % {"what": sentence} for sentence in found]
    if basic.cancelled_on and basic.cancelled_on <= on:
        sentences.insert(
            0,
            _("基本目录里的“%(name)s”%(day)s 起已取消。") % {"name": basic.name, "day": basic.cancelled_on.isoformat()},
        )
    return sentences


def with_deviations(
    basic: BasicItem, items: Iterable[ServiceItem]
) -> list[tuple[ServiceItem, ItemVersion | None, list[Deviation]]]:
    """Return for each item its open or published edition and where it differs. Two queries, whatever the number."""
    items = list(items)
    rows = ItemVersion.objects.filter(item__in=items, state__in=("draft", "approved", "published"))
    editions: dict[object, ItemVersion] = {}
    for version in rows.prefetch_related("materials"):
        if version.item_id not in editions or version.state != ItemVersion.State.PUBLISHED:
            editions[version.item_id] = version
    found: list[tuple[ServiceItem, ItemVersion | None, list[Deviation]]] = []
    for item in items:
        edition = editions.get(item.pk)
        if edition:
            edition.item = item
        found.append((item, edition, deviations_from(basic, edition) if edition else []))
    return found
