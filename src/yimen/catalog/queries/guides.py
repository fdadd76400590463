"""Published editions with everything a guide, a leaflet, a booklet or a one-time notice shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from uuid import UUID

from django.db import connection, models
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils.translation import gettext as _

from yimen.catalog import leaflets
from yimen.catalog.leaflets import Duties, Place, Sheet
from yimen.catalog.models import Delegation, FlowStep, ItemVersion, ScenarioQuestion, ServiceItem
from yimen.catalog.queries.calendar import local_rule, work_calendar
from yimen.catalog.queries.items import PROMISED_DEFAULT_DAYS, promise_from
from yimen.people.models import Post, Region, ServiceCenter, ServicePoint

CHUNK = 200


def place_of(center: ServiceCenter | None) -> Place:
    """Return how a centre signs its papers."""
    if center is None:
        return Place("")
    return Place(center.name, center.motto, center.address, center.hours, center.phone)


def guides(region: Region | str) -> QuerySet[ServiceItem]:
    """
    Return the published items of `region` with their editions whole; each has `has_questions`.

    Six queries, whatever the number. Order is for the caller to say.
    """
    code = region if isinstance(region, str) else region.pk
    asked = ScenarioQuestion.objects.filter(version=OuterRef("published_id"))
    return (
        ServiceItem.objects.filter(region_id=code, published__isnull=False)
        .select_related("region", "department", "published")
        .annotate(has_questions=Exists(asked))
        .prefetch_related(
            "published__materials",
            Prefetch("published__steps", FlowStep.objects.select_related("department")),
            "published__fees",
            "published__faqs",
            "published__forms",
        )
    )


def items_by_department(region: Region | str) -> dict[str, int]:
    """Return how many published items each department has, by its name, in the order of names. One query."""
    code = region if isinstance(region, str) else region.pk
    published = ServiceItem.objects.filter(region_id=code, published__isnull=False)
    rows = published.values_list("department__name").annotate(count=models.Count("pk")).order_by("department__name")
    return dict(rows)


def guide(region: Region | str, code_or_id: str | UUID) -> ServiceItem | None:
    """Return the published item with this implementation code or id as guides() does; None when there is none."""
    found = guides(region)
    try:
        as_id = code_or_id if isinstance(code_or_id, UUID) else UUID(code_or_id)
    except ValueError:
        return found.filter(task_code=code_or_id).first()
    return found.filter(models.Q(pk=as_id) | models.Q(task_code=str(code_or_id))).first()


def edition(region: Region | str, pk: UUID) -> tuple[ServiceItem, ItemVersion] | None:
    """Return an edition of the region, whatever its state, whole and with its item; None when it is not there."""
    code = region if isinstance(region, str) else region.pk
    versions = ItemVersion.objects.filter(item__region_id=code, pk=pk).select_related("item__department")
    found = versions.prefetch_related(
        "materials", Prefetch("steps", FlowStep.objects.select_related("department")), "fees", "faqs", "forms"
    ).first()
    return (found.item, found) if found else None


def duties_of(region: Region | str) -> Duties:
    """Return what each post of the region has to do, where somebody wrote it down."""
    code = region if isinstance(region, str) else region.pk
    posts = Post.objects.filter(department__region_id=code).exclude(duties="")
    return {
        (department, name): duties for department, name, duties in posts.values_list("department_id", "name", "duties")
    }


def sheet_of(
    item: ServiceItem, *, center: Place, on: date, version: ItemVersion | None = None, is_dated: bool = False
) -> Sheet:
    """
    Return the sheet of an item's published edition, or of `version` with its lists loaded.

    is_dated: say by which day, for somebody who reads it on `on`; paper is read on other days.
    """
    (made,) = sheets_of([(item, version)], item.region_id, center=center, on=on, is_dated=is_dated)
    return made


def sheets(items: QuerySet[ServiceItem], region: Region | str, *, center: Place, on: date) -> Iterator[Sheet]:
    """Yield the sheets of `items`, a queryset of guides(), a chunk of rows at a time."""
    pairs = ((item, None) for item in items.iterator(chunk_size=CHUNK))
    return sheets_of(pairs, region, center=center, on=on)


def sheets_of(
    pairs: Iterable[tuple[ServiceItem, ItemVersion | None]],
    region: Region | str,
    *,
    center: Place,
    on: date,
    is_dated: bool = False,
) -> Iterator[Sheet]:
    """Yield a sheet for each item with its edition (None: the published one); three queries for all of them."""
    code = region if isinstance(region, str) else region.pk
    default_days = local_rule(code, "promised_default_days", on, default=PROMISED_DEFAULT_DAYS)
    calendar, duties = work_calendar(), duties_of(code)
    for item, edition in pairs:
        version = edition or item.published
        if version is None:
            continue
        yield leaflets.sheet(
            item,
            version,
            promised=promise_from(version, on, default_days=default_days, calendar=calendar),
            center=center,
            duties=duties,
            calendar=calendar if is_dated else None,
            today=on if is_dated else None,
        )


def catalogue_state(region: Region | str) -> str:
    """
    Return a mark of what the region has published: another one after any item was published or withdrawn.

    One query over the published items; "" while there are none.
    """
    code = region if isinstance(region, str) else region.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(bit_xor(hashtextextended(published_id::text, 0)), 0) FROM catalog_serviceitem"
            " WHERE region_id = %s AND published_id IS NOT NULL",
            [code],
        )
        count, mark = cursor.fetchone()
    return f"{count}-{mark}" if count else ""


# Service points: the same catalogue, filtered by place (S1-25).


def _at(points: Iterable[ServicePoint], on: date) -> models.Q:
    valid = (
        models.Q(from_on__lte=on)
        & (models.Q(until_on=None) | models.Q(until_on__gte=on))
        & (models.Q(revoked_on=None) | models.Q(revoked_on__gt=on))
    )
    return valid & models.Q(point__in=list(points))


def items_at(point: ServicePoint, on: date) -> QuerySet[ServiceItem]:
    """
    Return the published items handled at a service point on a day, by name: those delegated to it (S4-35) and those
    whose edition names its code as town or village.
    """
    delegated = Delegation.objects.filter(_at([point], on), item=OuterRef("pk"))
    items = ServiceItem.objects.filter(region_id=point.region_id, published__isnull=False)
    here = models.Q(Exists(delegated)) | models.Q(published__town_code=point.code)
    return items.filter(here).select_related("department", "published").order_by("name", "pk")


def counts_at(points: Iterable[ServicePoint], on: date) -> dict[UUID, int]:
    """Return how many items each of some points handles that day; two queries."""
    points = list(points)
    by_code = {point.code: point.pk for point in points}
    found: dict[UUID, set[UUID]] = {point.pk: set() for point in points}
    rows = Delegation.objects.filter(_at(points, on), item__published__isnull=False)
    for point_id, item_id in rows.values_list("point_id", "item_id"):
        found[point_id].add(item_id)
    named = ServiceItem.objects.filter(published__town_code__in=by_code, region_id__in={p.region_id for p in points})
    for code, item_id in named.values_list("published__town_code", "pk"):
        found[by_code[code]].add(item_id)
    return {point: len(items) for point, items in found.items()}


def acts_at(point: ServicePoint, items: Iterable[UUID], on: date) -> dict[UUID, frozenset[str]]:
    """Return which kinds of steps the point may do for each of some items; one query."""
    found: dict[UUID, set[str]] = {}
    rows = Delegation.objects.filter(_at([point], on), item_id__in=list(items))
    for item, acts in rows.values_list("item_id", "acts"):
        found.setdefault(item, set()).update(acts)
    return {item: frozenset(acts) for item, acts in found.items()}


def what_happens(acts: frozenset[str]) -> str:
    """Return what a service point does for an item, in words; acts: kinds of flow steps it may do."""
    if "decide" in acts:
        return _("在这里就能办完")
    if acts & {"receive", "accept"}:
        return _("在这里交材料，结果出来告诉您")
    return _("在这里可以问，可以请人帮您办")
