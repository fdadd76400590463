"""Fairness of the calling policies, as properties of pure rules."""

from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.hall.rules import Head, Policy, Why, choices, few_left, in_order, pick, ran
from yimen.hall.rules.care import age_on, offers_care
from yimen.hall.rules.reasons import reason

NINE = datetime(2026, 11, 18, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
NOON = NINE + timedelta(hours=3)


def head(minute: float, number: int, *, first: bool = False, series: int = 1) -> Head:
    key = UUID(int=series * 10_000 + number)
    return Head(key, UUID(int=series), NINE + timedelta(minutes=minute), number, first)


@st.composite
def queues(draw, most: int = 25):
    """Up to three series, each with both classes, numbers in the order of their times."""
    found, number = [], 0
    for series in range(draw(st.integers(1, 3))):
        rows = sorted(draw(st.lists(st.tuples(st.integers(0, 170), st.booleans()), max_size=most)))
        heads = []
        for minute, first in rows:
            number += 1
            heads.append(head(minute, number, first=first, series=series))
        found += [[h for h in heads if h.is_priority], [h for h in heads if not h.is_priority]]
    return found


policies = st.builds(
    Policy,
    st.sampled_from(["strict", "ratio", "ageing"]),
    ratio=st.integers(0, 5),
    ageing_minutes=st.integers(0, 90),
    cap=st.integers(1, 5),
)


@given(queues(), policies, st.one_of(st.none(), st.integers(-6, 6)))
def test_everybody_is_called_once_and_each_class_of_a_series_in_its_order(rows, policy, run):
    order = [one.head for one in in_order(rows, policy, run=run, at=NOON)]
    assert sorted(h.number for h in order) == sorted(h.number for row in rows for h in row)
    for row in rows:
        assert [h for h in order if h in row] == row


@given(queues(), st.integers(0, 5))
def test_strict_is_by_time_alone(rows, ratio):
    order = [one.head for one in in_order(rows, Policy("strict", ratio), run=None, at=NOON)]
    assert [(h.queue_at, h.number) for h in order] == sorted((h.queue_at, h.number) for h in order)


@given(queues(), st.integers(1, 5), st.integers(1, 5))
def test_the_ratio_is_kept_while_both_wait(rows, ratio, cap):
    """After one with priority come `ratio` others, neither more nor fewer, as long as both are there."""
    order = in_order(rows, Policy("ratio", ratio, cap=cap), run=None, at=NOON)
    left = {True: sum(one.head.is_priority for one in order), False: sum(not one.head.is_priority for one in order)}
    since: int | None = None
    for one in order:
        if left[True] and left[False]:
            assert one.head.is_priority is (since is None or since >= ratio)
        left[one.head.is_priority] -= 1
        since = 0 if one.head.is_priority else (None if since is None else since + 1)


@given(queues(), policies)
def test_never_more_than_the_cap_in_a_row_while_others_wait(rows, policy):
    order = in_order(rows, policy, run=None, at=NOON)
    last = max((place for place, one in enumerate(order) if not one.head.is_priority), default=-1)
    runs = [len(list(group)) for first, group in groupby(one.head.is_priority for one in order[: last + 1]) if first]
    if policy.kind != "strict":
        assert all(run <= policy.cap for run in runs)


@given(queues(), st.integers(0, 90), st.integers(1, 5))
def test_under_ageing_nobody_is_jumped_by_somebody_who_came_much_later(rows, minutes, cap):
    policy = Policy("ageing", ageing_minutes=minutes, cap=cap)
    order = [one.head for one in in_order(rows, policy, run=None, at=NOON)]
    for place, ordinary in enumerate(order):
        if not ordinary.is_priority:
            for before in order[:place]:
                if before.is_priority:
                    assert before.queue_at - timedelta(minutes=minutes) <= ordinary.queue_at


@given(st.integers(0, 60), st.integers(0, 60), policies)
def test_an_older_ordinary_one_comes_before_a_newer_one_with_priority_when_so_set(old, later, policy):
    ordinary, first = head(old, 1), head(old + later + 1, 2, first=True)
    best = pick([first, ordinary], policy, run=None, at=NOON)
    assert best is not None
    wins = policy.kind == "strict" or (policy.kind == "ageing" and later + 1 >= policy.ageing_minutes)
    assert (best.head == ordinary) is wins
    assert best.why == (Why.TIME if policy.kind == "strict" else Why.AGED if wins else Why.PRIORITY)


@given(st.integers(1, 5), st.integers(1, 4), policies)
def test_nobody_starves_however_many_with_priority_keep_coming(cap, waiting, policy):
    """A stream of priority that never ends: all who waited at the start are called within a bounded number of calls."""
    policy = Policy(policy.kind, policy.ratio, policy.ageing_minutes, cap)
    ordinary = [head(number, number) for number in range(1, waiting + 1)]
    run, number, calls = None, 1000, 0
    while ordinary:
        number, calls = number + 1, calls + 1
        stream = head(-60, number, first=True)  # always one more, and always older
        best = pick([stream, ordinary[0]], policy, run=run, at=NOON)
        run = ran(run, best.head)
        if best.head == ordinary[0]:
            ordinary.pop(0)
        if policy.kind == "strict":
            return  # by time: who came first is first, whoever he is
        assert calls <= waiting * (cap + 1) + cap


@given(queues(), policies, st.one_of(st.none(), st.integers(-6, 6)))
def test_whoever_is_called_has_a_reason_that_is_true(rows, policy, run):
    words = set()
    for one in in_order(rows, policy, run=run, at=NOON):
        assert (one.why is Why.PRIORITY) <= one.head.is_priority
        assert (one.why in {Why.TURN, Why.CAP, Why.AGED}) <= (not one.head.is_priority)
        said = reason({"why": one.why, "ratio": 3, "cap": 2, "minutes": 20}, care="老年人")
        assert said.endswith("。")
        words.add(said)
    assert all(words)


@given(queues(), policies, st.one_of(st.none(), st.integers(-6, 6)))
def test_when_the_first_choice_is_gone_the_next_is_what_would_have_been_chosen_without_him(rows, policy, run):
    found = choices(rows, policy, run=run, at=NOON)
    for place, one in enumerate(found[:6]):
        gone = {other.head.number for other in found[:place]}
        left = [[h for h in row if h.number not in gone] for row in rows]
        assert pick([row[0] for row in left if row], policy, run=run, at=NOON) == one


def test_the_choices_end_where_more_may_wait_than_was_looked_at():
    """Eight with priority were read and all are gone: a ninth may wait, so nobody else is taken before a new look."""
    first, ordinary = [head(n, n, first=True) for n in range(8)], [head(n, 20 + n) for n in range(3)]
    policy = Policy("ratio")
    assert [one.head for one in choices([first, ordinary], policy, run=None, at=NOON, depth=8)] == first
    assert len(choices([first, ordinary], policy, run=None, at=NOON, depth=9)) == 11


def test_an_appointment_is_not_first_before_its_time_and_first_from_then_on():
    booked, ordinary = head(30, 1, first=True), head(5, 2)
    policy = Policy("ratio")
    early, due = NINE + timedelta(minutes=20), NINE + timedelta(minutes=30)
    assert pick([booked, ordinary], policy, run=None, at=early).head == ordinary
    assert pick([booked], policy, run=None, at=early).why is Why.EARLY
    assert pick([booked, ordinary], policy, run=None, at=due).head == booked


def test_a_window_that_has_just_opened_owes_nobody_a_turn():
    first, ordinary = head(9, 1, first=True), head(0, 2)
    assert pick([first, ordinary], Policy("ratio", 3), run=None, at=NOON).head == first
    assert pick([first, ordinary], Policy("ratio", 3), run=ran(None, ordinary), at=NOON).head == first
    assert pick([first, ordinary], Policy("ratio", 3), run=ran(None, first), at=NOON).head == ordinary


@pytest.mark.parametrize(
    ("born", "day", "age", "offered"),
    [
        ("1961-11-18", "2026-11-18", 65, True),
        ("1961-11-19", "2026-11-18", 64, False),
        ("1960-02-29", "2025-02-28", 64, False),
        ("1960-02-29", "2025-03-01", 65, True),
        ("2026-11-18", "2026-11-18", 0, False),
    ],
)
def test_care_is_offered_from_the_65th_birthday(born, day, age, offered):
    birth_on, on = datetime.fromisoformat(born).date(), datetime.fromisoformat(day).date()
    assert (age_on(birth_on, on), offers_care(birth_on, on)) == (age, offered)


@pytest.mark.parametrize(
    ("given_", "cap", "warning", "left"),
    [(5, None, None, None), (5, 10, 8, None), (8, 10, 8, 2), (10, 10, 8, 0), (10, 10, None, 0), (11, 10, None, 0)],
)
def test_people_are_told_when_few_numbers_are_left(given_, cap, warning, left):
    assert few_left(given_, cap, warning) == left


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        (Policy("ratio", 2), [4, 1, 2, 5, 3]),
        (Policy("ageing", ageing_minutes=20, cap=2), [4, 5, 1, 2, 3]),
        (Policy("strict"), [1, 2, 3, 4, 5]),
    ],
    ids=["ratio", "ageing", "strict"],
)
def test_the_example_of_the_rules_page(policy, order):
    waits = [head(0, 1), head(1, 2), head(2, 3), head(10, 4, first=True), head(12, 5, first=True)]
    queues = [[h for h in waits if h.is_priority], [h for h in waits if not h.is_priority]]
    assert [one.head.number for one in in_order(queues, policy, run=None, at=NOON)] == order
