"""Searching in a real browser: suggestions by keyboard and by hand, the pages at three widths, axe."""

import pytest

from yimen.catalog import actions
from yimen.catalog.tests.factories import make_item
from yimen.ledger.actions import PUBLIC
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]
WIDTHS = (390, 768, 1280)


@pytest.fixture
def item():
    found = make_item(name="食品经营许可（新办）", everyday_names=["开饭馆"])
    for name in ("食品经营许可变更", "食品生产许可", "公共场所卫生许可"):
        make_item(name=name, department=found.department)
    make_center(region=found.region, name="青禾县政务服务中心")
    return found


def looked_at(page, name):
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"search-{name}-{width}")
        assert no_sideways(page), f"{name} scrolls sideways at {width}"
    found = violations(page)
    assert not found, found


def test_suggestions_come_while_typing_and_are_chosen_with_the_keyboard(item, stage, browser):  # noqa: F811
    page = browser.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(f"{stage.address}/search")
    box = page.get_by_role("combobox")
    box.press_sequentially("shipin", delay=30)
    first = page.get_by_role("option").first
    first.wait_for()
    assert box.get_attribute("aria-expanded") == "true" and first.text_content().startswith("食品")
    looked_at(page, "suggest")
    box.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    box.press("Escape")
    assert page.get_by_role("option").count() == 0 and box.get_attribute("aria-expanded") == "false"
    box.press("ArrowDown")
    first.wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url("**/items/**")
    assert not wrong


def test_the_search_pages_are_sound_at_every_width(item, stage, browser):  # noqa: F811
    page = browser.new_page(java_script_enabled=True)
    for name, path in (("found", "/search?q=开饭馆"), ("not-found", "/search?q=火星移民"), ("ask", "/ask")):
        page.goto(stage.address + path)
        looked_at(page, name)


@pytest.fixture
def words(item):
    editor = make_staff(Role.EDITOR, department=item.department, username="editor")
    for text in ("给猫上户口", "火星移民"):
        actions.note_miss(text, item.region, at=NOW)
    actions.leave_inquiry(item.region, "村口想装快递柜找谁？", "13800000417", by=PUBLIC, at=NOW)
    actions.save_synonym(item.region, actions.SynonymDraft("摆夜市", ("户外广告",), note="夏天"), by=editor, at=NOW)


def test_the_editors_pages_are_sound_at_every_width(words, stage, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "editor")
    for name, path in (
        ("synonyms", "words?try=开饭馆丢了"),
        ("synonym", "words/edit?word=开饭馆"),
        ("misses", "words/misses"),
        ("questions", "words/questions"),
    ):
        desk.open(f"/workbench/{path}")
        desk.look(name)
    assert not desk.errors
