"""The flow editor and the public view of a flow in a real browser: keyboard, three widths, axe, the strict policy."""

import pytest

from yimen.catalog.actions.scenario import save_questions
from yimen.catalog.rules.scenario import Option, Question
from yimen.catalog.tests.factories import make_draft, make_item, make_step
from yimen.catalog.tests.test_bpmn import document, flow
from yimen.ledger.actions import SYSTEM
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
STEPS = [
    make_step("receive", name="收件", post="综合受理岗", authority="清点材料，一次告知"),
    make_step("accept", name="受理", post="综合受理岗", authority="决定受理或不予受理", after=("receive",)),
    make_step("review", name="审查", post="审查岗", authority="审查材料", limit_days=3, after=("accept",)),
    make_step("fire", name="消防联合审查", kind="review", post="消防审查岗", authority="核查营业场所的消防安全条件",
              limit_days=5, after=("accept",)),
    make_step("decide", limit_days=1, post="首席代表", authority="作出决定，签发文书", after=("review", "fire")),
    make_step("deliver", name="送达", post="出件岗", authority="当面交付或者邮寄", after=("decide",)),
]  # fmt: skip


@pytest.fixture
def items():
    """Made before the browser starts: afterwards this thread has an event loop and may not ask the database."""
    organ = make_department(make_region(name="青禾县"), name="市场监管局（演示）")
    make_center(organ.region, name="青禾县政务服务中心")
    make_staff(Role.EDITOR, department=organ, name="许文（演示）", username="editor")
    published = make_item(department=organ, name="食品经营许可（变更）", steps=STEPS)
    draft = make_draft(department=organ, name="食品经营许可（新办）")
    asked = Question("place", "店面多大？", (Option("small", "50 平方米以下"), Option("big", "50 平方米以上")))
    save_questions(draft.item, [asked], by=SYSTEM, at=NOW)
    return published, draft


def test_an_editor_draws_a_flow_sees_it_change_and_saves_it(stage, items, browser):  # noqa: F811
    _published, draft = items
    desk = Desk(browser, stage.address, "editor")
    page = desk.page
    desk.open(f"/workbench/items/{draft.item_id}/flow")
    desk.look("flow")
    # A step beside the review: the focus is where its name is typed.
    page.get_by_label("加一步和第 3 步同时办").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#s3-name:focus")
    page.keyboard.type("现场核查")
    page.wait_for_selector("#preview >> text=还没写岗位")
    page.select_option("#s3-kind", "visit")
    page.fill("#s3-post", "勘察岗")
    page.fill("#s3-authority", "两人以上到现场核查")
    page.fill("#s3-limit", "30")
    page.check("[name=s3-when][value='place.big']")
    page.wait_for_selector("#preview >> text=流程比承诺慢")
    assert "选了“50 平方米以上”才有这一步。" in page.text_content("#preview .flowlist")
    desk.look("flow-edited")
    page.fill("#s3-limit", "3")
    page.wait_for_selector("#preview >> text=来得及")
    page.fill("#s3-post", "")
    page.click("text=存进草稿")
    page.wait_for_selector("text=还有 1 处要补")
    desk.look("flow-refused")
    page.fill("#s3-post", "勘察岗")
    page.click("text=存进草稿")
    page.wait_for_selector("text=流程存进草稿了")
    page.get_by_label("去掉第 4 步").click()
    page.wait_for_selector("text=撤销上一步改动")
    assert page.locator(".flowstep").count() == 5
    page.click("text=撤销上一步改动")
    page.wait_for_selector("#s5-name")
    assert page.input_value("#s3-name") == "现场核查"
    assert [error for error in desk.errors if "422" not in error] == []


def test_a_file_of_another_tool_is_read_and_completed(stage, items, browser, tmp_path):  # noqa: F811
    _published, draft = items
    body = "<startEvent id='s'/><task id='a' name='受理'/><task id='b' name='决定'/><task id='c' name='送达'/>"
    body += flow("f1", "s", "a") + flow("f2", "a", "b") + flow("f3", "b", "c")
    good, bad = tmp_path / "流程.bpmn", tmp_path / "等待.bpmn"
    good.write_bytes(document(body))
    bad.write_bytes(document(body + "<intermediateCatchEvent id='w' name='等三天'/>" + flow("f4", "c", "w")))
    desk = Desk(browser, stage.address, "editor")
    page = desk.page
    desk.open(f"/workbench/items/{draft.item_id}/flow/import")
    page.set_input_files("#file", bad)
    page.click("text=看看能收什么")
    page.wait_for_selector("text=一步也没有收")
    desk.look("flow-import-refused")
    page.set_input_files("#file", good)
    page.click("text=看看能收什么")
    page.wait_for_selector("text=收进 3 步")
    desk.look("flow-import")
    page.fill("#fill-post", "审批岗")
    page.fill("#fill-authority", "办理本事项")
    page.fill("#fill-limit", "1")
    page.click("text=填进没写的步骤")
    page.wait_for_selector("text=来得及")
    page.click("text=存进草稿")
    page.wait_for_selector("text=流程存进草稿了")
    assert [error for error in desk.errors if "422" not in error] == []


@pytest.mark.parametrize(
    ("scheme", "elder"), [("light", False), ("dark", False), ("light", True)], ids=["light", "dark", "elder"]
)
def test_anybody_reads_the_flow_at_every_width(stage, items, browser, scheme, elder):  # noqa: F811
    published, _draft = items
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN", color_scheme=scheme)
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{stage.address}/items/{published.task_code}/flow")
    if elder:
        with page.expect_navigation():
            page.click("text=长辈版")
        page.goto(f"{stage.address}/items/{published.task_code}/flow")
    for width in (390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert no_sideways(page)
        shot(page, f"flow-public-{scheme}{'-elder' if elder else ''}-{width}")
        assert violations(page) == []
    page.keyboard.press("Tab")
    assert errors == []
