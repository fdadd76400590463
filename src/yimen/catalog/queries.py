"""Reads: the work calendar, local rules, items as citizens and editors see them, search."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from django.db import connection, models
from django.db.models import Count, F, Prefetch, QuerySet

from yimen.catalog import search as searching
from yimen.catalog.models import (
    CalendarDay,
    CalendarState,
    CalendarYear,
    FlowStep,
    ItemVersion,
    LocalRule,
    ServiceItem,
)
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit
from yimen.people.models import Department, Region

# CASE-3: what cannot be done at once is promised in three working days unless a place sets another number.
PROMISED_DEFAULT_DAYS = 3

_lock = threading.Lock()
_kept: tuple[UUID, Calendar] | None = None


def work_calendar() -> Calendar:
    """
    Return the working calendar as the tables hold it now.

    One small query a call: a copy is kept in the process until the calendar's version changes, which a trigger
    renews with every change, so a stale copy is never given.
    """
    global _kept
    # The version is read before the days: a change in between costs one reading more, never a wrong answer.
    version = CalendarState.objects.values_list("version", flat=True).get(pk=1)
    kept = _kept
    if kept and kept[0] == version:
        return kept[1]
    days = list(CalendarDay.objects.values_list("on", "is_workday"))
    calendar = Calendar(
        rest_days=frozenset(on for on, is_workday in days if not is_workday),
        work_days=frozenset(on for on, is_workday in days if is_workday),
        known_years=frozenset(CalendarYear.objects.values_list("year", flat=True)),
    )
    with _lock:
        _kept = (version, calendar)
    return calendar


def local_rule(region: Region | str, key: str, on: date, *, default: int) -> int:
    """Return what `region` has set for `key` on the day `on`, else `default`."""
    code = region if isinstance(region, str) else region.pk
    rule = LocalRule.objects.filter(region_id=code, key=key, effective_on__lte=on).order_by("-effective_on")
    value = rule.values_list("value", flat=True).first()
    return default if value is None else value


def promise_of(version: ItemVersion, on: date, *, region: Region | str) -> Limit:
    """
    Return what is promised to a case of `version` accepted on the day `on`, wherever it is said (CASE-2, CASE-3).

    The stated promise; 0 working days for an immediate item; else the region's default, but never later than the
    law's limit would end (LAW-26), then the law's limit itself.
    """
    if version.promised is not None:
        return version.promised
    if version.is_immediate:
        return Limit(0)
    default = Limit(local_rule(region, "promised_default_days", on, default=PROMISED_DEFAULT_DAYS))
    statutory = version.statutory
    if statutory is None:
        return default
    calendar, begins = work_calendar(), datetime.combine(on, time(), LOCAL_ZONE)
    is_within = calendar.due_for(begins, default).on <= calendar.due_for(begins, statutory).on
    return default if is_within else statutory


def _with_edition(items: QuerySet[ServiceItem]) -> QuerySet[ServiceItem]:
    return items.select_related("region", "department", "published").prefetch_related(
        "published__materials",
        Prefetch("published__steps", FlowStep.objects.select_related("department")),
    )


def published_item(region: Region | str, code_or_id: str | UUID) -> ServiceItem | None:
    """
    Return the published item with this implementation code or id, its edition, materials and steps; None when
    there is none. Three queries, whatever the size.
    """
    code = region if isinstance(region, str) else region.pk
    items = _with_edition(ServiceItem.objects.filter(region_id=code, published__isnull=False))
    if isinstance(code_or_id, UUID):
        return items.filter(pk=code_or_id).first()
    try:
        as_id = UUID(code_or_id)
    except ValueError:
        return items.filter(task_code=code_or_id).first()
    return items.filter(models.Q(pk=as_id) | models.Q(task_code=code_or_id)).first()


@dataclass(frozen=True)
class Choice:
    """Something a citizen may choose and how many published items stand behind it."""

    name: str
    count: int


def items_by_department(region: Region | str) -> list[Department]:
    """Return the departments with published items, each with `item_count`, the largest first."""
    code = region if isinstance(region, str) else region.pk
    return list(
        Department.objects.filter(region_id=code, items__published__isnull=False)
        .annotate(item_count=Count("items"))
        .order_by("-item_count", "name")
    )


def themes(region: Region | str) -> list[Choice]:
    """Return the themes of the published items with their counts, the largest first."""
    return _counts(region, "themes")


def service_objects(region: Region | str) -> list[Choice]:
    """Return who the published items are for, with their counts, the largest first."""
    return _counts(region, "service_objects")


def _counts(region: Region | str, column: str) -> list[Choice]:
    code = region if isinstance(region, str) else region.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT word, count(*) FROM catalog_serviceitem i JOIN catalog_itemversion v ON v.id = i.published_id,"  # noqa: S608
            f" unnest(v.{column}) word WHERE i.region_id = %s GROUP BY word ORDER BY count(*) DESC, word",
            [code],
        )
        return [Choice(name, count) for name, count in cursor.fetchall()]


class Found(list[ServiceItem]):
    """Items in order of rank, each with `score` from 0 to 1; `total` counts all that match, not only this page."""

    total: int = 0


# OFFSET 0 keeps each token's look-up apart, so that it comes from the GIN index whatever the planner believes about
# the rest. A rare token says more than a common one. `share` is how much of the query's weight an item answers.
_SEARCH = """
WITH size AS (
    SELECT count(*)::float8 AS n FROM catalog_serviceitem WHERE published_id IS NOT NULL
), asked AS (
    SELECT * FROM unnest(%(tokens)s::text[], %(weights)s::float8[], %(words)s::bool[]) AS a (token, part, is_word)
), hit AS MATERIALIZED (
    SELECT i.id, length(i.name) AS letters, asked.token, asked.part, asked.is_word,
           count(*) OVER (PARTITION BY asked.token) AS items
    FROM asked CROSS JOIN LATERAL (
        SELECT id, name, region_id, published_id FROM catalog_serviceitem WHERE tokens @> ARRAY[asked.token] OFFSET 0
    ) AS i
    WHERE i.published_id IS NOT NULL AND (%(region)s::text IS NULL OR i.region_id = %(region)s)
), weight AS (
    SELECT asked.token, asked.part * ln(1 + size.n / (0.5 + coalesce(max(hit.items), 0))) AS value
    FROM size, asked LEFT JOIN hit ON hit.token = asked.token GROUP BY asked.token, asked.part, size.n
), ranked AS (
    SELECT hit.id, max(hit.letters) AS letters, bool_or(hit.is_word) AS has_word,
           sum(weight.value) / (SELECT sum(value) FROM weight) AS share
    FROM hit JOIN weight ON weight.token = hit.token GROUP BY hit.id
)
SELECT id, share, count(*) OVER () FROM ranked
WHERE share >= CASE WHEN has_word THEN %(least)s ELSE %(least_singles)s END
ORDER BY share / (1 + letters * %(per_letter)s) DESC, id LIMIT %(limit)s OFFSET %(offset)s
"""
LEAST, LEAST_SINGLES, PER_LETTER = 0.1, 0.2, 0.005


def search(text: str, limit: int = 20, offset: int = 0, *, region: Region | str | None = None) -> Found:
    """
    Return the published items of `region` (None: of all) that answer `text`, best first; empty when nothing comes near.

    Two queries and the items' editions and departments; words of two characters find as well as long ones.
    """
    found = Found()
    asked = searching.asked(text)
    if not asked:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            _SEARCH,
            {
                "region": region.pk if isinstance(region, Region) else region,
                "tokens": [token for token, _weight, _is_word in asked],
                "weights": [weight for _token, weight, _is_word in asked],
                "words": [is_word for _token, _weight, is_word in asked],
                "least": LEAST,
                "least_singles": LEAST_SINGLES,
                "per_letter": PER_LETTER,
                "limit": limit,
                "offset": offset,
            },
        )
        rows = cursor.fetchall()
    items = ServiceItem.objects.select_related("department", "published").in_bulk([row[0] for row in rows])
    for pk, share, total in rows:
        if item := items.get(pk):
            item.score = min(1.0, share)  # type: ignore[attr-defined]
            found.append(item)
        found.total = total
    return found


# For editors


def editable_items(
    region: Region | str, *, text: str = "", department: UUID | None = None, state: str = ""
) -> QuerySet[ServiceItem]:
    """
    Return all items of a region, published or not, by department and name.

    text: part of a name or of a code; state: "published", "draft" (one is waiting), "none" (never published or
    withdrawn).
    """
    code = region if isinstance(region, str) else region.pk
    drafts = ItemVersion.objects.filter(item=models.OuterRef("pk"), state=ItemVersion.State.DRAFT)
    items = (
        ServiceItem.objects.filter(region_id=code)
        .select_related("department", "published")
        .annotate(draft_number=models.Subquery(drafts.values("number")[:1]))
        .order_by("department__name", "name", "pk")
    )
    if text:
        items = items.filter(models.Q(name__icontains=text) | models.Q(task_code__istartswith=text))
    if department:
        items = items.filter(department_id=department)
    match state:
        case "published":
            items = items.filter(published__isnull=False)
        case "draft":
            items = items.filter(draft_number__isnull=False)
        case "none":
            items = items.filter(published__isnull=True)
    return items


def item_for(region: Region | str, pk: UUID) -> ServiceItem | None:
    """Return an item of the region for its editor, published or not; None when it is not there."""
    code = region if isinstance(region, str) else region.pk
    return ServiceItem.objects.filter(region_id=code, pk=pk).select_related("department", "published").first()


def working_edition(item: ServiceItem) -> ItemVersion | None:
    """Return the draft, else the published edition, else the latest one, with materials and steps."""
    state = models.Case(
        models.When(state=ItemVersion.State.DRAFT, then=0),
        models.When(state=ItemVersion.State.PUBLISHED, then=1),
        default=2,
        output_field=models.IntegerField(),
    )
    versions = item.versions.order_by(state, F("number").desc())
    return versions.prefetch_related(
        "materials", Prefetch("steps", FlowStep.objects.select_related("department"))
    ).first()


def calendar_days(year: int) -> dict[date, CalendarDay]:
    """Return the days of `year` somebody has spoken about."""
    return {day.on: day for day in CalendarDay.objects.filter(on__year=year)}


def calendar_year(year: int) -> CalendarYear | None:
    """Return the year's notice; None while it is provisional (CAL-7)."""
    return CalendarYear.objects.filter(pk=year).first()


def announced_years() -> Iterable[int]:
    return CalendarYear.objects.order_by("year").values_list("year", flat=True)


def local_rules(region: Region | str) -> list[LocalRule]:
    """Return every number `region` has set, the latest day first."""
    code = region if isinstance(region, str) else region.pk
    return list(LocalRule.objects.filter(region_id=code).order_by("-effective_on", "key"))
