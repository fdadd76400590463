from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from yimen.insight.handling import PeriodsOverlap, efficiency_index, median, time_share, trend
from yimen.insight.rules import Period
from yimen.insight.tests.factories import FIRST, Office, moment

OLD, NEW = Period(date(2026, 3, 1), date(2026, 3, 31)), Period(date(2026, 4, 1), date(2026, 4, 30))


@pytest.mark.capability("S2-28")
@pytest.mark.parametrize(
    ("old", "new", "index", "share"),
    [(6, 3, 100, 50), (6, 4, 50, Decimal("66.67")), (6, 6, 0, 100), (3, 6, -50, 200)],
    ids=["half the time", "a third less", "as before", "twice the time"],
)
def test_half_the_time_is_plus_100_percent(old, new, index, share):
    assert efficiency_index(Fraction(old), Fraction(new)) == index
    assert time_share(Fraction(old), Fraction(new)) == share


def test_no_time_at_all_has_no_index():
    assert efficiency_index(Fraction(3), Fraction(0)) is None
    assert time_share(Fraction(0), Fraction(3)) is None


@given(st.lists(st.integers(0, 40), min_size=1))
def test_the_median_is_the_middle_one(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    expected = ordered[middle] if len(ordered) % 2 else Decimal(ordered[middle - 1] + ordered[middle]) / 2
    assert median((value, 1) for value in values) == expected


def handle(office: Office, day: date, days: int, *, version: int = 1, times: int = 1) -> None:
    """Cases accepted on `day` and decided so many working days later."""
    from yimen.catalog import queries as catalog

    decided = catalog.work_calendar().due(day, days).on
    for _n in range(times):
        office.finish(office.accept(moment(day), version), moment(decided, 15))


@pytest.mark.django_db
@pytest.mark.capability("S2-24", "S2-28")
def test_one_third_less_over_the_same_items():
    office = Office()
    handle(office, date(2026, 3, 2), 6, times=2)
    handle(office, date(2026, 4, 7), 4, times=2)
    handle(office, date(2026, 3, 2), 1, version=3)  # an item nobody applied for afterwards
    found = trend(office.region.pk, OLD, NEW)
    assert found.total is not None
    [row] = found.rows
    assert (row.old_count, row.new_count, row.old_days, row.new_days) == (2, 2, 6, 4)
    assert (row.old_median, row.new_median) == (6, 4)
    assert found.total.less == Decimal("33.33")
    assert (found.total.index, found.total.share) == (50, Decimal("66.67"))
    assert (found.only_old, found.only_new) == (1, 0)


@pytest.mark.django_db
def test_a_change_in_what_people_apply_for_is_no_change_in_speed():
    office = Office()
    for period, slow, quick in ((date(2026, 3, 2), 3, 1), (date(2026, 4, 7), 1, 3)):
        handle(office, period, 6, version=1, times=slow)
        handle(office, period, 2, version=3, times=quick)
    found = trend(office.region.pk, OLD, NEW)
    assert found.total is not None
    assert found.total.index == 0
    assert found.total.old == found.total.new == 3


@pytest.mark.django_db
def test_nothing_in_common_gives_no_total():
    office = Office()
    handle(office, date(2026, 3, 2), 6)
    found = trend(office.region.pk, OLD, NEW)
    assert (found.rows, found.total, found.only_old) == ([], None, 1)


@pytest.mark.django_db
def test_periods_may_not_overlap():
    with pytest.raises(PeriodsOverlap):
        trend("500000", Period(FIRST, FIRST + timedelta(days=9)), Period(FIRST + timedelta(days=9), date(2026, 5, 1)))


@pytest.mark.django_db
def test_only_the_departments_asked_for_are_counted():
    office = Office()
    handle(office, date(2026, 3, 2), 6)
    handle(office, date(2026, 4, 7), 3)
    mine, other = (trend(office.region.pk, OLD, NEW, departments=[one.pk]) for one in office.departments)
    assert mine.total is not None
    assert other.total is None


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow():
    office = Office()
    office.load(30, days=55)
    with CaptureQueriesContext(
        connection,
    ) as few:
        trend(office.region.pk, OLD, NEW)
    office.load(120, days=55, seed=2)
    with CaptureQueriesContext(connection) as many:
        trend(office.region.pk, OLD, NEW)
    assert len(few) == len(many)
