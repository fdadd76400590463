"""The order of a bundle, its one list of materials, its one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog.rules import bundles as rules
from yimen.catalog.rules.bundles import Line, Part
from yimen.catalog.rules.forms import Field, Form, schema_of

LAND = Part("land", "用地备案", feeds={"permit": "2"}, materials=(Line(1, "身份证"), Line(2, "用地协议")))
EIA = Part("eia", "环评登记", is_optional=True, materials=(Line(1, "身份证", copies=2),))
PERMIT = Part(
    "permit",
    "防疫条件合格证",
    after=("land", "eia"),
    materials=(Line(1, "申请表"), Line(2, "用地备案表"), Line(3, "身份证")),
)
FARM = (PERMIT, LAND, EIA)


def test_the_order_follows_what_waits_for_what():
    assert [[part.key for part in stage] for stage in rules.stages(FARM)] == [["land", "eia"], ["permit"]]


def test_each_paper_is_brought_once_and_what_is_fed_not_at_all():
    lines = rules.to_bring(rules.chosen_parts(FARM, ["eia"]))
    assert [(line.name, line.copies) for line in lines] == [("身份证", 2), ("用地协议", 1), ("申请表", 1)]
    assert lines[0].parts == ("land", "eia", "permit")


def test_who_waits_for_what_is_left_out_waits_for_what_that_waited_for():
    parts = [Part("a", "一"), Part("b", "二", after=("a",), is_optional=True, feeds={"c": "1"}),
             Part("c", "三", after=("b",), materials=(Line(1, "二的结果"),))]  # fmt: skip
    chosen = rules.chosen_parts(parts, [])
    assert [(part.key, part.after) for part in chosen] == [("a", ()), ("c", ("a",))]
    assert [line.name for line in rules.to_bring(chosen)] == ["二的结果"]
    assert not rules.to_bring(rules.chosen_parts(parts, ["b"]))


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ([LAND], "至少要有两个"),
        ([Part("a", "一", after=("b",)), Part("b", "二", after=("a",))], "互相等着"),
        ([Part("a", "一", after=("x",)), Part("b", "二")], "没有"),
        ([Part("a", "一", feeds={"b": "1"}), Part("b", "二", materials=(Line(1, "甲"),))], "排在它之后"),
        ([Part("a", "一", feeds={"b": "7"}), Part("b", "二", after=("a",))], "没有第 7 样"),
        ([Part("a", "一", is_offered=False), Part("b", "二")], "还没有发布"),
        ([Part("a", "一", is_optional=True), Part("b", "二", is_optional=True)], "至少有一项"),
    ],
    ids=["too few", "circle", "strange", "feeds before", "no such material", "not offered", "all optional"],
)
def test_every_fault_is_named(parts, word):
    assert word in "".join(rules.faults(parts))
    assert rules.faults(FARM) == []


@given(st.data())
def test_stages_hold_every_part_once_and_nothing_before_its_time(data):
    count = data.draw(st.integers(1, 8))
    parts = []
    for n in range(count):
        after = data.draw(st.sets(st.integers(0, n - 1))) if n else set()
        parts.append(Part(str(n), str(n), tuple(map(str, after)), is_optional=data.draw(st.booleans())))
    parts = data.draw(st.permutations(parts))
    for chosen in (parts, rules.chosen_parts(parts, data.draw(st.sets(st.sampled_from([p.key for p in parts]))))):
        place = {part.key: n for n, stage in enumerate(rules.stages(chosen)) for part in stage}
        assert sorted(place) == sorted(part.key for part in chosen)
        assert all(place[key] < place[part.key] for part in chosen for key in part.after)


def form(key, *fields):
    return Form(key, key, schema_of(fields))


def test_what_the_forms_share_is_asked_once_and_comes_back_to_each():
    size = Field("size", "规模", "integer", is_required=True)
    name = Field("name", "姓名", "person_name", prefill="applicant.name")
    asked = rules.asked_once({"land": [form("apply", name, size)], "permit": [form("apply", name, size)]})
    assert asked.without == {"name"}
    assert rules.values_of_parts(asked, {"size": 300}) == {
        "land": {"apply": {"size": 300}},
        "permit": {"apply": {"size": 300}},
    }


def test_what_one_form_takes_from_the_applicant_and_another_asks_is_asked():
    known, asks = Field("name", "姓名", prefill="applicant.name"), Field("name", "姓名")
    assert rules.asked_once({"a": [form("f", known)], "b": [form("g", asks)]}).without == frozenset()
