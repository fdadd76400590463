"""Two editions in words, held against each other."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from yimen.catalog import actions
from yimen.catalog.actions import FaqDraft, FeeDraft, MaterialDraft, scenario
from yimen.catalog.compare_sheet import compare_pdf
from yimen.catalog.queries.editions import compare_editions
from yimen.catalog.rules.compare import Line, Snapshot, compare, compare_lists, diff_words, words
from yimen.catalog.rules.flows import Step
from yimen.catalog.rules.forms import schema_of
from yimen.catalog.tests.factories import BASIS, NOW, make_item, make_step
from yimen.catalog.tests.scenarios import FIELDS, FORM, QUESTIONS, make_scenario_item
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import Limit, Unit

TEXT = st.text(st.sampled_from("受理不予齐全 1234五个工作日ab，。\n"), max_size=40)
LINES = st.lists(
    st.builds(Line, st.sampled_from("甲乙丙丁"), st.sampled_from(["表", "证", "图"]), st.just({})), max_size=5
)


def edition(number=1, **said):
    values = {"fields": {"名称": "演示"}, "promised": Limit(15), "statutory": Limit(20)}
    return Snapshot(number=number, **(values | said))


def lines(*names):
    return [Line(name, name, {"份数": "1"}) for name in names]


def flow(*days):
    steps = []
    for n, limit in enumerate(days):
        after = (f"s{n - 1}",) if n else ()
        steps.append(Step(f"s{n}", f"第{n}步", "review", "岗", "权", limit, after))
    return steps


@given(TEXT, TEXT)
def test_the_words_of_both_texts_are_all_there(before, after):
    pieces = diff_words(before, after)
    assert "".join(piece.text for piece in pieces if piece.state != "new") == before
    assert "".join(piece.text for piece in pieces if piece.state != "gone") == after


@given(TEXT)
def test_a_text_against_itself_shows_nothing_gone_or_new(text):
    assert {piece.state for piece in diff_words(text, text)} <= {"same"}
    assert "".join(words(text)) == text


def test_numbers_are_one_word_and_a_long_text_is_not_taken_apart():
    pieces = diff_words("受理后 15 个工作日", "受理后 3 个工作日")
    assert [(piece.state, piece.text) for piece in pieces if piece.state != "same"] == [("gone", "15"), ("new", "3")]
    long = "甲" * 5000
    assert [piece.state for piece in diff_words(long, long + "乙")] == ["gone", "new"]


@given(LINES, LINES)
def test_no_row_is_lost_or_made_up(old, new):
    change = compare_lists(old, new)
    assert (change.before, change.after) == (len(old), len(new))
    kept = change.before - len(change.removed)
    assert kept == change.after - len(change.added)
    assert len(change.changed) <= kept
    back = compare_lists(new, old)
    assert (len(back.removed), len(back.added)) == (len(change.added), len(change.removed))


@pytest.mark.capability("S1-55")
def test_the_summary_says_how_much_shorter_it_is():
    old = edition(1, materials=lines(*"abcdef"), steps=lines(*"1234567"), flow=flow(5, 5, 4))
    new = edition(2, materials=lines(*"abcd"), steps=lines(*"12345"), promised=Limit(3), flow=flow(2, 1))
    difference = compare(old, new)
    assert difference.summary == "材料 6 → 4，步骤 7 → 5，承诺 15 → 3 天"
    assert (difference.days, difference.days_saved, difference.path) == ((15, 3), 12, (14, 3))
    assert [line.name for line in difference.materials.removed] == ["e", "f"]


def test_only_days_of_one_kind_are_subtracted():
    old = edition()
    for promised, days in (
        (Limit(3), (15, 3)),
        (Limit(1, Unit.MONTH), None),
        (Limit(15, Unit.DAY), None),
        (None, None),
    ):
        assert compare(old, replace(old, promised=promised)).days == days


def test_a_changed_order_or_nothing_at_all_is_no_difference():
    old = edition(materials=lines("a", "b"))
    assert compare(old, replace(old, number=2)).is_same
    difference = compare(old, replace(old, materials=lines("b", "a")))
    assert difference.is_same and difference.summary == "一样"


def test_a_word_changed_in_a_row_or_a_field_is_shown_word_by_word():
    old = edition(materials=[Line("表", "申请表", {"份数": "2", "依据": "旧条例"})])
    new = edition(2, fields={"名称": "演示", "地点": "新地方"}, materials=[Line("表", "申请表", {"份数": "1"})])
    difference = compare(old, new)
    assert [(one.label, one.before, one.after) for one in difference.fields] == [("地点", "", "新地方")]
    (row,) = difference.materials.changed
    assert {(one.label, one.before, one.after) for one in row.changes} == {("份数", "2", "1"), ("依据", "旧条例", "")}
    assert difference.summary == "件数和天数没有变，内容有改动"


@pytest.mark.django_db
@pytest.mark.capability("S0-22")
def test_comparing_two_editions_shows_steps_materials_days_and_fees_removed_and_added():
    item = make_item(promised_days=15)
    kept = item.published.materials.first().name
    steps = [make_step("accept", name="受理"), make_step("decide", after=("accept",), limit_days=2)]
    draft = actions.save_draft(
        item,
        {"promised_limit": 3, "accept_condition": "在本市居住满 1 年。"},
        materials=[MaterialDraft(kept, legal_basis=BASIS), MaterialDraft("新要的表", legal_basis=BASIS)],
        steps=steps,
        fees=[FeeDraft("工本费", "每本 5 元", "《演示收费办法》")],
        faqs=[FaqDraft("多久？", "3 天。")],
        by=SYSTEM,
        at=NOW,
    )
    actions.publish(draft, by=SYSTEM, at=NOW)

    difference = compare_editions(item, 1, 2)

    assert [line.name for line in difference.materials.removed] == ["身份证", "营业执照"]
    assert [line.name for line in difference.materials.added] == ["新要的表"]
    assert [line.name for line in difference.steps.removed] == ["收件", "审查", "送达"]
    assert [line.name for line in difference.fees.added] == ["工本费"]
    assert difference.days_saved == 12
    assert difference.summary == "材料 3 → 2，步骤 5 → 2，收费 0 → 1 项，承诺 15 → 3 天"
    assert "受理条件" in {change.label for change in difference.fields}
    assert difference.lists["常见问题"].after == 1
    assert compare_editions(item, 1, 9) is None


@pytest.mark.django_db
def test_what_questions_and_forms_say_and_switch_is_compared_too():
    version = make_scenario_item()
    item = version.item
    fields = [*FIELDS[:1], replace(FIELDS[2], is_required=False), *FIELDS[3:]]
    who, food, agent = QUESTIONS
    actions.save_draft(item, {}, handling={"decide_with_gap": True, "quick_minutes": 15}, by=SYSTEM, at=NOW)
    scenario.save_forms(
        item, [replace(FORM, schema=schema_of(fields), sample={"owner": "李四（演示）", "area": 20})], by=SYSTEM, at=NOW
    )
    cold = replace(food.options[1], promised_limit=9, note="要有专间。")
    questions = [who, replace(food, options=(food.options[0], cold, food.options[2]), is_multiple=False), agent]
    scenario.save_questions(
        item,
        questions,
        materials={"营业执照复印件": ("who.firm", "food.cold")},
        steps={"visit": ("food.hot",)},
        by=SYSTEM,
        at=NOW,
    )

    difference = compare_editions(item, 1, 2)

    def rows(change):
        return {(line.name, one.label): (one.before, one.after) for line in change.changed for one in line.changes}

    assert not difference.is_same
    forms = rows(difference.lists["表格"])
    assert forms["食品经营许可申请书", "手机号"] == ("电话号码；必填；applicant.phone", "")
    assert forms["食品经营许可申请书", "店名"] == ("一行文字；必填；≤ 40", "一行文字；≤ 40")
    assert "林小满" in forms["食品经营许可申请书", "填好的样子"][0]
    asked = rows(difference.lists["情形问题"])
    assert asked["卖些什么？", "冷食、现榨"] == ("12 个工作日", "要有专间。；9 个工作日")
    assert asked["卖些什么？", "可以选几个"] == ("是", "否")
    assert rows(difference.steps) == {("现场核查", "只在这样选时才有"): ("卖些什么？ 冷食、现榨", "卖些什么？ 热食")}
    assert rows(difference.materials) == {
        ("营业执照复印件", "只在这样选时才有"): (
            "您用什么身份开店？ 公司",
            "您用什么身份开店？ 公司、卖些什么？ 冷食、现榨",
        )
    }
    assert {one.label: (one.before, one.after) for one in difference.fields} == {
        "容缺的材料还没补，也可以先作决定": ("", "是"),
        "承诺窗口几分钟办好": ("", "15"),
    }


@pytest.mark.django_db
def test_the_comparison_is_a_paper_of_its_own():
    item = make_item(name="演示许可", promised_days=15)
    actions.save_draft(
        item,
        {"promised_limit": 3, "accept_condition": "#evil 在本市居住满 1 年。"},
        materials=[MaterialDraft("新要的 *表*", legal_basis=BASIS)],
        by=SYSTEM,
        at=NOW,
    )
    content = compare_pdf(item, 1, 2, at=NOW)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).replace("\n", "")
    assert "演示许可" in text and "材料 3 → 1，承诺 15 → 3 天" in text and "少了 12 天" in text
    assert "去掉 3 条" in text and "营业执照" in text and "新要的 *表*" in text and "#evil" in text
    assert content == compare_pdf(item, 1, 2, at=NOW) and compare_pdf(item, 1, 9, at=NOW) is None
    same = compare_pdf(item, 1, 1, at=NOW)
    assert "这两版说的一样" in PdfReader(io.BytesIO(same)).pages[0].extract_text()


@pytest.mark.django_db
def test_the_comparison_takes_as_many_queries_for_many_rows_as_for_few(django_assert_max_num_queries):
    item = make_item()
    actions.save_draft(item, {"place": "别处"}, by=SYSTEM, at=NOW)
    with django_assert_max_num_queries(18):
        compare_editions(item, 1, 2)
    many = [MaterialDraft(f"材料 {n}", legal_basis=BASIS) for n in range(30)]
    actions.save_draft(item, {}, materials=many, by=SYSTEM, at=NOW)
    with django_assert_max_num_queries(18):
        compare_editions(item, 1, 2)
