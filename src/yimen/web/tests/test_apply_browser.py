"""CASE-13 on a phone: sign up, apply with a file, be thrown out and come back, send, write, withdraw; axe looks on."""

from __future__ import annotations

import pytest
from PIL import Image
from playwright.sync_api import expect

from yimen.cases.actions import applying
from yimen.cases.tests.test_applying import online_version, phone_number, resident_id, sign_up
from yimen.lib.tests import files
from yimen.people.tests.factories import NOW, PASSWORD, make_center, make_region
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]
WIDTHS = (320, 390, 768, 1280)


@pytest.fixture
def version(settings, tmp_path):
    """Made before the browser starts: afterwards this thread has an event loop and may not ask the database."""
    settings.UPLOADS = tmp_path / "uploads"
    make_center(make_region(), name="青禾县政务服务中心", phone="0899-1234500")
    return online_version()


class Phone:
    def __init__(self, browser) -> None:  # noqa: F811
        context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
        self.page, self.errors = context.new_page(), []
        self.context = context
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def look(self, name: str) -> None:
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 844})
            assert no_sideways(self.page), f"{name} scrolls sideways at {width}"
            shot(self.page, f"apply-{name}-{width}")
        found = violations(self.page)
        assert found == []
        self.page.set_viewport_size({"width": 390, "height": 844})

    def press(self, word: str) -> None:
        """A button that leads to another page, and that page."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=word, exact=True).click()


def test_a_whole_application_on_a_phone(stage, version, browser, tmp_path):  # noqa: F811
    phone = Phone(browser)
    page = phone.page
    page.goto(f"{stage.address}/my/sign-up")
    for name, value in {
        "name": "林小满", "id_number": resident_id(90), "phone": phone_number(90), "username": "xiaoman",
        "password": "four plain words",
    }.items():  # fmt: skip
        page.fill(f"[name={name}]", value)
    phone.look("sign-up")
    phone.press("注册")
    phone.look("my-empty")
    page.goto(f"{stage.address}/items/{version.item.task_code}/apply")
    phone.look("start")
    phone.press("开始")
    page.fill("[name=f-shop]", "一碗面")
    page.get_by_text("存好了").wait_for()
    form = page.url

    # The session ends while he is typing; what could not be saved waits in the tab.
    cookies = [one for one in phone.context.cookies() if one["name"] != "yimen_session"]
    phone.context.clear_cookies()
    phone.context.add_cookies(cookies)
    page.fill("[name=f-area]", "60")
    page.get_by_text("登录过期了").wait_for()
    phone.press("下一步")
    page.fill("[name=login]", "xiaoman")
    page.fill("[name=password]", "four plain words")
    phone.press("登录")
    page.wait_for_url(form)
    expect(page.locator("[name=f-shop]")).to_have_value("一碗面")
    expect(page.locator("[name=f-area]")).to_have_value("60")
    phone.look("forms")
    phone.press("下一步")

    picture = tmp_path / "身份证.jpg"
    picture.write_bytes(files.picture(size=(900, 600)))
    page.locator("li", has_text="身份证").locator("input[type=file]").set_input_files(picture)
    page.get_by_role("button", name="传上去", exact=True).click()
    page.get_by_role("link", name="身份证.jpg").wait_for()
    phone.look("materials")
    phone.press("下一步")
    phone.look("check")
    phone.press("交上去")
    page.get_by_text("收件凭证在下面").wait_for()
    phone.look("case")
    page.fill("#message-text", "要带什么吗？")
    phone.press("发给经办人")
    page.get_by_text("对方还没看").wait_for()
    page.get_by_text("撤回这件申请").click()
    phone.press("撤回申请")
    page.get_by_role("heading", name="您已经撤回申请").wait_for()
    page.goto(f"{stage.address}/my")
    phone.look("my")
    phone.errors = [one for one in phone.errors if "401" not in one]
    assert phone.errors == []


@pytest.fixture
def filled(version):
    """Everything but the files: the address of its page. Signed up before the browser starts, as above."""
    me = sign_up(91).applicant
    draft = applying.begin(version, me, at=NOW)
    applying.save(draft.pk, edition=1, typed={"shop": "一碗面", "area": "60"}, by=me, at=NOW)
    return f"/my/drafts/{draft.pk}/materials"


def test_a_cut_upload_goes_on_and_going_on_takes_along_what_was_chosen(stage, filled, browser, tmp_path):  # noqa: F811
    page = Phone(browser).page
    page.goto(f"{stage.address}/accounts/login/?next={filled}")
    page.fill("[name=login]", "citizen91")
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.press("[name=password]", "Enter")

    disguised = tmp_path / "照片.jpg"
    disguised.write_bytes(files.HTML)
    row = page.locator("li", has_text="身份证").first
    row.locator("input[type=file]").set_input_files(disguised)
    row.get_by_role("button", name="传上去", exact=True).click()
    row.locator("[data-progress]", has_text="照片.jpg：").filter(has_text="只收 PDF").wait_for()

    picture = tmp_path / "身份证.png"
    Image.effect_noise((1000, 800), 90).save(picture)
    sent: list[int] = []

    def line(route) -> None:
        """The second piece comes too slowly, then not at all; then the line is back."""
        sent.append(int(route.request.url.rpartition("=")[2]))
        if len(sent) == 2:
            route.fulfill(status=408, body="Too slow")
        elif len(sent) == 3:
            route.abort()
        else:
            route.continue_()

    page.route("**/piece?*", line)
    row.locator("input[type=file]").set_input_files(picture)
    with page.expect_navigation(url="**/check"):
        page.get_by_role("button", name="下一步", exact=True).click()
    page.get_by_role("button", name="交上去", exact=True).wait_for()
    assert sent[0] == 0 and len(sent) > 4
    assert sent[1] == sent[2] == sent[3] > 0  # it went on where it was cut, not from the start
