"""
The clock against a second one, written apart from it: day by day over the official days of 2007 to 2026, as they
stand in the State Council's notices, without any of the product's own arithmetic.
"""

import csv
import json
from calendar import monthrange
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.cases import rules
from yimen.catalog.calendar_data import shipped
from yimen.lib.workdays import LOCAL_ZONE, Limit, Unit
from yimen.testing import shared

CALENDAR = shipped()
ONE = timedelta(days=1)


@cache
def official() -> dict[date, bool]:
    """Whether each day somebody spoke about is off, from the notices."""
    found = {}
    for path in sorted(shared("data/calendar/holiday-cn").glob("2*.json")):
        for day in json.loads(path.read_text())["days"]:
            found[date.fromisoformat(day["date"])] = day["isOffDay"]
    return found


def works(day: date) -> bool:
    off = official().get(day)
    return day.weekday() < 5 if off is None else not off


def oracle(start: date, number: int, unit: str, stops=(), extension=None, at: datetime | None = None) -> date:
    """What the law says, one day at a time: (first, last) of each stop, (days, approved on) of the extension."""

    def free(day: date) -> bool:
        return not any(first <= day <= last for first, last in stops)

    end = start
    if unit == "workday":
        counted = 0
        if number == 0:
            while not works(end) or not free(end):
                end += ONE
        while counted < number:
            end += ONE
            if works(end) and free(end):
                counted += 1
    else:
        if unit == "month":
            year, month = start.year + (start.month - 1 + number) // 12, (start.month - 1 + number) % 12 + 1
            wanted = (date(year, month, min(start.day, monthrange(year, month)[1])) - start).days
        elif unit == "hour":
            wanted = ((at + timedelta(hours=number)).date() - start).days
        else:
            wanted = number
        counted = 0
        while wanted == 0 and not free(end):
            end += ONE
        while counted < wanted:
            end += ONE
            if free(end):
                counted += 1
        while unit != "hour" and not (works(end) and free(end)):
            end += ONE
    if extension and end >= extension[1]:
        counted = 0
        while counted < extension[0]:
            end += ONE
            if works(end) and free(end):
                counted += 1
    return end


starts = st.dates(date(2007, 1, 1), date(2026, 6, 30))
numbers = {"workday": 60, "day": 90, "month": 6, "hour": 240}
limits = st.sampled_from(sorted(numbers)).flatmap(lambda unit: st.tuples(st.integers(0, numbers[unit]), st.just(unit)))
offsets = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 25)), max_size=4)
extensions = st.none() | st.tuples(st.sampled_from([1, 10, 15]), st.integers(0, 150))
clocktimes = st.times(datetime(2020, 1, 1, 0, 0).time(), datetime(2020, 1, 1, 23, 59).time())


def told(start, pairs):
    return [rules.Stop(first, last, "检测") for first, last in pairs]


def spread(start, found):
    return [(start + n * ONE, start + (n + m) * ONE) for n, m in found]


def reckoned(start, limit, pairs, extension=None, moment=None):
    number, unit = limit
    more = rules.Extension(*extension) if extension else None
    return rules.due(start, Limit(number, Unit(unit)), told(start, pairs), CALENDAR, started_at=moment, extension=more)[
        0
    ]


@settings(max_examples=400)
@given(starts, limits, offsets, extensions, clocktimes)
def test_every_unit_with_stops_and_extension_ends_when_the_oracle_says(start, limit, found, extended, at):
    moment, pairs = datetime.combine(start, at, LOCAL_ZONE), spread(start, found)
    extension = extended and (extended[0], start + extended[1] * ONE)
    expected = oracle(start, *limit, stops=pairs, extension=extension, at=moment)
    assert reckoned(start, limit, pairs, extension, moment) == expected


@settings(max_examples=150)
@given(starts, limits, offsets, extensions, st.tuples(st.integers(0, 90), st.integers(0, 25)))
def test_another_stop_never_shortens(start, limit, found, extended, one_more):
    """Without an extension always; with one as long as it was approved in time in both."""
    pairs = spread(start, found)
    extension = extended and (extended[0], start)
    more = [*pairs, *spread(start, [one_more])]
    assert reckoned(start, limit, more, extension) >= reckoned(start, limit, pairs, extension)


@settings(max_examples=60)
@given(starts, limits, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=2, max_size=3), extensions)
def test_the_order_of_stops_does_not_matter(start, limit, found, extended):
    extension = extended and (extended[0], start + extended[1] * ONE)
    ends = {reckoned(start, limit, list(each), extension) for each in permutations(spread(start, found))}
    assert len(ends) == 1


@settings(max_examples=150)
@given(starts, limits, offsets, extensions, st.integers(-400, 800), st.booleans())
def test_when_it_ends_does_not_depend_on_when_one_asks(start, limit, found, extended, later, is_open):
    """Nothing but the rows and the calendar; also while the last stop still runs."""
    stops = told(start, spread(start, found))
    if is_open and stops:
        stops[-1] = replace(stops[-1], is_open=True)
    extension = rules.Extension(extended[0], start + extended[1] * ONE) if extended else None
    whole = Limit(limit[0], Unit(limit[1]))
    due_on, provisional = rules.due(start, whole, stops, CALENDAR, extension=extension)
    view = rules.clock(start, whole, stops, CALENDAR, today=start + later * ONE, extension=extension)
    assert (view.due_on, view.is_provisional) == (due_on, provisional)
    assert [day.on for day in view.days if day.is_due] == [due_on]


@settings(max_examples=150)
@given(starts, limits, offsets, extensions, st.integers(0, 200))
def test_the_days_on_the_page_add_up(start, limit, found, extended, later):
    extension = rules.Extension(extended[0], start + extended[1] * ONE) if extended else None
    number, unit = limit
    stops = told(start, spread(start, found))
    view = rules.clock(
        start, Limit(number, Unit(unit)), stops, CALENDAR, today=start + later * ONE, extension=extension
    )
    upto_due = [day for day in view.days if day.on <= view.due_on]
    counted = [day for day in upto_due if day.kind in {"counted", "left"}]
    if unit in {"workday", "day"} and number:
        assert len(counted) == number + view.extended_days
        assert [day.n for day in counted] == list(range(1, len(counted) + 1))
        assert (view.due_on - start).days == number + view.extended_days + view.stopped_days + view.rest_days
    assert sum(day.kind == "stopped" for day in view.days) == view.stopped_days
    assert not view.days_left or not view.days_over


def test_the_official_cases_of_2019_to_2024():
    with shared("data/calendar/deadline_cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240
    for row in rows:
        start = date.fromisoformat(row["start_date"])
        assert reckoned(start, (int(row["working_days"]), "workday"), []) == date.fromisoformat(row["due_date"])
        ends = reckoned(start, (int(row["calendar_days"]), "day"), [])
        assert ends == date.fromisoformat(row["calendar_due_rolled_to_working_day"])


@pytest.mark.parametrize(
    ("approved", "due"),
    [(date(2026, 11, 23), date(2026, 12, 7)), (date(2026, 11, 24), date(2026, 11, 23))],
    ids=["in time", "too late"],
)
def test_an_extension_after_the_end_lengthens_nothing(approved, due):
    assert reckoned(date(2026, 11, 9), (10, "workday"), [], (10, approved)) == due
