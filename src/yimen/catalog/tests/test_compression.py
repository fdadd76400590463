from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog.rules.compression import compression, compression_rate, saved
from yimen.lib.workdays import Limit, Unit

pairs = st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda n: (Limit(min(n)), Limit(n[1])))


@pytest.mark.capability("S1-50", "S3-3")
def test_promises_52_percent_below_the_law():
    """Three items of 20, 20 and 10 working days promised in 9, 10 and 5: 24 of 50 days, 52 % less."""
    promised, law = (9, 10, 5), (20, 20, 10)
    figures = compression((Limit(p), Limit(s)) for p, s in zip(promised, law, strict=True))
    assert (figures.promised_days, figures.statutory_days) == (24, 50)
    assert figures.total_rate == Decimal("52")
    assert figures.mean_rate == Decimal("51.67")
    assert [compression_rate(Limit(p), Limit(s)) for p, s in zip(promised, law, strict=True)] == [55, 50, 50]


def test_only_limits_of_one_unit_are_compared():
    figures = compression(
        [
            (Limit(5), Limit(20)),
            (Limit(5, Unit.DAY), Limit(10, Unit.DAY)),
            (Limit(5), Limit(1, Unit.MONTH)),
            (None, Limit(20)),
            (Limit(5), None),
        ]
    )
    assert (figures.item_count, figures.day_count, figures.skipped_count) == (2, 1, 3)
    assert (figures.statutory_days, figures.total_rate, figures.mean_rate) == (20, 75, Decimal("62.5"))


def test_what_is_done_at_once_saves_everything():
    assert compression_rate(Limit(0), Limit(2, Unit.MONTH)) == 100
    assert compression_rate(Limit(0), None) is None


def test_a_promise_longer_than_the_law_shows_below_nought():
    assert compression_rate(Limit(30), Limit(20)) == -50


def test_nothing_to_compare_has_no_rate():
    figures = compression([])
    assert (figures.total_rate, figures.mean_rate, figures.item_count) == (None, None, 0)


@pytest.mark.capability("S1-55")
def test_15_days_that_became_3_save_12():
    assert saved(Limit(15), Limit(3)) == 12
    assert saved(Limit(3), Limit(15)) == -12
    assert saved(Limit(15), Limit(3, Unit.DAY)) is None
    assert saved(None, Limit(3)) is None


@given(st.lists(pairs, min_size=1))
def test_the_total_lies_between_the_items_own_rates(limits):
    rates = [compression_rate(promised, statutory) for promised, statutory in limits]
    figures = compression(limits)
    for rate in (figures.total_rate, figures.mean_rate):
        assert min(rates) <= rate <= max(rates)
    assert figures.saved_days == sum(law.number - promise.number for promise, law in limits)
