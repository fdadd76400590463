"""Reads: the power list in force, its editions and batches, delegations, entry into the hall and its gaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import MD5, Coalesce

from yimen.catalog.models import (
    CaseType,
    Delegation,
    FlowStep,
    HallEntry,
    ItemType,
    PowerBatch,
    PowerBatchLine,
    PowerEntry,
    PowerList,
    ServiceItem,
)
from yimen.catalog.queries.calendar import local_rule
from yimen.catalog.rules import powers as rules
from yimen.ledger.models import Event
from yimen.lib.dates import month_name
from yimen.people.models import Department, Region, ServiceCenter, ServicePoint

TRANSFERRED = "powers.items_transferred"
DROPPED, REVOKED, LEFT = "powers.power_dropped", "powers.delegation_revoked", "powers.left_hall"


def _code(region: Region | str) -> str:
    return region if isinstance(region, str) else region.pk


# Power lists


def editions(region: Region | str) -> QuerySet[PowerList]:
    """Return the editions of a place, the newest first, each with its `entry_count`."""
    rows = PowerList.objects.filter(region_id=_code(region)).annotate(entry_count=Count("entries"))
    return rows.order_by("-number")


def edition_for(region: Region | str, pk: UUID) -> PowerList | None:
    return PowerList.objects.filter(region_id=_code(region), pk=pk).first()


def latest_edition(region: Region | str) -> PowerList | None:
    """Return the published edition that counts last, also when its day is still to come; None without any."""
    published = PowerList.objects.filter(region_id=_code(region), published_at__isnull=False)
    return published.order_by("-effective_on", "-number").first()


def power_list_in_force(region: Region | str, on: date) -> PowerList | None:
    """Return the edition in force on a day (ITEM-22); None before the first one."""
    published = PowerList.objects.filter(region_id=_code(region), published_at__isnull=False, effective_on__lte=on)
    return published.order_by("-effective_on", "-number").first()


def edition_before(power_list: PowerList) -> PowerList | None:
    """Return the published edition before this one; None for the first."""
    published = PowerList.objects.filter(region_id=power_list.region_id, published_at__isnull=False)
    return published.filter(number__lt=power_list.number).order_by("-number").first()


def entries(
    power_list: PowerList,
    *,
    text: str = "",
    department: UUID | None = None,
    power_type: str = "",
    level: str = "",
) -> QuerySet[PowerEntry]:
    """Return the powers of an edition by code; text: part of a name, or how a code begins."""
    rows = power_list.entries.select_related("department").order_by("code")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(code__istartswith=text))
    if department:
        rows = rows.filter(department_id=department)
    if power_type:
        rows = rows.filter(power_type=power_type)
    if level:
        rows = rows.filter(level=level)
    return rows


class Row(NamedTuple):
    """A power as rules.compare() takes it: department by name; basis: a mark that changes with it."""

    code: str
    name: str
    power_type: str
    level: str
    department: str
    basis: str

    @property
    def type_name(self) -> str:
        return str(ItemType(self.power_type).label)


def rows_of(power_list: PowerList) -> list[Row]:
    """Return every power of an edition in one query, without its long texts."""
    rows = power_list.entries.annotate(
        basis=MD5("legal_basis"), department_name=Coalesce("department__name", models.Value(""))
    )
    return [Row(*row) for row in rows.values_list("code", "name", "power_type", "level", "department_name", "basis")]


def compare(before: PowerList, after: PowerList) -> rules.Comparison:
    """Compare two editions of a place (S2-25, S2-27); two queries, whatever the size."""
    return rules.compare(rows_of(before), rows_of(after))


def names_of_powers(region: Region | str, codes: Collection[str]) -> dict[str, str]:
    """Return code → name as the newest edition that has the code says it, drafts included."""
    found = PowerEntry.objects.filter(power_list__region_id=_code(region), code__in=codes)
    return dict(found.order_by("power_list__number").values_list("code", "name"))


# Batches


def batches(region: Region | str) -> QuerySet[PowerBatch]:
    """Return the batches in order, each with `cancelled` and `delegated`, how many powers (S2-26)."""
    cancel, delegate = PowerBatchLine.Action.CANCEL, PowerBatchLine.Action.DELEGATE
    return (
        PowerBatch.objects.filter(region_id=_code(region))
        .select_related("applied_to")
        .annotate(
            cancelled=Count("lines", filter=Q(lines__action=cancel)),
            delegated=Count("lines", filter=Q(lines__action=delegate)),
        )
        .order_by("number")
    )


def batch_for(region: Region | str, pk: UUID) -> PowerBatch | None:
    return PowerBatch.objects.filter(region_id=_code(region), pk=pk).select_related("applied_to", "region").first()


def _cut(line: PowerBatchLine) -> rules.Cut:
    batch = line.batch
    return rules.Cut(line.code, line.name, batch.number, batch.on, batch.document_no, line.to)


def _lines(region: Region | str, on: date | None) -> QuerySet[PowerBatchLine]:
    lines = PowerBatchLine.objects.filter(batch__region_id=_code(region)).select_related("batch")
    return (lines if on is None else lines.filter(batch__on__lte=on)).order_by("batch__number", "code")


def cuts(region: Region | str, codes: Collection[str] | None = None) -> dict[str, rules.Cut]:
    """Return code → what the latest batch did with it, for all codes or those given."""
    lines = _lines(region, None)
    return {line.code: _cut(line) for line in (lines if codes is None else lines.filter(code__in=codes))}


def standing_cuts(region: Region | str, on: date) -> list[rules.Cut]:
    """Return what batches up to a day took away and no published edition after theirs has set up again."""
    return [_cut(line) for line in _standing(region, on)]


def _standing(region: Region | str, on: date) -> QuerySet[PowerBatchLine]:
    again = PowerEntry.objects.filter(
        power_list__region_id=_code(region),
        power_list__published_at__isnull=False,
        power_list__number__gt=OuterRef("batch__applied_to__number"),
        code=OuterRef("code"),
    )
    return _lines(region, on).filter(~Exists(again))


# Items and their powers


def power_code(item: ServiceItem) -> str:
    """Return what the power list knows an item by: its basic code, else its implementation code."""
    return item.catalog_code or item.task_code


def needs_power(item: ServiceItem) -> bool:
    return item.item_type != ItemType.PUBLIC_SERVICE


def has_power(item: ServiceItem, on: date) -> bool:
    """Tell whether an item has its entry in the edition in force on a day; a public service needs none (ITEM-22)."""
    return power_fault(item, on) == ""


def power_fault(item: ServiceItem, on: date) -> str:
    """Return why the item may not be published for its power, or "": see rules.power_fault. Three queries at most."""
    if not needs_power(item):
        return ""
    code = power_code(item)
    edition = power_list_in_force(item.region_id, on)
    is_listed = edition is not None and edition.entries.filter(code=code).exists()
    # Under a new code the old name is still the cancelled power, unless the list says otherwise.
    same = Q(code=code) if is_listed else Q(code=code) | Q(name=item.name, action=PowerBatchLine.Action.CANCEL)
    line = _standing(item.region_id, on).filter(same).last()
    cut = _cut(line) if line else None
    return rules.power_fault(needs_power=True, code=code, is_listed=is_listed, has_list=edition is not None, cut=cut)


def items_without_power(region: Region | str, on: date) -> QuerySet[ServiceItem]:
    """
    Return the published items whose code is not in the edition in force, or was taken away by a batch since, by
    department and name.
    """
    edition = power_list_in_force(region, on)
    code = models.Case(models.When(catalog_code="", then=F("task_code")), default=F("catalog_code"))
    listed = PowerEntry.objects.filter(power_list=edition, code=OuterRef("power_code"))
    items = ServiceItem.objects.filter(region_id=_code(region), published__isnull=False)
    taken = _standing(region, on).filter(code=OuterRef("power_code"))
    items = items.exclude(item_type=ItemType.PUBLIC_SERVICE).annotate(power_code=code)
    items = items.filter(~Exists(listed) | Exists(taken))
    return items.select_related("department").order_by("department__name", "name", "pk")


# Delegations


def _valid(on: date) -> Q:
    return Q(from_on__lte=on) & (Q(until_on=None) | Q(until_on__gte=on)) & (Q(revoked_on=None) | Q(revoked_on__gt=on))


def _finishing(on: date) -> QuerySet[Delegation]:
    at_once = {"item__published__case_type": CaseType.IMMEDIATE, "item__published__finishes_in_hall": True}
    return Delegation.objects.filter(
        _valid(on), post__isnull=False, point=None, acts__contains=sorted(rules.AT_ONCE_ACTS), **at_once
    )


def can_finish_at_window(item: ServiceItem, on: date) -> bool:
    """Tell whether an item may be shown as 可当场办理: immediate, and a hall post may decide it that day (S0-11)."""
    return _finishing(on).filter(item=item).exists()


def finishing_items(region: Region | str, on: date) -> set[UUID]:
    """Return the items of a region that may be shown as 可当场办理 that day; one query."""
    return set(_finishing(on).filter(item__region_id=_code(region)).values_list("item_id", flat=True))


def warning_days(region: Region | str, on: date) -> int:
    """Return how many calendar days before its end a delegation is flagged."""
    key, default = rules.DELEGATION_WARNING_KEY, rules.DELEGATION_WARNING_DAYS
    return local_rule(region, key, on, default=default)


def delegations(
    region: Region | str,
    on: date,
    *,
    text: str = "",
    department: UUID | None = None,
    point: UUID | None = None,
    state: str = "",
) -> QuerySet[Delegation]:
    """
    Return the delegations of a region by unit and item. text: part of the item's name or of the letter's number;
    state: a rules.Validity, "" for all.
    """
    rows = Delegation.objects.filter(item__region_id=_code(region)).select_related(
        "item__department", "post__department", "point"
    )
    if text:
        rows = rows.filter(Q(item__name__icontains=text) | Q(letter_no__icontains=text))
    if department:
        rows = rows.filter(item__department_id=department)
    if point:
        rows = rows.filter(point_id=point)
    last = date.fromordinal(on.toordinal() + warning_days(region, on))
    match state:
        case rules.Validity.VALID:
            rows = rows.filter(_valid(on))
        case rules.Validity.ENDING:
            rows = rows.filter(_valid(on), until_on__lte=last)
        case rules.Validity.COMING:
            rows = rows.filter(from_on__gt=on).filter(Q(revoked_on=None) | Q(revoked_on__gt=on))
        case rules.Validity.ENDED:
            rows = rows.filter(until_on__lt=on).filter(Q(revoked_on=None) | Q(revoked_on__gt=on))
        case rules.Validity.REVOKED:
            rows = rows.filter(revoked_on__lte=on)
    return rows.order_by("item__department__name", "item__name", "item_id", "-from_on", "pk")


def delegated_to_point(point: ServicePoint, on: date) -> QuerySet[Delegation]:
    """Return what a service point may do on a day, by item (S4-35)."""
    found = Delegation.objects.filter(_valid(on), point=point, item__published__isnull=False)
    return found.select_related("item__department", "item__published").order_by("item__name", "from_on", "pk")


# Entry into the hall


@dataclass(frozen=True)
class Standing:
    """How one published item stands on a day. acts: what valid delegations to hall posts cover, None without any."""

    item_id: UUID
    name: str
    task_code: str
    department_id: UUID
    department: str
    is_resident: bool
    should_enter: bool
    exempt_reason: str
    is_immediate: bool
    finishes_in_hall: bool
    kinds: Sequence[str]
    entered_on: date | None
    elsewhere: str
    acts: Sequence[str] | None

    @property
    def is_in(self) -> bool:
        return self.entered_on is not None

    @cached_property
    def missing_acts(self) -> frozenset[str]:
        return rules.needed_acts(self.kinds) - frozenset(self.acts or ())

    @property
    def missing_names(self) -> list[str]:
        """The acts not lent yet, in the order of a flow, as people call them."""
        return [str(kind.label) for kind in FlowStep.Kind if kind.value in self.missing_acts]

    @property
    def is_fully_delegated(self) -> bool:
        return not self.missing_acts

    @property
    def is_finished_in_hall(self) -> bool:
        """S1-53: from handing in to the result, nobody has to go to the unit itself."""
        return self.is_in and self.finishes_in_hall and self.is_fully_delegated

    @cached_property
    def fault(self) -> rules.EntryFault | None:
        return rules.entry_fault(
            should_enter=self.should_enter,
            is_in=self.is_in,
            elsewhere=self.elsewhere,
            acts=self.acts,
            kinds=self.kinds,
        )


_STANDINGS = """
SELECT i.id, i.name, i.task_code, i.department_id, d.name, d.is_resident, i.should_enter, i.exempt_reason,
       v.case_type = 'immediate', v.finishes_in_hall,
       coalesce((SELECT array_agg(DISTINCT s.kind) FROM catalog_flowstep s WHERE s.version_id = v.id), '{}'),
       e.entered_on, coalesce(e.elsewhere, ''), l.acts
  FROM catalog_serviceitem i
  JOIN catalog_itemversion v ON v.id = i.published_id
  JOIN people_department d ON d.id = i.department_id
  LEFT JOIN LATERAL (
       SELECT min(h.entered_on) entered_on, string_agg(nullif(h.elsewhere, ''), '；' ORDER BY h.id) elsewhere
         FROM catalog_hallentry h
        WHERE h.item_id = i.id AND h.entered_on <= %(on)s AND (h.left_on IS NULL OR h.left_on > %(on)s)) e ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(DISTINCT act) acts FROM catalog_delegation g, unnest(g.acts) act
        WHERE g.item_id = i.id AND g.post_id IS NOT NULL AND g.point_id IS NULL AND g.from_on <= %(on)s
          AND (g.until_on IS NULL OR g.until_on >= %(on)s) AND (g.revoked_on IS NULL OR g.revoked_on > %(on)s)
       ) l ON true
 WHERE i.region_id = %(region)s AND (%(department)s::uuid IS NULL OR i.department_id = %(department)s)
   AND (%(item)s::uuid IS NULL OR i.id = %(item)s)
 ORDER BY d.name, i.name, i.id
"""


def standings(
    region: Region | str, on: date, *, department: UUID | None = None, item: UUID | None = None
) -> list[Standing]:
    """Return how every published item of a region (a unit, one item) stands on a day, by unit; one query."""
    values: dict[str, Any] = {"region": _code(region), "on": on, "department": department, "item": item}
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, values)
        return [Standing(*row) for row in cursor.fetchall()]


def audit(standing: Iterable[Standing]) -> dict[rules.EntryFault, list[Standing]]:
    """Return the items with each of the four reasons, every reason present (S0-12)."""
    found: dict[rules.EntryFault, list[Standing]] = {fault: [] for fault in rules.EntryFault}
    for one in standing:
        if one.fault:
            found[one.fault].append(one)
    return found


@dataclass(frozen=True)
class UnitEntry:
    """
    A unit with its items on a day. undelegated: items that are or should be in without full delegation; missing: that
    should be in and are not; faults: with one of the four reasons.
    """

    department_id: UUID
    name: str
    is_resident: bool
    coverage: rules.Coverage
    undelegated: int
    missing: int
    faults: int

    @property
    def state(self) -> str:
        """Return "in": moved in with all it should bring, every item fully delegated (S1-35); else "partial", "out"."""
        if not self.is_resident:
            return "out"
        return "partial" if self.undelegated or self.missing else "in"


def coverage(standing: Sequence[Standing]) -> rules.Coverage:
    """Return how many of the assigned items, those published, are in the hall (S0-13, S1-37)."""
    return rules.Coverage(len(standing), sum(one.is_in for one in standing))


def units(region: Region | str, standing: Iterable[Standing]) -> list[UnitEntry]:
    """Return every unit that has items or has moved in, by name."""
    by_unit: dict[UUID, list[Standing]] = defaultdict(list)
    for one in standing:
        by_unit[one.department_id].append(one)
    shown = Department.objects.filter(region_id=_code(region)).order_by("name", "pk")
    found = []
    for department in shown:
        mine = by_unit.get(department.pk, [])
        if not (mine or department.is_resident):
            continue
        found.append(
            UnitEntry(
                department.pk,
                department.name,
                department.is_resident,
                coverage(mine),
                undelegated=sum((one.is_in or one.should_enter) and not one.is_fully_delegated for one in mine),
                missing=sum(one.should_enter and not one.is_in for one in mine),
                faults=sum(one.fault is not None for one in mine),
            )
        )
    return found


@dataclass(frozen=True)
class Presence:
    """How many units have moved in and how many branches the centre has, counted, not typed (S1-36)."""

    units: int
    branches: int


def presence(region: Region | str) -> Presence:
    code = _code(region)
    return Presence(
        Department.objects.filter(region_id=code, is_resident=True).count(),
        ServiceCenter.objects.filter(region_id=code, parent__isnull=False).count(),
    )


@dataclass(frozen=True)
class Month:
    """Coverage at a month's end, or on the day asked in the last month."""

    on: date
    coverage: rules.Coverage

    @property
    def name(self) -> str:
        return month_name(self.on.month, self.on.year)


_TREND = """
WITH item AS (
  SELECT i.id, min(v.effective_on) FILTER (WHERE v.published_at IS NOT NULL) begun_on,
         CASE WHEN i.published_id IS NULL THEN max(v.cancel_on) FILTER (WHERE v.state = 'withdrawn') END ended_on
    FROM catalog_serviceitem i JOIN catalog_itemversion v ON v.item_id = i.id
   WHERE i.region_id = %(region)s AND (%(department)s::uuid IS NULL OR i.department_id = %(department)s)
   GROUP BY i.id)
SELECT day.last, count(*), count(*) FILTER (WHERE EXISTS (
         SELECT FROM catalog_hallentry h
          WHERE h.item_id = item.id AND h.entered_on <= day.last AND (h.left_on IS NULL OR h.left_on > day.last)))
  FROM unnest(%(days)s::date[]) day(last)
  JOIN item ON item.begun_on <= day.last AND (item.ended_on IS NULL OR item.ended_on > day.last)
 GROUP BY day.last
"""


def trend(region: Region | str, on: date, *, months: int = 12, department: UUID | None = None) -> list[Month]:
    """Return the coverage at the end of each of the last months, the oldest first; one query."""
    days = [on]
    first = on.replace(day=1)
    while len(days) < months:
        days.append(date.fromordinal(first.toordinal() - 1))
        first = days[-1].replace(day=1)
    values = {"region": _code(region), "department": department, "days": days}
    with connection.cursor() as cursor:
        cursor.execute(_TREND, values)
        found = {day: rules.Coverage(assigned, entered) for day, assigned, entered in cursor.fetchall()}
    return [Month(day, found.get(day, rules.Coverage(0, 0))) for day in reversed(days)]


def entries_of(item: ServiceItem) -> QuerySet[HallEntry]:
    """Return where an item was and is handled, the newest first."""
    return item.entries.select_related("center", "item").order_by("-entered_on", "-pk")


# Items held for others


@dataclass(frozen=True)
class Held:
    """An item a bureau holds, and where it came from (S4-34)."""

    item: ServiceItem
    source: str
    on: date
    document_no: str


def was_handed_over(item_id: UUID, region: str, *, by: UUID) -> bool:
    """Tell whether an item was handed from the organ `by` to another (S4-34)."""
    found = Event.objects.filter(region=region, kind=TRANSFERRED, data__items__contains=[str(item_id)])
    return found.filter(data__from=str(by)).exists()


def held_for_others(region: Region | str) -> list[Held]:
    """Return every item that was handed to the organ that has it now, by organ and name; three queries."""
    last: dict[str, Mapping[str, object]] = {}
    for data in (
        Event.objects.filter(region=_code(region), kind=TRANSFERRED).order_by("id").values_list("data", flat=True)
    ):
        last.update(dict.fromkeys(data["items"], data))
    items = ServiceItem.objects.filter(pk__in=last).select_related("department").order_by("department__name", "name")
    organs = {
        str(pk): name for pk, name in Department.objects.filter(region_id=_code(region)).values_list("pk", "name")
    }
    held = []
    for item in items:
        data = last[str(item.pk)]
        if data["to"] == str(item.department_id):
            on = date.fromisoformat(str(data["on"]))
            held.append(Held(item, organs.get(str(data["from"]), ""), on, str(data["document_no"])))
    return held
