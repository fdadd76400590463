import gzip
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import calendar_data, rules
from yimen.catalog.rules import CodeScheme, Edition, InvalidItemCode, Step
from yimen.lib.workdays import LOCAL_ZONE, Limit, Unit
from yimen.testing import shared

VECTORS = [
    ("11440232MB2D06811W4000117051000", "11440232MB2D06811W", "4", "00", "01", "17051", "000", ""),
    ("12441500196720244T3442199806003", "12441500196720244T", "3", "44", "21", "99806", "003", ""),
    ("11440000MB2D0164XH2440289876000", "11440000MB2D0164XH", "2", "44", "02", "89876", "000", ""),
    ("11440000006940116U244010200300103", "11440000006940116U", "2", "44", "01", "02003", "001", "03"),
]


@pytest.mark.parametrize("code, organ, level, region, type_code, main, sub, serial", VECTORS)
def test_an_implementation_code_says_organ_level_region_type_and_item(
    code, organ, level, region, type_code, main, sub, serial
):
    """ITEM-2, ITEM-3, ITEM-4"""
    read = rules.read_task_code(code)
    assert read == rules.TaskCode(organ, level, region, type_code, main, sub, serial)
    assert read.is_organ_valid
    assert read.catalog_code == code[19:31]


@pytest.mark.parametrize(
    "code",
    [
        "",
        "11440232MB2D06811W400011705100",
        "11440232MB2D06811W40001170510000",
        "11440232mb2d06811w4000117051000",
        "11440232MB2D06811WX000117051000",
        "11440232MB2D06811W0000117051000",
        "11440232MB2D06811W9000117051000",
        "1144023２MB2D06811W4000117051000",
        "11440232MB2D06811W4000117051000\n",
    ],
)
def test_a_code_of_another_form_is_refused(code):
    with pytest.raises(InvalidItemCode):
        rules.read_task_code(code)


def test_one_wrong_character_in_the_credit_code_is_seen_but_not_refused():
    assert not rules.read_task_code("11440233MB2D06811W4000117051000").is_organ_valid


def test_all_published_codes_of_guangdong_can_be_read():
    with gzip.open(shared("data/catalogue/guangdong_province.jsonl.gz"), "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    read = [rules.read_task_code(row["TASK_CODE"]) for row in rows]

    assert len(read) == 2024
    assert [code.catalog_code for code in read] == [row["CATAID"] for row in rows]
    failing = {code.organ for code in read if not code.is_organ_valid}
    assert failing == {"TE440000GD030003VV", "13440000515356094L"}


@pytest.mark.parametrize(
    "scheme, allowed, refused",
    [
        (CodeScheme.PRACTICE, ("11440232MB2D06811W4000117051000", "000117051000"), ("A-1", "")),
        (
            CodeScheme.PRACTICE,
            ("11440232MB2D06811W4000117051000",),
            ("11440232MB2D06811W4000117051000", "000117051001"),
        ),
        (CodeScheme.UPLOAD, ("A-1", "12", "x" * 50), ("A" * 37,)),
        (CodeScheme.STANDARD, ("A" * 24, "B" * 10), ("A" * 24, "B" * 11)),
        (CodeScheme.UPLOAD, ("A1",), ("A 1",)),
    ],
)
def test_each_scheme_has_its_own_form_of_codes(scheme, allowed, refused):
    """ITEM-5"""
    rules.check_codes(*allowed, scheme=scheme)
    with pytest.raises(InvalidItemCode):
        rules.check_codes(*refused, scheme=scheme)


@pytest.mark.parametrize(
    "promised, statutory, longer",
    [
        (Limit(20), Limit(20), False),
        (Limit(21), Limit(20), True),
        (Limit(0), Limit(0), False),
        (Limit(30), Limit(1, Unit.MONTH), False),
        (Limit(60), Limit(1, Unit.MONTH), True),
        (Limit(2, Unit.MONTH), Limit(10), True),
        (Limit(1, Unit.MONTH), Limit(20), False),
        (Limit(48, Unit.HOUR), Limit(1), False),
        (Limit(3), Limit(48, Unit.HOUR), True),
    ],
)
def test_a_promise_may_not_be_longer_than_the_law(promised, statutory, longer):
    """LAW-26"""
    assert rules.is_longer(promised, statutory) is longer
    assert bool(rules.limit_fault(promised, statutory)) is longer


@given(st.sampled_from(Unit), st.integers(0, 400), st.sampled_from(Unit), st.integers(0, 400), st.integers(0, 6000))
def test_between_units_only_a_certain_breach_is_called_one(unit, number, other_unit, other, day):
    """Whatever day it starts on: where the promise is called longer, it ends later."""

    start = datetime(2007, 1, 1, 12, tzinfo=LOCAL_ZONE) + timedelta(days=day)
    promised, statutory = Limit(number, unit), Limit(other, other_unit)
    if unit != other_unit and rules.is_longer(promised, statutory):
        calendar = calendar_data.shipped()
        assert calendar.due_for(start, promised).on >= calendar.due_for(start, statutory).on


# Flows


def step(key, days=1, after=(), **fields):
    return Step(
        **(
            {
                "key": key,
                "name": key,
                "kind": "review",
                "post": "岗",
                "authority": "权",
                "limit_days": days,
                "after": tuple(after),
            }
            | fields
        )
    )


def test_the_longest_path_is_the_slowest_way_through():
    joint = [
        step("accept", 1),
        step("fire", 5, ["accept"]),
        step("health", 3, ["accept"]),
        step("decide", 2, ["fire", "health"]),
    ]
    assert rules.longest_path(joint) == 8
    assert rules.longest_path([]) == 0
    assert rules.longest_path(joint, {"nothing"}) == 0


@st.composite
def flows(draw):
    """Flows without loops: each step waits for some of those before it; then shuffled."""
    count = draw(st.integers(1, 8))
    steps = []
    for number in range(count):
        after = draw(st.sets(st.integers(0, number - 1))) if number else set()
        steps.append(step(f"s{number}", draw(st.integers(0, 30)), [f"s{one}" for one in after]))
    return draw(st.permutations(steps))


def ways(steps):
    """Every way through, by plain recursion: the oracle."""
    by_key = {one.key: one for one in steps}

    def back(key):
        one = by_key[key]
        return one.limit_days + max([back(before) for before in one.after], default=0)

    return [back(key) for key in by_key]


@given(flows())
def test_the_longest_path_is_the_largest_of_all_paths(steps):
    assert rules.longest_path(steps) == max(ways(steps))
    assert max(one.limit_days for one in steps) <= rules.longest_path(steps) <= sum(one.limit_days for one in steps)
    assert rules.flow_faults(steps) == []


@given(flows(), st.data())
def test_a_way_back_is_always_found(steps, data):
    """Whatever step is made to wait for one that waits for it, the flow is refused, never run for ever."""
    one = data.draw(st.sampled_from(steps))
    by_key = {s.key: s for s in steps}
    before = {one.key}
    while more := {name for key in before for name in by_key[key].after} - before:
        before |= more
    early = data.draw(st.sampled_from(sorted(before)))
    changed = [step(s.key, s.limit_days, [*s.after, one.key]) if s.key == early else s for s in steps]
    with pytest.raises(rules.BrokenFlow):
        rules.longest_path(changed)
    assert rules.flow_faults(changed)


@pytest.mark.parametrize(
    "steps, word",
    [
        ([step("a"), step("a")], "不能重复"),
        ([step("a", after=["b"])], "没有这一步"),
        ([step("a", after=["a"])], "互相等着"),
        ([step("a", post="  ")], "岗位"),
        ([step("a", authority="")], "权限"),
        ([step("a", None)], "时限"),
        ([step("a", -1)], "时限"),
    ],
)
@pytest.mark.capability("S1-23")
def test_a_flow_with_a_fault_says_which(steps, word):
    assert any(word in fault for fault in rules.flow_faults(steps))


# Publishing


def edition(**fields):
    said = {
        "name": "演示事项",
        "needs_legal_basis": True,
        "legal_basis": "《演示条例》第一条",
        "accept_condition": "在本市居住",
        "procedure": "收件、受理、决定",
        "material_count": 2,
        "is_immediate": False,
        "statutory": Limit(20),
        "promised": Limit(9),
        "has_fee": False,
        "fee_note": "",
        "fee_basis": "",
        "steps": (step("accept", 1, kind="accept"), step("decide", 8, ["accept"], kind="decide")),
    }
    return Edition(**(said | fields))


def test_a_complete_edition_may_be_published():
    assert rules.publish_faults(edition()) == []


@pytest.mark.parametrize(
    "fields, word",
    [
        ({"name": " "}, "服务内容"),
        ({"accept_condition": ""}, "服务内容"),
        ({"procedure": "", "steps": ()}, "办事程序"),
        ({"material_count": None}, "申报材料"),
        ({"promised": None}, "办理时限"),
        ({"has_fee": None}, "收费还没写"),
        ({"has_fee": True, "fee_basis": "《条例》"}, "收费还没写"),
    ],
)
@pytest.mark.capability("S1-4")
def test_an_item_missing_one_of_the_five_openings_cannot_be_published(fields, word):
    assert rules.missing_openings(edition()) == []
    faults = rules.publish_faults(edition(**fields))
    assert any(word in fault for fault in faults)


@pytest.mark.parametrize(
    "fields, word",
    [
        ({"legal_basis": ""}, "设定依据"),
        ({"has_fee": True, "fee_note": "每件 10 元"}, "收费要有法律"),
        ({"promised": Limit(21)}, "比法定时限还长"),
        ({"steps": ()}, "还没有步骤"),
        ({"promised": Limit(8)}, "最长要 9 个工作日"),
        ({"steps": (step("d", 11, kind="deliver"),)}, "制证和送达"),
        ({"steps": (step("a", post=""),)}, "岗位"),
    ],
)
def test_what_the_law_forbids_cannot_be_published(fields, word):
    """LAW-11, LAW-21, LAW-26, ITEM-18, ITEM-22"""
    assert any(word in fault for fault in rules.publish_faults(edition(**fields)))


DECIDE = step("decide", 1, kind="decide")


@pytest.mark.parametrize(
    "steps, word",
    [
        ((step("review", 1, kind="review"),), "只有一步"),
        ((DECIDE, step("again", 1, ["decide"], kind="decide")), "只有一步"),
        ((step("review", 1, kind="review"), DECIDE), "“review”要排在“decide”前面"),
        ((DECIDE, step("visit", 1, ["decide"], kind="visit")), "“visit”要排在“decide”前面"),
        ((step("expert", 1, kind="expert"), DECIDE), "“expert”要排在“decide”前面"),
        ((DECIDE, step("deliver", 1, kind="deliver")), "“deliver”要排在“decide”后面"),
        ((step("make", 1, kind="make"), step("decide", 1, ["make"], kind="decide")), "“make”要排在“decide”后面"),
    ],
)
def test_a_flow_that_cannot_end_or_passes_by_the_decision_cannot_be_published(steps, word):
    assert any(word in fault for fault in rules.publish_faults(edition(steps=steps)))


def test_steps_before_the_decision_may_lead_to_it_through_others():
    flow = (
        step("accept", 0, kind="accept"),
        step("visit", 1, ["accept"], kind="visit"),
        step("review", 1, ["visit"], kind="review"),
        step("decide", 1, ["review"], kind="decide"),
        step("make", 1, ["decide"], kind="make"),
        step("deliver", 1, ["make"], kind="deliver"),
    )
    assert rules.publish_faults(edition(steps=flow)) == []


def test_a_flow_may_use_the_whole_promise_and_the_delivery_its_own_ten_days():
    flow = (
        step("receive", 5, kind="receive"),
        step("decide", 9, ["receive"], kind="decide"),
        step("make", 4, ["decide"], kind="make"),
        step("deliver", 6, ["make"], kind="deliver"),
    )
    assert rules.publish_faults(edition(steps=flow)) == []
    at_once = edition(is_immediate=True, promised=None, steps=(step("decide", 0, kind="decide"),))
    assert rules.publish_faults(at_once) == []
