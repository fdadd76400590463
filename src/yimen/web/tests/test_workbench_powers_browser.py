"""The pages of powers and entry in a real browser: three widths, axe, the strict policy, and an item mended."""

import pytest
from django.utils import timezone
from django.utils.timezone import localdate

from yimen.catalog.actions import powers as actions
from yimen.catalog.tests.factories import make_item
from yimen.catalog.tests.power_factories import ensure_delegation
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_post, make_region, make_staff
from yimen.testing import needs_chromium
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]


@pytest.fixture
def item():
    region = make_region(name="青禾县")
    center, now = make_center(region, name="青禾县政务服务中心（演示）"), timezone.now()
    organ = make_department(region, name="青禾县市场监督管理局（演示）", short_name="市场监管局")
    make_post(organ)
    for role, username in ((Role.LEADER, "leader"), (Role.EDITOR, "editor")):
        make_staff(role, department=organ, username=username, name="林岚（演示）", for_region=True)
    for n in range(2):
        powers = [actions.PowerDraft(f"52010{k:04d}000", f"演示职权 {k}", "01", "4", organ) for k in range(40 - 20 * n)]
        draft = actions.begin_power_list(region, powers=powers, by=SYSTEM, at=now)
        actions.publish_power_list(draft, effective_on=localdate(now), by=SYSTEM, at=now)
    found = make_item(department=organ, name="食品经营许可（新办）", at=now)
    ensure_delegation(make_item(department=organ, name="另一件", at=now), at=now)
    actions.enter_hall(found, center, on=localdate(now), elsewhere="", by=SYSTEM, at=now)
    return found


def test_a_leader_mends_an_item(stage, item, browser):  # noqa: F811
    desk = Desk(browser, stage.address, "leader")
    for name, address in {
        "entry": "/workbench/entry",
        "entry-items": "/workbench/entry/items",
        "entry-letters": "/workbench/entry/delegations",
        "organisation": "/workbench/organisation",
        "powers": "/workbench/powers",
        "powers-compare": "/workbench/powers/compare",
    }.items():
        desk.open(address)
        desk.look(name)
    desk.open("/workbench/entry/items?show=not_delegated")
    desk.page.click("text=食品经营许可")
    desk.look("entry-item")
    desk.page.click("text=录入一份授权书")
    desk.page.fill("[name=letter_no]", "演授〔2026〕9号")
    desk.page.fill("[name=signed_by]", "钱局长（演示）")
    desk.look("delegate")
    desk.page.click("text=存好这份授权")
    desk.page.wait_for_selector("text=进驻到位")
    desk.look("entry-item-mended")
    assert desk.errors == []
