"""
Figures about the catalogue itself: how far promises stay below the law's limits (S1-50), what editions changed
(S1-55), and how many steps and materials fell away between two days (S3-2).

docs/rules/figures.md says what each figure means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate

from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemVersion, ServiceItem
from yimen.catalog.rules.compression import Compression, compression, compression_rate, saved
from yimen.lib.workdays import LOCAL_ZONE, Limit, Unit
from yimen.people import access
from yimen.people.models import Staff

READERS = ("catalog.edit", "catalog.publish", "insight.view")


def departments_of(by: Staff) -> list[UUID] | None:
    """
    Return the departments whose catalogue figures `by` may see, None for the whole region.

    Raises access.NotAllowed for whoever is no editor, no publisher and sees no statistics.
    """
    if not any(access.allowed(by, permission) for permission in READERS):
        access.require(by, "insight.view")
    roles = frozenset().union(*(access.PERMISSIONS[permission] for permission in READERS))
    grants = [grant for grant in by.granted if grant.role in roles]
    if any(grant.department_id is None for grant in grants):
        return None
    return sorted({grant.department_id for grant in grants if grant.department_id})


def promise_in(version_values: dict[str, Any]) -> Limit | None:
    """Return what an edition promises: 0 for one decided at once (CASE-2), None when it says nothing."""
    number = version_values["promised_limit"]
    if number is None:
        return Limit(0) if version_values["case_type"] == CaseType.IMMEDIATE else None
    return Limit(number, Unit(version_values["promised_unit"]))


def legal_limit_in(version_values: dict[str, Any]) -> Limit | None:
    number = version_values["statutory_limit"]
    return None if number is None else Limit(number, Unit(version_values["statutory_unit"]))


_EVER_PUBLISHED = (ItemVersion.State.PUBLISHED, ItemVersion.State.REPLACED, ItemVersion.State.WITHDRAWN)
_LIMITS = ("promised_limit", "promised_unit", "statutory_limit", "statutory_unit", "case_type")


@dataclass(frozen=True)
class ItemCompression:
    """One published item. rate: in percent, None where its limits cannot be compared."""

    pk: UUID
    name: str
    department: str
    promised: Limit | None
    statutory: Limit | None

    @property
    def rate(self) -> Decimal | None:
        return compression_rate(self.promised, self.statutory)

    @property
    def saved(self) -> int | None:
        return saved(self.statutory, self.promised)


@dataclass(frozen=True)
class UnitCompression:
    """A department's items together."""

    pk: UUID
    name: str
    figures: Compression


@dataclass(frozen=True)
class CompressionReport:
    """units: by name; items: the least compressed first, those that cannot be compared last."""

    units: Sequence[UnitCompression]
    items: Sequence[ItemCompression] = field(repr=False)
    total: Compression


def compression_report(region: str, *, departments: Sequence[Any] | None = None) -> CompressionReport:
    """Return the compression of every published item of `region`, in one statement."""
    found = ServiceItem.objects.filter(region_id=region, published__isnull=False)
    if departments is not None:
        found = found.filter(department__in=departments)
    columns = [f"published__{name}" for name in _LIMITS]
    by_unit: dict[tuple[str, UUID], list[ItemCompression]] = {}
    for pk, name, unit, unit_name, *limits in found.values_list(
        "pk", "name", "department_id", "department__name", *columns
    ):
        values = dict(zip(_LIMITS, limits, strict=True))
        row = ItemCompression(pk, name, unit_name, promise_in(values), legal_limit_in(values))
        by_unit.setdefault((unit_name, unit), []).append(row)
    items = [row for rows in by_unit.values() for row in rows]
    rates = {row.pk: row.rate for row in items}
    items.sort(key=lambda row: (rates[row.pk] is None, rates[row.pk] or 0, row.name, row.pk))
    units = [UnitCompression(pk, name, _together(rows)) for (name, pk), rows in sorted(by_unit.items())]
    return CompressionReport(units, items, _together(items))


def compression_total(region: str, *, departments: Sequence[Any] | None = None) -> Compression:
    """Return the total of compression_report() alone, without reading every item."""
    found = ServiceItem.objects.filter(region_id=region, published__isnull=False)
    if departments is not None:
        found = found.filter(department__in=departments)
    columns = [f"published__{name}" for name in _LIMITS]
    pairs: list[tuple[Limit | None, Limit | None]] = []
    for *limits, count in found.order_by().values_list(*columns).annotate(n=Count("pk")):
        values = dict(zip(_LIMITS, limits, strict=True))
        pairs += [(promise_in(values), legal_limit_in(values))] * count
    return compression(pairs)


def _together(rows: Iterable[ItemCompression]) -> Compression:
    return compression((row.promised, row.statutory) for row in rows)


@dataclass(frozen=True)
class Edition:
    """
    One edition as figures see it. materials: what the applicant has to bring, those we look up left out (LAW-22).
    """

    pk: UUID
    item: UUID
    number: int
    state: str
    effective_on: date | None
    cancel_on: date | None
    promised: Limit | None
    statutory: Limit | None
    step_count: int
    material_count: int
    visit_count: int | None
    has_fee: bool

    @property
    def rate(self) -> Decimal | None:
        return compression_rate(self.promised, self.statutory)


@dataclass(frozen=True)
class EditionChange:
    """An edition and what it changed; before: None for the first one."""

    edition: Edition
    before: Edition | None

    @property
    def saved(self) -> int | None:
        """Days the promise got shorter: 15 → 3 is 12 (S1-55)."""
        return saved(self.before.promised, self.edition.promised) if self.before else None

    @property
    def steps_less(self) -> int | None:
        return self.before.step_count - self.edition.step_count if self.before else None

    @property
    def materials_less(self) -> int | None:
        return self.before.material_count - self.edition.material_count if self.before else None


def _day() -> Coalesce:
    return Coalesce("effective_on", TruncDate("published_at", tzinfo=LOCAL_ZONE))


def editions_of(versions: QuerySet[ItemVersion]) -> list[Edition]:
    """Return the editions with their counts, in three statements however many there are."""
    rows = list(
        versions.annotate(day=_day()).values(
            "pk", "item_id", "number", "state", "day", "cancel_on", "visit_count", "has_fee", *_LIMITS
        )
    )
    ids = [row["pk"] for row in rows]
    steps = _counts(FlowStep.objects.filter(version__in=ids))
    to_bring = ItemMaterial.objects.filter(version__in=ids).exclude(source=ItemMaterial.Source.SHARED)
    materials = _counts(to_bring)
    return [
        Edition(
            pk=row["pk"],
            item=row["item_id"],
            number=row["number"],
            state=row["state"],
            effective_on=row["day"],
            cancel_on=row["cancel_on"],
            promised=promise_in(row),
            statutory=legal_limit_in(row),
            step_count=steps.get(row["pk"], 0),
            material_count=materials.get(row["pk"], 0),
            visit_count=row["visit_count"],
            has_fee=row["has_fee"],
        )
        for row in rows
    ]


def _counts(rows: QuerySet[Any]) -> dict[UUID, int]:
    return dict(rows.order_by().values_list("version_id").annotate(n=Count("pk")))


def history_of(item: ServiceItem) -> list[EditionChange]:
    """Return every edition of an item, the newest first, each beside the one before it."""
    editions = editions_of(item.versions.order_by("number"))
    return [EditionChange(each, editions[place - 1] if place else None) for place, each in enumerate(editions)][::-1]


def in_force(region: str, on: date, *, departments: Sequence[Any] | None = None) -> dict[UUID, Edition]:
    """Return by item the edition in force on the local day `on`; items without one are left out."""
    versions = ItemVersion.objects.filter(item__region_id=region, state__in=_EVER_PUBLISHED)
    if departments is not None:
        versions = versions.filter(item__department__in=departments)
    latest = versions.alias(begins=_day()).filter(begins__lte=on).order_by("item_id", "-number").distinct("item_id")
    ids = list(latest.values_list("pk", flat=True))
    still = Q(cancel_on=None) | Q(cancel_on__gt=on)
    return {each.item: each for each in editions_of(ItemVersion.objects.filter(still, pk__in=ids))}


def first_day(region: str) -> date | None:
    """Return the day the region's first edition came into force; None before there is one."""
    versions = ItemVersion.objects.filter(item__region_id=region, state__in=_EVER_PUBLISHED)
    return versions.aggregate(first=Min(_day()))["first"]


@dataclass(frozen=True)
class Reduction:
    """One item on two days."""

    pk: UUID
    name: str
    department: str
    before: Edition
    after: Edition

    @property
    def steps_less(self) -> int:
        return self.before.step_count - self.after.step_count

    @property
    def materials_less(self) -> int:
        return self.before.material_count - self.after.material_count

    @property
    def saved(self) -> int | None:
        return saved(self.before.promised, self.after.promised)

    @property
    def is_changed(self) -> bool:
        return bool(self.steps_less or self.materials_less or self.saved)


@dataclass(frozen=True)
class ReductionReport:
    """
    rows: items in force on both days, the most changed first. added_count, gone_count: items in force on one only.

    Sums are over `rows`. saved_days: promised working days saved, over items whose promise is in working days on both.
    """

    first: date
    last: date
    rows: Sequence[Reduction] = field(repr=False)
    added_count: int
    gone_count: int

    @property
    def steps(self) -> tuple[int, int]:
        return sum(row.before.step_count for row in self.rows), sum(row.after.step_count for row in self.rows)

    @property
    def materials(self) -> tuple[int, int]:
        return sum(row.before.material_count for row in self.rows), sum(row.after.material_count for row in self.rows)

    @property
    def changed_count(self) -> int:
        return sum(row.is_changed for row in self.rows)

    @property
    def saved_days(self) -> int:
        return sum(
            row.saved or 0
            for row in self.rows
            if all(limit and limit.unit == Unit.WORKDAY for limit in (row.before.promised, row.after.promised))
        )


def reduction_report(
    region: str, first: date, last: date, *, departments: Sequence[Any] | None = None
) -> ReductionReport:
    """Compare the editions in force on two days, item by item, in a constant number of statements."""
    before, after = (in_force(region, day, departments=departments) for day in (first, last))
    both = before.keys() & after.keys()
    names = ServiceItem.objects.filter(pk__in=both).values_list("pk", "name", "department__name")
    rows = [Reduction(pk, name, unit, before[pk], after[pk]) for pk, name, unit in names]
    rows.sort(key=lambda row: (not row.is_changed, -row.steps_less - row.materials_less, row.name, row.pk))
    return ReductionReport(first, last, rows, len(after) - len(both), len(before) - len(both))


@dataclass(frozen=True)
class RoundChange:
    """One edition of a reform round beside the one it changes. before: None for an item that is new."""

    name: str
    department: str
    edition: Edition
    before: Edition | None

    @property
    def saved(self) -> int | None:
        return saved(self.before.promised, self.edition.promised) if self.before else None


@dataclass(frozen=True)
class RoundReport:
    """changes: by department and name. Sums are over changes with a `before` (S4-28)."""

    changes: Sequence[RoundChange]

    def _sums(self, name: str) -> tuple[int, int]:
        pairs = [(each.before, each.edition) for each in self.changes if each.before]
        return sum(getattr(before, name) for before, _ in pairs), sum(getattr(after, name) for _, after in pairs)

    @property
    def steps(self) -> tuple[int, int]:
        return self._sums("step_count")

    @property
    def materials(self) -> tuple[int, int]:
        return self._sums("material_count")

    @property
    def days(self) -> tuple[int, int]:
        """Promised working days, over changes that promise working days before and after."""
        limits = [(each.before.promised, each.edition.promised) for each in self.changes if each.before]
        kept = [
            (before.number, after.number)
            for before, after in limits
            if before and after and before.unit == after.unit == Unit.WORKDAY
        ]
        return sum(before for before, _ in kept), sum(after for _, after in kept)


def round_report(round_pk: UUID) -> RoundReport:
    """Return what a reform round changes, in a constant number of statements."""
    of_round = ItemVersion.objects.filter(round_id=round_pk)
    names = {
        pk: (name, unit, state)
        for pk, name, unit, state in of_round.values_list("pk", "name", "item__department__name", "state")
    }
    everything = editions_of(ItemVersion.objects.filter(item__versions__in=names.keys()).distinct().order_by("number"))
    earlier: dict[UUID, Edition] = {}
    changes = []
    for edition in everything:
        if edition.pk in names:
            changes.append(RoundChange(*names[edition.pk][:2], edition, earlier.get(edition.item)))
        if edition.state in _EVER_PUBLISHED:
            earlier[edition.item] = edition
    return RoundReport(sorted(changes, key=lambda each: (each.department, each.name, each.edition.number)))
