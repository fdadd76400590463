from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog.actions import MaterialDraft
from yimen.catalog.rules import flow_faults
from yimen.catalog.rules.flows import BrokenFlow, Step
from yimen.catalog.rules.merging import Piece, merge_materials, merge_steps, same_name


def step(key, kind=None, after=(), *, name="", days=1, when=()):
    return Step(key, name or key, kind or key, "岗位", "权限", days, tuple(after), tuple(when))


def flow(*middle, owner="a", days=1):
    """receive, accept, the steps given one after the other, decide, deliver."""
    steps = [step("receive", days=0), step("accept", after=["receive"], days=0)]
    last = "accept"
    for key, kind, name in middle:
        steps.append(step(key, kind, [last], name=name, days=days))
        last = key
    steps += [step("decide", after=[last]), step("deliver", after=["decide"], days=0)]
    return [Piece(one, owner) for one in steps]


def merged(left, right, **options):
    return [one for one, _piece in merge_steps(left, right, **({"renamed": {}, "suffix": "（乙）"} | options))]


def test_receiving_accepting_and_deciding_happen_once():
    steps = merged(flow(("review", "review", "审查")), flow(("look", "visit", "现场核查"), owner="b"))
    assert [one.key for one in steps] == ["receive", "accept", "review", "look", "decide", "deliver"]
    by_key = {one.key: one for one in steps}
    assert set(by_key["decide"].after) == {"review", "look"}
    assert by_key["look"].after == ("accept",)


def test_a_review_of_one_name_at_two_organs_stays_two():
    steps = merge_steps(
        flow(("review", "review", "审查")),
        flow(("review", "review", "审查"), owner="b"),
        renamed={},
        suffix="（乙）",
    )
    reviews = [(one.key, one.name, piece.owner) for one, piece in steps if one.kind == "review"]
    assert reviews == [("review", "审查", "a"), ("review-2", "审查（乙）", "b")]


def test_the_same_step_takes_the_longer_limit():
    steps = merged(flow(("review", "review", "审 查"), days=2), flow(("check", "review", "审查"), days=5))
    assert [(one.key, one.limit_days) for one in steps if one.kind == "review"] == [("review", 5)]


def test_what_is_always_needed_on_one_side_is_always_needed():
    left, right = flow(("review", "review", "审查")), flow(("review", "review", "审查"))
    right[2] = Piece(replace(right[2].step, when=("q.yes",)), "a")
    assert next(one for one in merged(left, right) if one.key == "review").when == ()
    left[2] = Piece(replace(left[2].step, when=("p.no",)), "a")
    assert next(one for one in merged(left, right, renamed={"q.yes": "q-2.yes"}) if one.key == "review").when == (
        "p.no",
        "q-2.yes",
    )


def test_where_two_orders_contradict_the_left_one_stands():
    left = flow(("review", "review", "审查"), ("visit", "visit", "核查"))
    right = flow(("visit", "visit", "核查"), ("review", "review", "审查"))
    steps = {one.key: one for one in merged(left, right)}
    assert steps["visit"].after == ("review",)


def test_orders_that_cannot_be_reconciled_are_refused():
    left = flow(("a", "review", "甲"), ("b", "review", "乙"))
    right = flow(("b", "review", "乙"), ("x", "visit", "看"), ("a", "review", "甲"))
    steps = {one.key: one for one in merged(left, right)}
    assert steps["decide"].after
    assert not flow_faults(list(steps.values()))
    looped = [Piece(replace(one.step, after=("deliver",)), "a") if one.step.key == "a" else one for one in left]
    with pytest.raises(BrokenFlow, match="先后顺序对不上"):
        merged(looped, right)


kinds = st.sampled_from(["review", "visit", "expert"])
middles = st.lists(st.tuples(kinds, st.sampled_from("甲乙丙丁戊")), max_size=5, unique_by=lambda pair: pair)


@given(middles, middles)
def test_no_step_is_lost_and_the_result_can_run(left, right):
    flows = [
        flow(*((f"{side}{n}", kind, name) for n, (kind, name) in enumerate(middle)))
        for side, middle in (("l", left), ("r", right))
    ]
    steps = merged(*flows)
    assert not flow_faults(steps)
    assert {(one.kind, one.name.removesuffix("（乙）")) for one in steps} == {
        (p.step.kind, p.step.name) for one in flows for p in one
    }
    assert len({one.key for one in steps}) == len(steps)
    places = {one.key: place for place, one in enumerate(steps)}
    assert all(places[name] < places[one.key] for one in steps for name in one.after)


def test_each_material_is_asked_for_once():
    left = [MaterialDraft("身份证", kind="copy", legal_basis="甲法"), MaterialDraft("申请表")]
    right = [
        MaterialDraft("身 份 证", kind="original", copies=2, legal_basis="乙法"),
        MaterialDraft("营业执照", source="shared", when=("q.yes",)),
        MaterialDraft("《申请表》", necessity="optional", source="shared"),
    ]
    found = merge_materials(left, right, renamed={"q.yes": "q-2.yes"})
    assert [one.name for one in found] == ["身份证", "申请表", "营业执照"]
    assert (found[0].kind, found[0].copies, found[0].legal_basis) == ("both", 2, "甲法；乙法")
    assert (found[1].necessity, found[1].source) == ("required", "shared")
    assert found[2].when == ("q-2.yes",)


@pytest.mark.parametrize("other", ["身份证", " 身份证 ", "身份证：", "《身份证》", "身 份 证"], ids=str.strip)
def test_names_are_the_same_however_they_are_set(other):
    assert same_name("身份证") == same_name(other)
