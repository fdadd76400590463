"""Forecasts kept as they were told, compared with what became of them, and what that says (docs/forecast.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils.timezone import localdate

from yimen.hall.models import Hall, Series, Ticket
from yimen.insight.forecasts.ranges import AT_ONCE
from yimen.insight.forecasts.reads import of_hall
from yimen.insight.models import ForecastCheck

# Fewer checked forecasts than this say nothing about how right they are.
ENOUGH = 30
# A 50 % range should hold between these shares of waits, a 90 % range between those.
HALF, NINE = (0.40, 0.60), (0.83, 0.97)
# Whoever has not been called so long after is not waited for any more.
GIVEN_UP = timedelta(days=2)


def keep(hall: Hall, *, at: datetime) -> int:
    """
    Write down the present forecast of each ticket of today that has none yet; return how many.

    Runs every minute: a forecast is kept at most a minute after the number was taken, and the wait counts from then.
    """
    day = localdate(at)
    waiting = Ticket.objects.filter(
        ~Exists(ForecastCheck.objects.filter(ticket=OuterRef("pk"))),
        region_id=hall.region_id,
        hall=hall,
        day=day,
        status=Ticket.Status.WAITING,
    )
    tickets = list(waiting.values_list("pk", "series_id"))
    if not tickets:
        return 0
    found = of_hall(hall, at, fresh=True)
    rows = []
    for pk, series in tickets:
        row = ForecastCheck(region_id=hall.region_id, ticket_id=pk, hall=hall, series_id=series, day=day, at=at)
        if (said := found.tickets.get(pk)) is not None:
            row.p5, row.p25, row.p75, row.p95 = (round(end) for end in said.ends)
        if (played := found.played.get(pk)) is not None:
            row.played = [round(end) for end in played.ends]
        rows.append(row)
    ForecastCheck.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)


def forget_old(*, at: datetime) -> int:
    """Delete what was told more than FORECAST_KEPT_DAYS days ago; return how many. Figures of older days end there."""
    before = localdate(at) - timedelta(days=settings.FORECAST_KEPT_DAYS)
    return ForecastCheck.objects.filter(day__lt=before).delete()[0]


def check(*, at: datetime) -> int:
    """
    Write down how long those waited who have been called meanwhile; return how many.

    Left out: whoever asked for more minutes or was held, and whoever was called before the forecast was kept.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CHECK, {"at": at, "since": at - GIVEN_UP})
        return int(cursor.rowcount)


_CHECK = """
UPDATE insight_forecastcheck AS said
SET waited = extract(epoch FROM ticket.called_at - said.at)::int
FROM hall_ticket AS ticket
WHERE said.waited IS NULL AND said.at > %(since)s AND ticket.id = said.ticket_id
    AND ticket.called_at >= said.at AND ticket.called_at <= %(at)s AND ticket.put_off_at IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM hall_ticketperiod AS period
        WHERE period.ticket_id = ticket.id AND period.state = 'held' AND period.from_at < ticket.called_at)
"""


@dataclass(frozen=True)
class Share:
    """
    How right the forecasts of some tickets were. said: with a range; silent: without; known: said, longer than within a
    minute, and called since;
    half, nine: of the known ones, those whose wait lay in the 50 % and in the 90 % range. soon: told “within a
    minute” and called since; soon_right: of those, whoever was.
    """

    said: int
    silent: int
    known: int
    half: int
    nine: int
    soon: int = 0
    soon_right: int = 0

    @property
    def soon_percent(self) -> int | None:
        return round(100 * self.soon_right / self.soon) if self.soon else None

    @property
    def half_percent(self) -> int | None:
        return round(100 * self.half / self.known) if self.known else None

    @property
    def nine_percent(self) -> int | None:
        return round(100 * self.nine / self.known) if self.known else None

    @property
    def verdict(self) -> str:
        """few, right, narrow (right too seldom: the ranges should be wider) or wide."""
        if self.known < ENOUGH:
            return "few"
        half, nine = self.half / self.known, self.nine / self.known
        if half < HALF[0] or nine < NINE[0]:
            return "narrow"
        return "wide" if half > HALF[1] or nine > NINE[1] else "right"


@dataclass(frozen=True)
class Accuracy:
    """The same of a hall over some days: all of it, by day (the latest first), by series."""

    total: Share
    days: list[tuple[date, Share]]
    series: list[tuple[str, Share]]


def accuracy(hall: Hall, start: date, end: date) -> Accuracy:
    """Return how right the forecasts of the days from `start` through `end` were; two statements."""
    said = Q(p25__isnull=False)
    ranged = Q(p75__gt=AT_ONCE)
    rows = list(
        ForecastCheck.objects.filter(region_id=hall.region_id, hall=hall, day__range=(start, end))
        .values("day", "series_id")
        .order_by("-day", "series_id")
        .annotate(
            said=Count("pk", filter=said),
            silent=Count("pk", filter=~said),
            known=Count("pk", filter=ranged & Q(waited__isnull=False)),
            half=Count("pk", filter=ranged & Q(waited__gte=F("p25"), waited__lte=F("p75"))),
            nine=Count("pk", filter=ranged & Q(waited__gte=F("p5"), waited__lte=F("p95"))),
            soon=Count("pk", filter=Q(p75__lte=AT_ONCE, waited__isnull=False)),
            soon_right=Count("pk", filter=Q(p75__lte=AT_ONCE, waited__lte=AT_ONCE)),
        )
    )
    series = Series.objects.filter(region_id=hall.region_id, hall=hall)
    by_series = [(one, [row for row in rows if row["series_id"] == one.pk]) for one in series]
    by_day = {row["day"]: [other for other in rows if other["day"] == row["day"]] for row in rows}
    return Accuracy(
        _sum(rows),
        [(day, _sum(mine)) for day, mine in by_day.items()],
        [(str(one), _sum(mine)) for one, mine in by_series if mine],
    )


_COUNTS = ("said", "silent", "known", "half", "nine", "soon", "soon_right")


def _sum(rows: Iterable[Mapping[str, Any]]) -> Share:
    found = list(rows)
    return Share(*(sum(row[name] for row in found) for name in _COUNTS))
