"""Items as citizens and editors see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from django.db import connection, models
from django.db.models import Count, F, Prefetch, QuerySet

from yimen.catalog.models import (
    FlowStep,
    ItemVersion,
    ServiceItem,
)
from yimen.catalog.queries.calendar import local_rule, work_calendar
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit
from yimen.people.models import Department, Region

# CASE-3: what cannot be done at once is promised in three working days unless a place sets another number.
PROMISED_DEFAULT_DAYS = 3


def promise_of(version: ItemVersion, on: date, *, region: Region | str) -> Limit:
    """
    Return what is promised to a case of `version` accepted on the day `on`, wherever it is said (CASE-2, CASE-3).

    The stated promise; 0 working days for an immediate item; else the region's default, but never later than the
    law's limit would end (LAW-26), then the law's limit itself.
    """
    stated = _stated_promise(version)
    if stated is not None:
        return stated
    default = local_rule(region, "promised_default_days", on, default=PROMISED_DEFAULT_DAYS)
    return promise_from(version, on, default_days=default, calendar=work_calendar())


def promise_from(version: ItemVersion, on: date, *, default_days: int, calendar: Calendar) -> Limit:
    """Return what promise_of() would, from numbers already read: for lists."""
    stated = _stated_promise(version)
    if stated is not None:
        return stated
    default = Limit(default_days)
    statutory = version.statutory
    if statutory is None:
        return default
    begins = datetime.combine(on, time(), LOCAL_ZONE)
    is_within = calendar.due_for(begins, default).on <= calendar.due_for(begins, statutory).on
    return default if is_within else statutory


def _stated_promise(version: ItemVersion) -> Limit | None:
    if version.promised is not None:
        return version.promised
    return Limit(0) if version.is_immediate else None


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


def editable_items(
    region: Region | str, *, text: str = "", department: UUID | None = None, state: str = ""
) -> QuerySet[ServiceItem]:
    """
    Return all items of a region, published or not, by department and name.

    text: part of a name or of a code; state: "published", "draft" (one is open), "approved" (one waits for its day),
    "none" (never published or withdrawn).
    """
    code = region if isinstance(region, str) else region.pk
    drafts = ItemVersion.objects.filter(item=models.OuterRef("pk"), state__in=("draft", "approved"))
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
        case "approved":
            items = items.filter(models.Exists(drafts.filter(state="approved")))
        case "none":
            items = items.filter(published__isnull=True)
    return items


def item_for(region: Region | str, pk: UUID) -> ServiceItem | None:
    """Return an item of the region for its editor, published or not; None when it is not there."""
    code = region if isinstance(region, str) else region.pk
    return ServiceItem.objects.filter(region_id=code, pk=pk).select_related("department", "published").first()


def working_edition(item: ServiceItem) -> ItemVersion | None:
    """Return the draft or what waits for its day, else the published edition, else the latest, with its lists."""
    state = models.Case(
        models.When(state__in=(ItemVersion.State.DRAFT, ItemVersion.State.APPROVED), then=0),
        models.When(state=ItemVersion.State.PUBLISHED, then=1),
        default=2,
        output_field=models.IntegerField(),
    )
    versions = item.versions.order_by(state, F("number").desc())
    return versions.prefetch_related(
        "materials", Prefetch("steps", FlowStep.objects.select_related("department")), "fees", "faqs"
    ).first()
