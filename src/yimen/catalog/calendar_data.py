"""
The official days off and make-up days of 2007 to 2026 that ship with Yimen, as the State Council's notices say (CAL-1).

They seed the editable table of the work calendar; a place that needs another day changes the table, not these files.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from yimen.lib.workdays import Calendar

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class OfficialDay:
    """
    One day the notice of the year `notice` names (CAL-2).

    kind: "holiday" a weekday off, "weekend" a weekend day inside the holiday, "makeup" a weekend day that is worked,
    "workday" a weekday a notice names as worked.
    """

    date: date
    is_workday: bool
    name: str
    kind: str
    notice: int


@dataclass(frozen=True)
class OfficialYear:
    """A year whose days are announced, and the addresses of its notices, the first one and any that changed it."""

    year: int
    notices: tuple[str, ...]


def read() -> list[OfficialDay]:
    """Return every official day in order of date. A notice may reach back into the last days of the year before."""
    return [
        OfficialDay(
            date=date.fromisoformat(row["date"]),
            is_workday=row["is_workday"] == "1",
            name=row["name"],
            kind=row["kind"],
            notice=int(row["notice"]),
        )
        for row in _rows("calendar.csv")
    ]


def years() -> list[OfficialYear]:
    """Return the announced years in order; a year that is not here is provisional (CAL-7)."""
    return [OfficialYear(int(row["year"]), tuple(row["notices"].split())) for row in _rows("calendar_years.csv")]


def build(days: Iterable[OfficialDay], known_years: Iterable[int]) -> Calendar:
    """Return the working calendar that `days` make."""
    days = list(days)
    return Calendar(
        rest_days=frozenset(day.date for day in days if not day.is_workday),
        work_days=frozenset(day.date for day in days if day.is_workday),
        known_years=frozenset(known_years),
    )


@cache
def shipped() -> Calendar:
    """Return the calendar exactly as shipped, for the command line and for tests."""
    return build(read(), (year.year for year in years()))


def _rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines())
