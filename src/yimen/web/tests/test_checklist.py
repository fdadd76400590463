"""看看您要带什么: questions one a page, the personal list, its PDF and code; forms blank, as a sample and filled in."""

from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from yimen.catalog import actions
from yimen.catalog.actions import scenario
from yimen.catalog.rules.forms import Field, Form, schema_of
from yimen.catalog.tests.factories import NOW, make_item
from yimen.catalog.tests.scenarios import FIELDS, FORM, QUESTIONS, make_scenario_item
from yimen.ledger.actions import SYSTEM
from yimen.people.tests.factories import make_center, make_department, make_region
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    region = make_region(name="青禾县")
    make_center(region, name="青禾县政务服务中心", phone="0899-1234500")
    return make_scenario_item(department=make_department(region))


def at(name, version, query=""):
    return reverse(f"portal:{name}", args=[version.item.task_code]) + query


def text_of(response):
    return "".join(page.extract_text() for page in PdfReader(BytesIO(response.content)).pages).replace("\n", "")


def choose(page, *names):
    """Answer the question on the page as its form would be sent."""
    form, _button = page.form("下一步")
    fields = [(name, value) for name, value in form.fields if not (name == "a" and value in form.choices["a"])]
    fields += [("a", name) for name in names]
    query = "&".join(f"{name}={value}" for name, value in fields)
    return Page.open(page.client, f"{form.action}?{query}")


def test_answering_leads_question_by_question_to_exactly_what_one_has_to_bring(client, version):
    page = Page.open(client, at("questions", version))
    assert "您用什么身份开店？" in page.text
    page = choose(page, "who.person")
    assert "卖些什么？" in page.text
    page = choose(page, "food.hot", "food.cold")
    assert "谁来办？" in page.text
    page = choose(page, "agent.self")
    assert "我的清单" in page.text
    assert "您要带的 3 样" in page.text
    for name, is_there in {
        "身份证": True, "食品安全管理制度": True, "专间布局图": True, "营业执照复印件": False, "委托书": False,
    }.items():  # fmt: skip
        assert (name in page.text) == is_there, name
    assert "这 1 样不用带" in page.text
    assert "12 个工作日内" in page.text
    assert "现场核查" in page.text
    assert "1-A-AB-A" in page.text


def test_another_way_needs_other_things_and_fewer_questions(client, version):
    page = Page.open(client, at("checklist", version, "?a=who.firm,food.hot"))
    assert "营业执照复印件" in page.text
    assert "身份证" not in page.text
    assert "现场核查" not in page.text
    assert "9 个工作日内" in page.text


def test_a_question_sent_without_an_answer_is_asked_again(client, version):
    page = choose(Page.open(client, at("questions", version)))
    assert page.status == 422
    assert "请选一个" in page.text


def test_going_back_keeps_what_was_said(client, version):
    page = Page.open(client, at("questions", version, "?a=who.person,food.hot"))
    back = page.follow("上一步")
    assert "卖些什么？" in back.text
    form, _button = back.form("下一步")
    assert ("a", "food.hot") in form.fields
    again = choose(back, "food.cold")
    assert "谁来办？" in again.text


def test_changing_one_answer_from_the_list_leads_back_to_the_list(client, version):
    page = Page.open(client, at("checklist", version, "?a=who.person,food.hot,agent.other"))
    assert "委托书" in page.text
    page = choose(page.follow("改"), "who.firm")
    assert "我的清单" in page.text
    assert "委托书" not in page.text


def test_a_dead_end_says_why_and_where_to_go_instead(client, version):
    page = choose(Page.open(client, at("questions", version, "?a=who.firm")), "food.stall")
    assert "这里办不了" in page.text
    assert "镇上便民服务中心" in page.text
    assert "卖些什么？" in page.follow("重新选").text


def test_an_address_with_nonsense_simply_asks(client, version):
    page = Page.open(client, at("checklist", version, "?v=99999999&a=x.y,<script>,who.person,who.firm"))
    assert page.status == 200
    assert "您用什么身份开店？" in page.text


def test_the_list_says_that_the_guide_has_changed_since(client, version):
    address = at("checklist", version, "?v=1&a=who.firm,food.hot")
    assert "换成了" not in Page.open(client, address).text
    changed = [QUESTIONS[0], QUESTIONS[1]]
    draft = scenario.save_questions(version.item, changed, by=SYSTEM, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)
    page = Page.open(client, address)
    assert "您上次看过以后，办事指南换成了第 2 版" in page.text


def test_answers_of_an_earlier_edition_that_no_longer_suffice_are_asked_for(client, version):
    more = [*QUESTIONS, *[type(QUESTIONS[0])("size", "店有多大？", QUESTIONS[0].options)]]
    draft = scenario.save_questions(version.item, more, by=SYSTEM, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)
    page = Page.open(client, at("checklist", version, "?v=1&a=who.firm,food.hot"))
    assert "店有多大？" in page.text
    assert "换成了第 2 版" in page.text


def test_an_item_without_questions_has_its_list_at_once(client, version):
    item = make_item(department=version.item.department)
    page = Page.open(client, reverse("portal:questions", args=[item.task_code]))
    assert "我的清单" in page.text
    assert "申请表" in page.text


def test_the_list_as_pdf_says_the_same_and_can_be_opened_again(client, version):
    response = client.get(at("checklist-pdf", version, "?a=who.person,food.cold,agent.other"))
    assert response["Content-Type"] == "application/pdf"
    text = text_of(response)
    for word in ("我的清单", "委托书", "专间布局图", "1-A-B-B", "现场核查"):
        assert word in text
    assert "营业执照复印件" not in text
    unfinished = client.get(at("checklist-pdf", version, "?a=who.person"))
    assert unfinished.status_code == 302


def test_the_number_of_statements_does_not_hang_on_the_answers(client, version, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        client.get(at("checklist", version, "?a=who.person,food.hot,agent.other"))


# Forms


def form_at(name, version, key="apply"):
    return reverse(f"portal:{name}", args=[version.item.task_code, key])


def test_a_form_can_be_had_blank_and_as_a_filled_in_sample(client, version):
    blank = text_of(client.get(form_at("form-blank", version)))
    assert "食品经营许可申请书" in blank
    assert "小满面馆" not in blank
    sample = text_of(client.get(form_at("form-sample", version)))
    assert "填写样例" in sample
    assert "小满面馆" in sample
    assert client.get(form_at("form-blank", version, "other")).status_code == 404


def test_a_form_filled_in_comes_back_as_pdf_and_is_kept_nowhere(client, version):
    page = Page.open(client, form_at("form", version))
    assert "小满面馆（演示）" in page.text
    values = {"f-owner": "张大山", "f-mobile": "13900000001", "f-shop": "大山面馆", "f-area": "40", "f-has_fume": "no"}
    address, data = page.filled("填好了", **values)
    answer = client.post(address, data)
    assert answer["Content-Type"] == "application/pdf"
    assert "no-store" in answer["Cache-Control"]
    assert "大山面馆" in text_of(answer)


def test_wrong_values_are_named_and_what_was_typed_is_kept(client, version):
    page = Page.open(client, form_at("form", version))
    answer = page.press("填好了", **{"f-owner": "张大山", "f-mobile": "123", "f-shop": "大山面馆", "f-area": "很大"})
    assert answer.status == 422
    assert "还有 2 处要改" in answer.text
    assert "“面积（平方米）”要填数字" in answer.text
    form, _button = answer.form("填好了")
    assert ("f-shop", "大山面馆") in form.fields


def test_several_forms_are_filled_in_once_and_all_come_back(client, version):
    width = Field("width", "宽（米）", "number", is_required=True)
    sign = Form("sign", "户外招牌申请表", schema_of([*FIELDS[:3], width]))
    draft = scenario.save_forms(version.item, [FORM, sign], by=SYSTEM, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)
    page = Page.open(client, at("checklist", version, "?a=who.firm,food.hot")).follow("几张表一起填")
    assert "有 3 栏几张表都要，只问一次" in page.text
    values = {"f-owner": "张大山", "f-mobile": "13900000001", "f-shop": "大山面馆", "f-area": "40", "f-width": "4.2"}
    address, data = page.filled("填好了", **values)
    assert len([name for name in data if name == "f-shop"]) == 1
    text = text_of(client.post(address, data))
    assert text.count("大山面馆") == 2 and "户外招牌申请表" in text and "4.2" in text
    refused = page.press("填好了", **{"f-owner": "张大山"})
    assert refused.status == 422 and "“店名”还没填" in refused.text
