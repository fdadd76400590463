"""The workbench in a real browser: the keyboard, three widths, axe, and nothing the strict policy stops."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from yimen.cases import actions
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.catalog import search
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.people.models import Role
from yimen.people.tests.factories import (
    PASSWORD,
    make_applicant,
    make_center,
    make_department,
    make_region,
    make_staff,
    phone_number,
    resident_id,
)
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]
WIDTHS = (390, 768, 1280)


def item(organ, name: str, **fields):
    version = make_version(department=organ, name=name, **fields)
    version.item.name = name
    search.index(version.item, version, organ.name)
    version.item.save(update_fields=["name", *search.INDEXED])
    return version


@pytest.fixture
def centre():
    """A small centre with people in front of the windows and cases on their way."""
    region = make_region(name="青禾县")
    organ = make_department(region, name="市场监管局（演示）")
    center = make_center(region, letters="QH", name="青禾县政务服务中心")
    series = make_series(make_hall(region, center=center, code="main"))
    make_window(series)
    make_window(series, staffed=False)
    clerk = make_staff(
        Role.CLERK, department=make_department(region), for_region=True, name="林岚（演示）", username="clerk"
    )
    approver = make_staff(Role.APPROVER, Role.LEADER, department=organ, name="何静（演示）", username="approver")
    make_staff(Role.SURVEYOR, department=organ, name="周勤（演示）")
    query = item(organ, "企业登记档案查询", immediate=True)
    licence = item(organ, "食品经营许可（新办）", visit=True)
    now = timezone.now()
    for n, days in enumerate((20, 12, 9, 3, 1, 0, 0)):
        at = now - timedelta(days=days)
        case = actions.receive(
            licence,
            make_applicant(region=region, kind="firm" if n % 2 else "person"),
            center=center,
            materials={material.pk: Handed("complete") for material in licence.materials.all()},
            by=clerk,
            at=at,
        )
        if n < 6:
            actions.accept(case.pk, by=clerk, at=at)
    for _n in range(3):
        take(series, now, item=query.item)
    return {"clerk": clerk, "approver": approver, "licence": licence}


class Desk:
    """A browser page that is looked at, by eye and by axe, wherever it stops."""

    def __init__(self, browser, address: str, username: str) -> None:  # noqa: F811
        self.page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
        self.address, self.errors = address, []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{address}/accounts/login/")
        self.page.fill("#id_login", username)
        self.page.fill("#id_password", PASSWORD)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_url("**/workbench/")

    def look(self, name: str) -> None:
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            shot(self.page, f"wb-{name}-{width}")
            assert no_sideways(self.page), f"{name} scrolls sideways at {width}"
        assert self.page.locator(".btn.main").count() <= 1, f"{name} has more than one main act"
        found = violations(self.page)
        assert not found, found

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)


def test_a_clerk_serves_somebody_by_keyboard(stage, centre, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "clerk")
    page = desk.page
    desk.look("home-clerk")
    desk.open("/workbench/window")
    desk.look("window-choose")
    page.click("text=在 2 号签到")
    page.wait_for_selector("text=窗口空着")
    desk.look("window-free")
    page.keyboard.press("F2")
    page.wait_for_selector("text=A001")
    desk.look("window-called")
    page.keyboard.press("F2")
    page.wait_for_selector("text=正在办理")
    page.fill("#id_id_number", resident_id(4321)[:-1] + "Q")
    page.fill("#id_name", "王小明")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".errs")
    assert page.evaluate("document.activeElement.className").startswith("errs")
    assert page.input_value("#id_name") == "王小明"
    desk.look("window-errors")
    page.fill("#id_id_number", resident_id(4321))
    page.fill("#id_phone", phone_number(4321))
    for mark in page.query_selector_all('main input[type=radio][value="complete"]'):
        mark.evaluate("node => { node.checked = true; }")
    desk.look("window-receive")
    page.focus("#id_phone")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=材料齐了，可以受理")
    desk.look("window-received")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=当场办结")
    desk.look("window-decide")
    page.check('input[name=outcome][value="granted"]')
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=记下送达")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=这件全部办完了")
    desk.look("window-delivered")
    page.keyboard.press("F2")
    page.wait_for_selector("text=A001 办完了")
    desk.look("window-served")
    page.fill("[data-find]", "食品")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=食品经营许可（新办）")
    desk.look("window-search")
    page.click("text=食品经营许可（新办）")
    page.wait_for_selector("text=受理后的时限")
    desk.look("window-promised")
    assert page.query_selector("text=2 人") is not None
    assert desk.errors == [e for e in desk.errors if re.search("422|409", e)]


def test_an_approver_works_through_the_tasks(stage, centre, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "approver")
    page = desk.page
    desk.look("home-approver")
    desk.open("/workbench/tasks")
    desk.look("tasks")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "A"
    page.keyboard.press("Enter")
    page.wait_for_selector("text=走到哪里了")
    desk.look("case")
    page.check('input[name=outcome][value="passed"]')
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".errs")
    desk.look("case-refused")
    for n in (1, 2):
        page.select_option(f"[id^=surveyor-{n}]", index=n)
    page.click("text=提交意见")
    page.wait_for_selector("text=意见交上去了")
    desk.open("/workbench/cases")
    desk.look("cases")
    desk.open("/workbench/cases?q=ZZ-990101-00001")
    desk.look("cases-none")
    case = stage.do(lambda: Case.objects.filter(status=Case.Status.RECEIVED).get().query_no)
    desk.open(f"/workbench/cases/{case}")
    desk.look("case-received")
    assert desk.errors == [e for e in desk.errors if re.search("422|409", e)]
