"""Halls, series and windows, and for whom."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db.models import F, Q, QuerySet

from yimen.catalog.models import ServiceItem
from yimen.hall.models import Hall, Series, Window, WindowPause
from yimen.lib.reading import Given, Question
from yimen.people.models import Staff


def get_hall(code: str) -> Hall:
    """
    Return the hall with this code, or the one it was merged into: what is printed and pasted up goes on. The first
    region's where two share a code. Raises Hall.DoesNotExist.
    """
    halls = Hall.objects.select_related("center", "region")
    hall = halls.filter(code=code).order_by("region_id").first()
    if hall is None:
        raise Hall.DoesNotExist(code)
    return halls.get(pk=hall.merged_into_id) if hall.merged_into_id else hall


def halls() -> list[Hall]:
    """Return the halls there are, without those merged into another."""
    return list(Hall.objects.filter(merged_into=None).order_by("region_id", "code"))


def halls_for(staff: Staff) -> list[Hall]:
    """Return the halls of the reader's centre, or of the whole region, without those merged into another."""
    found = Hall.objects.filter(region_id=staff.region_id, merged_into=None).select_related("center")
    if staff.center_id:
        found = found.filter(center_id=staff.center_id)
    return list(found.order_by("center_id", "code"))


def get_series(hall: Hall, series_id: UUID) -> Series:
    """Raises Series.DoesNotExist for a series of another hall too."""
    return Series.objects.select_related("zone").get(region_id=hall.region_id, hall=hall, pk=series_id)


def items_in(hall: Hall, text: str, *, limit: int = 6) -> list[tuple[ServiceItem, Series]]:
    """Return items an open series of the hall takes, named with every word of `text`, each with that series."""
    words = text.split()[:5]
    if not words:
        return []
    found = ServiceItem.objects.filter(
        region_id=hall.region_id, published__isnull=False, series__hall=hall, series__is_open=True
    )
    for word in words:
        found = found.filter(Q(name__icontains=word) | Q(published__everyday_names__icontains=word))
    series = {one.pk: one for one in Series.objects.filter(region_id=hall.region_id, hall=hall)}
    rows = found.annotate(series_id=F("series")).order_by("name", "pk", "series_id").distinct()[: limit * 3]
    best: dict[UUID, tuple[ServiceItem, Series]] = {}
    for item in rows:
        best.setdefault(item.pk, (item, series[item.series_id]))
    return list(best.values())[:limit]


def get_window_for(staff: Staff, window_id: UUID) -> Window:
    """Raises Window.DoesNotExist for "not there" and "not your region" alike."""
    return Window.objects.select_related("hall").get(region_id=staff.region_id, pk=window_id)


def window_of(staff: Staff) -> Window | None:
    """Return the window `staff` is signed in at."""
    found: list[Window] = _SIGNED_IN.ask(region=staff.region_id, staff=staff.pk)
    return found[0] if found else None


_SIGNED_IN = Question(
    lambda: (
        Window.objects.select_related("hall")
        .filter(region_id=Given("region"), staff_id=Given("staff"))
        .order_by("pk")[:1]
    )
)


def pauses(region: str, start: date, end: date) -> QuerySet[WindowPause]:
    """Return the pauses that began on the local days from `start` through `end`, the latest first."""
    return (
        WindowPause.objects.filter(region=region, from_at__date__range=(start, end))
        .select_related("window__hall", "staff", "stand_in", "by_window")
        .order_by("-from_at")
    )


def pauses_for(staff: Staff) -> QuerySet[WindowPause]:
    """Return the running pauses of somebody: of his own window, and of those where he stands in."""
    return WindowPause.objects.filter(
        Q(staff=staff) | Q(stand_in=staff), region_id=staff.region_id, until_at=None
    ).select_related("window", "staff", "stand_in", "by_window")
