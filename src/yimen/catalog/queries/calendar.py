"""The work calendar and the numbers a place has set."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from yimen.catalog.models import (
    CalendarDay,
    CalendarState,
    CalendarYear,
    LocalRule,
)
from yimen.lib import acts
from yimen.lib.reading import Given, Question
from yimen.lib.workdays import Calendar
from yimen.people.models import Region

# Under what lib.acts remembers the calendar's version for the rest of an act.
VERSION = "calendar version"
_STATE = Question(lambda: CalendarState.objects.filter(pk=1))
_RULE = Question(
    lambda: LocalRule.objects.filter(
        region_id=Given("region"), key=Given("key"), effective_on__lte=Given("on")
    ).order_by("-effective_on")[:1]
)
_lock = threading.Lock()
_kept: tuple[UUID, Calendar] | None = None


def work_calendar() -> Calendar:
    """
    Return the working calendar as the tables hold it now.

    One small query a call, none in an act that has read the version (lib.acts): a copy is kept in the process until
    the calendar's version changes, which a trigger renews with every change, so a stale copy is never given.
    """
    global _kept
    # The version is read before the days: a change in between costs one reading more, never a wrong answer.
    version = acts.remembered(VERSION)
    if version is None:
        version = _STATE.ask()[0].version
    kept = _kept
    if kept and kept[0] == version:
        return kept[1]
    days = list(CalendarDay.objects.values_list("on", "is_workday"))
    calendar = Calendar(
        rest_days=frozenset(on for on, is_workday in days if not is_workday),
        work_days=frozenset(on for on, is_workday in days if is_workday),
        known_years=frozenset(CalendarYear.objects.values_list("year", flat=True)),
    )
    with _lock:
        _kept = (version, calendar)
    return calendar


def rule_key(region: str, key: str, on: date) -> tuple[object, ...]:
    """Under what lib.acts remembers a number of a region for the rest of an act."""
    return LocalRule, region, key, on


def local_rule(region: Region | str, key: str, on: date, *, default: int) -> int:
    """Return what `region` has set for `key` on the day `on`, else `default`."""
    code = region if isinstance(region, str) else region.pk
    value = acts.remembered(rule_key(code, key, on), acts.UNREAD)
    if value is not acts.UNREAD:
        return default if value is None else int(value)
    rule: LocalRule | None = next(iter(_RULE.ask(region=code, key=key, on=on)), None)
    return rule.value if rule else default


def calendar_days(year: int) -> dict[date, CalendarDay]:
    """Return the days of `year` somebody has spoken about."""
    return {day.on: day for day in CalendarDay.objects.filter(on__year=year)}


def calendar_year(year: int) -> CalendarYear | None:
    """Return the year's notice; None while it is provisional (CAL-7)."""
    return CalendarYear.objects.filter(pk=year).first()


def announced_years() -> Iterable[int]:
    return CalendarYear.objects.order_by("year").values_list("year", flat=True)


def local_rules(region: Region | str) -> list[LocalRule]:
    """Return every number `region` has set, the latest day first."""
    code = region if isinstance(region, str) else region.pk
    return list(LocalRule.objects.filter(region_id=code).order_by("-effective_on", "key"))
