"""Rounds of reform, two processes side by side, and which items were made of which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion, ReformRound, ServiceItem
from yimen.catalog.rules import merging
from yimen.catalog.rules.flows import Step


def rounds(region: str) -> QuerySet[ReformRound]:
    """Return the rounds of a region, the latest first, each with `version_count`."""
    return (
        ReformRound.objects.filter(region_id=region)
        .annotate(version_count=Count("versions"))
        .order_by("-begun_on", "name")
    )


def get_round(region: str, pk: UUID) -> ReformRound | None:
    return ReformRound.objects.filter(region_id=region, pk=pk).first()


def drafts_outside(region: str, opened: ReformRound, *, departments: Sequence[Any] | None = None) -> Any:
    """Return the editions not published yet that are in no round or another one, by name."""
    waiting = ItemVersion.objects.filter(item__region_id=region, state__in=("draft", "approved"))
    if departments is not None:
        waiting = waiting.filter(item__department__in=departments)
    outside = Q(round=None) | ~Q(round=opened)
    return waiting.filter(outside).select_related("item__department").order_by("name", "number")


@dataclass(frozen=True)
class Pair:
    """What stands on the left, on the right, or on both; None where it does not."""

    left: Any
    right: Any

    @property
    def is_both(self) -> bool:
        return self.left is not None and self.right is not None


@dataclass(frozen=True)
class Processes:
    """Two processes side by side (S4-31): steps and materials, what both have first."""

    left: ItemVersion
    right: ItemVersion
    steps: Sequence[Pair]
    materials: Sequence[Pair]

    @property
    def shared_steps(self) -> int:
        return sum(pair.is_both for pair in self.steps)

    @property
    def shared_materials(self) -> int:
        return sum(pair.is_both for pair in self.materials)


def compare_processes(left: ItemVersion, right: ItemVersion) -> Processes:
    """Set two editions, of one item or of two, side by side; six statements."""

    def steps(version: ItemVersion) -> list[FlowStep]:
        return list(version.steps.select_related("department"))

    def sameness(step: FlowStep) -> tuple[str, ...]:
        owner = step.department_id or step.version.item.department_id
        plain = Step(step.key, step.name, step.kind, step.post, step.authority, step.limit_days)
        return merging.Piece(plain, str(owner)).sameness

    def name(material: ItemMaterial) -> str:
        return merging.same_name(material.name)

    return Processes(
        left,
        right,
        [Pair(*both) for both in merging.pairs(steps(left), steps(right), key=sameness)],
        [Pair(*both) for both in merging.pairs(list(left.materials.all()), list(right.materials.all()), key=name)],
    )


@dataclass(frozen=True)
class Links:
    """came_from: editions this item was made of; went_into: editions made of it."""

    came_from: Sequence[ItemVersion]
    went_into: Sequence[ItemVersion]

    def __bool__(self) -> bool:
        return bool(self.came_from or self.went_into)


def merge_links(item: ServiceItem) -> Links:
    """Return which items `item` was merged from and merged into, drafts included; two statements."""
    others = ItemVersion.objects.exclude(item=item).select_related("item__department").distinct()
    return Links(
        list(others.filter(merged_into__item=item).order_by("name", "number")),
        list(others.filter(merged_from__item=item).order_by("name", "number")),
    )
