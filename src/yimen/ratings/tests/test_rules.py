from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.ratings import rules
from yimen.ratings.models import RatingLevel


@pytest.mark.parametrize(
    "counts, good, bad",
    [
        ({}, None, None),
        ({"very_good": 1}, Decimal(100), Decimal(0)),
        ({"very_bad": 3}, Decimal(0), Decimal(100)),
        ({"very_good": 2, "good": 3, "fair": 1, "bad": 1, "very_bad": 1}, Decimal("75.00"), Decimal("25.00")),
        ({"very_good": 199_999, "bad": 1}, Decimal("99.99"), Decimal("0.01")),
    ],
)
def test_the_last_two_levels_are_bad_and_the_rest_good(counts, good, bad):
    found = rules.Figures(counts)
    assert (found.good_rate, found.bad_rate) == (good, bad)


@given(st.dictionaries(st.sampled_from(RatingLevel.values), st.integers(0, 10**6)), st.integers(0, 10**7))
def test_rates_stay_within_their_bounds_and_complete_each_other(counts, rateable):
    found = rules.Figures(counts, rateable)
    if found.total:
        assert abs(found.good_rate + found.bad_rate - 100) <= Decimal("0.01")
        assert (found.good_rate == 100) == (found.bad == 0)
    assert found.active_rate is None or 0 <= found.active_rate <= 100


def test_praise_is_offered_to_the_pleased_and_questions_to_the_others():
    assert set(rules.reasons_for("good")) & set(rules.reasons_for("bad")) == set()
    assert rules.reasons_for("fair") == rules.reasons_for("very_bad") == rules.BLAME
    assert all(len(key) <= 40 for key in rules.LABELS)
