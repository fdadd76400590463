"""Forecasts learn from how wrong the last ones were, and from windows that let people wait."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.insight.forecasts import playing
from yimen.insight.forecasts.fitting import LEAST, Fit, Told, fit, fits
from yimen.insight.forecasts.idling import GRACE, still_away
from yimen.insight.forecasts.ranges import Range
from yimen.insight.tests import recorded

SECONDS = st.floats(0, 7200)
TOLD = Range(300, 480, 720, 960)
A, B = UUID(int=1), UUID(int=2)


@pytest.mark.slow
@pytest.mark.parametrize("windows_say", [True, False], ids=["who served lately", "whoever served that day"])
def test_on_recorded_days_held_out_the_ranges_hold_the_share_they_say(windows_say):
    """
    What really happened in the call centre, agents who were away included; docs/forecast.md has the figures.

    The numbers in fitting and idling were chosen on the first half of the month; this is the second.
    """
    half, nine, known, soon_right = recorded.checked(recorded.last_minutes(60) if windows_say else recorded.all_day)
    assert known > 150
    assert 0.38 <= half <= 0.64 and 0.83 <= nine <= 0.97 and soon_right >= 0.85, (half, nine, soon_right)


def test_too_few_change_nothing_and_enough_put_it_right():
    wrong = [Told(TOLD, 2 * 600.0)] * LEAST
    assert fit(wrong[1:]).of(TOLD) == TOLD
    right = fit(wrong).of(TOLD)
    assert (right.p5, right.p95) == pytest.approx((1200, 1200))
    soon = Range(0, 0, 20, 40)
    assert fit(wrong).of(soon) == soon  # within a minute is learnt apart
    assert fit([Told(soon, 300.0)] * LEAST).of(soon).p25 == pytest.approx(300)


def test_a_series_with_too_few_takes_what_the_hall_learnt():
    mine, others = [Told(TOLD, 600.0)] * (LEAST - 1), [Told(TOLD, 1800.0)] * LEAST
    found = fits({A: mine, B: others}, mine + others)
    assert found[B].of(TOLD).p95 == pytest.approx(1800)
    assert found[A].of(TOLD).p95 == pytest.approx(1800) and found[A].of(TOLD).p5 == pytest.approx(600)


@given(ends=st.lists(SECONDS, min_size=4, max_size=4), waits=st.lists(SECONDS, min_size=LEAST, max_size=80))
def test_the_ends_stay_in_order_and_each_holds_its_share_of_those_learnt_from(ends, waits):
    found = Range(*sorted(ends))
    right = fit([Told(found, waited) for waited in waits]).of(found)
    assert 0 <= right.p5 <= right.p25 <= right.p75 <= right.p95
    assert sum(right.p25 - 1e-6 <= waited <= right.p75 + 1e-6 for waited in waits) >= len(waits) / 2
    assert sum(right.p5 - 1e-6 <= waited <= right.p95 + 1e-6 for waited in waits) >= 0.9 * len(waits)


def test_what_is_unsure_after_it_was_put_right_is_hidden():
    unsure = [Told(TOLD, waited) for waited in (60.0, 5000.0) * LEAST]
    assert playing._said(TOLD, Fit()) == TOLD
    assert playing._said(TOLD, fit(unsure)) is None


@pytest.mark.parametrize(
    "free_since, waits, away",
    [
        (-300.0, [], 0),
        (-300.0, [(-GRACE, 0.0)], 0),
        (-300.0, [(-GRACE - 1, 0.0)], GRACE + 1),
        (-300.0, [(-900.0, 0.0)], 300),
        (-300.0, [(-900.0, -280.0)], 0),
        (-900.0, [(-600.0, -500.0), (-200.0, 0.0)], 600),
    ],
    ids=["nobody", "a moment", "longer", "waited before it was free", "called elsewhere at once", "earliest counts"],
)
def test_a_window_that_lets_people_wait_is_away_as_long_again(free_since, waits, away):
    assert still_away(free_since, waits) == away
