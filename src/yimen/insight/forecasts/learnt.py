"""What the last compared forecasts of a hall say about the next ones."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.timezone import localdate

from yimen.hall.models import Hall
from yimen.insight.forecasts.fitting import LAST, Fit, Told, fits
from yimen.insight.forecasts.ranges import AT_ONCE, Range

# Nothing older is learnt from, and the same is taken so long before it is looked at again.
OLDEST_DAYS, KEPT_SECONDS = 14, 300.0
_kept: dict[UUID, tuple[float, datetime, dict[UUID, Fit]]] = {}


def fits_of(hall: Hall, at: datetime) -> dict[UUID, Fit]:
    """Return by how much the forecasts of each series were wrong lately; one statement, at most every five minutes."""
    known = _kept.get(hall.pk)
    if known and time.monotonic() - known[0] < KEPT_SECONDS and abs(at - known[1]) < timedelta(hours=1):
        return known[2]
    found = look(hall, at)
    if not settings.TESTING:
        _kept[hall.pk] = time.monotonic(), at, found
    return found


def look(hall: Hall, at: datetime) -> dict[UUID, Fit]:
    """The same, looked up now."""
    day = localdate(at)
    values: dict[str, Any] = {
        "region": hall.region_id,
        "hall": hall.pk,
        "since": day - timedelta(days=OLDEST_DAYS),
        "day": day,
        "at": at,
        "soon": AT_ONCE,
        "most": LAST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, values)
        rows = [(series, Told(Range(*ends), waited)) for series, ends, waited in cursor.fetchall()]
    by_series: dict[UUID, list[Told]] = defaultdict(list)
    for series, told in rows:
        by_series[series].append(told)
    return fits(by_series, [told for _series, told in rows])


# Before `played` was kept, what was told was what was played.
_TOLD = """
SELECT series_id, ends, waited FROM (
    SELECT series_id, at, id, waited, coalesce(played, ARRAY[p5, p25, p75, p95]) AS ends,
        row_number() OVER (
            PARTITION BY series_id, coalesce(played[3], p75) <= %(soon)s ORDER BY at DESC, id DESC) AS place
    FROM insight_forecastcheck
    WHERE region_id = %(region)s AND hall_id = %(hall)s AND day BETWEEN %(since)s AND %(day)s
        AND waited IS NOT NULL AND at < %(at)s AND (played IS NOT NULL OR p75 IS NOT NULL)
) AS told
WHERE place <= %(most)s
ORDER BY at DESC, id DESC
"""
