"""The floor of a hall as its manager sees it now: zones, windows and what they do, queues under pressure, alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.timezone import localdate

from yimen.hall.models import Hall, HallAlarm, Window
from yimen.hall.rules.alarms import Helper, Pressed, propose
from yimen.hall.rules.waiting import seconds_between
from yimen.lib.dates import begin_of

# So long without anybody at a window, and its manager may sign it out.
FORGOTTEN_MINUTES = 10


@dataclass(frozen=True)
class Place:
    """A window now. state: shut, paused, idle, called or serving; minutes: how long it has been so, whole minutes."""

    window_id: UUID
    number: int
    name: str
    zone: str
    unit: str
    is_integrated: bool
    staff: str
    state: str
    minutes: int
    ticket: str
    series: frozenset[UUID]

    @property
    def may_be_forgotten(self) -> bool:
        """Whether whoever sits there may have left without signing out."""
        return self.state == "paused" or (self.state == "idle" and self.minutes >= FORGOTTEN_MINUTES)


@dataclass(frozen=True)
class Line:
    """A series now, with the window to open for it when it is under pressure."""

    series_id: UUID
    letter: str
    name: str
    zone: str
    windows: int
    open_windows: int
    pressed: Pressed
    proposed: Place | None = None


@dataclass(frozen=True)
class Floor:
    hall: Hall
    at: datetime
    places: list[Place]
    lines: list[Line]

    @property
    def zones(self) -> list[tuple[str, list[Place]]]:
        """Windows by zone, in the hall's order; those without a zone last."""
        return [(zone, list(places)) for zone, places in groupby(self.places, key=lambda place: place.zone)]

    @property
    def waiting(self) -> int:
        return sum(line.pressed.waiting for line in self.lines)

    @property
    def longest(self) -> int:
        """Whole minutes the person has waited who has waited longest."""
        return max((line.pressed.longest for line in self.lines), default=0)

    def count(self, *states: str) -> int:
        return sum(place.state in states for place in self.places)

    @property
    def open_count(self) -> int:
        return self.count("idle", "called", "serving")

    @property
    def idle_count(self) -> int:
        return self.count("idle")

    @property
    def paused_count(self) -> int:
        return self.count("paused")


# Since when a window is idle: the last time somebody was closed there, it was signed in at, or a pause ended.
_PLACES = """
SELECT w.id, w.number, w.name, coalesce(zone.name, ''), coalesce(unit.name, ''), w.kind = 'integrated',
    coalesce(person.name, ''), w.staff_id IS NOT NULL, w.opened_at, w.paused_at, coalesce(here.status, ''),
    coalesce(here.label, ''), coalesce(here.started_at, here.announced_at), last.at,
    (SELECT array_agg(link.series_id) FROM hall_window_series AS link WHERE link.window_id = w.id)
FROM hall_window AS w
LEFT JOIN hall_hallzone AS zone ON zone.id = w.zone_id
LEFT JOIN people_department AS unit ON unit.id = w.department_id
LEFT JOIN people_staff AS person ON person.id = w.staff_id
LEFT JOIN LATERAL (
    SELECT ticket.status, ticket.label, ticket.started_at, ticket.announced_at FROM hall_ticket AS ticket
    WHERE ticket.region_id = w.region_id AND ticket.window_id = w.id AND ticket.status IN ('called', 'serving')
) AS here ON true
LEFT JOIN LATERAL (
    SELECT max(period.until_at) AS at FROM hall_ticketperiod AS period
    WHERE period.region_id = w.region_id AND period.window_id = w.id AND period.from_at >= %s
) AS last ON true
WHERE w.region_id = %s AND w.hall_id = %s
ORDER BY zone.position NULLS LAST, zone.name NULLS LAST, w.number
"""

_LINES = """
SELECT series.id, series.letter, series.name, coalesce(zone.name, ''), queue.people, coalesce(crowd.people, 0),
    queue.first, coalesce(counter.value, 0), series.surge_at, series.warning_at, series.daily_cap,
    windows.everything, windows.open
FROM hall_series AS series
LEFT JOIN hall_hallzone AS zone ON zone.id = series.zone_id
LEFT JOIN hall_ticketcounter AS counter ON counter.region_id = series.region_id AND counter.series_id = series.id
    AND counter.day = %(day)s
CROSS JOIN LATERAL (
    SELECT count(*) AS people, min(ticket.taken_at) AS first FROM hall_ticket AS ticket
    WHERE ticket.region_id = series.region_id AND ticket.series_id = series.id AND ticket.day = %(day)s
        AND ticket.status = 'waiting'
) AS queue
CROSS JOIN LATERAL (
    SELECT max(item.people) AS people FROM (
        SELECT count(*) AS people FROM hall_ticket AS ticket
        WHERE ticket.region_id = series.region_id AND ticket.series_id = series.id AND ticket.day = %(day)s
            AND ticket.status = 'waiting' AND ticket.item_id IS NOT NULL
        GROUP BY ticket.item_id
    ) AS item
) AS crowd
CROSS JOIN LATERAL (
    SELECT count(*) AS everything, count(w.staff_id) FILTER (WHERE w.paused_at IS NULL) AS open
    FROM hall_window_series AS link JOIN hall_window AS w ON w.id = link.window_id WHERE link.series_id = series.id
) AS windows
WHERE series.region_id = %(region)s AND series.hall_id = %(hall)s
ORDER BY series.position, series.letter
"""


def floor(hall: Hall, at: datetime) -> Floor:
    """Return the hall at a moment, its proposals included; two statements."""
    day = localdate(at)
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [begin_of(day), hall.region_id, hall.pk])
        places = [_place(row, at) for row in cursor.fetchall()]
        cursor.execute(_LINES, {"day": day, "region": hall.region_id, "hall": hall.pk})
        rows = cursor.fetchall()
    people = {row[0]: row[4] for row in rows}
    return Floor(hall, at, places, [_line(row, hall, places, people, at) for row in rows])


def _place(row: tuple, at: datetime) -> Place:
    pk, number, name, zone, unit, integrated, staff, staffed, opened, paused, status, label, since, last, series = row
    if not staffed:
        state, begun = "shut", None
    elif paused:
        state, begun = "paused", paused
    elif status:
        state, begun = status, since
    else:
        state, begun = "idle", max((moment for moment in (opened, last) if moment), default=None)
    return Place(
        window_id=pk,
        number=number,
        name=name,
        zone=zone,
        unit=unit,
        is_integrated=integrated,
        staff=staff,
        state=state,
        minutes=seconds_between(begun, at) // 60,
        ticket=label,
        series=frozenset(series or ()),
    )


def _line(row: tuple, hall: Hall, places: list[Place], people: dict[UUID, int], at: datetime) -> Line:
    pk, letter, name, zone, waiting, crowd, first, given, surge_at, warning_at, cap, windows, open_windows = row
    pressed = Pressed(
        waiting=waiting,
        most_of_item=crowd,
        longest=seconds_between(first, at) // 60,
        given=given,
        surge_at=surge_at,
        wait_limit=hall.wait_limit,
        warning_at=warning_at,
        daily_cap=cap,
    )
    best = propose(_helper(place, pk, people) for place in places)
    by_id = {place.window_id: place for place in places}
    return Line(pk, letter, name, zone, windows, open_windows, pressed, by_id[best.window_id] if best else None)


def _helper(place: Place, series: UUID, people: dict[UUID, int]) -> Helper:
    return Helper(
        window_id=place.window_id,
        number=place.number,
        calls_it=series in place.series,
        is_integrated=place.is_integrated,
        is_staffed=place.state != "shut",
        is_paused=place.state == "paused",
        is_idle=place.state == "idle",
        load=sum(people.get(one, 0) for one in place.series),
    )


def alarms(hall: Hall) -> QuerySet[HallAlarm]:
    """Return the alarms of a hall, the running ones first, then the latest."""
    return (
        HallAlarm.objects.filter(region_id=hall.region_id, hall=hall)
        .select_related("series", "proposed", "answered_by")
        .order_by("ended_at", "-raised_at")
    )


def running_alarms(hall: Hall) -> list[HallAlarm]:
    found = HallAlarm.objects.filter(region_id=hall.region_id, hall=hall, ended_at=None)
    return list(found.select_related("series", "proposed", "answered_by").order_by("raised_at"))


def window_in(hall: Hall, number: int) -> Window | None:
    return Window.objects.filter(region_id=hall.region_id, hall=hall, number=number).first()
