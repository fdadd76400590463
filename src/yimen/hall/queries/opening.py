"""When halls and windows are open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Q

from yimen.catalog import queries as catalog
from yimen.hall.models import Closure, Hall, OpeningTime, Window
from yimen.hall.rules.opening import Opening, Shut, Times, opening
from yimen.lib.workdays import LOCAL_ZONE


def opening_on(hall: Hall, day: date, window: Window | None = None) -> Opening:
    """
    Return when a hall, or one window of it, is open on the local day `day`; three small statements.

    A window's own times stand in place of the hall's on the weekdays and days they name; both closures count.
    """
    return openings(hall, [day], window)[day]


def openings(hall: Hall, days: Iterable[date], window: Window | None = None) -> dict[date, Opening]:
    """The same for several days, still three statements."""
    wanted = sorted(set(days))
    if not wanted:
        return {}
    own = Q(window=None) | Q(window=window) if window else Q(window=None)
    rows = list(
        OpeningTime.objects.filter(own, region_id=hall.region_id, hall=hall, valid_from__lte=wanted[-1])
        .filter(Q(valid_until=None) | Q(valid_until__gte=wanted[0]))
        .filter(Q(day=None) | Q(day__range=(wanted[0], wanted[-1])))
        .order_by("opens")
    )
    begins = datetime.combine(wanted[0], datetime.min.time(), LOCAL_ZONE)
    ends = datetime.combine(wanted[-1] + timedelta(days=1), datetime.min.time(), LOCAL_ZONE)
    closures = [
        Shut(
            shut.from_at.astimezone(LOCAL_ZONE),
            min(shut.until_at, shut.ended_at or shut.until_at).astimezone(LOCAL_ZONE),
            shut.reason,
        )
        for shut in Closure.objects.filter(
            own, region_id=hall.region_id, hall=hall, from_at__lt=ends, until_at__gt=begins
        ).order_by("from_at")
    ]
    calendar = catalog.work_calendar()
    found = {}
    for day in wanted:
        valid = [
            row
            for row in rows
            # Another day's own hours say nothing of this one.
            if row.day in (None, day) and row.valid_from <= day and (row.valid_until is None or day <= row.valid_until)
        ]
        found[day] = opening(day, _for_window(valid, day), calendar, closures)
    return found


def _for_window(rows: list[OpeningTime], day: date) -> list[Times]:
    """A window's row for a weekday or a day hides the hall's; where neither says anything, none are set."""
    said = any(row.window_id is None or row.day == day or row.weekday == day.isoweekday() for row in rows)
    if not said:
        return []
    mine = {(row.weekday, row.day) for row in rows if row.window_id is not None}
    kept = [row for row in rows if row.window_id is not None or (row.weekday, row.day) not in mine]
    return [Times(row.weekday, row.day, row.opens, row.closes, row.kind == OpeningTime.Kind.EXTENDED) for row in kept]
