"""The catalogue editor and the work calendar in a real browser: three widths, axe, the strict policy."""

import pytest

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
    return make_draft(department=organ, name="食品经营许可（新办）", accept_condition="", everyday_names=["开饭馆"])


def test_an_editor_mends_a_draft_and_a_publisher_publishes_it(stage, draft, browser):  # noqa: F811
    editor = Desk(browser, stage.address, "editor")
    editor.open("/workbench/items")
    editor.look("items")
    editor.open("/workbench/items/new")
    editor.look("item-new")
    editor.open(f"/workbench/items/{draft.item_id}")
    editor.look("item-draft")
    editor.page.fill("#id_accept_condition", "在本县开店。")
    editor.page.fill("#id_s-1-post", "")
    editor.page.click("text=保存草稿")
    editor.page.wait_for_selector("text=还没写岗位")
    editor.look("item-refused")
    editor.page.fill("#id_s-1-post", "综合受理岗")
    editor.page.click("text=保存草稿")
    editor.page.wait_for_selector("text=可以发布")
    publisher = Desk(browser, stage.address, "publisher")
    publisher.open(f"/workbench/items/{draft.item_id}")
    publisher.page.click("text=发布这一版")
    publisher.page.wait_for_selector("text=已发布")
    publisher.look("item-published")
    assert [error for error in editor.errors + publisher.errors if "422" not in error] == []


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
