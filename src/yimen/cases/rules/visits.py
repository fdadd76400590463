"""
Site visits: when to call back, who is free, when a visit may be closed (LAW-13, LAW-15, S2-7, S2-33).

Pure: no query, no clock. Visits never stop a clock.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

# Hours by the clock until somebody calls back, nights and holidays included as in the source; minutes a visit takes,
# the way there included. Both are local rules a place may correct.
RESPONSE_HOURS, RESPONSE_KEY = 2, "visit_response_hours"
VISIT_MINUTES, VISIT_MINUTES_KEY = 90, "visit_minutes"
LEAST_SURVEYORS = 2  # LAL 34, 55

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "na"


def call_by(asked_at: datetime, hours: int = RESPONSE_HOURS) -> datetime:
    """Return the moment by which the applicant is called back."""
    return asked_at + timedelta(hours=hours)


@dataclass(frozen=True)
class CallClock:
    """How a call-back stands: whole minutes left, or over; called in time is neither."""

    minutes_left: int
    minutes_over: int
    is_called: bool

    @property
    def is_over(self) -> bool:
        return self.minutes_over > 0

    @property
    def days(self) -> int:
        """Whole days of what is left or over, where that is two or more."""
        days = max(self.minutes_left, self.minutes_over) // (24 * 60)
        return days if days > 1 else 0

    @property
    def hours(self) -> int:
        """Whole hours of what is left or over; `minutes` is the rest."""
        return max(self.minutes_left, self.minutes_over) // 60

    @property
    def minutes(self) -> int:
        return max(self.minutes_left, self.minutes_over) % 60


def call_clock(due_at: datetime, *, now: datetime, called_at: datetime | None = None) -> CallClock:
    """Return how the call due at `due_at` stands; a call that came late stays late for ever."""
    seconds = (due_at - (called_at or now)).total_seconds()
    left, over = max(0, int(seconds // 60)), max(0, -int(seconds // 60))
    return CallClock(0 if called_at else left, over, called_at is not None)


def overlap(one: datetime, other: datetime, minutes: int = VISIT_MINUTES) -> bool:
    """Tell whether the same person cannot make both visits; `minutes` is what each takes."""
    return abs(one - other) < timedelta(minutes=minutes)


@dataclass(frozen=True)
class Point:
    """A checkpoint as far as closing asks for it."""

    key: Hashable
    is_mandatory: bool = True
    needs_photo: bool = False


@dataclass(frozen=True)
class Found:
    """What stands at a checkpoint. failure: key of the reason; photos: how many there are."""

    finding: str = ""
    failure: str = ""
    note: str = ""
    photos: int = 0


class Fault(StrEnum):
    """Why a visit cannot be closed, or an answer not be kept, as it stands."""

    NOTHING_CHECKED = "nothing_checked"
    EMPTY = "empty"
    NO_REASON = "no_reason"
    NO_PHOTO = "no_photo"
    NOT_SAID_WHY_NA = "not_said_why_na"


def answer_fault(found: Found) -> Fault | None:
    """Return what keeps one answer from being kept: a failing without its reason."""
    return Fault.NO_REASON if found.finding == FAILED and not found.failure else None


def faults(points: Sequence[Point], found: Mapping[Any, Found]) -> list[tuple[Hashable, Fault]]:
    """
    Return what keeps the visit from being closed, in the order of the points; key None for the whole.

    A mandatory point needs a finding; "not applicable" there needs a note that says why. A point that asks for a photo
    needs one unless it does not apply or was left open by right. A visit where nothing was looked at is none.
    """
    wrong: list[tuple[Hashable, Fault]] = []
    for point in points:
        one = found.get(point.key, Found())
        if not one.finding:
            if point.is_mandatory:
                wrong.append((point.key, Fault.EMPTY))
            continue
        if fault := answer_fault(one):
            wrong.append((point.key, fault))
        if point.is_mandatory and one.finding == NOT_APPLICABLE and not one.note.strip():
            wrong.append((point.key, Fault.NOT_SAID_WHY_NA))
        if point.needs_photo and one.finding != NOT_APPLICABLE and not one.photos:
            wrong.append((point.key, Fault.NO_PHOTO))
    if points and not wrong and not any(found.get(point.key, Found()).finding for point in points):
        wrong.append((None, Fault.NOTHING_CHECKED))
    return wrong


def result_of(found: Mapping[Any, Found]) -> str:
    """Return PASSED or FAILED: one failing fails the visit (S2-10)."""
    return FAILED if any(one.finding == FAILED for one in found.values()) else PASSED
