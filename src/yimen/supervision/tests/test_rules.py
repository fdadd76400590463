"""Which card what happened gives: arithmetic over many days, without a database."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.lib.workdays import Calendar
from yimen.supervision import rules
from yimen.supervision.models import Colour, Trigger
from yimen.supervision.rules import Book, Handled, Person, Rule, Scale

WEEKDAYS = Calendar(frozenset(), frozenset(), frozenset({2026}))
UNIT, OTHER_UNIT, ITEM, OTHER_ITEM = (UUID(int=n) for n in range(1, 5))
MONDAY = date(2026, 11, 16)
SHIPPED = Book([])
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def colours(trigger, started_on, due_on, limit, on, book=SHIPPED, unit="workday"):
    now = rules.standing(started_on, due_on, limit, unit, WEEKDAYS, on=on)
    return [
        rule.colour for rule in book.in_force(trigger, department=UNIT, item=ITEM, day=on) if rules.is_met(rule, now)
    ]


@pytest.mark.capability("SUP-3")
@pytest.mark.parametrize(
    "on, reminded",
    [
        (date(2026, 11, 16), False),  # the day it began
        (date(2026, 11, 26), False),  # 1 of 10 left is one working day later
        (date(2026, 11, 25), False),
        (date(2026, 11, 27), True),  # Friday: only Monday is left
        (date(2026, 11, 28), True),
        (date(2026, 11, 30), True),  # the last day itself
        (date(2026, 12, 1), False),  # over: a card, no reminder
    ],
)
def test_a_reminder_comes_one_working_day_before_the_promised_day(on, reminded):
    """Ten working days from Monday 16 November end on Monday 30 November; 80 % is tried apart."""
    book = Book([Rule(Trigger.NEAR_LIMIT, Colour.REMINDER, {"days_left": 1}, date(2026, 1, 1))])
    assert bool(colours(Trigger.NEAR_LIMIT, MONDAY, date(2026, 11, 30), 10, on, book)) == reminded


@pytest.mark.capability("SUP-5")
@pytest.mark.parametrize(
    "trigger, on, found",
    [
        (Trigger.NEAR_LIMIT, date(2026, 11, 25), []),  # 7 of 10 used
        (Trigger.NEAR_LIMIT, date(2026, 11, 26), [Colour.REMINDER]),  # 8 of 10: 80 %
        (Trigger.OVER_PROMISE, date(2026, 11, 30), []),
        (Trigger.OVER_PROMISE, date(2026, 12, 1), [Colour.YELLOW]),
        (Trigger.OVER_PROMISE, date(2026, 12, 2), [Colour.YELLOW]),
        (Trigger.OVER_PROMISE, date(2026, 12, 3), [Colour.YELLOW, Colour.RED]),  # three working days
        (Trigger.OVER_STATUTORY, date(2026, 11, 30), []),
        (Trigger.OVER_STATUTORY, date(2026, 12, 1), [Colour.RED]),
        (Trigger.STEP_OVERDUE, date(2026, 12, 1), [Colour.YELLOW]),
        (Trigger.LATE_UPWARD, date(2026, 12, 1), [Colour.RED]),
    ],
)
def test_what_is_shipped(trigger, on, found):
    assert colours(trigger, MONDAY, date(2026, 11, 30), 10, on) == found


def test_a_limit_that_passed_on_a_day_off_is_one_day_over():
    friday, saturday = date(2026, 11, 27), date(2026, 11, 28)
    assert rules.standing(MONDAY, friday, 9, "workday", WEEKDAYS, on=saturday).over == 1


@given(start=days, length=st.integers(0, 40), on=days, left=st.integers(0, 30), percent=st.integers(1, 100))
def test_a_reminder_is_only_for_what_can_still_be_kept(start, length, on, left, percent):
    due_on = WEEKDAYS.due(start, length).on
    rule = Rule(Trigger.NEAR_LIMIT, Colour.REMINDER, {"days_left": left, "percent": percent})
    now = rules.standing(start, due_on, length, "workday", WEEKDAYS, on=on)
    if rules.is_met(rule, now):
        assert start < on <= due_on


@given(start=days, length=st.integers(1, 40), after=st.integers(0, 60), over=st.integers(1, 20))
def test_once_red_always_red_and_never_before_yellow(start, length, after, over):
    """Time only makes it worse, so a job that comes late finds what it would have found before."""
    due_on = WEEKDAYS.due(start, length).on
    rule = Rule(Trigger.OVER_PROMISE, Colour.RED, {"days_over": over})
    on = due_on + timedelta(days=after)
    met = [
        rules.is_met(rule, rules.standing(start, due_on, length, "workday", WEEKDAYS, on=day))
        for day in (on, on + timedelta(days=1))
    ]
    assert met[0] <= met[1]
    assert not met[0] or on > due_on


@given(start=days, length=st.integers(1, 40), on=days)
def test_working_days_left_and_over_agree_with_counting_by_hand(start, length, on):
    due_on = WEEKDAYS.due(start, length).on
    now = rules.standing(start, due_on, length, "workday", WEEKDAYS, on=on)
    between = sorted((on, due_on))
    counted = sum((between[0] + timedelta(days=n)).weekday() < 5 for n in range(1, (between[1] - between[0]).days + 1))
    assert (now.left, now.over) == ((0, max(1, counted)) if on > due_on else (counted, 0))


OWN = Rule(Trigger.OVER_PROMISE, Colour.YELLOW, {"days_over": 2}, date(2026, 6, 1))


@pytest.mark.capability("SUP-4")
@pytest.mark.parametrize(
    "more, on, over",
    [
        ((), date(2026, 5, 31), 1),  # before the region's rule: the shipped one
        ((), date(2026, 6, 1), 2),
        ((replace(OWN, threshold={"days_over": 4}, effective_on=date(2026, 7, 1)),), date(2026, 7, 1), 4),
        ((replace(OWN, threshold={"days_over": 4}, effective_on=date(2026, 7, 1)),), date(2026, 6, 30), 2),
        ((replace(OWN, threshold={"days_over": 5}, department=UNIT),), date(2026, 6, 1), 5),
        ((replace(OWN, threshold={"days_over": 5}, department=OTHER_UNIT),), date(2026, 6, 1), 2),
        (
            (
                replace(OWN, threshold={"days_over": 5}, department=UNIT, effective_on=date(2026, 8, 1)),
                replace(OWN, threshold={"days_over": 9}, item=ITEM),
            ),
            date(2026, 9, 1),
            9,
        ),
        ((replace(OWN, threshold={"days_over": 9}, item=OTHER_ITEM),), date(2026, 9, 1), 2),
    ],
)
def test_the_most_particular_rule_in_force_counts(more, on, over):
    book = Book([OWN, *more])
    found = [
        rule
        for rule in book.in_force(Trigger.OVER_PROMISE, department=UNIT, item=ITEM, day=on)
        if rule.colour == Colour.YELLOW
    ]
    assert [rule.threshold["days_over"] for rule in found] == [over]


def test_a_rule_switched_off_hides_what_lies_below_it_only_there():
    book = Book([replace(OWN, department=UNIT, is_on=False)])
    on = date(2026, 9, 1)
    here = [rule.colour for rule in book.in_force(Trigger.OVER_PROMISE, department=UNIT, item=ITEM, day=on)]
    there = [rule.colour for rule in book.in_force(Trigger.OVER_PROMISE, department=OTHER_UNIT, item=ITEM, day=on)]
    assert (here, there) == ([Colour.RED], [Colour.YELLOW, Colour.RED])


def test_a_place_of_the_other_school_shows_yellow_where_others_remind():
    """SUP-4: near the limit is yellow there, overdue is red, and nobody is only reminded."""
    since = date(2026, 1, 1)
    book = Book(
        [
            Rule(Trigger.NEAR_LIMIT, Colour.REMINDER, {}, since, is_on=False),
            Rule(Trigger.NEAR_LIMIT, Colour.YELLOW, {"days_left": 1}, since),
            Rule(Trigger.OVER_PROMISE, Colour.YELLOW, {}, since, is_on=False),
            Rule(Trigger.OVER_PROMISE, Colour.RED, {"days_over": 1}, since),
        ]
    )
    end = date(2026, 11, 30)
    assert colours(Trigger.NEAR_LIMIT, MONDAY, end, 10, end, book) == [Colour.YELLOW]
    assert colours(Trigger.OVER_PROMISE, MONDAY, end, 10, end + timedelta(days=1), book) == [Colour.RED]


COMPLETE = Handled(is_declined=True, ground="not_needed", reasons_length=20)


@pytest.mark.parametrize(
    "handled, found",
    [
        (COMPLETE, [Trigger.REFUSED_VALID]),
        (replace(COMPLETE, missing_count=1), []),
        (replace(COMPLETE, ground="not_ours", right_organ="某某局"), []),
        (replace(COMPLETE, ground="false"), []),
        (Handled(is_refused=True, reasons_length=20), []),
        (Handled(is_refused=True, reasons_length=2), [Trigger.NO_REASONS]),
        (Handled(days_late=3), [Trigger.OFF_SYSTEM]),
        (Handled(minutes=3, step_count=4), [Trigger.OFF_SYSTEM]),
        (Handled(minutes=300, step_count=4), []),
        (Handled(minutes=3, step_count=4, is_immediate=True), []),
        (Handled(minutes=3, step_count=1), []),
    ],
)
def test_breaches_of_the_law(handled, found):
    triggers = []
    for trigger, figures in rules.breaches(handled):
        in_force = Book([]).in_force(trigger, department=UNIT, item=ITEM, day=MONDAY)
        triggers += [trigger for rule in in_force if rules.is_breach(rule, figures)]
    assert triggers == found


CLERK, EXAMINER, LEADER, MAYOR, MANAGER = (UUID(int=n) for n in range(10, 15))
PEOPLE = [
    Person(EXAMINER, rules.APPROVER, UNIT, "2"),
    Person(LEADER, rules.LEADER, UNIT, "3"),
    Person(MAYOR, rules.LEADER, None, "1"),
    Person(MANAGER, rules.MANAGER, None, "4"),
]


@pytest.mark.capability("SUP-6")
@pytest.mark.parametrize(
    "people, hands, named",
    [
        (PEOPLE, (CLERK,), (CLERK, MANAGER, LEADER)),
        (PEOPLE, (None, CLERK), (CLERK, MANAGER, LEADER)),
        (PEOPLE, (), (EXAMINER, MANAGER, LEADER)),  # nobody took it: the unit's examiner
        (PEOPLE[:1] + PEOPLE[2:], (CLERK,), (CLERK, MANAGER, MAYOR)),  # no leader of its own
        (PEOPLE[:2], (CLERK,), (CLERK, EXAMINER, LEADER)),  # no manager: another examiner
        (PEOPLE, (LEADER,), (LEADER, MANAGER, MAYOR)),  # nobody approves over himself
        ([], (), (MAYOR, None, None)),
    ],
)
def test_a_card_names_three(people, hands, named):
    found = rules.name_three(people, department=UNIT, hands=hands, otherwise=MAYOR)
    assert (found.handler, found.reviewer, found.approver) == named


@given(
    people=st.lists(
        st.builds(
            Person,
            st.sampled_from([CLERK, EXAMINER, LEADER, MAYOR, MANAGER]),
            st.sampled_from([rules.LEADER, rules.MANAGER, rules.APPROVER]),
            st.sampled_from([None, UNIT, OTHER_UNIT]),
            st.sampled_from("123"),
        )
    ),
    hands=st.lists(st.sampled_from([None, CLERK, LEADER]), max_size=2),
)
def test_nobody_is_named_twice_nor_from_another_unit(people, hands):
    found = rules.name_three(people, department=UNIT, hands=hands)
    named = [one for one in (found.handler, found.reviewer, found.approver) if one]
    assert len(named) == len(set(named))
    ours = {one.pk for one in people if one.department != OTHER_UNIT} | set(hands)
    assert set(named) <= ours


@pytest.mark.parametrize(
    "counts, points, grade",
    [
        ({}, 100, "excellent"),
        ({Colour.REMINDER: 9}, 100, "excellent"),
        ({Colour.YELLOW: 3}, 94, "good"),
        ({Colour.YELLOW: 5, Colour.RED: 2}, 80, "passed"),
        ({Colour.RED: 7}, 65, "failed"),
        ({Colour.RED: 50}, 0, "failed"),
    ],
)
def test_points_and_the_four_grades(counts, points, grade):
    found = rules.score(counts, Scale())
    assert (found.points, found.grade) == (points, grade)


def test_equal_points_share_a_place():
    scores = [
        (name, rules.score({Colour.YELLOW: yellow}, Scale())) for name, yellow in (("甲", 1), ("乙", 0), ("丙", 1))
    ]
    assert [(place, who) for place, who, _score in rules.ranked(scores)] == [(1, "乙"), (2, "丙"), (2, "甲")]
