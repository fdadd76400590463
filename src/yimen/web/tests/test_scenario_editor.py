"""The editor's questions through the pages alone: add, attach, look at every way, move, delete, try."""

import pytest
from django.test import Client

from yimen.catalog import actions
from yimen.catalog.models import ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.tests.factories import NOW, make_draft
from yimen.catalog.tests.scenarios import make_scenario_draft, make_scenario_item
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_region, make_staff
from yimen.web.tests.pages import Page
from yimen.web.tests.test_workbench_window import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def organ():
    region = make_region()
    make_center(region)
    return make_department(region)


@pytest.fixture
def editor(organ) -> Client:
    return client_of(make_staff(Role.EDITOR, department=organ))


def at(client, version, more="") -> Page:
    return Page.open(client, f"/workbench/items/{version.item_id}/questions{more}")


def questions(version):
    draft = version.item.versions.order_by("-number").first()
    return scenario.questions_of(draft)


def add(editor, version, text, *labels, **fields):
    names = {f"o-{n}-label": label for n, label in enumerate(labels)}
    return at(editor, version, "/new/edit").press("保存草稿", text=text, **names, **fields)


def test_a_question_is_made_attached_and_seen_in_every_combination(editor, organ):
    draft = make_draft(department=organ)
    assert "还没有问题" in at(editor, draft).text
    page = add(editor, draft, "您是个人还是公司？", "个人", "公司")
    assert "您是个人还是公司？" in page.text and "全部情形，2 种" in page.text
    page = at(editor, draft, "/attach")
    page = page.press("保存草稿", **{"materials-1": "q1.a1"})
    assert "草稿已保存" in page.text
    [question] = questions(draft)
    assert [option.label for option in question.options] == ["个人", "公司"]
    assert draft.materials.get(name="身份证").when == ["q1.a1"]
    rows = [text for text in page.text.split("全部情形")[1].split("\n") if text.strip().startswith(("个人", "公司"))]
    assert "身份证" in page.text
    assert rows
    assert Event.objects.filter(kind="catalog.scenario_saved").count() == 2


def test_a_question_can_hang_on_an_earlier_answer_and_end_a_way(editor, organ):
    draft = make_draft(department=organ)
    add(editor, draft, "您是个人还是公司？", "个人", "公司")
    page = add(editor, draft, "有执照吗？", "有", "没有", when="q1.a2", **{"o-1-dead_end": "先到 3 号窗口办执照。"})
    assert "全部情形，3 种" in page.text and "其中 1 种办不了" in page.text
    assert "选了“公司”才问" in page.text
    page = at(editor, draft, "/preview?q-q1=q1.a2&q-q2=q2.a2")
    assert "先到 3 号窗口办执照" in page.text
    assert "他会看到" in at(editor, draft, "/preview?q-q1=q1.a1").text


def test_faults_are_listed_and_keep_the_edition_from_being_published(editor, organ):
    draft = make_draft(department=organ)
    page = add(editor, draft, "您是个人还是公司？")
    assert "还没有写回答" in page.text
    with pytest.raises(actions.NotReady, match="还没有写回答"):
        actions.publish(draft, by=make_staff(Role.PUBLISHER, department=organ), at=NOW)


def test_changing_a_published_edition_begins_a_draft_with_all_its_questions(editor, organ):
    version = make_scenario_item(department=organ)
    at(editor, version, "/who/edit").press("保存草稿", text="您以什么名义开店？")
    draft = version.item.versions.get(state=ItemVersion.State.DRAFT)
    assert [one.text for one in scenario.questions_of(draft)] == ["您以什么名义开店？", "卖些什么？", "谁来办？"]
    assert scenario.questions_of(version)[0].text == "您用什么身份开店？"
    assert draft.materials.get(name="委托书").when == ["agent.other"]
    assert scenario.forms_of(draft)[0].title == "食品经营许可申请书"


def test_moving_and_deleting(editor, organ):
    draft = make_scenario_draft(department=organ)
    page = at(editor, draft)
    page.press("下移：您用什么身份开店？")
    assert [one.key for one in questions(draft)] == ["food", "who", "agent"]
    page = at(editor, draft, "/agent/delete")
    assert "委托书" in page.text
    page.press("删掉这个问题")
    assert [one.key for one in questions(draft)] == ["food", "who"]
    assert draft.materials.get(name="委托书").when == []


def test_a_deleted_key_is_never_used_again(editor, organ):
    version = make_draft(department=organ)
    add(editor, version, "一？", "甲", "乙")
    actions.publish(version, by=make_staff(Role.PUBLISHER, department=organ), at=NOW)
    at(editor, version, "/q1/delete").press("删掉这个问题")
    add(editor, version, "二？", "丙", "丁")
    assert [one.key for one in questions(version)] == ["q2"]


def test_a_page_opened_before_somebody_else_wrote_does_not_overwrite(editor, organ):
    draft = make_scenario_draft(department=organ)
    old = at(editor, draft, "/who/edit")
    at(client_of(make_staff(Role.EDITOR, department=organ)), draft, "/food/edit").press("保存草稿", text="卖什么？")
    answer = old.press("保存草稿", text="您是谁？")
    assert answer.status == 422 and "别人改过这一版" in answer.text
    assert "您是谁？" in [value for name, value in answer.form("保存草稿")[0].fields if name == "text"]
    assert [one.text for one in questions(draft)][:2] == ["您用什么身份开店？", "卖什么？"]


@pytest.mark.parametrize("role, status", [(Role.EDITOR, 200), (Role.CLERK, 403)])
def test_only_editors_may_write_questions(organ, role, status):
    draft = make_scenario_draft(department=organ)
    client = client_of(make_staff(role, department=organ))
    assert client.get(f"/workbench/items/{draft.item_id}/questions/new/edit").status_code == status


def test_more_combinations_than_can_be_looked_at_are_said(editor, organ):
    draft = make_draft(department=organ)
    for n in range(2):
        add(editor, draft, f"第 {n} 问？", "甲", "乙", "丙", is_multiple="on")
    assert "全部情形，49 种" in at(editor, draft).text
    for n in range(2, 5):
        add(editor, draft, f"第 {n} 问？", "甲", "乙", "丙", is_multiple="on")
    page = at(editor, draft)
    assert page.status == 200 and "超过 5000 种情形" in page.text
