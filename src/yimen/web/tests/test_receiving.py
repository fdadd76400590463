"""The window asks an item's questions first, lists what applies, reads a checklist, and takes forms filled in here."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.cases import queries
from yimen.cases.models import Case
from yimen.catalog.tests.scenarios import make_scenario_item
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.people.models import Applicant, Role
from yimen.people.tests.factories import (
    NOW,
    make_applicant,
    make_center,
    make_department,
    make_region,
    make_staff,
    phone_number,
    resident_id,
)
from yimen.web.tests.pages import Page
from yimen.web.tests.test_workbench_window import client_of

pytestmark = pytest.mark.django_db
PERSON = {"kind": "person", "id_number": resident_id(77), "name": "王小明", "phone": phone_number(77)}


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    region = make_region()
    make_window(make_series(make_hall(region, center=make_center(region, letters="QH"))), staffed=False)
    organ = make_department(region)
    clerk = make_staff(Role.CLERK, department=make_department(region), for_region=True, at=NOW)
    version = make_scenario_item(department=organ)
    client: Client = client_of(clerk)
    page = Page.open(client, "/workbench/window")
    page.press("签到")
    approver = make_staff(Role.APPROVER, department=organ)
    return SimpleNamespace(client=client, version=version, clerk=clerk, approver=client_of(approver))


def at(desk, query="") -> Page:
    return Page.open(desk.client, f"/workbench/window?item={desk.version.item_id}{query}")


def marks(desk, *names) -> dict[str, str]:
    return {f"state-{m.pk}": "complete" for m in desk.version.materials.all() if m.name in names}


def test_the_questions_come_before_the_list(desk):
    page = at(desk)
    assert "您用什么身份开店？" in page.text
    assert not page.has_button("收件")
    assert "营业执照复印件" not in page.text
    page = at(desk, "&q-who=who.person&q-food=food.hot")
    assert "谁来办？" in page.text
    assert not page.has_button("收件")
    page = at(desk, "&q-who=who.person&q-food=food.hot&q-agent=agent.self")
    assert page.has_button("收件")
    assert "身份证" in page.text and "食品安全管理制度" in page.text
    assert "营业执照复印件" not in page.text and "委托书" not in page.text and "专间布局图" not in page.text


def test_a_case_keeps_the_answers_and_only_what_applies(desk):
    page = at(desk, "&a=who.person,food.cold,agent.self")
    page = page.press("收件", **PERSON, **marks(desk, "身份证", "食品安全管理制度", "专间布局图"))
    case = Case.objects.get()
    assert case.chosen == ["who.person", "food.cold", "agent.self"]
    assert {row.material.name for row in case.materials.all()} == {
        "身份证", "食品安全管理制度", "专间布局图", "场所产权证明",
    }  # fmt: skip
    assert "冷食、现榨" in page.text
    page = page.press("受理")
    assert case.clocks.get(kind="promised").limit == 12
    seen = Page.open(desk.approver, f"/workbench/cases/{case.query_no}")
    assert "冷食、现榨" in seen.text and "现场核查" in steps(desk, case)


def steps(desk, case) -> str:
    """The flow as the case's page shows it."""
    html = desk.approver.get(f"/workbench/cases/{case.query_no}").content.decode()
    return html.partition('<ol class="steps">')[2].partition("</ol>")[0]


def test_a_step_that_does_not_apply_is_not_shown_and_not_waited_for(desk):
    page = at(desk, "&a=who.person,food.hot,agent.self")
    page.press("收件", **PERSON, **marks(desk, "身份证", "食品安全管理制度")).press("受理")
    case = Case.objects.get()
    page = Page.open(desk.approver, f"/workbench/cases/{case.query_no}")
    assert "审查" in steps(desk, case) and "现场核查" not in steps(desk, case)
    page = page.press("符合要求", opinion="材料符合规定。") if page.has_button("符合要求") else page
    assert not case.tasks.filter(step_key="visit").exists()


def test_a_dead_end_is_said_and_nothing_can_be_received(desk):
    page = at(desk, "&q-who=who.firm&q-food=food.stall")
    assert "这里办不了" in page.text and "镇上便民服务中心" in page.text
    assert not page.has_button("收件")


@pytest.mark.parametrize("way", ["code", "address", "search box"])
def test_a_checklist_he_brought_answers_the_questions(desk, way, settings):
    address = f"{settings.BASE_URL}/items/{desk.version.item.task_code}/checklist?v=1&a=who.person,food.hot,agent.other"
    match way:
        case "code":
            page = at(desk, "&list=1-a-a-b")
        case "address":
            page = Page(
                desk.client, desk.client.get("/workbench/window", {"item": desk.version.item_id, "list": address})
            )
        case _:
            page = Page(desk.client, desk.client.get("/workbench/window", {"q": address}, follow=True))
    assert page.has_button("收件")
    assert "委托书" in page.text and "别人代办" in page.text


@pytest.mark.parametrize(
    "text", ["1-Z", "QH-261118", "https://example.org/items/other/checklist?a=who.firm", "?a=who.firm"]
)
def test_a_checklist_of_something_else_is_said_to_be_unreadable(desk, text):
    page = Page(desk.client, desk.client.get("/workbench/window", {"item": desk.version.item_id, "list": text}))
    assert "没有读出来" in page.text
    assert not page.has_button("收件")


def test_asking_again_shows_what_was_answered(desk):
    page = at(desk, "&a=who.person,food.hot,agent.other").follow("重新问")
    form, _button = page.form("看他要带什么")
    assert ("q-agent", "agent.other") in form.fields and ("q-food", "food.hot") in form.fields


def test_a_form_filled_in_here_is_kept_sealed_and_shown_masked(desk):
    page = at(desk, "&a=who.firm,food.hot")
    values = {"forms": "here", "f-shop": "大山面馆", "f-area": "36", "f-has_fume": "no"}
    assert "经营者姓名、手机号：和上面的申请人一样" in page.text
    page.press("收件", **PERSON, **marks(desk, "营业执照复印件", "食品安全管理制度"), **values)
    case = Case.objects.get()
    assert "大山面馆".encode() not in bytes(case.forms_sealed)
    assert queries.filled_forms(case) == {"apply": {"shop": "大山面馆", "area": 36, "has_fume": False}}
    page = Page.open(desk.approver, f"/workbench/cases/{case.query_no}")
    assert "大山面馆" in page.text and "王*明" in page.text
    assert PERSON["phone"] not in page.response.content.decode()


def test_wrong_values_stay_on_the_page_and_nothing_is_received(desk):
    page = at(desk, "&a=who.firm,food.hot")
    answer = page.press("收件", **PERSON, **{"forms": "here", "f-shop": "大山面馆", "f-area": "9999999"})
    assert answer.status == 422
    assert "“面积（平方米）”不能大于 5000" in answer.text
    assert not Case.objects.exists()
    form, _button = answer.form("收件")
    assert ("f-shop", "大山面馆") in form.fields and ("a", "who.firm") in form.fields


def test_what_he_filled_in_last_time_is_offered_again(desk):
    values = {"forms": "here", "f-shop": "大山面馆", "f-area": "36"}
    at(desk, "&a=who.firm,food.hot").press("收件", **PERSON, **values)
    page = at(desk, "&a=who.firm,food.hot").press("看看他以前来过没有", kind="person", id_number=PERSON["id_number"])
    form, _button = page.form("收件")
    assert ("f-shop", "大山面馆") in form.fields and ("forms", "here") in form.fields
    assert ("a", "who.firm") in form.fields


def test_what_he_filled_in_is_offered_from_his_latest_case_to_who_may_see_it_and_over_nothing_typed(desk, monkeypatch):
    for hours, shop in enumerate(("大山面馆", "小河面馆")):
        monkeypatch.setattr(timezone, "now", lambda hours=hours: NOW + timedelta(hours=hours))
        values = {"forms": "here", "f-shop": shop, "f-area": "36"}
        at(desk, "&a=who.firm,food.hot").press("收件", **PERSON, **values)
    him = Applicant.objects.get()
    assert queries.prefill_sources(desk.clerk, him) == {"shop": "小河面馆", "area": 36}
    elsewhere = make_staff(Role.APPROVER, department=make_department(him.region, name="别的局"))
    assert queries.prefill_sources(elsewhere, him) == {}
    assert queries.prefill_sources(desk.clerk, make_applicant(region=him.region)) == {}

    typed = {"kind": "person", "id_number": PERSON["id_number"], "f-shop": "第三家"}
    page = at(desk, "&a=who.firm,food.hot").press("看看他以前来过没有", **typed)
    form, _button = page.form("收件")
    assert ("f-shop", "第三家") in form.fields
