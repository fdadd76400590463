"""Screens, the notices on them, the windows of a hall zone by zone, and its facilities."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Avg, Count, F, Q, QuerySet

from yimen.hall.models import Facility, Hall, HallZone, Notice, Screen, Ticket, Window
from yimen.hall.queries.places import get_hall
from yimen.people.models import Department, Staff


@dataclass(frozen=True)
class Place:
    """A zone (None: windows outside all zones) with its windows by number, and the units that sit there, by window."""

    zone: HallZone | None
    windows: list[Window]
    units: dict[UUID, list[Department]]


def get_screen(code: str) -> Screen:
    """
    Return the screen with this code, or a hall's plain one for a hall's code (it is not stored).

    Raises Screen.DoesNotExist, also for one that is switched off.
    """
    found = (
        Screen.objects.select_related("hall__center", "zone", "window").filter(code=code).order_by("region_id").first()
    )
    if found is not None:
        if not found.is_on:
            raise Screen.DoesNotExist(code)
        return found
    try:
        hall = get_hall(code)
    except Hall.DoesNotExist:
        raise Screen.DoesNotExist(code) from None
    return Screen(region_id=hall.region_id, code=code, name=hall.name, layout=Screen.Layout.HALL, hall=hall)


def halls_of(screen: Screen) -> list[Hall]:
    """Return the halls a screen shows: its own first."""
    if screen.layout != Screen.Layout.HALLS or screen._state.adding:
        return [screen.hall]
    more = screen.halls.select_related("center").exclude(pk=screen.hall_id).order_by("code")
    return [screen.hall, *more]


def screens_of(hall: Hall) -> QuerySet[Screen]:
    return Screen.objects.filter(region_id=hall.region_id, hall=hall).select_related("zone", "window")


def screens_for(staff: Staff, halls: Collection[Hall]) -> QuerySet[Screen]:
    """Return the screens of these halls of the reader's region, by code."""
    return (
        Screen.objects.filter(region_id=staff.region_id, hall__in=[hall.pk for hall in halls])
        .select_related("hall", "zone", "window")
        .order_by("hall__code", "code")
    )


def notices_shown(halls: Collection[Hall], on: date) -> QuerySet[Notice]:
    """Return every notice of these halls that runs on a day, wherever in them it is shown."""
    return Notice.objects.filter(
        Q(hall=None) | Q(hall__in=[hall.pk for hall in halls]),
        region_id__in={hall.region_id for hall in halls},
        from_day__lte=on,
        until_day__gte=on,
        ended_at=None,
    )


def notices_of(halls: Collection[Hall], on: date, *, window: Window | None = None) -> QuerySet[Notice]:
    """
    Return the notices shown in these halls on a day, in their order; window: those shown at it.

    At a window stand the policy notices of the hall that name no window, and every notice that names this one (S4-37).
    """
    found = notices_shown(halls, on)
    if window is not None:
        everywhere = Q(windows=None, kind=Notice.Kind.POLICY)
        return found.filter(everywhere | Q(windows=window)).distinct()
    return found.filter(windows=None)


def notices_for(staff: Staff) -> QuerySet[Notice]:
    """Return the notices of the reader's region, those that run or will run first, then by their first day."""
    return (
        Notice.objects.filter(region_id=staff.region_id)
        .select_related("hall", "made_by")
        .prefetch_related("windows")
        .order_by(F("ended_at").asc(nulls_first=True), "-until_day", "position", "pk")
    )


def notices_between(region: str, start: date, end: date) -> QuerySet[Notice]:
    """Return the notices that began to be shown from `start` through `end`, by day."""
    return (
        Notice.objects.filter(region_id=region, from_day__range=(start, end))
        .select_related("hall")
        .order_by("from_day", "position", "pk")
    )


def places(hall: Hall) -> list[Place]:
    """
    Return every zone of a hall with its windows and the units sitting there; windows outside all zones come last.

    A specialist window is its department's; an integrated one belongs to the units of all items its series take
    (S1-15, S1-18). Four queries.
    """
    windows = list(
        Window.objects.filter(region_id=hall.region_id, hall=hall)
        .select_related("department", "zone")
        .order_by("number")
    )
    pairs = (
        Window.series.through.objects.filter(window__hall=hall, series__items__isnull=False)
        .values_list("window_id", "series__items__department")
        .distinct()
    )
    by_window: dict[UUID, set[UUID]] = {}
    for window_id, department_id in pairs:
        by_window.setdefault(window_id, set()).add(department_id)
    names = Department.objects.in_bulk({pk for found in by_window.values() for pk in found})
    units: dict[UUID, list[Department]] = {}
    for window in windows:
        if window.department is not None:
            units[window.pk] = [window.department]
        else:
            known = (names[pk] for pk in by_window.get(window.pk, ()))
            units[window.pk] = sorted(known, key=lambda one: one.short_name or one.name)
    zones = list(HallZone.objects.filter(region_id=hall.region_id, hall=hall))
    found = [Place(zone, own, units) for zone in zones for own in [[one for one in windows if one.zone_id == zone.pk]]]
    rest = [window for window in windows if window.zone_id is None]
    return [*found, Place(None, rest, units)] if rest else found


def facilities(hall: Hall, *, on: date) -> QuerySet[Facility]:
    """Return what a hall offers besides windows, those that are there on a day."""
    return (
        Facility.objects.filter(region_id=hall.region_id, hall=hall)
        .filter(Q(ended_on=None) | Q(ended_on__gt=on))
        .select_related("zone")
        .order_by("position", "name", "pk")
    )


def visits_by_day(hall: Hall, day: date, *, days: int = 7) -> list[tuple[date, int]]:
    """Return how many numbers were taken in a hall on each of the `days` local days through `day`, oldest first."""
    start = day - timedelta(days=days - 1)
    counted = dict(
        Ticket.objects.filter(region_id=hall.region_id, hall=hall, day__range=(start, day))
        .order_by()
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    return [(one, counted.get(one, 0)) for one in (start + timedelta(days=n) for n in range(days))]


def handling_seconds(hall: Hall, start: date, end: date) -> float | None:
    """Return the mean time a finished visit took at a window on the local days start through end; None without any."""
    seconds = (
        Ticket.objects.filter(
            region_id=hall.region_id,
            hall=hall,
            day__range=(start, end),
            status=Ticket.Status.FINISHED,
            finished_at__gte=F("started_at"),
        )
        .order_by()
        .aggregate(mean=Avg(F("finished_at") - F("started_at")))["mean"]
    )
    return seconds.total_seconds() if seconds else None
