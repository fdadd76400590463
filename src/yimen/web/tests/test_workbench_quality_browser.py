"""Figures, reform, rules of the house and proactive notices in a real browser: three widths, axe, the strict policy."""

from datetime import timedelta

import pytest
from django.utils import timezone
from stdnum.cn import ric

from yimen.catalog import actions as catalog
from yimen.catalog.actions import reform
from yimen.catalog.tests.factories import make_item
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import add_months
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.fixture
def place():
    region = make_region(name="青禾县")
    make_center(region, name="青禾县政务服务中心（演示）")
    organ = make_department(region, name="青禾县卫生健康局（演示）", short_name="卫健局")
    now = timezone.now()
    before = now - timedelta(days=40)
    items = [make_item(department=organ, name=name, promised_days=15, at=before) for name in ("甲许可", "乙许可")]
    opened = reform.open_round(region, "第一轮", begun_on=before.date(), by=SYSTEM, at=before)
    for item in items[:1]:
        draft = catalog.save_draft(item, {"promised_limit": 3}, by=SYSTEM, at=before)
        reform.put_in_round(opened, draft, by=SYSTEM, at=before)
        catalog.publish(draft, by=SYSTEM, at=now)
    allowance = make_item(department=organ, name="高龄津贴申领", at=before, due_rule={"kind": "age", "years": 80})
    today = timezone.localdate(now)
    born = add_months(today.replace(year=today.year - 80, day=1), 0)
    number = f"500101{born:%Y%m%d}000"
    make_applicant(region=region, name="田桂芳", id_number=number + ric.calc_check_digit(number + "0"))
    for role, username in (
        (Role.EDITOR, "editor"),
        (Role.LEADER, "leader"),
        (Role.CLERK, "clerk"),
        (Role.HALL_MANAGER, "manager"),
    ):
        make_staff(role, department=organ, username=username, name="林岚（演示）", for_region=True)
    return {"items": items, "round": opened, "allowance": allowance}


def unexpected(desk: Desk) -> list[str]:
    """A form that is sent back is a 422, which the browser reports."""
    return [error for error in desk.errors if "422" not in error]


def test_an_editor_reads_the_figures_and_merges_two_processes(stage, place, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "editor")
    page, (left, right) = desk.page, place["items"]
    for name, address in {
        "quality": "quality",
        "compression": "quality/compression",
        "handling": "quality/handling",
        "reduction": "quality/reduction",
        "failures": "quality/failures",
        "quality-items": "quality/items/delegation",
        "quality-item": f"quality/item/{left.pk}",
        "rounds": "reform",
        "round": f"reform/{place['round'].pk}",
        "round-new": "reform/new",
    }.items():
        desk.open(f"/workbench/{address}")
        desk.look(name)
    desk.open(f"/workbench/quality/item/{right.pk}")
    page.click("text=和另一个流程比")
    page.fill("#q", "甲许可")
    page.press("#q", "Enter")
    page.click("ul.links >> text=甲许可")
    desk.look("compare")
    page.fill("#id_promised", "999")
    page.press("#id_promised", "Enter")
    page.wait_for_selector(".errs")
    page.fill("#id_promised", "4")
    page.press("#id_promised", "Enter")
    page.wait_for_selector("text=合并成了")
    desk.open(f"/workbench/quality/item/{right.pk}")
    page.wait_for_selector("text=由这个合并来")
    assert "4 个工作日" in page.inner_text("main table")
    assert unexpected(desk) == []


def test_a_rule_is_written_and_approved_by_another(stage, place, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "manager")
    page = desk.page
    desk.open("/workbench/rulebook")
    desk.look("rulebook-empty")
    page.click("text=新立一份")
    desk.look("rulebook-new")
    page.click("text=存成草稿")
    page.wait_for_selector(".errs")
    desk.look("rulebook-errors")
    page.fill("#id_number", "FW-01")
    page.fill("#id_title", "服务承诺")
    page.fill("#id_text", "一、三天办结。\n二、没做到的，打电话道歉。")
    page.check("#id_is_public")
    page.click("text=存成草稿")
    page.wait_for_selector("text=草稿，等人批准")
    address = page.url
    leader = Desk(browser, stage.address, "leader")
    leader.page.goto(address)
    leader.look("rulebook-draft")
    leader.page.click("text=批准第 1 版")
    leader.page.wait_for_selector("text=现行有效")
    leader.look("rulebook-document")
    page.goto(f"{address}/edit")
    page.fill("#id_text", "一、两天办结。\n二、没做到的，打电话道歉。")
    page.click("text=存成草稿")
    page.click("text=和上一版比")
    desk.look("rulebook-compare")
    page.goto(f"{stage.address}/rulebook")
    page.click("text=服务承诺")
    page.wait_for_selector("text=三天办结")
    assert unexpected(desk) == unexpected(leader) == []


def test_people_due_are_told(stage, place, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "clerk")
    page = desk.page
    desk.open("/workbench/proactive")
    desk.look("proactive")
    page.click("text=高龄津贴申领")
    desk.look("proactive-none")
    page.click("text=现在找一遍")
    page.wait_for_selector("text=新找到 1 人")
    desk.look("proactive-found")
    assert "田桂芳" not in page.content()
    page.click("text=给勾上的人发提醒")
    page.wait_for_selector("text=发出去了，1 条")
    desk.open("/workbench/proactive")
    desk.look("proactive-calls")
    page.click("text=说过了")
    page.wait_for_selector("text=没有要打的电话")
    editor = Desk(browser, stage.address, "editor")
    editor.open(f"/workbench/proactive/{place['allowance'].pk}/rule")
    editor.look("proactive-rule")
    assert desk.errors == editor.errors == []
