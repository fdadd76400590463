"""Which items a print run holds: by window, by unit, or all; for pages and the command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import prints
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import guides
from yimen.hall.models import Window
from yimen.people.models import Department, Region
from yimen.people.queries import main_center

# Leaflets in one file; a longer run is printed in pieces.
PIECE = 200


@dataclass(frozen=True)
class Choice:
    """A window or a unit to print for, and how many of its items are published."""

    pk: UUID
    name: str
    count: int


def of_window(window: Window) -> QuerySet[ServiceItem]:
    """
    Return the guides of what a window handles: the items of the series it calls and, at a unit's own window, that
    unit's items (S3-10).
    """
    here = Q(series__windows=window)
    if window.department_id and not window.series.exists():
        here = Q(department_id=window.department_id)
    return _ordered(guides.guides(window.region_id).filter(here).distinct())


def of_department(department: Department) -> QuerySet[ServiceItem]:
    return _ordered(guides.guides(department.region_id).filter(department=department))


def of_codes(region: Region | str, codes: Iterable[str]) -> QuerySet[ServiceItem]:
    return _ordered(guides.guides(region).filter(task_code__in=list(codes)))


def of_all(region: Region | str) -> QuerySet[ServiceItem]:
    return _ordered(guides.guides(region))


def windows_to_print(region: Region | str) -> list[Choice]:
    """Return the region's windows with how many published items each handles, by hall and number; two queries."""
    code = region if isinstance(region, str) else region.pk
    windows = Window.objects.filter(region_id=code).select_related("hall").order_by("hall__name", "number")
    by_series: dict[UUID, set[UUID]] = {}
    rows = Window.series.through.objects.filter(
        window__region_id=code, series__items__published__isnull=False
    ).values_list("window_id", "series__items")
    for window, item in rows:
        by_series.setdefault(window, set()).add(item)
    of_units = dict(_counts(code))
    calls = set(Window.series.through.objects.filter(window__region_id=code).values_list("window_id", flat=True))
    return [
        Choice(
            window.pk,
            f"{window.hall.name} {window.name}",
            len(by_series.get(window.pk, ()))
            if window.pk in calls or window.department_id is None
            else of_units.get(window.department_id, 0),
        )
        for window in windows
    ]


def departments_to_print(region: Region | str) -> list[Choice]:
    """Return the units with published items, by name."""
    code = region if isinstance(region, str) else region.pk
    counts = dict(_counts(code))
    names = Department.objects.filter(pk__in=counts).order_by("name").values_list("pk", "name")
    return [Choice(pk, name, counts[pk]) for pk, name in names]


def _counts(region: str) -> Iterable[tuple[UUID, int]]:
    items = ServiceItem.objects.filter(region_id=region, published__isnull=False)
    return items.order_by().values_list("department_id").annotate(n=Count("pk"))


def _ordered(items: QuerySet[ServiceItem]) -> QuerySet[ServiceItem]:
    return items.order_by("department__name", "name", "pk")


def leaflets(
    items: QuerySet[ServiceItem], region: Region | str, *, at: datetime, per_page: int, title: str, piece: int = 1
) -> bytes:
    """Return the leaflets of a run's n-th piece in one file. Raises prints.NothingToPrint."""
    start = (piece - 1) * PIECE
    with prints.in_chinese():
        some = items[start : start + PIECE]
        sheets = list(guides.sheets(some, region, center=guides.place_of(main_center()), on=localdate(at)))
        if not sheets:
            raise prints.NothingToPrint(_("这里还没有发布的事项，没有可印的。"))
        return prints.leaflets(sheets, at=at, per_page=per_page, title=title)
