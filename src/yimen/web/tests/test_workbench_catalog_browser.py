"""The catalogue editor and the work calendar in a real browser: three widths, axe, the strict policy."""

import re

import pytest
from playwright.sync_api import expect

from yimen.catalog.tests.factories import make_draft, make_item
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.fixture
def draft():
    """Made before the browser starts: afterwards this thread has an event loop and may not ask the database."""
    organ = make_department(make_region(name="青禾县"), name="市场监管局（演示）")
    make_staff(Role.EDITOR, department=organ, name="许文（演示）", username="editor")
    make_staff(Role.PUBLISHER, department=organ, name="郑岩（演示）", username="publisher")
    make_staff(Role.SYSTEM_ADMIN, department=organ, name="钱正（演示）", username="keeper")
    make_item(department=organ, name="食品经营许可（变更）")
    make_staff(Role.APPROVER, department=make_department(organ.region, name="卫健局（演示）"), username="reviewer")
    return make_draft(department=organ, name="食品经营许可（新办）", accept_condition="", everyday_names=["开饭馆"])


def test_an_editor_mends_a_draft_and_a_publisher_publishes_it(stage, draft, browser):  # noqa: F811
    editor = Desk(browser, stage.address, "editor")
    editor.open("/workbench/items")
    editor.look("items")
    editor.open("/workbench/items/new")
    editor.look("item-new")
    editor.open(f"/workbench/items/{draft.item_id}")
    editor.look("item-draft")
    editor.page.click("summary:has-text('怎么办')")
    editor.page.fill("#id_accept_condition", "在本县开店。")
    editor.page.click("summary:has-text('步骤')")
    editor.page.fill("#id_s-1-post", "")
    editor.page.click("text=保存草稿")
    editor.page.wait_for_selector("text=还没写岗位")
    editor.look("item-refused")
    editor.page.click("summary:has-text('步骤')")
    editor.page.fill("#id_s-1-post", "综合受理岗")
    editor.page.click("text=保存草稿")
    editor.page.wait_for_selector("text=可以发布")
    publisher = Desk(browser, stage.address, "publisher")
    publisher.open(f"/workbench/items/{draft.item_id}")
    publisher.page.click("text=发布这一版")
    publisher.page.wait_for_selector("text=已发布")
    publisher.look("item-published")
    assert [error for error in editor.errors + publisher.errors if "422" not in error] == []


def test_a_draft_is_reviewed_published_compared_and_withdrawn(stage, draft, browser):  # noqa: F811
    """The whole way of an edition, each by whom it is for."""
    editor = Desk(browser, stage.address, "editor")
    editor.open("/workbench/items")
    editor.page.click("text=食品经营许可（变更）")
    editor.page.wait_for_url(re.compile("/workbench/items/[0-9a-f-]{36}"))
    address = editor.page.url.removeprefix(stage.address)
    editor.page.click("summary:has-text('时限')")
    editor.page.fill("#id_promised_limit", "5")
    editor.page.click("summary:has-text('材料')")
    editor.page.click("#m-2 >> text=去掉")
    expect(editor.page.locator("#m-2")).to_have_count(0)
    expect(editor.page.locator("#id_promised_limit")).to_have_value("5")
    editor.look("item-rows")
    editor.page.click("text=保存草稿")
    editor.page.wait_for_selector("text=草稿已保存")
    editor.page.click("text=请单位提意见")
    editor.look("item-ask")
    editor.page.check("text=卫健局（演示）")
    editor.page.click("text=请他们看")
    editor.page.wait_for_selector("text=还没提")

    reviewer = Desk(browser, stage.address, "reviewer")
    reviewer.open("/workbench/reviews")
    reviewer.look("reviews")
    reviewer.page.click("text=食品经营许可（变更）")
    reviewer.page.check("input[name=verdict][value=agree]")
    reviewer.page.click("text=提交意见")
    reviewer.page.wait_for_selector("text=意见已记下")

    publisher = Desk(browser, stage.address, "publisher")
    publisher.open(address)
    publisher.look("item-reviewed")
    publisher.page.click("text=发布这一版")
    publisher.page.wait_for_selector("text=已发布，大家现在看到的就是这一版")
    publisher.page.click("text=各版本和比较")
    publisher.look("item-versions")
    publisher.page.click("text=比较这两版")
    publisher.page.wait_for_selector("text=材料 3 → 2，承诺 9 → 5 天")
    publisher.look("item-compare")
    publisher.open(address)
    publisher.page.click("summary:has-text('停办这个事项')")
    publisher.page.fill("#reason", "权力已经取消")
    publisher.page.click("button:has-text('停办')")
    publisher.page.wait_for_selector("text=已停办，大家查不到了")
    assert editor.errors + reviewer.errors + publisher.errors == []


def test_the_lists_beside_the_items_can_be_read_by_everybody(stage, draft, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "editor")
    pages = ("basics", "basics/new", "shared-documents", "shared-documents/new", "dictionaries", "reviews")
    for name in pages:
        desk.open(f"/workbench/{name}")
        desk.look(name.replace("/", "-"))
    desk.open(f"/workbench/items/{draft.item_id}/preview")
    assert desk.errors == []


def test_the_administrator_announces_a_year(stage, draft, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "keeper")
    desk.open("/workbench/calendar/2026")
    desk.look("calendar-2026")
    desk.open("/workbench/calendar/2027")
    desk.look("calendar-2027")
    desk.page.fill("#id_notice", "演示通知")
    desk.page.fill("#id_lines", "2027-01-01,休,元旦\n2027-02-14,班,春节")
    desk.page.click("text=录入这一年")
    desk.page.wait_for_selector("text=有 2 天和原来不一样")
    desk.look("calendar-announced")
    assert desk.errors == []
