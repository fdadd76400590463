"""Working through a list in a real browser: keys, words with one click, three widths, axe."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from yimen.cases import actions
from yimen.people.models import Staff
from yimen.testing import needs_chromium
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk, centre  # noqa: F401 - fixtures

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]


WORDS = "经现场核查，场所和设施符合要求。"


@pytest.fixture
def kept(centre):  # noqa: F811
    """Words the approver keeps; made before the browser is there."""
    approver = Staff.objects.get(user__username="approver")
    return actions.save_opinion("passed", "现场合格", WORDS, by=approver, at=timezone.now())


def test_an_approver_works_through_his_list_by_keyboard(stage, kept, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "approver")
    page = desk.page
    desk.open("/workbench/tasks")
    desk.look("tasks")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    desk.look("tasks-keys")
    page.keyboard.press("Escape")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    assert page.locator(".pickbox:checked").count() == 2
    with page.expect_navigation():
        page.click("text=领到我名下")
    desk.look("bulk")
    page.click(".btn.main")
    page.wait_for_selector("h1:has-text('办好了 2 件')")
    assert "/workbench/bulk/" in page.url

    desk.open("/workbench/tasks")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/workbench/cases/"))
    desk.look("case-many-panels")
    page.set_viewport_size({"width": 1280, "height": 900})
    first = page.url
    page.click("text=现场合格")
    assert page.input_value("textarea[name=opinion]") == WORDS
    assert page.is_checked("input[name=outcome][value=passed]")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first and "/workbench/cases/" in url)
    for name, address in (("opinions", "opinions"), ("covers", "covers"), ("workload", "workload"), ("queue", "queue")):
        desk.open(f"/workbench/{address}")
        desk.look(name)
    desk.open("/workbench/quality/trips")
    desk.look("trips")
    assert not desk.errors
