"""One real matter from the catalogue to the rating, through a browser, on the whole platform."""

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from yimen.demo import centre
from yimen.demo.life import invented_id
from yimen.lib import qr

pytestmark = pytest.mark.slow
TODAY_PHONE = "13900004321"


def click(page: Page, button) -> None:
    """Click something that leads to another page, and wait for that page."""
    with page.expect_navigation():
        button.click()


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def sign_in(page: Page, username: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label(re.compile("登录名")).fill(username)
    page.locator("input[type=password]").fill(centre.PASSWORD)
    press(page, "Enter")
    page.wait_for_url("**/workbench/**")


def choose(page: Page, word: str) -> None:
    page.locator("label.opt").get_by_text(word, exact=True).click()


def take_ticket(kiosk: Page, words: str, item: str, look) -> str:
    """Take a ticket at the kiosk as somebody who types a few words; returns its label."""
    kiosk.goto("/kiosk/main/")
    look(kiosk, "kiosk-start")
    click(kiosk, kiosk.get_by_role("link", name=re.compile("取号")).first)
    kiosk.locator("#q").fill(words)
    press(kiosk, "Enter")
    look(kiosk, "kiosk-found")
    click(kiosk, kiosk.get_by_role("link", name=re.compile(re.escape(item))).first)
    skip = kiosk.get_by_role("link", name=re.compile("^不核了"))
    more = kiosk.locator("summary", has_text="手机尾号")
    expect(skip.or_(more)).to_be_visible()
    if skip.is_visible():  # what to bring is asked at the window
        look(kiosk, "kiosk-check")
        click(kiosk, skip)
    more.click()
    kiosk.locator("#phone").fill(TODAY_PHONE[-4:])
    look(kiosk, "kiosk-take")
    click(kiosk, kiosk.get_by_role("button", name="取号", exact=True))
    label = kiosk.locator("#number").inner_text().strip()
    look(kiosk, "kiosk-slip")
    return label


def open_window(clerk: Page, number: int) -> None:
    clerk.goto("/workbench/window")
    if clerk.get_by_role("button", name=f"在 {number} 号签到").count():
        click(clerk, clerk.get_by_role("button", name=f"在 {number} 号签到"))
    expect(clerk.locator("[data-key=F2]")).to_be_visible()


def fill_applicant(clerk: Page, name: str, born) -> None:
    clerk.get_by_label("证件号码").fill(invented_id(born))
    clerk.get_by_label(re.compile("^姓名")).fill(name)
    clerk.get_by_label(re.compile("^手机")).fill(TODAY_PHONE)


def answer_questions(clerk: Page) -> None:
    """Choose the first answer of each question the item asks; of what is cooked the one that needs no site visit."""
    see = clerk.get_by_role("button", name=re.compile("^看他要带什么"))
    see.wait_for()
    while see.count():
        for question in clerk.locator("fieldset.q").all():
            options = question.locator("label.opt")
            (options.last if "做些什么" in question.inner_text() else options.first).click()
        click(clerk, see)


def all_materials_there(clerk: Page) -> None:
    for group in clerk.locator("table .seg").all():
        group.get_by_text("齐", exact=True).click()


def report_counts(leader: Page) -> tuple[int, int]:
    """This month's accepted and finished cases as the report shows them; the report is empty before the first."""
    leader.goto("/workbench/report")
    figures = {
        figure.locator(".soft").inner_text(): figure.locator(".v").inner_text()
        for figure in leader.locator(".fig").all()
    }
    return tuple(int(re.sub(r"\D", "", figures.get(name, "0"))) for name in ("受理", "办结"))


@pytest.mark.capability("S0-3")
def test_an_immediate_matter_from_search_to_rating(person, platform, look):
    phone, kiosk, screen = person(390, 844, has_touch=True), person(1080, 1920), person(1920, 1080)
    clerk, leader = person(1280), person(1280)
    sign_in(leader, "leader")
    accepted_before, finished_before = report_counts(leader)

    # A citizen finds the guide.
    phone.goto("/")
    look(phone, "home")
    phone.locator("input[name=q]").fill("孩子上学查房产")
    press(phone, "Enter")
    look(phone, "search")
    click(phone, phone.get_by_role("link", name=re.compile("房产档案信息查询")).first)
    expect(phone.locator(".four")).to_contain_text("不收费")
    look(phone, "guide")

    label = take_ticket(kiosk, "查房产", "房产档案信息查询", look)

    # The clerk calls; the hall's screen shows it by itself (how soon: yimen.bench.screens).
    sign_in(clerk, "clerk1")
    screen.goto("/screen/main/")
    open_window(clerk, 5)
    look(clerk, "window-empty")
    expect(screen.locator("main")).not_to_contain_text(label)
    press(clerk, "F2")
    expect(screen.locator(".calling")).to_contain_text(label)
    look(screen, "screen")
    expect(clerk.locator(".slip .no")).to_have_text(label)
    press(clerk, "F2")  # he has come

    # Receive, accept, decide, deliver, at one window.
    clerk.get_by_role("heading", name="房产档案信息查询").wait_for()
    fill_applicant(clerk, "万青禾（演示）", date(1990, 3, 4))
    look(clerk, "window-receive")
    all_materials_there(clerk)
    click(clerk, clerk.get_by_role("button", name=re.compile("^收件")))
    click(clerk, clerk.get_by_role("button", name=re.compile("^受理")))
    look(clerk, "window-accepted")
    clerk.get_by_text("准予", exact=True).click()
    click(clerk, clerk.get_by_role("button", name=re.compile("^作出决定")))
    click(clerk, clerk.get_by_role("button", name=re.compile("^记下送达")))
    look(clerk, "window-delivered")
    number = re.search(r"QH-\d{6}-\d{5}", clerk.content()).group()
    click(clerk, clerk.get_by_role("button", name=re.compile("^办完")))
    expect(clerk.locator("svg.qr")).to_be_visible()
    look(clerk, "window-rating")

    # The citizen sees the result.
    phone.goto("/progress")
    look(phone, "progress-ask")
    phone.locator("input[name=number]").fill(number)
    phone.locator("input[name=last_four]").fill("0000")
    press(phone, "Enter")
    look(phone, "progress-wrong")
    expect(phone.locator("main")).not_to_contain_text("房产档案")
    phone.locator("input[name=number]").fill(number)
    phone.locator("input[name=last_four]").fill(TODAY_PHONE[-4:])
    press(phone, "Enter")
    expect(phone.locator("main")).to_contain_text("房产档案信息查询")
    look(phone, "case-done")
    assert "万青禾" not in phone.content() and TODAY_PHONE not in phone.content()

    # And rates, once.
    rate = f"{platform}/r/{re.search(r'/r/([^/]+)/level', phone.content())[1]}"
    drawn = re.search(r'class="qr-dark"[^>]* d="([^"]+)"', qr.svg(rate))[1]
    assert clerk.locator("svg.qr .qr-dark").get_attribute("d") == drawn  # the code at the window leads to the same page
    phone.goto(rate)
    look(phone, "rate")
    click(phone, phone.get_by_role("button", name="非常满意", exact=True))
    look(phone, "rate-done")
    again = person(390, 844)
    again.goto(rate)
    assert again.get_by_role("button", name="非常满意", exact=True).count() == 0
    look(again, "rate-again")

    # The report counts it.
    assert report_counts(leader) == (accepted_before + 1, finished_before + 1)
    look(leader, "report")


def test_a_promised_matter_to_delivery(person, look):
    clerk, approver, phone = person(1280), person(1280), person(390, 844)
    kiosk = person(1080, 1920)
    label = take_ticket(kiosk, "开饭馆", "食品经营许可", look)
    sign_in(clerk, "clerk2")
    open_window(clerk, 2)
    press(clerk, "F2")
    expect(clerk.locator(".slip .no")).to_have_text(label)
    press(clerk, "F2")
    answer_questions(clerk)
    fill_applicant(clerk, "禾小满（演示）", date(1985, 6, 7))
    all_materials_there(clerk)
    click(clerk, clerk.get_by_role("button", name=re.compile("^收件")))
    look(clerk, "promised-received")
    click(clerk, clerk.get_by_role("button", name=re.compile("^受理")))
    look(clerk, "promised-accepted")
    number = re.search(r"QH-\d{6}-\d{5}", clerk.content()).group()
    click(clerk, clerk.get_by_role("button", name=re.compile("^办完")))

    # The citizen sees by which day, counted out.
    phone.goto("/progress")
    phone.locator("input[name=number]").fill(number)
    phone.locator("input[name=last_four]").fill(TODAY_PHONE[-4:])
    press(phone, "Enter")
    expect(phone.locator(".ribbon .due")).to_have_count(1)
    look(phone, "case-running")

    # Review, then the decision.
    sign_in(approver, "approver-scjg")
    approver.goto("/workbench/tasks")
    look(approver, "tasks")
    approver.goto(f"/workbench/cases/{number}")
    look(approver, "case-review")
    choose(approver, "符合要求")
    click(approver, approver.get_by_role("button", name=re.compile("^提交意见")))
    # Whoever reviewed does not decide.
    leader = person(1280)
    sign_in(leader, "leader")
    leader.goto(f"/workbench/cases/{number}")
    choose(leader, "准予")
    click(leader, leader.get_by_role("button", name=re.compile("^作出决定")))
    expect(leader.locator("main")).to_contain_text("已办结")
    look(leader, "case-decided")

    # The licence is made and handed over at the window; the decision is a PDF.
    clerk.goto(f"/workbench/cases/{number}")
    click(clerk, clerk.get_by_role("button", name=re.compile("^制作证照")))
    look(clerk, "case-made")
    click(clerk, clerk.get_by_role("button", name=re.compile("^记下送达")))
    expect(clerk.locator("main")).to_contain_text("已送达")
    look(clerk, "case-delivered")
    address = clerk.get_by_role("link", name=re.compile("决定书")).first.get_attribute("href")
    answer = clerk.request.get(address)
    assert answer.ok and answer.body().startswith(b"%PDF-")
    phone.reload()
    expect(phone.locator("main")).to_contain_text("送")
    look(phone, "case-delivered")
