"""The guide of one item: four answers first, the five openings, every head of the standard, words explained."""

import re

import pytest
from django.test import Client

from yimen.catalog import actions
from yimen.catalog.actions import FaqDraft, FeeDraft, MaterialDraft
from yimen.catalog.actions import plain as plain_actions
from yimen.catalog.tests.factories import BASIS, NOW, make_draft, make_item, make_step
from yimen.catalog.tests.power_factories import ensure_delegation
from yimen.catalog.tests.scenarios import make_scenario_item
from yimen.ledger.actions import SYSTEM
from yimen.people.tests.factories import make_center, make_department

pytestmark = pytest.mark.django_db
HEADS = (
    *(
        "事项名称和编码",
        "适用范围",
        "办理依据",
        "受理机构",
        "决定机构",
        "数量限制",
        "申请条件",
        "禁止性要求",
        "申请材料",
    ),
    *("申请接收", "办理流程", "办理方式", "办结时限", "收费依据及标准", "审批结果", "结果送达", "申请人权利和义务"),
    *("咨询途径", "监督和投诉渠道", "地址和时间", "进程查询"),
)


@pytest.fixture
def center():
    return make_center()


@pytest.fixture
def item(center):
    return make_item(department=make_department(center.region), name="食品经营许可（新办）")


def page_of(client: Client, item, query: str = "") -> str:
    response = client.get(f"/items/{item.task_code}{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.capability("S1-4", "S1-51")
def test_the_five_openings_stand_on_every_guide_and_none_may_be_missing(client: Client, item):
    page = page_of(client, item)
    five = {"content": "服务内容", "steps": "办事程序", "materials": "申报材料", "limit": "办理时限"}
    for anchor, word in (five | {"fee": "收费标准和依据"}).items():
        assert f'href="#{anchor}">{word}' in page and f'id="{anchor}"' in page
    for missing in (
        {"accept_condition": ""},
        {"promised_limit": None, "statutory_limit": None},
        {"procedure": "", "steps": []},
    ):
        with pytest.raises(actions.NotReady):
            actions.publish(make_draft(department=item.department, **missing), by=SYSTEM, at=NOW)


def test_every_head_of_the_national_standard_is_there_in_its_order(client: Client, item):
    page = page_of(client, item)
    found = re.findall(r'<summary>(.*?)</summary><div id="head-', page)
    assert tuple(found) == HEADS
    for said in (
        "在本市居住。",
        "《演示条例》第一条",
        "承诺 9 个工作日",
        "法定 20 个工作日",
        item.task_code,
        "没有列出",
    ):
        assert said in page


@pytest.mark.capability("S3-13")
def test_anybody_sees_who_does_each_step_what_he_may_decide_and_in_how_many_days(client: Client, center):
    organ, other = make_department(center.region), make_department(center.region, name="消防救援大队（演示）")
    steps = [
        make_step("receive", name="收件", post="综合受理岗", authority="清点材料，一次告知"),
        make_step(
            "fire", name="消防审查", kind="review", post="审查岗", authority="提出消防意见", limit_days=3,
            department=other, after=("receive",),
        ),
        make_step("decide", name="决定", post="审批岗", authority="作出决定", limit_days=2, after=("fire",)),
    ]  # fmt: skip
    page = page_of(client, make_item(department=organ, steps=steps))
    for said in (
        "综合受理岗：清点材料，一次告知",
        "消防救援大队（演示） · 审查岗：提出消防意见",
        "3 个工作日",
        "审批岗：作出决定",
    ):
        assert said in page


def test_fees_questions_and_reductions_are_shown_with_their_basis(client: Client, center):
    draft = make_draft(department=make_department(center.region))
    draft = actions.save_draft(
        draft.item,
        {"has_fee": True},
        fees=[FeeDraft("证书工本费", "每本 10 元", "《演示价格条例》第三条", True, "《演示价格条例》第五条")],
        faqs=[FaqDraft("要等多久？", "最多九个工作日。")],
        by=SYSTEM,
        at=NOW,
    )
    item = actions.publish(draft, by=SYSTEM, at=NOW).item
    page = page_of(client, item)
    for said in (
        "证书工本费",
        "每本 10 元",
        "《演示价格条例》第三条",
        "《演示价格条例》第五条",
        "要等多久？",
        "最多九个工作日。",
    ):
        assert said in page


def test_official_words_are_explained_without_script(client: Client, center):
    item = make_item(department=make_department(center.region), accept_condition="申请人在本市有住所。")
    page = page_of(client, item)
    number = re.search(r'<a class="jargon" href="#word-(\d+)">申请人</a>', page)[1]
    assert f'<div id="word-{number}" tabindex="-1"><dt>申请人</dt><dd>来办事的人</dd>' in page
    assert "（来办事的人）" not in page and "（来办事的人）" in page_of(client, item, "?words=plain")


def test_a_place_says_its_own_words_and_leaves_others_out(client: Client, center):
    item = make_item(department=make_department(center.region), accept_condition="申请人要先踏勘。")
    plain_actions.set_word(center.region, "踏勘", "到现场看看", by=SYSTEM, at=NOW)
    plain_actions.set_word(center.region, "申请人", "", by=SYSTEM, at=NOW)
    page = page_of(client, item)
    assert "<dd>到现场看看</dd>" in page and ">申请人</a>" not in page
    plain_actions.drop_word(center.region, "申请人", by=SYSTEM, at=NOW)
    assert ">申请人</a>" in page_of(client, item)


def test_a_form_is_linked_with_its_blank_and_its_sample(client: Client, center):
    item = make_scenario_item(department=make_department(center.region)).item
    page = page_of(client, item)
    for address in ("forms/apply/blank.pdf", "forms/apply/sample.pdf", "questions"):
        assert f'href="/items/{item.task_code}/{address}"' in page
    assert "最多 5 样" in page and "有的情形才要" in page
    assert client.get(f"/items/{item.task_code}/forms/apply/sample.pdf").content.startswith(b"%PDF")


@pytest.mark.parametrize("delegated", [True, False])
def test_done_at_once_is_only_said_where_a_post_may_decide(client: Client, center, delegated):
    item = make_item(department=make_department(center.region), immediate=True)
    if delegated:
        ensure_delegation(item)
    assert ("可当场办理" in page_of(client, item)) == delegated


def test_a_longer_guide_costs_no_more_queries(
    client: Client, center, django_assert_num_queries, django_assert_max_num_queries
):
    organ = make_department(center.region)
    short = make_item(department=organ)
    many = make_item(department=organ, materials=[MaterialDraft(f"材料 {n}", legal_basis=BASIS) for n in range(30)])
    page_of(client, short)
    with django_assert_max_num_queries(20) as first:
        page_of(client, short)
    with django_assert_num_queries(len(first)):
        page_of(client, many)


def test_markup_in_an_item_stays_text(client: Client, center):
    hostile = '<script>alert(1)</script>"申请人"'
    page = page_of(
        client, make_item(department=make_department(center.region), accept_condition=hostile, plain_text=hostile)
    )
    assert "<script>alert" not in page and "&lt;script&gt;" in page
