"""A centre set up by its pages alone: places, the hall, local rules; each page for those it is for."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.catalog import queries as catalog
from yimen.catalog.models import LocalRule
from yimen.catalog.tests.factories import make_item
from yimen.hall.models import Hall, Series, Window
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.models import Event
from yimen.people import reasons
from yimen.people.models import Department, Post, Role, ServiceCenter
from yimen.people.tests.factories import NOW, in_ledger, make_center, make_department, make_region, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TODAY = NOW.date()


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


@pytest.mark.parametrize("role", [*Role, None])
def test_each_page_opens_for_its_role_alone(role, series):
    window, department = make_window(series, staffed=False), make_department(series.hall.region)
    client = client_of(make_staff(role))
    system, manager = role == Role.SYSTEM_ADMIN, role == Role.HALL_MANAGER
    for address, may in {
        "/workbench/places": system,
        "/workbench/places/centers/new": system,
        "/workbench/places/departments/new": system,
        f"/workbench/places/departments/{department.pk}": system,
        "/workbench/rules": system,
        "/workbench/hall": manager,
        "/workbench/hall/new": manager,
        f"/workbench/hall/{series.hall_id}/series/new": manager,
        f"/workbench/hall/{series.hall_id}/windows/new": manager,
        f"/workbench/hall/windows/{window.pk}": manager,
        f"/workbench/hall/series/{series.pk}": manager,
    }.items():
        assert client.get(address).status_code == (200 if may else 403), address
        if not may:
            assert client.post(address, {"_key": "k"}).status_code in {403, 405}, address
    if not manager:
        assert client.post(f"/workbench/hall/series/{series.pk}/let", {"_key": "k"}).status_code == 403


def test_what_belongs_elsewhere_is_not_there():
    foreign = make_series(make_hall(make_region("440000", "别处")))
    window, department = make_window(foreign, staffed=False), make_department(foreign.hall.region)
    manager, system = client_of(make_staff(Role.HALL_MANAGER)), client_of(make_staff(Role.SYSTEM_ADMIN))
    for address in (
        f"/workbench/hall/{foreign.hall_id}/series/new",
        f"/workbench/hall/{foreign.hall_id}/windows/new",
        f"/workbench/hall/windows/{window.pk}",
        f"/workbench/hall/series/{foreign.pk}",
    ):
        assert manager.get(address).status_code == manager.post(address, {"_key": "k"}).status_code == 404, address
    assert manager.post(f"/workbench/hall/series/{foreign.pk}/let", {"_key": "k"}).status_code == 404
    assert system.get(f"/workbench/places/departments/{department.pk}").status_code == 404
    foreign.refresh_from_db()
    assert foreign.is_open


def test_the_system_administrator_adds_a_branch_a_department_and_its_posts():
    admin = make_staff(Role.SYSTEM_ADMIN)
    main = make_center(admin.region)
    page = Page.open(client_of(admin), "/workbench/places").follow("加一个中心")
    given = {"code": "east", "letters": "ed", "name": "东区分中心", "address": "演示路 2 号", "hours": "9:00 到 17:00"}
    page = page.press("加这个中心", **given)
    assert (page.status, "还有 1 处要改" in page.text, "请填写电话。" in page.text) == (422, True, True)
    page = page.press("加这个中心", phone="023-1", parent=main.pk)  # what was typed is still there
    branch = ServiceCenter.objects.get(code="east")
    assert (branch.parent, branch.letters) == (main, "ED") and "东区分中心加好了" in page.text

    page = Page.open(page.client, "/workbench/places/departments/new")
    page = page.press("加这个部门", name="演示民政局", code="mzj", is_resident="on")
    department = Department.objects.get(code="mzj")
    assert department.is_resident and not department.is_bureau and "接着加岗位" in page.text
    page = page.press("加这个岗位", name="受理岗", duties="收件")
    assert Post.objects.get(department=department).duties == "收件"
    page = page.press("加这个岗位", name="受理岗")
    assert (page.status, "已经有“受理岗”这个岗位" in page.text) == (409, True)
    again = Page.open(page.client, "/workbench/places/departments/new").press("加这个部门", name="又一个", code="mzj")
    assert (again.status, "已经有部门在用" in again.text, Department.objects.filter(code="mzj").count()) == (
        409,
        True,
        1,
    )
    assert "演示民政局" in Page.open(page.client, "/workbench/places").text


def test_a_form_sent_twice_adds_one():
    page = Page.open(client_of(make_staff(Role.SYSTEM_ADMIN)), "/workbench/places/departments/new")
    for _time in range(2):
        assert "加好了" in page.press("加这个部门", name="演示民政局", code="mzj").text
    assert Department.objects.filter(code="mzj").count() == 1


def test_the_hall_manager_makes_a_hall_ready():
    manager = make_staff(Role.HALL_MANAGER)
    make_center(manager.region)
    item = make_item(department=make_department(manager.region))
    page = Page.open(client_of(manager), "/workbench/hall")
    assert "还没有大厅" in page.text
    page = page.follow("加一个大厅").press("加这个大厅", name="一楼大厅", code="main")
    assert Hall.objects.get().code == "main"
    page = page.follow("加一队").press("加这一队", letter="a", name="综合", zone="东区")
    series = Series.objects.get()
    assert "综合加好了" in page.text
    address = f"/workbench/hall/series/{series.pk}"
    page = Page.open(page.client, f"{address}?q={item.name[:4]}")
    page = page.press("加上")
    assert list(series.items.all()) == [item] and "的号" in page.text
    page.press("拿掉")
    assert not series.items.exists()

    page = Page.open(page.client, "/workbench/hall")
    assert "没有窗口叫它" in page.text
    page = page.follow("加一个窗口")
    form, _button = page.form("加这个窗口")
    page = page.press("加这个窗口", number="1", name="综合窗口", kind=form.choices["kind"][0], series=series.pk)
    window = Window.objects.get()
    assert list(window.series.all()) == [series] and "1 号窗口加好了" in page.text
    calls = page.follow("1 号窗口")
    address, sent = calls.filled("就叫这几队")
    assert sent.pop("series") == [str(series.pk)]
    page = Page(page.client, page.client.post(address, sent, follow=True))
    assert not window.series.exists() and "还没有分到队" in page.text


def test_a_taken_letter_or_number_is_said_and_what_was_typed_stays(series):
    make_window(series, staffed=False, number=1)
    client = client_of(make_staff(Role.HALL_MANAGER))
    page = Page.open(client, f"/workbench/hall/{series.hall_id}/series/new").press(
        "加这一队", letter="A", name="又一队"
    )
    assert (page.status, "已经有队在用" in page.text) == (409, True)
    assert ("name", "又一队") in page.form("加这一队")[0].fields
    page = Page.open(client, f"/workbench/hall/{series.hall_id}/windows/new")
    page = page.press("加这个窗口", number="1", name="又一个", kind="integrated")
    assert (page.status, "1 号窗口已经有了" in page.text) == (409, True)


def test_numbers_are_stopped_and_resumed(series):
    page = Page.open(client_of(make_staff(Role.HALL_MANAGER)), "/workbench/hall").press("停止取号")
    series.refresh_from_db()
    assert not series.is_open and "已经取了号的照常叫完" in page.text
    page.press("恢复取号")
    series.refresh_from_db()
    assert series.is_open


def test_the_overview_takes_as_many_queries_for_many_windows(series, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = client_of(make_staff(Role.HALL_MANAGER))
    make_window(series, staffed=False)
    client.get("/workbench/hall")
    with CaptureQueriesContext(connection) as few:
        client.get("/workbench/hall")
    for letter in "BCDEF":
        make_window(make_series(series.hall, letter), staffed=False)
    with django_assert_num_queries(len(few)):
        client.get("/workbench/hall")


def test_a_local_rule_is_set_from_a_day_on_with_its_reason():
    admin = make_staff(Role.SYSTEM_ADMIN)
    page = Page.open(client_of(admin), "/workbench/rules")
    assert "本地没有改过" in page.text
    later = TODAY + timedelta(days=10)
    typed = {"key": "promised_default_days", "value": "5", "effective_on": later, "reason": "县政府 2026 年 8 号文"}
    page = page.press("从这天起这样算", **typed)
    assert "县政府 2026 年 8 号文" in page.text and "改成 5" in page.text
    asked = [
        catalog.local_rule(admin.region, "promised_default_days", day, default=3)
        for day in (later - timedelta(days=1), later)
    ]
    assert asked == [3, 5]
    assert Event.objects.filter(kind="catalog.local_rule_set", actor=admin.ledger_ref).count() == 1
    assert not in_ledger("县政府 2026 年 8 号文")
    (said,) = reasons.said_in("local_rule:promised_default_days")
    assert said.text == "县政府 2026 年 8 号文"


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"value": "0"}, "这一条可以填 1 到 60。"),
        ({"value": ""}, "请填写数字。"),
        ({"effective_on": TODAY - timedelta(days=1)}, "不能早于今天。"),
        ({"reason": ""}, "请写明为什么改。"),
        ({"key": "nonsense"}, ""),
    ],
)
def test_a_rule_that_cannot_be_is_not_set(wrong, said):
    page = Page.open(client_of(make_staff(Role.SYSTEM_ADMIN)), "/workbench/rules")
    typed = {"key": "promised_default_days", "value": "5", "effective_on": TODAY, "reason": "县政府文件"} | wrong
    page = page.press("从这天起这样算", **typed)
    assert (page.status, said in page.text, LocalRule.objects.exists()) == (422, True, False)
