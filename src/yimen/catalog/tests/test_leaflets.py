"""Sheets: what an edition says, from its rows alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import leaflets
from yimen.catalog.leaflets import FeeLine
from yimen.catalog.models import ItemForm, ItemMaterial, ItemVersion
from yimen.lib.workdays import Limit


def version(**fields: object) -> ItemVersion:
    return ItemVersion(**({"case_type": "promised", "promised_limit": 9, "statutory_limit": 20} | fields))


def line(**fields: object) -> leaflets.MaterialLine:
    return leaflets.material_line(ItemMaterial(**({"name": "身份证"} | fields)), {})


@pytest.mark.parametrize(
    "kind, copies, words",
    [
        ("original", 1, "原件 1 份"), ("copy", 2, "复印件 2 份"), ("both", 2, "原件 1 份、复印件 2 份"),
        ("original", 0, "原件 1 份"),
    ],
    ids=["original", "copy", "both", "none"],
)  # fmt: skip
def test_how_many_originals_and_copies_to_bring(kind, copies, words):
    assert line(kind=kind, copies=copies).count == words


def cost(fees: list[FeeLine], **fields: object) -> str:
    answers = leaflets.four_answers(version(**fields), [], [], fees, promised=Limit(9))
    return f"{answers[3].answer}｜{answers[3].reason}"


def test_what_it_costs_is_the_standard_itself_when_it_is_short():
    fee = FeeLine("工本费", "每本 10 元", "《演示条例》", "")
    assert cost([fee]).startswith("每本 10 元｜")
    assert cost([fee, fee]).startswith("要收费｜") and cost([], has_fee=True).startswith("要收费｜")
    assert cost([]) == "不收费｜谁向您收钱，请拨 12345"


def test_materials_that_hang_on_answers_are_counted_as_at_most():
    bring, *_rest = leaflets.four_answers(version(), [line(), line(when=["who.firm"])], [], promised=Limit(9))
    assert (bring.answer, bring.reason) == ("最多 2 样", "看您的情况，不一定都要")


def test_paper_says_no_day_of_today():
    when = leaflets.four_answers(version(), [], [], promised=Limit(9))[2]
    assert (when.answer, when.reason) == ("9 个工作日内", "从受理第二天算起；法定 20 个工作日")


def test_a_sample_reads_as_a_person_would_fill_it_in():
    schema = {
        "properties": {
            "name": {"title": "店名"},
            "kind": {"title": "种类", "oneOf": [{"const": "hot", "title": "热食"}]},
            "smoke": {"title": "有没有油烟"},
            "owner": {"title": "经营者", "properties": {"phone": {"title": "手机"}}},
            "staff": {"title": "从业人员", "items": {"properties": {"name": {"title": "姓名"}}}},
            "foods": {"title": "卖什么"},
        }
    }
    sample = {
        "kind": "hot", "name": "小满面馆", "smoke": True, "owner": {"phone": "138"},
        "staff": [{"name": "甲"}, {"name": "乙"}], "foods": ["面", "粥"], "more": None,
    }  # fmt: skip
    assert leaflets.sample_rows(ItemForm(schema=schema, sample=sample)) == [
        ("店名", "小满面馆"), ("种类", "热食"), ("有没有油烟", "是"), ("经营者 · 手机", "138"),
        ("从业人员 1 · 姓名", "甲"), ("从业人员 2 · 姓名", "乙"), ("卖什么", "面、粥"), ("more", ""),
    ]  # fmt: skip


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from("abc"), _JSON, max_size=3),
    st.dictionaries(st.sampled_from("abc"), _JSON, max_size=3),
)
def test_any_sample_is_read_without_a_fault(fields, sample):
    schema = {"properties": {name: field if isinstance(field, dict) else {} for name, field in fields.items()}}
    for label, said in leaflets.sample_rows(ItemForm(schema=schema, sample=sample)):
        assert isinstance(label, str) and isinstance(said, str)
