"""
The catalogue as a list: what a spreadsheet, a JSON line or another platform is given. Read in parts, never held whole.

What is exported can be imported again and changes nothing (columns.columns()).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q

from yimen.catalog import columns
from yimen.catalog.columns import Column
from yimen.catalog.importers.mapped import LISTS, current, current_list
from yimen.catalog.models import FlowStep, ItemVersion, ServiceItem

AT_ONCE = 300


def editions(
    region: str, *, department: UUID | None = None, drafts: bool = False, after: UUID | None = None
) -> Iterator[tuple[ServiceItem, ItemVersion]]:
    """
    Yield the items of a region by id, each with its published edition, its lists read.

    department: only of one; drafts: the open draft instead, and items that are not published too; after: the item to
    go on behind.
    """
    items = ServiceItem.objects.filter(region_id=region).select_related("department", "parent")
    if department:
        items = items.filter(department_id=department)
    wanted = Q(state=ItemVersion.State.PUBLISHED)
    if drafts:
        wanted |= Q(state__in=[ItemVersion.State.DRAFT, ItemVersion.State.APPROVED])
    else:
        items = items.filter(published__isnull=False)
    versions = ItemVersion.objects.filter(wanted).order_by("-number").prefetch_related(
        "materials", "fees", "faqs", Prefetch("steps", FlowStep.objects.select_related("department"))
    )  # fmt: skip
    items = items.prefetch_related(Prefetch("versions", versions, to_attr="shown")).order_by("pk")
    last = after
    while part := list(items.filter(pk__gt=last)[:AT_ONCE] if last else items[:AT_ONCE]):
        for item in part:
            if item.shown:
                version: ItemVersion = item.shown[0]
                version.item = item
                yield item, version
        last = part[-1].pk


def headings() -> list[str]:
    return [column.label for column in columns.columns().values()]


def value(column: Column, item: ServiceItem, version: ItemVersion) -> Any:
    """Return what an edition says under a column, None for nothing and for what its source never stated."""
    match column.key:
        case key if key in LISTS:
            return current_list(version, key)
        case "number":
            return version.number
        case "state":
            return version.get_state_display()
        case "source":
            return item.source
        case "parent":
            return item.parent.task_code if item.parent else ""
        case "region":
            return item.region_id
    return current(item, version, column.key)


def table(region: str, *, department: UUID | None = None, drafts: bool = False) -> Iterator[list[str]]:
    """Yield the headings, then a row of cells for each item."""
    yield headings()
    wanted = list(columns.columns().values())
    for item, version in editions(region, department=department, drafts=drafts):
        yield [columns.write(column, value(column, item, version)) for column in wanted]


def json_lines(region: str, *, department: UUID | None = None, drafts: bool = False) -> Iterator[str]:
    """Yield a JSON object a line, empty fields left out, under our own names."""
    wanted = list(columns.columns().values())
    for item, version in editions(region, department=department, drafts=drafts):
        said = {column.key: value(column, item, version) for column in wanted}
        said = {key: each for key, each in said.items() if each not in (None, "", [], {})}
        for key in LISTS:
            if key in said:
                said[key] = [columns.shortened(columns.columns()[key], row) for row in said[key]]
        yield json.dumps(said, ensure_ascii=False, default=str) + "\n"
