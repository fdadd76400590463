"""The help desk by its pages alone, and the window for those who call without taking papers in."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from yimen.catalog.tests.factories import make_item
from yimen.hall import actions
from yimen.hall.actions import places
from yimen.hall.models import Ticket
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, take
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_region, make_staff, resident_id
from yimen.web.templatetags.workbench import doors_for
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


@pytest.fixture
def series():
    return make_series(make_hall(make_region()))


def test_a_passed_number_is_put_back_and_called_next(series):
    window = make_window(series)
    first, second = take(series), take(series)
    call(window)
    actions.pass_over(first.pk, by=window.staff, at=NOW)
    page = Page.open(client_of(make_staff(Role.GUIDE)), "/workbench/desk")
    assert "过号不作废" in page.text
    page = page.press("A001 重新排队")
    assert "A001 又排上了" in page.text and "今天没有过号的人在等" in page.text
    assert call(window) == first and second.status == "waiting"


def test_the_refusal_says_why_and_keeps_the_page(series):
    window = make_window(series)
    ticket = take(series)
    call(window)
    actions.pass_over(ticket.pk, by=window.staff, at=NOW)
    page = Page.open(client_of(make_staff(Role.GUIDE)), "/workbench/desk")
    actions.put_back(ticket.pk, by=window.staff, at=NOW)
    call(window)
    page = page.press("重新排队")
    assert (page.status, "只有今天过号的才能接着等" in page.text) == (409, True)


def test_a_number_for_somebody_with_what_he_came_for_and_his_last_four(series):
    item = make_item(department=make_department(series.hall.region))
    series.items.add(item)
    page = Page.open(client_of(make_staff(Role.GUIDE)), f"/workbench/desk?q={item.name[:4]}").follow(item.name)
    page = page.press("取号", last_four="0417")
    ticket = Ticket.objects.get()
    assert (ticket.source, ticket.item, ticket.phone_last_four) == ("desk", item, "0417")
    assert "取好了，A001" in page.text
    assert page.client.get(page.link("打开小票")).status_code == 200
    wrong = Page.open(page.client, "/workbench/desk").press("取号", last_four="04")
    assert (wrong.status, "手机尾号是 4 个数字" in wrong.text, Ticket.objects.count()) == (409, True, 1)


def test_sent_twice_it_is_one_number(series):
    page = Page.open(client_of(make_staff(Role.CLERK)), "/workbench/desk")
    page.press("取号")
    page.press("取号")
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("role", [*Role, None])
def test_the_desk_opens_for_guides_and_clerks_alone(role, series):
    client, allowed = client_of(make_staff(role)), role in {Role.GUIDE, Role.CLERK}
    assert client.get("/workbench/desk").status_code == (200 if allowed else 403)
    for address in ("/workbench/desk/take", "/workbench/desk/put-back"):
        assert (client.post(address, {"_key": "k"}).status_code == 403) is not allowed
    assert client.get("/workbench/desk?hall=nowhere").status_code == (404 if allowed else 403)


def test_a_hall_elsewhere_is_not_there(series):
    foreign = make_series(make_hall(make_region("440000", "别处")))
    client = client_of(make_staff(Role.GUIDE))
    assert client.get(f"/workbench/desk?hall={foreign.hall.code}").status_code == 404
    sent = {"_key": "k", "hall": series.hall.code, "series": str(foreign.pk)}
    assert client.post("/workbench/desk/take", sent).status_code == 404


def test_without_a_hall_it_says_who_sets_one_up():
    assert "还没有大厅" in Page.open(client_of(make_staff(Role.GUIDE)), "/workbench/desk").text


def test_everybody_with_work_in_the_hall_finds_it_in_the_navigation():
    words = {role: [word for _url, word in doors_for(make_staff(role))] for role in Role}
    assert words[Role.GUIDE][0] == "导办台" and "收件受理" not in words[Role.GUIDE]
    assert words[Role.CLERK][0] == "收件受理" and "导办台" in words[Role.CLERK]
    assert "窗口叫号" in words[Role.APPROVER] and "窗口叫号" not in words[Role.CLERK]


@pytest.mark.parametrize("role", [Role.APPROVER, Role.LEADER])
def test_who_calls_without_receiving_sees_the_window_without_the_papers(role, series):
    window = make_window(series, staffed=False)
    item = make_item(department=make_department(series.hall.region))
    take(series, item=item)
    page = Page.open(client_of(make_staff(role)), "/workbench/window").press(f"在 {window.number} 号签到")
    page = page.press("叫下一位").press("人到了")
    assert "A001 在您这里" in page.text and item.name in page.text
    assert not page.has_button("收件") and not page.has_button("找一找")
    assert page.client.get("/workbench/window/waiting").status_code == 200
    assert "办完了" in page.press("办完").text
    sent = page.client.post(f"/workbench/window/receive/{item.pk}", {"_key": "k"})
    assert sent.status_code == 403


@pytest.mark.parametrize(
    "known", ["A1", "001", "0417", "王小", resident_id(7)], ids=["label", "number", "phone", "name", "id"]
)
def test_a_person_is_found_by_what_he_knows_and_his_other_numbers_with_him(series, known):
    hall, other = series.hall, make_series(series.hall, letter="B")
    mine = take(series, id_number=resident_id(7), name="王小明", phone_last_four="0417")
    take(other, name="李四", phone_last_four="9999")
    Ticket.objects.update(visit=None)
    also = take(other, phone_last_four="1234")
    Ticket.objects.filter(pk__in=[mine.pk, also.pk]).update(visit=uuid4())
    page = Page.open(client_of(make_staff(Role.GUIDE)), f"/workbench/desk?hall={hall.code}").press(
        "找他的号", who=known
    )
    assert "A001 等候" in page.text and "B002 等候" in page.text and "同一次来办的" in page.text
    assert ("王*明" in page.text, "王小明" in page.text, "李" in page.text) == (True, False, known == "001")
    assert "没有找到" in page.press("找他的号", who="Z999").text


def test_who_was_passed_over_is_put_back_from_where_he_was_found(series):
    window, ticket = make_window(series), take(series, phone_last_four="0417")
    call(window)
    actions.pass_over(ticket.pk, by=window.staff, at=NOW)
    client = client_of(make_staff(Role.GUIDE))
    page = Page.open(client, "/workbench/desk").press("找他的号", who="0417")
    client.post("/workbench/desk/put-back", {"hall": series.hall.code, "ticket": str(ticket.pk), "_key": "back"})
    assert page.follow("补打小票").status == 200
    ticket.refresh_from_db()
    assert ticket.status == "waiting"


@pytest.mark.parametrize(("role", "may"), [(Role.GUIDE, True), (Role.CLERK, True), (Role.EDITOR, False)])
def test_whoever_works_in_the_hall_reports_what_is_broken_and_mended(series, role, may):
    manager = make_staff(Role.HALL_MANAGER)
    printer = places.add_facility(series.hall, kind="copy", name="复印机（演示）", by=manager, at=NOW)
    page = Page.open(client_of(make_staff(role)), "/workbench/hall/facilities")
    assert page.status == (200 if may else 403)
    if may:
        page = page.press("记下坏了", note="卡纸")
        assert "在修" in page.text and "卡纸" in page.text
        page = page.press("修好了")
        printer.refresh_from_db()
        assert "好用" in page.text and printer.works
