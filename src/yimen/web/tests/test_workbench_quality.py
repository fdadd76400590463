"""The pages of catalogue figures and of reform: who sees them, what they say, that every figure leads to its list."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from yimen.catalog import actions as catalog
from yimen.catalog.actions import reform
from yimen.catalog.models import ItemVersion, ReformRound, SearchMiss
from yimen.catalog.tests.factories import make_department, make_item
from yimen.insight.tests.factories import Office, moment
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_staff, outsider
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
PAGES = ("", "/compression", "/handling", "/reduction", "/failures", "/items/plain", "/items/delegation")


@pytest.fixture(autouse=True)
def center():
    return make_center()


def client_of(staff):
    client = Client()
    client.force_login(staff.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def editor(*more, **fields):
    return client_of(make_staff(Role.EDITOR, *more, for_region=True, **fields))


@pytest.mark.parametrize("path", [f"/workbench/quality{page}" for page in PAGES] + ["/workbench/reform"])
def test_editors_publishers_and_those_with_figures_see_the_pages(path):
    for role in (Role.EDITOR, Role.PUBLISHER, Role.LEADER):
        assert client_of(make_staff(role, for_region=True)).get(path).status_code == 200
    for staff in (make_staff(Role.CLERK), outsider()):
        assert client_of(staff).get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_every_figure_of_the_board_leads_to_its_list():
    item = make_item(promised_days=20)
    ItemVersion.objects.filter(item=item).update(plain_text="")
    SearchMiss.objects.create(region=item.region, text="开饭馆", count=7, first_at=NOW, last_at=NOW)
    client = editor()
    page = Page.open(client, "/workbench/quality")
    assert "开饭馆" in page.text
    for word in ("没有大白话说明", "承诺没有比法定短", "没有授权书"):
        assert item.name in page.follow(word).text
    assert "一项也没有" in page.follow("草稿等着发布").text


@pytest.mark.capability("S1-50", "S3-3")
def test_compression_by_unit_and_item_and_in_total():
    one, other = make_department(), make_department()
    make_item(department=one, promised_days=9)  # of 20
    make_item(department=one, promised_days=10)
    make_item(department=other, promised_days=5, statutory_limit=10, name="压得少的")
    text = " ".join(Page.open(editor(), "/workbench/quality/compression").text.split())
    assert "52.00" in text
    assert "51.67" in text
    assert "3 项加起来：法定 50 个工作日，承诺 24 个" in text
    assert text.index("压得少的") < text.index("55.00 %")


@pytest.mark.capability("S1-55")
def test_an_item_shows_15_to_3_as_12_days_saved():
    item = make_item(promised_days=15)
    catalog.publish(catalog.save_draft(item, {"promised_limit": 3}, by=SYSTEM, at=NOW), by=SYSTEM, at=NOW)
    text = " ".join(Page.open(editor(), f"/workbench/quality/item/{item.pk}").text.split())
    assert "15 个工作日 → 3 个工作日" in text.replace("  ", " ")
    assert " 12 " in text or "12" in text.split("3 个工作日", 1)[1][:20]


@pytest.mark.capability("S2-24", "S2-28")
def test_two_periods_side_by_side_with_index_and_share():
    office = Office()
    for start, days in ((date(2026, 3, 2), 7), (date(2026, 4, 7), 3)):
        case = office.accept(moment(start))
        office.finish(case, moment(start + timedelta(days=days), 15))
    address = (
        "/workbench/quality/handling?old_start=2026-03-01&old_end=2026-03-31&new_start=2026-04-01&new_end=2026-04-30"
    )
    page = Page.open(editor(), address)
    assert "效率指数" in page.text
    assert "+66.67" in page.text
    assert "+100 % 才是只用一半时间" in page.text
    assert "用时是原来的" in page.text
    assert "60" in page.text
    taken = page.press("导出")
    assert taken.status == 200
    rows = list(csv.reader(io.StringIO(taken.response.content.decode("utf-8-sig"))))
    assert rows[1][2:] == ["1", "1", "5.0", "3.0", "5", "3", "40.00", "60.00", "66.67"]
    assert Event.objects.get(kind="insight.exported").data["what"] == "handling"


@pytest.mark.parametrize(
    "address",
    [
        "handling?old_start=2026-03-01&old_end=2026-04-01&new_start=2026-04-01&new_end=2026-04-30",
        "handling?old_start=gestern",
        "reduction?first=2026-03-02&last=2026-03-01",
        "failures?start=2026-03-02&end=2026-03-01",
    ],
    ids=["overlap", "no date", "days turned round", "period turned round"],
)
def test_dates_that_cannot_be_are_explained(address):
    response = editor().get(f"/workbench/quality/{address}")
    assert response.status_code == 400
    assert "还有" in response.content.decode()


@pytest.mark.capability("S3-2")
def test_steps_and_materials_before_and_after():
    before = NOW - timedelta(days=40)
    item = make_item(at=before)
    draft = catalog.save_draft(
        item,
        {"promised_limit": 4},
        materials=[catalog.MaterialDraft("申请表", legal_basis="《演示条例》第一条")],
        by=SYSTEM,
        at=NOW,
    )
    catalog.publish(draft, by=SYSTEM, at=NOW)
    address = f"/workbench/quality/reduction?first={before:%Y-%m-%d}&last={NOW:%Y-%m-%d}"
    text = "".join(Page.open(editor(), address).text.split())
    assert "要带的材料2→1样" in text
    assert "承诺少5个工作日" in text
    assert "比了1项" in text


@pytest.mark.capability("S4-28")
def test_a_round_groups_changes_with_before_and_after():
    item = make_item(promised_days=15)
    other = make_item(promised_days=9)
    for one, days in ((item, 3), (other, 6)):
        catalog.save_draft(one, {"promised_limit": days}, by=SYSTEM, at=NOW)
    client = editor()
    page = Page.open(client, "/workbench/reform").follow("新开一轮").press("开这一轮", name="第一轮")
    assert "这一轮里还没有改动" in page.text
    page = page.press("放进来").press("放进来")
    text = "".join(page.text.split())
    assert "承诺24→9个工作日" in text
    assert "15个工作日→3个工作日" in text
    page = page.press("拿出去")
    assert " ".join(page.text.split()).count("还没发布") == 1
    page = page.press("到今天为止")
    assert not page.has_button("放进来")
    assert ReformRound.objects.get().ended_on is not None


@pytest.mark.capability("S4-31")
def test_two_processes_are_found_compared_and_merged():
    left, right = make_item(name="甲许可"), make_item(name="乙许可")
    client = editor()
    page = Page.open(client, f"/workbench/quality/item/{left.pk}").follow("和另一个流程比")
    page = Page.open(client, f"/workbench/reform/compare?left={left.pk}&q=乙许可")
    page = Page.open(client, f"/workbench/reform/compare{page.link('乙许可')}")
    assert "两边都有" in page.text
    page = page.press("合成一份草稿", promised="7")
    assert page.status == 200
    assert left.versions.get(state="draft").promised_limit == 7
    assert "乙许可" in Page.open(client, f"/workbench/quality/item/{left.pk}").text
    assert "甲许可" in Page.open(client, f"/workbench/quality/item/{right.pk}").text
    refused = client.get(f"/workbench/reform/compare?left={left.pk}&right={right.pk}")
    again = Page(client, refused).press("合成一份草稿")
    assert again.status in {403, 409, 422}
    assert "已经有一份草稿" in again.text


def test_those_who_only_read_cannot_change_rounds():
    opened = reform.open_round(make_item().region, "第一轮", begun_on=NOW.date(), by=SYSTEM, at=NOW)
    client = client_of(make_staff(Role.LEADER, for_region=True))
    page = Page.open(client, f"/workbench/reform/{opened.pk}")
    assert not page.has_button("到今天为止")
    assert client.post(f"/workbench/reform/{opened.pk}/close").status_code == 403


@pytest.mark.parametrize("page", ["", "/compression", "/reduction", "/items/plain", "/items/basis"])
def test_statements_do_not_grow_with_the_catalogue(page):
    department = make_department()
    client = editor(department=department)

    def count():
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"/workbench/quality{page}").status_code == 200
        return len(found)

    make_item(department=department)
    count()
    few = count()
    for _n in range(4):
        make_item(department=department)
    assert count() == few


@pytest.mark.parametrize("what", ["compression-units", "compression-items", "reduction", "failures", "quality"])
def test_every_table_can_be_taken_away(what):
    make_item(name="=甲许可")
    response = editor().post(f"/workbench/quality/export/{what}")
    assert response.status_code == 200
    cells = [cell for row in csv.reader(io.StringIO(response.content.decode("utf-8-sig"))) for cell in row]
    assert not any(cell.startswith("=") for cell in cells)
    assert editor().post("/workbench/quality/export/nothing").status_code == 404


def test_a_department_sees_only_its_own():
    mine, other = make_item(name="我的事项"), make_item(name="别家的事项")
    client = client_of(make_staff(Role.EDITOR, department=mine.department))
    text = client.get("/workbench/quality/compression").content.decode()
    assert "我的事项" in text
    assert "别家的事项" not in text
    assert client.get(f"/workbench/quality/item/{other.pk}").status_code == 404
