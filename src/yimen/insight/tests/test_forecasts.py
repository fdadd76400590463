"""Ranges of waits: right for the share they say, hidden when nobody can know, the same for the same state."""

from math import inf
from uuid import UUID

import pytest

from yimen.insight.forecasts.playing import forecast
from yimen.insight.forecasts.ranges import Range
from yimen.insight.forecasts.state import Expected, Place, Seat, State
from yimen.insight.simulation.kernel import Policy
from yimen.insight.tests import replayed

A, B = UUID(int=1), UUID(int=2)
SERVICES = [60.0 * n for n in range(1, 10)] * 3  # 1 to 9 minutes, 5 on average
WAYS = [pytest.param(False, id="worked out"), pytest.param(True, id="played")]


@pytest.fixture(params=WAYS)
def simulate(request):
    if request.param:
        pytest.importorskip("numba")
    return request.param


def places(count, series=A, first=0, **fields):
    return [Place(UUID(int=100 + n), series, -60.0 * (count - n), **fields) for n in range(first, first + count)]


def seats(count, series=(A,), **fields):
    return [Seat(UUID(int=10 + n), frozenset(series), **fields) for n in range(count)]


def state(**fields):
    return State(**({"series": [A], "waiting": [], "seats": seats(2), "measured": {A: SERVICES}} | fields))


@pytest.mark.parametrize("policy", [Policy("strict"), Policy("ratio"), Policy("ageing", head_start=600, cap=2)],
                         ids=lambda policy: policy.kind)  # fmt: skip
def test_the_ranges_hold_the_share_of_waits_they_say_on_days_they_were_not_made_from(policy, simulate):
    """The widths were chosen on the days from the 6th to the 14th; these come after (docs/forecast.md)."""
    known = replayed.days()
    names = list(known)
    half = nine = count = 0
    for name in names[14::2]:
        before = [(0, took, group, rank) for _c, took, group, rank, _p in known[names[names.index(name) - 1]] if took]
        day = replayed.Day(known[name], 6 if policy.kind == "ratio" else 5, policy, before[-600:])
        found = replayed.checked(day, simulate=simulate, count=30)
        half, nine, count = half + found[0], nine + found[1], count + found[2]
    assert count > 100
    assert 0.40 <= half / count <= 0.60, half / count
    assert (0.83 if simulate else 0.80) <= nine / count <= 0.97, nine / count


def test_the_more_are_ahead_the_longer_and_in_order(simulate):
    found = forecast(state(waiting=places(12), seats=seats(2, busy=[A], elapsed=30.0)), simulate=simulate)
    ranges = [found.tickets[UUID(int=100 + n)] for n in range(12)]
    assert all(r.p5 <= r.p25 <= r.p75 <= r.p95 for r in ranges)
    middles = [(r.p25 + r.p75) / 2 for r in ranges]
    assert middles == sorted(middles)
    assert 0.7 < middles[-1] / (11.5 / 2 * 300) < 1.3
    asked = found.series[A]
    assert (asked.p25 + asked.p75) / 2 >= middles[-1]


def test_twice_the_windows_halve_the_wait(simulate):
    few, many = (
        forecast(state(waiting=places(40), seats=seats(n, busy=[A])), simulate=simulate).series[A] for n in (3, 6)
    )
    assert 1.6 < (few.p25 + few.p75) / (many.p25 + many.p75) < 2.4


def test_an_idle_window_and_nobody_ahead_is_within_a_minute(simulate):
    assert forecast(state(), simulate=simulate).series[A] == Range(0, 0, 60, 60)


@pytest.mark.parametrize(
    "fields",
    [
        {"seats": []},
        {"seats": seats(2, series=(B,))},
        {"measured": {A: SERVICES[:7]}},
        {"seats": seats(1, busy=[A], shifts=[(0.0, 1.0)])},
        {"measured": {A: [60.0, 3 * 3600.0] * 10}, "seats": seats(1, busy=[A])},
    ],
    ids=["no window", "none for it", "few measured", "closes", "too wide"],
)
def test_nothing_is_said_when_nobody_can_know(fields, simulate):
    found = forecast(state(waiting=places(6), **fields), simulate=simulate)
    assert found.series[A] is None and found.tickets[UUID(int=105)] is None


def test_what_is_not_measured_for_an_item_is_taken_from_its_series_and_then_from_the_hall(simulate):
    item, hall = UUID(int=50), UUID(int=51)
    quick, slow = [60.0] * 20, [600.0] * 20

    def waits(measured):
        queue = places(5, kinds=[item])
        return forecast(state(waiting=queue, seats=seats(1), measured=measured, hall=hall), simulate=simulate).series[A]

    assert waits({item: quick, A: slow}).p95 < waits({item: quick[:3], A: slow}).p5
    assert waits({item: quick[:3], A: slow[:3], hall: quick}).p95 < waits({A: slow, hall: quick}).p5
    assert waits({hall: quick[:3]}) is None


def test_a_skill_is_waited_for_and_somebody_sent_to_a_window_waits_for_that_one(simulate):
    skill = UUID(int=60)
    queue = [Place(UUID(int=100), A, -60.0, skill=skill), Place(UUID(int=101), A, -50.0, only_window=UUID(int=12))]
    able = [
        Seat(UUID(int=10), frozenset({A})),
        Seat(UUID(int=11), frozenset({A}), frozenset({skill}), busy=[A]),
        Seat(UUID(int=12), frozenset({B}), busy=[A], elapsed=120.0),
    ]
    found = forecast(state(waiting=queue, seats=able), simulate=simulate)
    assert found.series[A] == Range(0, 0, 60, 60)
    assert found.tickets[UUID(int=100)].p75 > 60 and found.tickets[UUID(int=101)].p75 > 60
    nobody = forecast(state(waiting=queue, seats=able[:1]), simulate=simulate)
    assert nobody.tickets[UUID(int=100)] is None and nobody.tickets[UUID(int=101)] is None


def test_those_who_do_not_come_and_those_still_to_come_count(simulate):
    busy = seats(1, busy=[A])
    base = forecast(state(waiting=places(10), seats=busy), simulate=simulate).series[A]
    thinned = forecast(state(waiting=places(10), seats=busy, passed=0.5, passes=[30.0]), simulate=simulate).series[A]
    assert thinned.p75 < base.p25
    booked = [Expected(A, 600.0, 600.0, 1.0, is_priority=True) for _n in range(6)]
    later = forecast(
        state(waiting=places(10), seats=busy, expected=booked, policy=Policy("ratio", 1)), simulate=simulate
    )
    assert later.series[A].p25 > base.p75


def test_a_window_back_from_its_break_helps_from_then_on(simulate):
    alone = seats(1, busy=[A])
    back = [*alone, Seat(UUID(int=20), frozenset({A}), shifts=[(1200.0, inf)])]
    now, then = (forecast(state(waiting=places(12), seats=s), simulate=simulate).tickets for s in (alone, back))
    assert then[UUID(int=111)].p75 < now[UUID(int=111)].p25
    assert then[UUID(int=100)] == now[UUID(int=100)] or not simulate


def test_the_same_state_gives_the_same_forecast(simulate):
    busy = state(waiting=places(20), seats=seats(3, busy=[A], elapsed=100.0))
    assert forecast(busy, simulate=simulate) == forecast(busy, simulate=simulate)
