"""Waits and when they are long: pure functions."""

from __future__ import annotations

from datetime import datetime
from math import ceil

# The nearest two are told to come back to the seats.
NEARLY = 2


# From here on a queue is called long on the screen.
BUSY_PEOPLE = 20


BUSY_MINUTES = 30


def seconds_between(start: datetime | None, end: datetime | None) -> int:
    """Whole seconds, never below 0: a clock set back does not make a negative wait."""
    if start is None or end is None:
        return 0
    return max(0, int((end - start).total_seconds()))


def estimate_minutes(ahead: int, service_seconds: float | None, windows: int) -> int | None:
    """
    Return the minutes until the person behind `ahead` others is called; None when it cannot be known.

    service_seconds: mean of the last finished tickets of the series, None when there are none yet.
    windows: how many windows call this series now.
    """
    if ahead == 0:
        return 0
    if service_seconds is None or windows < 1:
        return None
    return max(1, ceil(ahead * service_seconds / windows / 60))


def is_busy(waiting: int, minutes: int | None) -> bool:
    return waiting >= BUSY_PEOPLE or (minutes or 0) >= BUSY_MINUTES
