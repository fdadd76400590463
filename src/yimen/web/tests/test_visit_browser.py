"""The checklist of a site visit on the telephones of the two who go, in a real browser with axe."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from yimen.cases.tests.test_visits import PNG, agree, make_visit
from yimen.testing import needs_chromium
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures
from yimen.web.tests.test_workbench_browser import Desk

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]


@pytest.fixture
def agreed(settings, tmp_path):
    """A visit that is on now, and the names the two who go log in with; made before the browser is there."""
    settings.UPLOADS = tmp_path
    now = timezone.now()
    visit, pair = make_visit(at=now - timedelta(hours=3))
    visit = agree(visit, pair, at=now - timedelta(hours=2), planned_for=now - timedelta(hours=1))
    points = [str(point.pk) for point in visit.case.version.check_points.all()]
    return visit.pk, points, [person.user.username for person in pair]


def test_two_go_each_with_a_telephone(stage, agreed, browser):  # noqa: F811
    pk, (first, second, third), names = agreed
    desks = [Desk(browser, stage.address, name) for name in names]
    for desk in desks:
        desk.page.set_viewport_size({"width": 390, "height": 844})
        desk.open(f"/workbench/visits/{pk}/check")
    one, other = (desk.page for desk in desks)

    def pick(page, point, word):
        with page.expect_response(lambda answer: answer.url.endswith("/note") and answer.ok):
            page.locator(f"#point-{point} .seg label").filter(has_text=word).first.click()

    pick(other, first, "合格")
    pick(one, second, "合格")  # his page still shows the first one open
    one.wait_for_function("document.getElementById('looked').textContent === '1'")
    # Without a network it stays on the telephone, and goes when there is one.
    one.context.set_offline(True)
    one.locator(f"#point-{third} .seg label").filter(has_text="不涉及").click()
    one.wait_for_selector("#saved:has-text('没有网络')")
    with one.expect_response(lambda answer: answer.url.endswith("/note") and answer.ok):
        one.context.set_offline(False)
    # A photo that was chosen and not sent by itself comes along when there is still something to do.
    one.set_input_files(f"#p-{second}", {"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    with one.expect_navigation():
        one.click("text=核查完了，做记录")
    one.wait_for_selector(".errs:has-text('在场')")
    one.wait_for_selector(f"#point-{second} .shots img")
    assert one.locator(f"#point-{first} input[value=passed]").is_checked()
    desks[0].errors.clear()  # what the browser says of the lost network and of 409
    desks[0].look("visit-check")
    one.fill("#signed_by", "王小明")
    with one.expect_navigation():
        one.click("text=核查完了，做记录")
    one.wait_for_selector("h2:has-text('逐项结果')")
    desks[0].look("visit-done")
    with other.expect_navigation():
        other.press(f"#n-{third}", "Enter")  # saving, not the photo button that stands first
    other.wait_for_selector(".errs:has-text('已经有人记过了')")
    assert desks[0].errors == []
