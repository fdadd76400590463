"""Writes to the work calendar (CAL-1 … CAL-7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog import calendar_data
from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.models import (
    CalendarDay,
    CalendarState,
    CalendarYear,
)
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.errors import DomainError
from yimen.people import access, reasons

# The calendar belongs to no one place; its history stands under this code.
NATION = "000000"


# The work calendar


class BadCalendar(DomainError):
    """A day or a year that cannot stand in the work calendar."""


@dataclass(frozen=True)
class AnnouncedDay:
    """One day of a year's notice."""

    on: date
    is_workday: bool
    name: str


@dataclass(frozen=True)
class MovedDay:
    """A day that was worked and is off now, or the other way round."""

    on: date
    was_workday: bool
    is_workday: bool


@dataclass(frozen=True)
class YearChange:
    """
    What announcing a year did. moved: days whose meaning changed, as an empty day follows its weekday;
    kept: days somebody had set by hand, which the notice did not touch; is_new: the year was provisional before.
    """

    year: int
    moved: tuple[MovedDay, ...]
    kept: tuple[date, ...]
    is_new: bool


@transaction.atomic
def load_official_calendar(at: datetime) -> int:
    """
    Bring the shipped official days into the table and return how many rows were added or corrected.

    Years a place has announced itself and days it has set by hand stay as they are; a second run changes nothing.
    """
    _lock_calendar()
    known = {year.year: year.notice for year in CalendarYear.objects.all()}
    rows = CalendarDay.objects.in_bulk()
    added: list[CalendarDay] = []
    years: list[int] = []
    shipped = calendar_data.read()
    for official in calendar_data.years():
        notice = " ".join(official.notices)[:200]
        if known.get(official.year, notice) != notice:
            continue
        changed = [
            CalendarDay(on=day.date, is_workday=day.is_workday, name=day.name, notice=str(day.notice))
            for day in shipped
            if day.notice == official.year and _differs(rows.get(day.date), day)
        ]
        if official.year not in known:
            CalendarYear.objects.create(year=official.year, notice=notice)
        if changed or official.year not in known:
            added += changed
            years.append(official.year)
    if added:
        CalendarDay.objects.bulk_create(
            added, update_conflicts=True, unique_fields=["on"], update_fields=["is_workday", "name", "notice"]
        )
    for year in years:
        count = sum(day.notice == str(year) for day in added)
        _record_year(year, "catalog.calendar_loaded", SYSTEM, at, {"year": year, "days": count})
    return len(added)


def _differs(row: CalendarDay | None, day: calendar_data.OfficialDay) -> bool:
    if row is None:
        return True
    return row.notice == str(day.notice) and (row.is_workday, row.name) != (day.is_workday, day.name)


@transaction.atomic
def set_calendar_day(on: date, is_workday: bool, name: str, *, by: Actor, at: datetime, reason: str) -> MovedDay | None:
    """
    Set one day by hand; None when it already stood like that. Official loads leave such a day alone.

    Whoever acts on the answer recomputes open clocks (CAL-7). Raises BadCalendar without a name or a reason of at
    least four characters, access.NotAllowed.
    """
    access.require(by, "catalog.calendar")
    name, reason = name.strip(), reason.strip()
    if not name:
        raise BadCalendar(_("请写这一天叫什么，例如“国庆节”或“调休上班”。"))
    if len(reason) < LEAST_REASON:
        raise BadCalendar(_("请写明改这一天的依据，至少 4 个字，例如通知的文号。"))
    _lock_calendar()
    before = CalendarDay.objects.filter(pk=on).first()
    was_workday = before.is_workday if before else on.weekday() < 5
    if before and (before.is_workday, before.name) == (is_workday, name):
        return None
    notice = (CalendarDay.LOCAL + reason)[:200]
    CalendarDay.objects.update_or_create(
        pk=on, defaults={"is_workday": is_workday, "name": name[:40], "notice": notice}
    )
    data = {"on": on.isoformat(), "was_workday": was_workday, "is_workday": is_workday, "name": name}
    kind = "catalog.calendar_day_set"
    data |= reasons.keep(f"calendar:{on.year}", kind, reason, region=None, by=by, at=at)
    _record_year(on.year, kind, by, at, data)
    return MovedDay(on, was_workday, is_workday)


@transaction.atomic
def announce_year(year: int, notice: str, days: Iterable[AnnouncedDay], *, by: Actor, at: datetime) -> YearChange:
    """
    Enter a year's official notice (CAL-1) and return what moved; days set by hand stay.

    notice: its number or address. Days may reach back into the last December. A second notice for the same year
    replaces the first. Raises BadCalendar, access.NotAllowed.
    """
    access.require(by, "catalog.calendar")
    wanted = _checked_days(year, notice, days)
    _lock_calendar()
    old = {day.on: day for day in CalendarDay.objects.filter(notice=str(year))}
    taken = {day.on: day for day in CalendarDay.objects.filter(on__in=wanted).exclude(notice=str(year))}
    kept = tuple(sorted(on for on in taken if taken[on].is_local))
    rows = [
        CalendarDay(on=on, is_workday=day.is_workday, name=day.name.strip()[:40], notice=str(year))
        for on, day in wanted.items()
        if on not in kept
    ]
    gone = old.keys() - {row.on for row in rows}
    before = {on: row.is_workday for on, row in (old | taken).items()}
    after = {row.on: row.is_workday for row in rows}
    moved = tuple(
        MovedDay(on, was, now)
        for on in sorted(after.keys() | gone)
        if (was := before.get(on, on.weekday() < 5)) != (now := after.get(on, on.weekday() < 5))
    )
    known = CalendarYear.objects.filter(pk=year).first()
    same = old.keys() == after.keys() and all(
        (old[row.on].is_workday, old[row.on].name) == (row.is_workday, row.name) for row in rows
    )
    if known and known.notice == notice.strip()[:200] and same:
        return YearChange(year, (), kept, is_new=False)
    CalendarDay.objects.filter(on__in=gone).delete()
    CalendarDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["on"], update_fields=["is_workday", "name", "notice"]
    )
    CalendarYear.objects.update_or_create(pk=year, defaults={"notice": notice.strip()[:200]})
    data = {
        "year": year,
        "notice": notice.strip(),
        "days": len(rows),
        "moved": [[day.on.isoformat(), day.was_workday, day.is_workday] for day in moved],
    }
    _record_year(year, "catalog.calendar_announced", by, at, data)
    return YearChange(year, moved, kept, is_new=known is None)


def _checked_days(year: int, notice: str, days: Iterable[AnnouncedDay]) -> dict[date, AnnouncedDay]:
    if not 1949 <= year <= 9998:
        raise BadCalendar(_("年份要写四位数，例如 2027。"))
    if not notice.strip():
        raise BadCalendar(_("请写通知的文号或网址，别人才查得到依据。"))
    wanted: dict[date, AnnouncedDay] = {}
    for day in days:
        values = {"day": day.on.isoformat(), "year": year}
        if day.on.year != year and (day.on.year, day.on.month) != (year - 1, 12):
            raise BadCalendar(_("%(day)s 不在 %(year)d 年（或上一年 12 月）里，请看日期。") % values)
        if day.on in wanted:
            raise BadCalendar(_("%(day)s 写了两次，请留一次。") % values)
        if not day.name.strip():
            raise BadCalendar(_("%(day)s 还没写叫什么。") % values)
        wanted[day.on] = day
    if not wanted:
        raise BadCalendar(_("这一年一天也没写。请把通知里的放假和调休日期贴进来。"))
    return wanted


def _lock_calendar() -> None:
    """Let one writer of the calendar through at a time."""
    CalendarState.objects.select_for_update().get(pk=1)


def _record_year(year: int, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"calendar:{year}", kind, region=NATION, by=by, at=at, data=data)
