import csv
import json
from datetime import date, timedelta

import pytest

from yimen.catalog import calendar_data
from yimen.testing import shared

CALENDAR = calendar_data.shipped()


def test_every_day_of_2007_to_2026_is_worked_or_off_as_announced():
    announced = {}
    for year in range(2007, 2027):
        for day in json.loads(shared(f"data/calendar/holiday-cn/{year}.json").read_text())["days"]:
            announced[date.fromisoformat(day["date"])] = not day["isOffDay"]

    days = [date(2006, 12, 30) + timedelta(n) for n in range((date(2026, 12, 31) - date(2006, 12, 30)).days + 1)]
    wrong = [day for day in days if CALENDAR.is_workday(day) != announced.get(day, day.weekday() < 5)]

    assert wrong == []
    assert {day.date: day.is_workday for day in calendar_data.read()} == announced


def test_every_year_from_2007_to_2026_is_known_and_names_its_notice():
    years = calendar_data.years()
    assert [year.year for year in years] == list(range(2007, 2027))
    assert all(notice.startswith("https://www.gov.cn/") for y in years for notice in y.notices)
    assert all(year.notices for year in years)


def test_each_day_is_listed_once_in_order_and_says_what_it_is():
    days = calendar_data.read()
    dates = [day.date for day in days]
    assert dates == sorted(set(dates))
    for day in days:
        is_weekend = day.date.weekday() >= 5
        off, worked = ("weekend", "makeup") if is_weekend else ("holiday", "workday")
        assert day.kind == (worked if day.is_workday else off)
        assert day.name
        # A notice speaks of its own year and of the last days of the year before.
        assert day.date.year == day.notice or (day.date.month, day.date.year) == (12, day.notice - 1)


@pytest.mark.parametrize(
    "year, months",
    [
        (2025, [19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23]),
        (2026, [21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23]),
    ],
)
def test_the_working_days_of_each_month_add_up(year, months):
    """CAL-5"""
    ends = [date(year, month, 1) - timedelta(1) for month in range(1, 13)] + [date(year, 12, 31)]
    assert [CALENDAR.count(ends[n], ends[n + 1]) for n in range(12)] == months
    assert CALENDAR.count(ends[0], ends[-1]) == 248


OFF = {
    2025: "01-01 01-28..02-04 04-04..04-06 05-01..05-05 05-31..06-02 10-01..10-08",
    2026: "01-01..01-03 02-15..02-23 04-04..04-06 05-01..05-05 06-19..06-21 09-25..09-27 10-01..10-07",
}
MADE_UP = {
    2025: "01-26 02-08 04-27 09-28 10-11",
    2026: "01-04 02-14 02-28 05-09 09-20 10-10",
}


def spans(year, text):
    for span in text.split():
        first, _, last = span.partition("..")
        day, end = date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last or first}")
        while day <= end:
            yield day
            day += timedelta(1)


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_days_of_the_2025_and_2026_notices(year):
    """CAL-3, CAL-4"""
    listed = [day for day in calendar_data.read() if day.date.year == year]
    assert [day.date for day in listed if not day.is_workday] == list(spans(year, OFF[year]))
    assert [day.date for day in listed if day.is_workday] == list(spans(year, MADE_UP[year]))


def deadline_cases():
    with shared("data/calendar/deadline_cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_published_deadline_cases():
    cases = deadline_cases()
    assert len(cases) == 240
    for case in cases:
        start = date.fromisoformat(case["start_date"])
        natural_days = int(case["calendar_days"])
        due = CALENDAR.due(start, int(case["working_days"]))
        rolled = CALENDAR.natural_due(start, natural_days)
        assert {
            "start_is_working_day": str(int(CALENDAR.is_workday(start))),
            "due_date": due.on.isoformat(),
            "calendar_due_date": (start + timedelta(natural_days)).isoformat(),
            "calendar_due_rolled_to_working_day": rolled.on.isoformat(),
            "working_days_after_start_through_other_date": str(
                CALENDAR.count(start, date.fromisoformat(case["other_date"]))
            ),
        }.items() <= case.items()
        assert not due.is_provisional and not rolled.is_provisional
