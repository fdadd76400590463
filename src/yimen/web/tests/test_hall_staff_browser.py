"""Booking from the item to the day, and the hall's staff at their pages, in a real browser."""

import re
from datetime import time, timedelta

import pytest
from django.utils import timezone

from yimen.cases.tests.factories import make_version
from yimen.hall.actions import plans
from yimen.hall.models import Appointment, Hall, Ticket
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]
WIDTHS = (390, 1280)


@pytest.fixture
def hall():
    region = make_region(name="青禾县")
    center = make_center(region, letters="QH", name="青禾县政务服务中心")
    hall = make_hall(center=center, code="main", name="一楼综合大厅")
    hall.line, hall.other = make_series(hall), make_series(hall, "B", name="不动产")
    hall.there = make_window([hall.other])
    hall.window = make_window([hall.line], staffed=False)
    hall.item = make_version(department=make_department(region), name="营业执照").item
    hall.line.items.add(hall.item)
    now = timezone.now()
    draft = plans.PlanDraft(
        "全天（演示）", hall.line, range(1, 8), time(9), time(17), timezone.localdate(), places=2, days_ahead=10
    )
    plans.save_plan(hall, draft, by=SYSTEM, at=now)
    return hall


def look(page, name: str) -> None:
    """The page as it stands now, by eye and by axe, narrow and wide."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"{name}-{width}")
        assert no_sideways(page), (name, width)
        assert violations(page) == [], (name, width)


def test_a_visit_is_booked_checked_moved_and_given_back(stage, hall, browser):  # noqa: F811
    page = browser.new_page(locale="zh-CN", viewport={"width": 390, "height": 844})
    page.goto(f"{stage.address}/items/{hall.item.task_code}/book")
    page.wait_for_selector("#times")
    look(page, "book-choose")
    page.locator("input[name=slot]:not([disabled])").last.check()
    page.get_by_role("button", name="约这个时间").click()
    page.wait_for_selector("input[name=phone]")
    look(page, "book-who")
    page.get_by_role("link", name="核一核材料").click()
    page.wait_for_selector("input[name=miss]")
    look(page, "book-papers")
    page.locator("input[name=miss]").first.check()
    page.get_by_role("button", name="核好了").click()
    page.wait_for_selector("text=您说还差 1 样")
    page.get_by_label("来办事的人的姓名").fill("林小满（演示）")
    page.get_by_label("手机号").fill("13800000417")
    page.get_by_role("button", name="约好").click()
    page.wait_for_selector(".book-no")
    number = page.inner_text(".book-no").strip()
    assert re.fullmatch(r"\d{8}", number)
    assert "您说还差 1 样" in page.content() and "13800000417" not in page.content()
    look(page, "book-done")
    page.get_by_role("link", name="改时间").click()
    page.wait_for_selector("text=改到哪天")
    page.locator("input[name=slot]:not([disabled])").first.check()
    page.get_by_role("button", name="改到这个时间").click()
    page.wait_for_selector(f"text={number}-2")
    page.get_by_text("取消预约，让给别人").click()
    page.get_by_role("button", name="确定取消").click()
    page.wait_for_selector("text=预约取消了")
    kept = stage.do(lambda: list(Appointment.objects.order_by("made_at").values_list("status", flat=True)))
    assert kept == ["moved", "cancelled"]


def test_the_window_calls_holds_calls_back_transfers_and_undoes(stage, hall, browser):  # noqa: F811
    stage.do(lambda: make_staff(Role.CLERK, department=make_department(hall.region), name="林岚", username="clerk"))
    missing = {"version": 1, "answers": [], "missing": ["门店照片"], "of": 2}
    stage.do(lambda: (take(hall.line, timezone.now(), checked=missing), take(hall.line, timezone.now())))
    desk = Desk(browser, stage.address, "clerk")
    page = desk.page
    page.goto(f"{stage.address}/workbench/window")
    page.get_by_role("button", name=f"在 {hall.window.number} 号签到").click()
    page.wait_for_selector("text=窗口空着")
    page.keyboard.press("F2")
    page.wait_for_selector(".slip .no:text('A001')")
    page.wait_for_selector("text=还差 1 样")
    look(page, "staff-called")
    page.get_by_role("button", name="人到了，开始办").click()
    page.wait_for_selector("text=正在办理")
    page.get_by_role("button", name=re.compile("^挂起 F8")).click()
    page.wait_for_selector("text=A001 挂起了")
    look(page, "staff-held")
    page.get_by_role("button", name="回呼 A001").click()
    page.wait_for_selector(".slip .no:text('A001')")
    page.get_by_text("转走、接着办下一件").click()
    page.get_by_label("转到").select_option(label=f"{hall.other.letter} {hall.other.name}")
    page.get_by_role("button", name="转过去").click()
    page.wait_for_selector("text=还是原来的时间")
    page.get_by_role("button", name=re.compile("^撤销")).click()
    page.wait_for_selector(".slip .no:text('A001')")
    status = stage.do(lambda: Ticket.objects.select_related("series").get(label="A001"))
    assert (status.status, status.series_id) == ("called", hall.line.pk)
    assert desk.errors == []


def test_the_manager_tries_a_policy_before_it_counts(stage, hall, browser):  # noqa: F811
    stage.do(
        lambda: make_staff(Role.HALL_MANAGER, for_region=True, region=hall.region, name="秦勤", username="manager")
    )
    start = timezone.now() - timedelta(minutes=20)
    stage.do(lambda: [take(hall.line, start + timedelta(minutes=n), care="old" if n > 3 else "") for n in range(6)])
    desk = Desk(browser, stage.address, "manager")
    page = desk.page
    page.goto(f"{stage.address}/workbench/hall/{hall.pk}/calling")
    page.wait_for_selector("text=照现在的办法，今天会这样叫")
    look(page, "staff-policy")
    page.get_by_label("怎么叫号").select_option("strict")
    page.get_by_role("button", name="先看看会怎么叫").click()
    page.wait_for_selector("text=照试的办法，今天会这样叫")
    assert page.locator("tbody tr").first.inner_text().split()[1] == "A001"
    look(page, "staff-policy-tried")
    assert stage.do(lambda: Hall.objects.get(pk=hall.pk).policy) == "ratio"
    page.get_by_role("button", name="就这样叫").click()
    page.wait_for_selector("text=叫号办法存好了")
    assert stage.do(lambda: Hall.objects.get(pk=hall.pk).policy) == "strict"
    paths = {"days": f"{hall.pk}/days", "window-hours": f"windows/{hall.window.pk}/hours"}
    for name, path in paths.items():
        page.goto(f"{stage.address}/workbench/hall/{path}")
        page.wait_for_selector("h1")
        look(page, f"staff-{name}")
    assert desk.errors == []


def test_a_guide_finds_a_number_and_reports_what_is_broken(stage, hall, browser):  # noqa: F811
    stage.do(lambda: make_staff(Role.GUIDE, for_region=True, region=hall.region, name="柳迎", username="guide"))
    stage.do(lambda: take(hall.line, timezone.now(), phone_last_four="0417", name="王小明"))
    desk = Desk(browser, stage.address, "guide")
    page = desk.page
    page.goto(f"{stage.address}/workbench/desk")
    page.get_by_label("号、手机尾号、身份证号或姓名").fill("0417")
    page.get_by_role("button", name="找他的号").click()
    page.wait_for_selector("#tickets >> text=A001")
    assert "0417" not in page.url and "王*明" in page.inner_text("#tickets")
    look(page, "staff-desk")
    page.goto(f"{stage.address}/workbench/hall/facilities")
    page.wait_for_selector("text=还没有登记设施")
    look(page, "staff-facilities")
    assert desk.errors == []
