"""From the search box to the list one carries along, and an editor making a question, in a real browser with axe."""

import pytest

from yimen.catalog.models import ItemVersion
from yimen.catalog.tests.factories import make_draft
from yimen.catalog.tests.scenarios import make_scenario_item
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]
WIDTHS = (320, 390, 768, 1280)


@pytest.fixture
def centre():
    """Made before the browser starts: afterwards this thread has an event loop and may not ask the database."""
    region = make_region(name="青禾县")
    make_center(region, name="青禾县政务服务中心", phone="0899-1234500")
    organ = make_department(region, name="市场监管局（演示）")
    make_staff(Role.EDITOR, department=organ, name="许文（演示）", username="editor")
    make_scenario_item(department=organ, everyday_names=["开饭馆"])
    return make_draft(department=organ, name="户外广告设施设置许可")


class Phone:
    """A citizen's page, looked at by eye and by axe wherever it stops."""

    def __init__(self, browser, *, script=True) -> None:  # noqa: F811
        self.context = browser.new_context(
            viewport={"width": 390, "height": 844}, locale="zh-CN", java_script_enabled=script
        )
        self.page, self.errors = self.context.new_page(), []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def look(self, name: str) -> None:
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 844})
            assert no_sideways(self.page), f"{name} scrolls sideways at {width}"
            shot(self.page, f"{name}-{width}")
        found = violations(self.page)
        assert found == []
        self.page.set_viewport_size({"width": 390, "height": 844})

    def next(self, *words: str) -> None:
        for word in words:
            self.page.locator("label.opt", has_text=word).click()
        self.page.get_by_role("button", name="下一步").click()


def test_a_citizen_searches_answers_and_carries_the_list_along(stage, centre, browser):  # noqa: F811
    phone = Phone(browser)
    page = phone.page
    page.goto(f"{stage.address}/search?q=开饭馆")
    page.click("text=食品经营许可（新办）")
    page.wait_for_url("**/items/**")
    page.goto(page.url.split("?")[0] + "/questions")
    phone.look("questions")
    phone.next("个人")
    phone.next("热食", "冷食")
    phone.look("questions-last")
    page.get_by_role("link", name="上一步").click()
    assert page.get_by_label("热食").is_checked() and page.get_by_label("冷食").is_checked()
    phone.next()
    phone.next("别人代办")
    page.wait_for_selector("h1:has-text('我的清单')")
    phone.look("checklist")
    page.get_by_label("委托书").check()
    page.reload()
    assert page.get_by_label("委托书").is_checked()
    answer = page.request.get(stage.address + page.get_by_role("link", name="下载清单").get_attribute("href"))
    assert answer.body().startswith(b"%PDF")
    page.get_by_role("link", name="看怎么填").click()
    phone.look("form")
    assert phone.errors == []


def test_the_questions_work_without_script(stage, centre, browser):  # noqa: F811
    phone = Phone(browser, script=False)
    phone.page.goto(f"{stage.address}/search?q=开饭馆")
    phone.page.click("text=食品经营许可（新办）")
    phone.page.wait_for_url("**/items/**")
    phone.page.goto(phone.page.url.split("?")[0] + "/questions")
    phone.next("公司")
    phone.next("流动摆摊")
    phone.page.wait_for_selector("text=镇上便民服务中心")
    phone.page.click("text=选错了")
    phone.page.locator("label.opt", has_text="流动摆摊").click()
    phone.next("热食")
    phone.page.wait_for_selector("text=营业执照复印件")


def test_an_editor_makes_a_question_and_sees_every_combination(stage, centre: ItemVersion, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "editor")
    desk.open(f"/workbench/items/{centre.item_id}/questions")
    desk.look("scenario-empty")
    desk.page.click("text=加一个问题")
    desk.page.fill("#id_text", "挂在谁的墙上？")
    desk.page.fill("#id_o-0-label", "自己的")
    desk.page.fill("#id_o-1-label", "别人的")
    desk.look("scenario-question")
    desk.page.click("text=保存草稿")
    desk.page.click("text=勾选每个回答要什么")
    desk.page.locator("input[name=materials-1]").nth(1).check()
    desk.look("scenario-attach")
    desk.page.click("text=保存草稿")
    desk.page.wait_for_selector("text=全部情形，2 种")
    desk.look("scenario-ways")
    desk.open(f"/workbench/items/{centre.item_id}/questions/preview")
    desk.page.locator("label.opt", has_text="别人的").click()
    desk.page.click("text=看清单")
    desk.page.wait_for_selector("text=他会看到")
    desk.look("scenario-preview")
    desk.open(f"/workbench/items/{centre.item_id}/forms/new/edit")
    desk.look("forms-edit")
    assert desk.errors == []
