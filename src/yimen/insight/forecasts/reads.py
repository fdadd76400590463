"""The forecast of a hall as it stands: what is known, in a constant number of statements, kept for some seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import inf
from statistics import median
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.timezone import localdate

from yimen.hall.models import Appointment, Hall, Series, Ticket, WindowPause
from yimen.hall.queries.opening import opening_on
from yimen.hall.rules.opening import Opening
from yimen.insight.forecasts.idling import GRACE, still_away
from yimen.insight.forecasts.learnt import fits_of
from yimen.insight.forecasts.playing import forecast
from yimen.insight.forecasts.ranges import Forecast
from yimen.insight.forecasts.state import Expected, Kind, Place, Seat, State
from yimen.insight.simulation import engine
from yimen.insight.simulation.kernel import Policy
from yimen.insight.simulation.loop import LONG
from yimen.lib.dates import begin_of

# So long everybody is told the same.
KEPT_SECONDS = 5.0
# So many services of each kind, not older than this.
LAST, OLDEST = 60, timedelta(days=30)
# Nobody is served longer than this: somebody forgot to press a button.
LONGEST = 3 * 3600
# The next hour brings those whom the last one brought; appointments are looked for as far ahead.
SOON = timedelta(hours=1)
MOST_AGAIN = 300
# Before anything is measured: from a service to the next call, and how long one waits for somebody who does not come.
TURNAROUND, NOT_COMING = 20.0, 60.0
# How likely somebody on hold, or with an appointment, is to come.
BACK, KEEPS = 0.5, 0.85
# An appointment is still expected so long after its time.
LATE = timedelta(minutes=15)
# How long a pause usually takes, by its reason, in seconds.
PAUSES: Mapping[str, float] = {"break": 600, "meal": 3600, "meeting": 3600, "errand": 3600}
_LEAST_PAUSE = 300.0

# Ranges older than this are no longer shown on a screen.
STILL_SAID = timedelta(minutes=2)

log = logging.getLogger("yimen.forecasts")
_making: set[UUID] = set()
_kept: dict[UUID, tuple[float, datetime, Forecast]] = {}
_locks: dict[UUID, threading.Lock] = defaultdict(threading.Lock)


def of_hall(hall: Hall, at: datetime, *, fresh: bool = False) -> Forecast:
    """
    Return the ranges of every series and waiting ticket of a hall; up to KEPT_SECONDS old unless `fresh`.

    Nine statements, whoever waits. The first call of a process has the kernel compiled beside it.
    """
    if settings.TESTING or fresh:
        return forecast(state_of(hall, at))
    engine.warm_up()
    with _locks[hall.pk]:  # many ask at once, one looks
        known = _kept.get(hall.pk)
        if known and time.monotonic() - known[0] < KEPT_SECONDS and abs(at - known[1]) < timedelta(seconds=60):
            return known[2]
        found = forecast(state_of(hall, at))
        _kept[hall.pk] = time.monotonic(), at, found
        return found


def latest(hall: Hall, at: datetime) -> Forecast:
    """
    Return what was said last, nothing before the first time, and have it made anew beside when it is old.

    For screens: a call must stand on them at once, however long the ranges take.
    """
    if settings.TESTING:
        return of_hall(hall, at)
    known = _kept.get(hall.pk)
    if known is None or time.monotonic() - known[0] >= KEPT_SECONDS:
        _make_beside(hall, at)
    return known[2] if known and abs(at - known[1]) < STILL_SAID else Forecast({}, {})


def _make_beside(hall: Hall, at: datetime) -> None:
    if hall.pk in _making:
        return
    _making.add(hall.pk)

    def make() -> None:
        try:
            of_hall(hall, at)
        except Exception as error:
            log.warning("No forecast for a hall: %s", type(error).__name__)
        finally:
            _making.discard(hall.pk)
            connection.close()

    threading.Thread(target=make, name="forecast", daemon=True).start()


def state_of(hall: Hall, at: datetime) -> State:
    """Return what is known about a hall at a moment."""
    day = localdate(at)
    tickets = _tickets(hall, day, at)
    finished = _finished(hall, at)
    turnaround = _turnaround(finished)
    calls, passed = _passed(hall, day)
    policy = Policy(hall.policy, hall.ratio, hall.ageing_minutes * 60.0, max(1, hall.cap))
    status = Ticket.Status
    return State(
        series=list(Series.objects.filter(region_id=hall.region_id, hall=hall).values_list("pk", flat=True)),
        waiting=[
            Place(
                ticket=row["id"],
                series=row["series_id"],
                joined=_after(at, row["queue_at"]),
                kinds=_kinds(row),
                is_priority=row["is_priority"],
                skill=row["skill_id"],
                only_window=row["only_window_id"],
            )
            for row in tickets
            if row["status"] == status.WAITING
        ],
        seats=_seats(hall, at, tickets),
        measured=_measured(hall, finished, turnaround),
        expected=[*_held(tickets, at), *_again(hall, tickets, at), *_booked(hall, at)],
        hall=hall.pk,
        passes=[NOT_COMING + turnaround],
        passed=passed / calls if calls else 0.0,
        policy=policy,
        fits=fits_of(hall, at),
    )


def _after(at: datetime, moment: datetime) -> float:
    return (moment - at).total_seconds()


def _kinds(row: Mapping[str, Any]) -> list[Kind]:
    return [kind for kind in (row["item_id"], row["series_id"]) if kind]


def _tickets(hall: Hall, day: date, at: datetime) -> list[dict[str, Any]]:
    """Those of today who wait, are held or at a window, and those of the last hour, by number."""
    with connection.cursor() as cursor:
        cursor.execute(_TICKETS, {"region": hall.region_id, "hall": hall.pk, "day": day, "since": at - SOON})
        return _dicts(cursor)


_TICKETS = """
SELECT id, series_id, item_id, status, is_priority, queue_at, taken_at, called_at, announced_at, started_at, put_off_at,
    window_id, skill_id, only_window_id, source
FROM hall_ticket
WHERE region_id = %(region)s AND hall_id = %(hall)s AND day = %(day)s
    AND (status IN ('waiting', 'held', 'called', 'serving') OR taken_at > %(since)s)
ORDER BY queue_at, number
"""


def _dicts(cursor: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _finished(hall: Hall, at: datetime) -> list[dict[str, Any]]:
    """The last services of each series, the latest first."""
    with connection.cursor() as cursor:
        arguments: dict[str, Any] = {
            "region": hall.region_id,
            "hall": hall.pk,
            "at": at,
            "since": at - OLDEST,
            "most": 2 * LAST,
        }
        cursor.execute(_FINISHED, arguments)
        return _dicts(cursor)


_FINISHED = """
SELECT last.* FROM hall_series AS series
CROSS JOIN LATERAL (
    SELECT series_id, item_id, window_id, queue_at, coalesce(announced_at, started_at) AS begun_at, finished_at
    FROM hall_ticket
    WHERE region_id = series.region_id AND series_id = series.id AND status = 'finished'
        AND finished_at > %(since)s AND finished_at <= %(at)s
    ORDER BY finished_at DESC LIMIT %(most)s
) AS last
WHERE series.region_id = %(region)s AND series.hall_id = %(hall)s
ORDER BY last.finished_at DESC
"""


def _turnaround(finished: Sequence[Mapping[str, Any]]) -> float:
    """Seconds from a service to the next call of that window while somebody waited; the median."""
    later: dict[UUID, Mapping[str, Any]] = {}
    found = []
    for row in finished:
        following = later.get(row["window_id"])
        if following and following["begun_at"] and following["queue_at"] <= row["finished_at"]:
            seconds = _after(row["finished_at"], following["begun_at"])
            if 0 <= seconds < 600:
                found.append(seconds)
        if row["window_id"]:
            later[row["window_id"]] = row
    return median(found) if len(found) >= 5 else TURNAROUND


def _measured(hall: Hall, finished: Iterable[Mapping[str, Any]], turnaround: float) -> dict[Kind, list[float]]:
    found: dict[Kind, list[float]] = defaultdict(list)
    for row in finished:
        if row["begun_at"] is None:
            continue
        seconds = min(max(_after(row["begun_at"], row["finished_at"]), 1.0), LONGEST) + turnaround
        for kind in (*_kinds(row), hall.pk):
            if len(found[kind]) < LAST:
                found[kind].append(seconds)
    return found


def _passed(hall: Hall, day: date) -> tuple[int, int]:
    """How many were called today and are done, and how many of them did not come."""
    with connection.cursor() as cursor:
        cursor.execute(_PASSED, [hall.region_id, hall.pk, day])
        done, passed = cursor.fetchone()
    return done, passed


_PASSED = """
SELECT count(*), count(*) FILTER (WHERE status = 'passed') FROM hall_ticket
WHERE region_id = %s AND hall_id = %s AND day = %s AND status IN ('finished', 'passed')
"""


def _seats(hall: Hall, at: datetime, tickets: Sequence[Mapping[str, Any]]) -> list[Seat]:
    """
    The windows where somebody is signed in, with what they call. Paused ones are expected back, and so is one that has
    let somebody wait whom it could have called (idling.still_away).
    """
    day = localdate(at)
    busy = {row["window_id"]: row for row in tickets if row["status"] in (Ticket.Status.CALLED, Ticket.Status.SERVING)}
    waits, opening = _waits(tickets, at), opening_on(hall, day)
    shifts = _shifts(opening, at)
    with connection.cursor() as cursor:
        cursor.execute(
            _WINDOWS, {"region": hall.region_id, "hall": hall.pk, "day": day, "begin": begin_of(day), "at": at}
        )
        rows = _dicts(cursor)
    found = []
    for row in rows:
        ticket = busy.get(row["id"])
        usual = PAUSES.get(row["reason"] or WindowPause.Reason.BREAK) if row["paused_at"] else 0.0
        if usual is None:  # nobody can say when he is well again
            continue
        back = max(usual + _after(at, row["paused_at"]), _LEAST_PAUSE) if row["paused_at"] else 0.0
        if ticket is None and not row["paused_at"]:
            back = _away(row, waits, opening, at)
        found.append(
            Seat(
                window=row["id"],
                series=frozenset(row["series"] or ()),
                skills=frozenset(row["skills"] or ()),
                busy=_kinds(ticket) if ticket else None,
                elapsed=max(-_after(at, ticket["announced_at"] or at), 0.0) if ticket else 0.0,
                shifts=[(max(begin, back), end) for begin, end in shifts if end > back],
                run=LONG if row["run"] is None else row["run"],
            )
        )
    return found


def _waits(tickets: Iterable[Mapping[str, Any]], at: datetime) -> list[tuple[Mapping[str, Any], float, float]]:
    """Who of today waited long enough to have been let wait, since when and until when, in seconds from now."""
    found = []
    for ticket in tickets:
        called, waits = ticket["called_at"], ticket["status"] == Ticket.Status.WAITING
        # Of whoever was called before and waits again, put off or held, nobody knows here since when.
        if ticket["put_off_at"] or (called is None) is not waits:
            continue
        came, until = _after(at, max(ticket["queue_at"], ticket["taken_at"])), min(_after(at, called or at), 0.0)
        if until - came > GRACE:
            found.append((ticket, came, until))
    return found


def _away(
    row: Mapping[str, Any],
    waits: Iterable[tuple[Mapping[str, Any], float, float]],
    opening: Opening,
    at: datetime,
) -> float:
    free_since = row["free_since"]
    if opening.is_set:
        span = next((span for span in opening.spans if span.opens_at <= at < span.closes_at), None)
        if span is None:  # before the first hour and at noon nobody is expected to call
            return 0.0
        free_since = max(free_since, span.opens_at)
    series, skills = frozenset(row["series"] or ()), (None, *(row["skills"] or ()))
    return still_away(
        _after(at, free_since),
        (
            (came, until)
            for ticket, came, until in waits
            if (ticket["only_window_id"] == row["id"] if ticket["only_window_id"] else ticket["series_id"] in series)
            and ticket["skill_id"] in skills
        ),
    )


# What somebody who stands in for a paused window calls besides his own.
_WINDOWS = """
SELECT place.id, place.run, place.paused_at, pause.reason,
    greatest(
        coalesce(place.opened_at, %(begin)s),
        (SELECT max(until_at) FROM hall_ticketperiod AS period WHERE period.region_id = place.region_id
            AND period.window_id = place.id AND period.from_at >= %(begin)s AND period.until_at <= %(at)s),
        (SELECT max(until_at) FROM hall_windowpause AS over WHERE over.window_id = place.id AND over.until_at <= %(at)s)
    ) AS free_since,
    ARRAY(SELECT link.series_id FROM hall_window_series AS link
          WHERE link.window_id = place.id OR link.window_id IN (
              SELECT window_id FROM hall_windowpause WHERE by_window_id = place.id AND until_at IS NULL)) AS series,
    ARRAY(SELECT held.skill_id FROM hall_staffskill AS held
          WHERE held.staff_id = place.staff_id AND held.from_day <= %(day)s
              AND (held.until_day IS NULL OR held.until_day > %(day)s)) AS skills
FROM hall_window AS place
LEFT JOIN hall_windowpause AS pause ON pause.window_id = place.id AND pause.until_at IS NULL
WHERE place.region_id = %(region)s AND place.hall_id = %(hall)s AND place.staff_id IS NOT NULL
ORDER BY place.number
"""


def _shifts(opening: Opening, at: datetime) -> list[tuple[float, float]]:
    """The breaks of the day that are still to come; after the last hour everybody who waits is served (HALL-7)."""
    spans = opening.spans if opening.is_set else ()
    left = [span for span in spans if span.closes_at > at]
    if not left:
        return [(0.0, inf)]
    found = [(max(_after(at, span.opens_at), 0.0), _after(at, span.closes_at)) for span in left]
    if len(left) == len(spans):  # whoever sits there before the first hour calls already
        found[0] = 0.0, found[0][1]
    return [*found[:-1], (found[-1][0], inf)]


def _held(tickets: Iterable[Mapping[str, Any]], at: datetime) -> list[Expected]:
    return [
        Expected(row["series_id"], 0.0, _after(at, row["queue_at"]), BACK, _kinds(row), row["is_priority"])
        for row in tickets
        if row["status"] == Ticket.Status.HELD
    ]


def _again(hall: Hall, tickets: Iterable[Mapping[str, Any]], at: datetime) -> list[Expected]:
    """
    The last hour's people once more, an hour later: where priority takes turns, who comes later can go before.

    First come, first called: who comes later changes nothing for those who wait. Appointments are known by name.
    """
    if hall.policy == Hall.Policy.STRICT:
        return []
    found = []
    for row in tickets:
        comes = _after(at - SOON, row["taken_at"])
        if 0 < comes <= SOON.total_seconds() and row["source"] != Ticket.Source.APPOINTMENT:
            found.append(Expected(row["series_id"], comes, comes, 1.0, _kinds(row), row["is_priority"]))
    return sorted(found, key=lambda one: one.at)[:MOST_AGAIN]


def _booked(hall: Hall, at: datetime) -> list[Expected]:
    """Appointments of the next hour, and those a little late."""
    rows = Appointment.objects.filter(
        region_id=hall.region_id, hall=hall, status=Appointment.Status.BOOKED, slot__begins_at__gt=at - LATE,
        slot__begins_at__lte=at + SOON,
    ).values_list("slot__plan__series_id", "slot__begins_at", "item_id")  # fmt: skip
    found = []
    for series, begins, item in rows:
        comes, kinds = _after(at, begins), [kind for kind in (item, series) if kind]
        found.append(Expected(series, max(comes, 0.0), comes, KEEPS, kinds, is_priority=True))
    return found
