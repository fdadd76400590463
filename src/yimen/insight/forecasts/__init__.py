"""
How long people will wait, as ranges with a known share of right ones: see docs/forecast.md.

Reads the hall, is read by the web. What computes (ranges, state, playing) is pure and needs no Django.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from yimen.insight.forecasts.ranges import Forecast, Range

if TYPE_CHECKING:
    from yimen.hall.models import Hall

__all__ = ["Forecast", "Range", "latest", "of_hall"]


def of_hall(hall: Hall, at: datetime) -> Forecast:
    """Return the ranges of every series and waiting ticket of a hall; a few seconds old at most."""
    from yimen.insight.forecasts import reads

    return reads.of_hall(hall, at)


def latest(hall: Hall, at: datetime) -> Forecast:
    """Return what was said last without waiting; see reads.latest."""
    from yimen.insight.forecasts import reads

    return reads.latest(hall, at)
