"""The guide and its papers in a real browser: four answers at a glance, read aloud, three widths, axe."""

import re

import pytest
from playwright.sync_api import expect

from yimen.catalog.tests.factories import make_item
from yimen.catalog.tests.power_factories import ensure_delegation
from yimen.catalog.tests.scenarios import make_scenario_item
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.actions import SYSTEM
from yimen.people import points
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]
WIDTHS = (390, 768, 1280)
# What a browser says that can speak: what was said is kept, and ends when the test says so.
SPEAKER = """
window.said = [];
Object.defineProperty(window, 'speechSynthesis', { value: {
  getVoices: () => VOICES, addEventListener: () => {}, cancel: () => { window.said.push(null); },
  speak: (one) => { window.said.push(one.text); },
}});
window.SpeechSynthesisUtterance = class extends EventTarget { constructor(text) { super(); this.text = text; } };
"""


@pytest.fixture
def guide():
    """Made before the browser starts: afterwards this thread has an event loop and may not ask the database."""
    region = make_region(name="青禾县")
    center = make_center(region, name="青禾县政务服务中心（演示）")
    organ = make_department(region, name="青禾县市场监督管理局（演示）")
    item = make_scenario_item(department=organ, visit_count=1).item
    make_item(department=organ, name="公共场所卫生许可")
    series = make_series(make_hall(region, center=center))
    series.items.set([item])
    make_window(series, staffed=False)
    point = points.open_point(
        region=region, kind="town", code="529901101", name="和畅镇便民服务中心（演示）", address="和畅镇 1 号",
        phone="000-1", by=SYSTEM, at=NOW,
    )  # fmt: skip
    ensure_delegation(item, point=point, acts=["receive"])
    make_staff(Role.GUIDE, department=organ, username="guide")
    make_staff(Role.EDITOR, department=organ, username="editor")
    make_staff(Role.SYSTEM_ADMIN, department=organ, username="keeper")
    return item


def look(page, name: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        shot(page, f"{name}-{width}")
        assert no_sideways(page), f"{name} scrolls sideways at {width}"
    found = violations(page)
    assert not found, found


@pytest.mark.capability("S3-11")
def test_all_four_answers_are_in_the_first_view_of_a_phone(stage, guide, browser):  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.goto(f"{stage.address}/items/{guide.task_code}")
    bar = page.locator("nav.bar").bounding_box()
    answers = page.locator("dl.four > div")
    questions = [answers.nth(n).locator("dt").inner_text() for n in range(answers.count())]
    assert questions == ["要带什么材料", "走哪些程序", "什么时候办好", "收不收费"]
    for n in range(4):
        box = answers.nth(n).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= bar["y"], questions[n]
        assert answers.nth(n).locator(".big").inner_text().strip()


def test_a_citizen_finds_a_guide_and_takes_its_leaflet_along(stage, guide, browser):  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{stage.address}/departments")
    page.click("text=青禾县市场监督管理局（演示）")
    page.click("text=食品经营许可（新办）")
    look(page, "guide")
    page.click("text=办理时限")
    page.locator(".heads summary", has_text="申请条件").click()
    page.click("text=全部展开")
    expect(page.locator(".heads details[open]")).to_have_count(21)
    page.locator("a.jargon").first.click()
    page.wait_for_url(re.compile("#word-"))
    expect(page.locator(".word-list > div:target")).to_have_count(1)
    look(page, "guide-open")
    paper = page.request.get(f"{stage.address}/items/{guide.task_code}/leaflet.pdf")
    assert paper.headers["content-type"] == "application/pdf" and paper.body().startswith(b"%PDF")
    page.goto(f"{stage.address}/items/{guide.task_code}/notice")
    look(page, "notice")
    page.goto(f"{stage.address}/points")
    look(page, "points")
    page.click("text=和畅镇便民服务中心（演示）")
    look(page, "point")
    page.goto(f"{stage.address}/booklet")
    look(page, "booklet")
    assert errors == []


@pytest.mark.parametrize("voices, speaks", [("[{lang: 'zh-CN'}]", True), ("[{lang: 'de-DE'}]", False), ("[]", False)])
def test_the_four_answers_and_the_plain_words_are_read_aloud_where_a_voice_is(stage, guide, browser, voices, speaks):  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.add_init_script(SPEAKER.replace("VOICES", voices))
    page.goto(f"{stage.address}/items/{guide.task_code}")
    start, stop = page.locator("[data-read-aloud]"), page.locator("[data-read-stop]")
    assert start.is_visible() == speaks and not stop.is_visible()
    if not speaks:
        return
    start.click()
    said = [text for text in page.evaluate("said") if text]
    assert said[0] == "食品经营许可（新办）" and said[1].startswith("要带什么材料") and len(said) == 6
    assert "带好材料来窗口" in said[-1]
    stop.click()
    assert page.evaluate("said.at(-1)") is None and start.is_visible() and not stop.is_visible()


def test_the_print_pages_and_the_words_in_the_workbench(stage, guide, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "guide")
    desk.open("/workbench/leaflets")
    desk.look("leaflets")
    desk.page.click("text=1 号综合窗口")
    desk.page.click("text=一页 4 张")
    desk.look("leaflets-list")
    editor = Desk(browser, stage.address, "editor")
    editor.open("/workbench/plain")
    editor.page.fill("#text", "请申请人提前联系。")
    editor.page.wait_for_selector("text=换成“来办事的人”")
    editor.look("plain")
    keeper = Desk(browser, stage.address, "keeper")
    keeper.open("/workbench/points")
    keeper.look("points")
    keeper.open("/workbench/points/new")
    keeper.look("point-new")
    assert desk.errors + editor.errors + keeper.errors == []
