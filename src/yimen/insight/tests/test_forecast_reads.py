"""What a hall's forecast is made from, read from its tickets and windows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, localtime

from yimen.hall import actions
from yimen.hall.models import Hall, OpeningTime
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.insight.forecasts import of_hall
from yimen.insight.forecasts.reads import NOT_COMING, TURNAROUND, state_of
from yimen.people.tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def hall():
    return make_hall(policy=Hall.Policy.STRICT)


@pytest.fixture
def series(hall):
    return make_series(hall)


def history(series, window, count=10, minutes=6):
    """So many people seen through, one after the other, the last of them just now."""
    for n in range(count, 0, -1):
        at = NOW - n * 10 * MINUTE
        take(series, at)
        serve(window, at, minutes=minutes)


def test_a_range_is_said_once_enough_were_served(hall, series):
    window = make_window(series)
    history(series, window, count=5)
    assert of_hall(hall, NOW).series[series.pk] is None
    history(series, window)
    busy = take(series, NOW)
    assert call(window, NOW).pk == busy.pk
    ahead = [take(series, NOW + n * MINUTE / 10) for n in range(4)]
    found = of_hall(hall, NOW + MINUTE)
    assert set(found.tickets) == {ticket.pk for ticket in ahead}
    last, asked = found.tickets[ahead[-1].pk], found.series[series.pk]
    assert 15 * 60 < last.p25 <= last.p75 < 35 * 60
    assert asked.p25 >= last.p25


def test_the_state_knows_windows_their_series_and_what_they_are_busy_with(hall, series):
    other = make_series(hall, letter="B")
    both, closed = make_window([series, other]), make_window(other, staffed=False)
    take(series, NOW - 9 * MINUTE)
    called = call(both, NOW - 4 * MINUTE)
    waiting = take(other, NOW - 2 * MINUTE)
    state = state_of(hall, NOW)
    (seat,) = state.seats
    assert seat.window == both.pk and seat.series == {series.pk, other.pk} and closed.pk != seat.window
    assert list(seat.busy) == [called.series_id] and seat.elapsed == 240 and seat.run == 1000
    (place,) = state.waiting
    assert (place.ticket, place.series, place.joined) == (waiting.pk, other.pk, -120)
    assert set(state.series) == {series.pk, other.pk} and state.policy.kind == "strict"


def test_services_are_measured_from_call_to_finish_with_the_turnaround(hall, series):
    window = make_window(series)
    history(series, window, count=3, minutes=6)
    state = state_of(hall, NOW)
    assert state.measured[series.pk] == state.measured[hall.pk] == [360 + TURNAROUND] * 3
    assert state.passed == 0


def test_those_who_did_not_come_make_the_share_of_today(hall, series):
    window = make_window(series)
    history(series, window, count=3)
    take(series, NOW)
    gone = call(window, NOW)
    actions.pass_over(gone.pk, by=window.staff, at=NOW)
    state = state_of(hall, NOW)
    assert state.passed == 0.25 and list(state.passes) == [NOT_COMING + TURNAROUND]


def test_a_paused_window_is_expected_back(hall, series):
    window = make_window(series)
    actions.pause(window.pk, reason="meal", by=window.staff, at=NOW - 20 * MINUTE)
    (seat,) = state_of(hall, NOW).seats
    assert [begin for begin, _end in seat.shifts] == [40 * 60]
    (late,) = state_of(hall, NOW + 90 * MINUTE).seats
    assert [begin for begin, _end in late.shifts] == [300]


def test_a_window_that_lets_somebody_wait_is_not_counted_on_for_as_long_again(hall, series):
    window, other = make_window(series), make_window(make_series(hall, letter="B"))

    def away(minutes):
        return {seat.window: seat.shifts[0][0] for seat in state_of(hall, NOW + minutes * MINUTE).seats}

    take(series, NOW + 2 * MINUTE)
    assert away(3) == {window.pk: 0, other.pk: 0}
    assert away(12) == {window.pk: 600, other.pk: 0}
    serve(window, NOW + 12 * MINUTE, minutes=5)
    assert away(30)[window.pk] == 0
    take(series, NOW + 13 * MINUTE)
    assert away(30)[window.pk] == 13 * 60  # free again since 12:17


def test_nobody_is_expected_to_call_before_the_hall_opens(hall, series):
    make_window(series)
    opens, closes = (localtime(NOW + minutes * MINUTE).time() for minutes in (30, 90))
    weekday = localtime(NOW).isoweekday()
    OpeningTime.objects.create(
        region=hall.region, hall=hall, weekday=weekday, opens=opens, closes=closes, valid_from=localdate(NOW)
    )
    take(series, NOW - 9 * MINUTE)
    first = [state_of(hall, NOW + minutes * MINUTE).seats[0].shifts[0][0] for minutes in (20, 31, 40)]
    assert first == [0, 0, 600]


def test_another_region_and_another_day_are_not_looked_at(hall, series):
    make_window(series)
    take(series, NOW - timedelta(days=1))
    elsewhere = make_series()
    take(elsewhere, NOW)
    make_window(elsewhere)
    state = state_of(hall, NOW)
    assert not state.waiting and len(state.seats) == 1 and list(state.series) == [series.pk]


def test_the_same_number_of_statements_for_one_and_for_twenty(hall, series):
    make_window(series)
    take(series, NOW)

    def statements():
        with CaptureQueriesContext(connection) as seen:
            state_of(Hall.objects.get(pk=hall.pk), NOW + MINUTE)
        return len(seen) - 1

    few = statements()
    for n in range(19):
        take(make_series(hall, letter="BCDEFGHIJKLMNOPQRST"[n]), NOW)
    make_window(series)
    assert statements() == few <= 11
