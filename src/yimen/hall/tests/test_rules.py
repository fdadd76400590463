from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.hall import rules

NINE = datetime(2026, 11, 18, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


def head(series: int, minute: int, number: int) -> rules.Head:
    return rules.Head(UUID(int=series * 1000 + number), UUID(int=series), NINE + timedelta(minutes=minute), number)


queues = st.lists(st.lists(st.integers(0, 50), max_size=6), max_size=4).map(
    lambda rows: [[head(s, minute, n) for n, minute in enumerate(sorted(row), 1)] for s, row in enumerate(rows)]
)


def test_whoever_has_waited_longest_is_next_whatever_the_series():
    early, late = head(2, 3, 40), head(1, 5, 7)
    assert rules.strict([late, early]) == early


def test_nobody_waiting_is_nobody_called():
    assert rules.strict([]) is None
    assert rules.in_order([], rules.Policy(), run=None, at=NINE) == []


@given(queues)
def test_calling_takes_everybody_once_longest_wait_first_and_numbers_in_order(rows):
    order = [pick.head for pick in rules.in_order(rows, rules.Policy(), run=None, at=NINE)]
    assert sorted(order, key=lambda h: h.ticket_id) == sorted(
        (h for row in rows for h in row), key=lambda h: h.ticket_id
    )
    assert [h.queue_at for h in order] == sorted(h.queue_at for h in order)
    for row in rows:
        assert [h for h in order if h in row] == row


@pytest.mark.parametrize(("number", "label"), [(1, "A001"), (27, "A027"), (1000, "A1000")])
def test_labels_have_at_least_three_digits(number, label):
    assert rules.label("A", number) == label


@pytest.mark.parametrize(
    ("ahead", "seconds", "windows", "minutes"),
    [
        (0, None, 0, 0),
        (6, 240.0, 2, 12),
        (1, 10.0, 8, 1),  # somebody is ahead, so never "0 minutes"
        (6, None, 2, None),  # nobody has been finished yet
        (6, 240.0, 0, None),  # no window calls
    ],
)
def test_minutes_are_said_only_when_known(ahead, seconds, windows, minutes):
    assert rules.estimate_minutes(ahead, seconds, windows) == minutes


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([2, 1], "1–2"), ([14, 9, 10], "9–10、14"), ([1, 3, 5], "1、3、5")]
)
def test_window_numbers_as_people_read_them(numbers, text):
    assert rules.ranges(numbers) == text


def test_a_clock_set_back_makes_no_negative_wait():
    assert rules.seconds_between(NINE, NINE - timedelta(hours=1)) == 0
