"""Flows changed step by step: whoever waited goes on waiting for the right steps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import rules
from yimen.catalog.rules import Step, flow_edits
from yimen.catalog.tests.test_flowchart import patient


def make(key, *after, days=1):
    return Step(key, f"步骤{key}", "review", "审查岗", "审查", days, after)


@st.composite
def flows(draw):
    count = draw(st.integers(1, 8))
    steps = [
        make(f"s{n}", *(f"s{m}" for m in draw(st.lists(st.integers(0, n - 1), max_size=3, unique=True)) if n), days=n)
        if n
        else make("s0")
        for n in range(count)
    ]
    return draw(st.permutations(steps))


EDITS = {
    "after": lambda steps, key: flow_edits.put_after(steps, make("new"), key),
    "first": lambda steps, key: flow_edits.put_first(steps, make("new")),
    "beside": lambda steps, key: flow_edits.put_beside(steps, make("new"), key),
    "without": flow_edits.without,
    "earlier": flow_edits.earlier,
    "later": flow_edits.later,
}


@patient
@given(flows(), st.sampled_from(sorted(EDITS)), st.data())
def test_no_change_breaks_the_order(steps, edit, data):
    key = data.draw(st.sampled_from([step.key for step in steps]))
    changed = EDITS[edit](steps, key)
    assert rules.flow_faults(changed) == []
    known = {step.key for step in steps}
    assert {step.key for step in changed} == known ^ ({"new"} if edit in {"after", "first", "beside"} else set()) ^ (
        {key} if edit == "without" else set()
    )


@patient
@given(flows(), st.data())
def test_without_a_step_the_others_keep_their_order(steps, data):
    key = data.draw(st.sampled_from([step.key for step in steps]))
    before, after = rules.all_before(steps), rules.all_before(flow_edits.without(steps, key))
    assert after == {name: others - {key} for name, others in before.items() if name != key}


@patient
@given(flows(), st.data())
def test_a_step_put_behind_another_comes_between_it_and_what_waited(steps, data):
    key = data.draw(st.sampled_from([step.key for step in steps]))
    before, after = rules.all_before(steps), rules.all_before(flow_edits.put_after(steps, make("new"), key))
    assert after["new"] == before[key] | {key}
    for name, others in before.items():
        assert after[name] == (others | {"new"} if key in others else others)


def test_a_step_beside_another_waits_for_the_same_and_the_same_wait_for_it():
    steps = flow_edits.put_beside([make("a"), make("b", "a"), make("c", "b")], make("new"), "b")
    assert [(step.key, step.after) for step in steps] == [
        ("a", ()), ("b", ("a",)), ("new", ("a",)), ("c", ("b", "new")),
    ]  # fmt: skip


def test_in_a_row_moving_up_changes_who_is_done_first():
    steps = flow_edits.earlier([make("a"), make("b", "a"), make("c", "b")], "b")
    assert [(step.key, step.after) for step in steps] == [("b", ()), ("a", ("b",)), ("c", ("a",))]
    assert flow_edits.later(steps, "b") == [make("a"), make("b", "a"), make("c", "b")]


def test_among_parallel_steps_moving_changes_the_list_only():
    steps = [make("a"), make("b", "a"), make("c", "a")]
    assert flow_edits.earlier(steps, "c") == [steps[0], steps[2], steps[1]]
    assert flow_edits.earlier(steps, "a") == steps and flow_edits.later(steps, "c") == steps


def test_a_new_key_is_new():
    assert flow_edits.new_key([make("step-2")]) == "step-3"
    assert flow_edits.new_key([make("a")]) == "step-2"


@patient
@given(flows())
def test_the_slowest_way_takes_the_longest_time_and_is_a_way(steps):
    way = rules.slowest_way(steps)
    by_key = {step.key: step for step in steps}
    assert sum(by_key[key].limit_days for key in way) == rules.longest_path(steps)
    assert all(one in by_key[other].after for one, other in pairwise(way))


@pytest.mark.parametrize(
    ("steps", "faults"),
    [
        ([make("a"), make("b", "a")], [[], []]),
        ([make("a"), make("a")], [["别的步骤也用了代号“a”，代号不能重复。"]] * 2),
        ([make("a", "a")], [["一步不能等它自己做完。"]]),
        ([make("a", "x")], [["“步骤a”要等“x”做完，可是没有这一步。"]]),
        ([Step("a", "受理", "accept", "", " ", None)], [["第 1 步“受理”还没写岗位、权限、时限。"]]),
    ],
    ids=["right", "key twice", "waits for itself", "waits for nobody", "lacks"],
)
def test_faults_stand_beside_their_step(steps, faults):
    assert rules.faults_by_step(steps) == faults
