"""The forecast of a hall as it stands."""

from __future__ import annotations

from datetime import datetime

from yimen.hall import queries
from yimen.hall.models import Hall, Ticket
from yimen.insight.forecasts.ranges import Forecast, Range


def of_hall(hall: Hall, at: datetime) -> Forecast:
    """Return the ranges of every series and waiting ticket of the local day of `at`."""
    series = {}
    tickets = {}
    paces = {}
    for queue in queries.desk(hall, at):
        wait = queue.wait
        paces[wait.series_id] = pace = (wait.service_seconds, wait.open_windows)
        series[wait.series_id] = _range(wait.waiting, *pace)
        tickets |= {
            ticket.pk: _range(ahead, *pace)
            for ahead, ticket in enumerate(queue.waiting)
            if ticket.status == Ticket.Status.WAITING
        }
    return Forecast(series, tickets)


def _range(ahead: int, service_seconds: float | None, windows: int) -> Range | None:
    if service_seconds is None or windows < 1:
        return None
    mean, spread = ahead * service_seconds / windows, (ahead + 1) ** 0.5 * service_seconds / windows
    low, high = max(0.0, mean - 1.64 * spread), mean + 1.64 * spread
    return Range(low, max(low, mean - 0.67 * spread), mean + 0.67 * spread, high)
