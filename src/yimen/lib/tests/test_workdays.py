import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.lib.workdays import Calendar, Limit, Unit


def days(*texts):
    return frozenset(date.fromisoformat(text) for text in texts)


def span(first, last):
    first, last = date.fromisoformat(first), date.fromisoformat(last)
    return {first + timedelta(n) for n in range((last - first).days + 1)}


# CAL-3 and CAL-4, typed in.
CALENDAR = Calendar(
    rest_days=frozenset(
        span("2025-01-01", "2025-01-01")
        | span("2025-01-28", "2025-02-04")
        | span("2025-04-04", "2025-04-06")
        | span("2025-05-01", "2025-05-05")
        | span("2025-05-31", "2025-06-02")
        | span("2025-10-01", "2025-10-08")
        | span("2026-01-01", "2026-01-03")
        | span("2026-02-15", "2026-02-23")
        | span("2026-04-04", "2026-04-06")
        | span("2026-05-01", "2026-05-05")
        | span("2026-06-19", "2026-06-21")
        | span("2026-09-25", "2026-09-27")
        | span("2026-10-01", "2026-10-07")
    ),
    work_days=days(
        *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
        *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
    ),
    known_years=frozenset({2025, 2026}),
)


@pytest.mark.parametrize(
    "start, count, due",
    [
        ("2026-02-10", 5, "2026-02-24"),
        ("2026-02-10", 20, "2026-03-16"),
        ("2026-02-14", 5, "2026-02-28"),
        ("2026-02-16", 5, "2026-02-28"),
        ("2026-04-30", 3, "2026-05-08"),
        ("2026-09-18", 20, "2026-10-22"),
        ("2025-09-26", 5, "2025-10-10"),
        ("2025-09-26", 20, "2025-10-30"),
        ("2025-01-24", 10, "2025-02-13"),
        ("2026-05-01", 0, "2026-05-06"),
        ("2026-05-09", 0, "2026-05-09"),
    ],
)
def test_the_day_of_the_event_is_not_counted_and_days_off_are_passed_over(start, count, due):
    """CAL-6, LAW-1, LAW-2"""
    assert CALENDAR.due(date.fromisoformat(start), count).on == date.fromisoformat(due)


def test_weekends_are_worked_and_weekdays_off_as_announced():
    assert CALENDAR.is_workday(date(2026, 2, 28))
    assert not CALENDAR.is_workday(date(2026, 2, 23))
    assert CALENDAR.is_workday(date(2026, 2, 24))
    assert not CALENDAR.is_workday(date(2026, 3, 1))


@pytest.mark.parametrize(
    "start, count, is_provisional",
    [
        (date(2026, 12, 10), 15, False),  # the last working day of 2026
        (date(2026, 12, 10), 16, True),  # one further, in 2027
        (date(2026, 12, 31), 1, True),
        (date(2024, 12, 31), 2, False),  # the event's own day is not counted, so its year does not matter
        (date(2024, 12, 30), 2, True),
        (date(2027, 3, 1), 0, True),
    ],
)
def test_a_limit_that_touches_a_year_not_announced_is_provisional(start, count, is_provisional):
    """CAL-7"""
    assert CALENDAR.due(start, count).is_provisional is is_provisional


def test_a_limit_across_an_unknown_year_is_provisional_though_it_ends_in_a_known_one():
    calendar = Calendar(frozenset(), frozenset(), frozenset({2025, 2027}))
    assert calendar.due(date(2025, 12, 1), 300).on.year == 2027
    assert calendar.due(date(2025, 12, 1), 300).is_provisional


def test_natural_days_are_counted_through_and_roll_off_days_off():
    """CC 201, 203"""
    assert CALENDAR.natural_due(date(2026, 9, 21), 10).on == date(2026, 10, 8)
    assert CALENDAR.natural_due(date(2026, 9, 21), 3).on == date(2026, 9, 24)
    assert CALENDAR.natural_due(date(2026, 12, 20), 12).is_provisional


@pytest.mark.parametrize(
    "start, months, due",
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),  # no 31 February: the month's last day, and it is worked
        (date(2026, 3, 3), 6, date(2026, 9, 3)),
        (date(2026, 4, 1), 6, date(2026, 10, 8)),
        (date(2025, 11, 28), 3, date(2026, 2, 28)),
        (date(2025, 12, 15), 12, date(2026, 12, 15)),
    ],
)
def test_months_end_on_the_same_day_of_the_month(start, months, due):
    """CC 202, 203"""
    assert CALENDAR.month_due(start, months).on == due


@pytest.mark.parametrize(
    "limit, on",
    [
        (Limit(1), date(2026, 2, 24)),
        (Limit(1, Unit.DAY), date(2026, 2, 24)),
        (Limit(1, Unit.MONTH), date(2026, 3, 16)),
        (Limit(48, Unit.HOUR), date(2026, 2, 17)),
    ],
)
def test_every_unit_starts_from_the_local_day(limit, on):
    """CAL-10, CAL-11: 20:00 in London on 14 February is already the 15th here."""
    started_at = datetime(2026, 2, 14, 20, tzinfo=ZoneInfo("Europe/London"))
    assert CALENDAR.due_for(started_at, limit).on == on


def test_hours_run_by_the_clock_and_keep_their_minute():
    started_at = datetime(2026, 2, 14, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    due = CALENDAR.due_for(started_at, Limit(48, Unit.HOUR))
    assert due.at == started_at + timedelta(hours=48)
    assert not due.is_provisional


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALENDAR.due(date(2026, 1, 1), -1),
        lambda: CALENDAR.natural_due(date(2026, 1, 1), -1),
        lambda: CALENDAR.month_due(date(2026, 1, 1), -1),
        lambda: CALENDAR.due(date(2026, 1, 1), 10**9),
        lambda: CALENDAR.natural_due(date(2026, 1, 1), 10**9),
        lambda: CALENDAR.month_due(date(2026, 1, 1), 10**9),
        lambda: CALENDAR.due(date.max, 1),
        lambda: CALENDAR.due_for(datetime(2026, 1, 1), Limit(1)),
        lambda: Limit(-1),
        lambda: Calendar(days("2026-02-14"), days("2026-02-14"), frozenset()),
    ],
)
def test_impossible_limits_are_refused(call):
    with pytest.raises(ValueError):
        call()


dates = st.dates(date(2024, 6, 1), date(2027, 12, 31))
counts = st.integers(1, 400)


@given(dates, counts)
def test_a_limit_ends_on_a_working_day_that_is_its_last_counted_one(start, count):
    due = CALENDAR.due(start, count)
    assert CALENDAR.is_workday(due.on)
    assert CALENDAR.count(start, due.on) == count
    assert CALENDAR.count(start, due.on - timedelta(1)) == count - 1


@given(dates, counts)
def test_a_longer_limit_ends_later_and_a_later_start_never_sooner(start, count):
    assert CALENDAR.due(start, count + 1).on > CALENDAR.due(start, count).on
    assert CALENDAR.due(start + timedelta(1), count).on >= CALENDAR.due(start, count).on


@given(dates, counts, counts)
def test_two_limits_after_each_other_are_one(start, first, second):
    assert CALENDAR.due(CALENDAR.due(start, first).on, second).on == CALENDAR.due(start, first + second).on


@given(dates, dates)
def test_counting_agrees_with_looking_at_every_day(start, end):
    by_hand = sum(CALENDAR.is_workday(start + timedelta(n)) for n in range(1, (end - start).days + 1))
    assert CALENDAR.count(start, end) == by_hand


def test_a_years_cases_are_computed_at_once():
    start = date(2025, 1, 1)
    begun = time.process_time()
    for n in range(40_000):
        CALENDAR.due(start + timedelta(n % 700), n % 45 + 1)
    assert time.process_time() - begun < 1.0
