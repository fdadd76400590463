"""Setting a centre up, and the help desk, in a real browser: three widths, axe, the strict policy."""

import pytest
from django.utils import timezone

from yimen.hall import actions
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, take
from yimen.people.actions import open_post
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.fixture
def centre():
    region = make_region(name="青禾县")
    center = make_center(region, name="青禾县政务服务中心（演示）")
    hall, now = make_hall(region, center=center, code="main"), timezone.now()
    series = make_series(hall)
    make_series(hall, "B", name="不动产", position=1, is_open=False)
    window = make_window(series)
    first = take(series, now, phone_last_four="0417")
    for _n in range(12):
        take(series, now)
    call(window, now)
    actions.pass_over(first.pk, by=window.staff, at=now)
    organ = make_department(region, name="青禾县市场监督管理局（演示）", short_name="市场监管局")
    for role, username in ((Role.SYSTEM_ADMIN, "system"), (Role.HALL_MANAGER, "manager"), (Role.GUIDE, "guide")):
        staff = make_staff(role, department=make_department(region), username=username, name="林岚（演示）")
        if role == Role.SYSTEM_ADMIN:
            open_post(organ, "食品经营许可受理岗", duties="收件、核对材料", by=staff, at=NOW)
    make_staff(Role.APPROVER, department=organ, username="approver", name="何静（演示）")
    return {"organ": organ, "hall": hall, "series": series, "window": window}


def test_the_desk(stage, centre, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "guide")
    desk.look("desk-home")
    desk.open("/workbench/desk")
    desk.look("desk")
    desk.page.click("text=A001 重新排队")
    desk.page.wait_for_selector("text=A001 又排上了")
    desk.page.locator("aside").get_by_role("button", name="取号").last.click()
    desk.page.wait_for_selector("text=打开小票")
    desk.look("desk-taken")
    assert desk.errors == []


def test_the_pages_of_the_system_administrator(stage, centre, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "system")
    for name, address in {
        "places": "/workbench/places",
        "center-new": "/workbench/places/centers/new",
        "department-new": "/workbench/places/departments/new",
        "department": f"/workbench/places/departments/{centre['organ'].pk}",
        "rules": "/workbench/rules",
    }.items():
        desk.open(address)
        desk.look(name)
    desk.page.click("text=从这天起这样算")
    desk.page.wait_for_selector(".errs")
    desk.look("rules-errors")
    assert not [error for error in desk.errors if "422" not in error]


def test_the_pages_of_the_hall_manager(stage, centre, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "manager")
    hall, series, window = centre["hall"], centre["series"], centre["window"]
    for name, address in {
        "hall": "/workbench/hall",
        "hall-new": "/workbench/hall/new",
        "window-new": f"/workbench/hall/{hall.pk}/windows/new",
        "hall-window": f"/workbench/hall/windows/{window.pk}",
        "series": f"/workbench/hall/series/{series.pk}?q=%E8%AE%B8%E5%8F%AF",
    }.items():
        desk.open(address)
        desk.look(name)
    assert desk.errors == []


def test_who_calls_without_receiving(stage, centre, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "approver")
    stage.do(actions.sign_out, centre["window"].pk, by=centre["window"].staff, at=timezone.now())
    desk.open("/workbench/window")
    desk.page.click("text=在 1 号签到")
    desk.page.wait_for_selector("text=窗口空着")
    desk.page.keyboard.press("F2")
    desk.page.wait_for_selector("text=A002")
    desk.look("call-only")
    assert desk.errors == []
