"""The clock's arithmetic, without a database."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.cases import rules
from yimen.cases.rules import DayKind, Stop
from yimen.catalog.calendar_data import shipped
from yimen.lib.workdays import LOCAL_ZONE, Limit, Unit

CALENDAR = shipped()
ACCEPTED = date(2026, 11, 9)
TODAY = date(2026, 11, 18)
AIR_TEST = Stop(date(2026, 11, 12), date(2026, 11, 16), "检测", "卫检告〔2026〕12号")

starts = st.dates(date(2024, 1, 1), date(2026, 6, 30))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 6, 30), timezones=st.just(LOCAL_ZONE))
limits = st.builds(Limit, st.integers(0, 60), st.sampled_from([Unit.WORKDAY, Unit.DAY]))


def view(start_on=ACCEPTED, limit=10, *, stops=(), today=TODAY, ended_on=None, unit=Unit.WORKDAY):
    return rules.clock(start_on, Limit(limit, unit), stops, CALENDAR, today=today, ended_on=ended_on)


def test_numbers_follow_the_observed_pattern():
    task_code = "11440232MB2D06811W4000117051000"
    assert rules.case_no(task_code, date(2026, 11, 18), 7) == f"{task_code}202611180007"
    assert len(rules.case_no(task_code, date(2026, 11, 18), 7)) == 43
    assert rules.query_no("QH", date(2026, 11, 18), 417) == "QH-261118-00417"


@pytest.mark.capability("S1-29")
def test_a_three_day_promise_over_labour_day():
    assert view(date(2026, 4, 30), 3, today=date(2026, 4, 30)).due_on == date(2026, 5, 8)


def test_the_ribbon_of_the_look_book():
    """The air test stops three working days; the weekend inside it stays a weekend."""
    clock = view(stops=[AIR_TEST])
    assert clock.due_on == date(2026, 11, 26)
    assert [(day.on.day, day.kind.value, day.n) for day in clock.days][:10] == [
        (9, "start", None),
        (10, "counted", 1),
        (11, "counted", 2),
        (12, "stopped", None),
        (13, "stopped", None),
        (14, "rest", None),
        (15, "rest", None),
        (16, "stopped", None),
        (17, "counted", 3),
        (18, "counted", 4),
    ]
    assert (clock.stopped_days, clock.rest_days, clock.days_left) == (3, 4, 6)
    assert [day.on for day in clock.days if day.is_today] == [TODAY]
    assert clock.days[-1].is_due and clock.days[-1].n == 10


def test_while_a_stop_runs_the_days_it_was_said_to_take_are_left_out_and_the_end_is_provisional():
    stop = Stop.running(date(2026, 11, 12), 5, "鉴定")
    seen = [view(stops=[stop], today=date(2026, 11, 12) + timedelta(days=n)) for n in (0, 1, 4, 30)]
    assert {(clock.due_on, clock.is_provisional, clock.is_stopped) for clock in seen} == {
        (date(2026, 11, 26), True, True)
    }
    assert [day.is_provisional for day in seen[1].days if day.kind is DayKind.STOPPED] == [False, False, True]


def test_days_over_are_counted_in_working_days():
    clock = view(limit=3, today=date(2026, 11, 16))
    assert clock.due_on == date(2026, 11, 12)
    assert [(day.on.day, day.kind.value) for day in clock.days if day.on > clock.due_on] == [
        (13, "over"),
        (14, "rest"),
        (15, "rest"),
        (16, "over"),
    ]
    assert (clock.days_over, clock.days_left) == (2, 0)


def test_an_ended_clock_no_longer_moves():
    clock = view(ended_on=date(2026, 11, 11), today=date(2026, 12, 30))
    assert (clock.days_over, clock.is_ended, clock.due_on) == (0, True, date(2026, 11, 23))


def test_a_clock_into_a_year_without_a_calendar_is_provisional():
    clock = view(date(2026, 12, 25), 10, today=date(2026, 12, 25))
    assert clock.is_provisional
    assert {day.is_provisional for day in clock.days if day.on.year == 2027} == {True}


def test_an_immediate_case_is_due_the_same_day():
    assert view(date(2026, 11, 18), 0).due_on == date(2026, 11, 18)


@given(starts, limits, st.integers(0, 90))
def test_the_cells_add_up_to_the_due_day(start_on, limit, later):
    clock = rules.clock(start_on, limit, (), CALENDAR, today=start_on + timedelta(days=later))
    assert (clock.due_on - start_on).days == limit.number + clock.rest_days + clock.stopped_days or limit.number == 0
    assert [day.on for day in clock.days] == [start_on + timedelta(days=n) for n in range(len(clock.days))]
    assert sum(day.is_due for day in clock.days) == 1
    if limit.number:
        numbers = [day.n for day in clock.days if day.kind in {DayKind.COUNTED, DayKind.LEFT}]
        assert numbers == list(range(1, limit.number + 1))


@given(starts, st.integers(1, 40), st.integers(1, 30), st.integers(0, 20))
def test_a_stop_never_shortens_and_moves_by_its_working_days(start_on, limit, begins, lasts):
    first = start_on + timedelta(days=begins)
    stop = Stop(first, first + timedelta(days=lasts), "检验")
    far = start_on + timedelta(days=200)
    plain = rules.clock(start_on, Limit(limit), (), CALENDAR, today=far)
    stopped = rules.clock(start_on, Limit(limit), [stop], CALENDAR, today=far)
    assert stopped.due_on >= plain.due_on
    # Counting working days from start to the new due day, less those stopped, gives the limit again.
    assert CALENDAR.count(start_on, stopped.due_on) - stopped.stopped_days == limit
    assert (stopped.due_on - start_on).days == limit + stopped.rest_days + stopped.stopped_days


@given(moments, st.builds(Limit, st.integers(0, 60), st.sampled_from(Unit)))
def test_every_unit_ends_when_the_library_says(moment, limit):
    """CAL-11: one arithmetic for all units; hours run by the clock and are not moved off days off."""
    ends_on, _provisional = rules.due(moment.date(), limit, (), CALENDAR, started_at=moment)
    assert ends_on == CALENDAR.due_for(moment, limit).on


def test_twenty_four_hours_from_a_friday_end_on_saturday():
    friday = datetime(2026, 11, 20, 10, tzinfo=LOCAL_ZONE)
    clock = rules.clock(friday.date(), Limit(24, Unit.HOUR), (), CALENDAR, today=date(2026, 11, 20), started_at=friday)
    assert (clock.due_on, clock.rest_days, clock.days_left) == (date(2026, 11, 21), 0, 1)


@pytest.mark.parametrize(
    ("today", "left", "over"),
    [(ACCEPTED, 92, 0), (date(2027, 2, 8), 1, 0), (date(2027, 2, 9), 0, 0), (date(2027, 2, 12), 0, 3)],
)
def test_three_months_are_days_to_go_not_days_counted(today, left, over):
    clock = view(limit=3, unit=Unit.MONTH, today=today)
    assert (clock.due_on, clock.days_left, clock.days_over) == (date(2027, 2, 9), left, over)
    assert {(day.n, day.limit) for day in clock.days if day.on <= clock.due_on} == {(None, None)}


def test_a_month_that_would_end_on_a_day_off_waits_and_says_so():
    """9 October + 1 month is a Monday; 22 October + 1 month a Sunday, so the Monday after."""
    assert (view(date(2026, 10, 9), 1, unit=Unit.MONTH).rest_days) == 0
    clock = view(date(2026, 10, 22), 1, unit=Unit.MONTH)
    assert (clock.due_on, clock.rest_days) == (date(2026, 11, 23), 1)
    assert clock.days[-1].kind is DayKind.REST and clock.days[-1].is_due


@given(
    starts, st.builds(Limit, st.integers(1, 60), st.sampled_from([Unit.DAY, Unit.HOUR, Unit.MONTH])), st.integers(0, 90)
)
def test_what_is_not_counted_in_working_days_is_left_in_natural_days(start_on, limit, later):
    today = start_on + timedelta(days=later)
    clock = rules.clock(start_on, limit, (), CALENDAR, today=today)
    assert clock.days_left == max((clock.due_on - today).days, 0)
    assert clock.days_over == max((today - clock.due_on).days, 0)
