import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.insight import rules
from yimen.lib.figures import percent


@pytest.mark.parametrize(
    "part, whole, told",
    [
        (38_381, 38_471, "99.77 %"),
        (36_259, 36_259, "100 %"),
        (2_122, 2_212, "95.93 %"),
        (0, 5, "0 %"),
        (1, 8, "12.50 %"),
        (1, 800, "0.13 %"),  # 0.125, half up
        (38_470, 38_471, "99.99 %"),  # one is missing: not 100
        (1, 1_000_000, "0.01 %"),
        (0, 0, "—"),
    ],
)
def test_percentages_are_half_up_and_never_flatter(part, whole, told):
    assert rules.percent_text(percent(part, whole)) == told


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_percentage_is_near_the_truth_and_whole_only_when_it_is(part, whole):
    part = min(part, whole)
    found = percent(part, whole)
    assert abs(found - Decimal(part) * 100 / whole) <= Decimal("0.01")
    assert (found == 100) == (part == whole) and (found == 0) == (part == 0)


@pytest.mark.parametrize(
    "name, today, start, end",
    [
        ("month", (2026, 2, 28), (2026, 2, 1), (2026, 2, 28)),
        ("month", (2026, 12, 31), (2026, 12, 1), (2026, 12, 31)),
        ("quarter", (2026, 5, 1), (2026, 4, 1), (2026, 6, 30)),
        ("year", (2026, 11, 22), (2026, 1, 1), (2026, 12, 31)),
    ],
)
def test_named_periods_are_whole(name, today, start, end):
    assert rules.named_period(name, date(*today)) == rules.Period(date(*start), date(*end))


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(0, 2000))
def test_months_cover_the_period_without_gap_or_overlap(start, days):
    end = date.fromordinal(start.toordinal() + days)
    months = rules.months_of(start, end)
    assert (months[0].start, months[-1].end) == (start, end)
    assert all(b.start.toordinal() - a.end.toordinal() == 1 for a, b in itertools.pairwise(months))
    assert all(month.start.month == month.end.month for month in months)
