"""What a one-time notice needs, and plain words: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog.rules.notice import NoticeForm, NoticeMaterial, NoticeStep, notice_faults
from yimen.catalog.rules.plain import LONGEST_SENTENCE, Fault, check, explained, letters

WORDS = {"予以": "给", "予以受理": "收下开始办", "申请人": "来办事的人", "法定代表人": "公司的负责人", "代表人": "代表"}
MATERIAL, FORM = NoticeMaterial("申请表", "apply"), NoticeForm("apply", "申请表", has_sample=True)
STEP = NoticeStep("收件", "综合受理岗", "清点材料")


@pytest.mark.parametrize(
    "changed, said",
    [
        ({}, ""),
        ({"materials": [NoticeMaterial("身份证")], "forms": []}, ""),
        ({"forms": []}, "要填的表还没有做"),
        ({"forms": [NoticeForm("apply", "申请表", has_sample=False)]}, "还没有填好的样表"),
        ({"steps": [NoticeStep("收件", "综合受理岗", " ")]}, "由哪个岗位负责"),
        ({"complaint_way": " "}, "监督投诉方式还没写"),
        ({"plain_text": ""}, "大白话说明还没写"),
    ],
    ids=["whole", "no form", "form missing", "sample missing", "duties missing", "complaint missing", "plain missing"],
)
def test_each_missing_part_of_the_notice_is_named(changed, said):
    lists = {"materials": [MATERIAL], "forms": [FORM], "steps": [STEP]}
    given_parts = lists | {"complaint_way": "12345", "plain_text": "带身份证来。"}
    faults = notice_faults(**(given_parts | changed))
    assert len(faults) == bool(said) and said in "".join(faults)


def test_the_longest_official_word_counts():
    found = check("公司的法定代表人予以受理。", WORDS)
    assert [(each.said, each.plain) for each in found] == [
        ("法定代表人", "公司的负责人"), ("予以受理", "收下开始办"),
    ]  # fmt: skip
    assert found[0].start == 3 and "换成“公司的负责人”" in found[0].sentence


def test_a_sentence_of_forty_characters_is_long_enough():
    assert check("好" * LONGEST_SENTENCE + "。" + "好" * LONGEST_SENTENCE, {}) == []
    (long,) = check("短。" + "好" * (LONGEST_SENTENCE + 1), {})
    assert long.kind is Fault.LONG and long.start == 2 and "41 个字" in long.sentence


@pytest.mark.parametrize(
    "text, is_double",
    [
        ("没有材料不能办理", True), ("不得不另外提供", True), ("未经批准不得开业", True), ("除非下雨否则不开门", True),
        ("无不良记录", False), ("不用带材料", False), ("不动产登记", False), ("带身份证，不收费", False),
        ("不同地方，没有差别", False), ("不满十六岁的未成年人", False),
    ],
    ids=str,
)  # fmt: skip
def test_double_negatives(text, is_double):
    assert any(each.kind is Fault.DOUBLE_NEGATIVE for each in check(text, {})) == is_double


@given(st.text(alphabet="予以受理申请人法定代表不。，没有 \n无", max_size=120))
def test_findings_point_at_the_text_and_pieces_add_up(text):
    for each in check(text, WORDS):
        assert text[each.start : each.end] == each.said and each.sentence
        if each.kind is Fault.LONG:
            assert letters(each.said) > LONGEST_SENTENCE
    pieces = explained(text, WORDS)
    assert "".join(said for said, _plain in pieces) == text
    jargon = [each.said for each in check(text, WORDS) if each.kind is Fault.JARGON]
    assert [said for said, plain in pieces if plain] == jargon
