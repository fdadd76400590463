"""The manager's pages of a hall: now, alarms, the days before, merging; and looking up registers."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.catalog.models.items import QUICK_MINUTES
from yimen.catalog.tests.factories import make_item
from yimen.hall.actions import alarms
from yimen.hall.models import Hall, HallAlarm, HallZone
from yimen.hall.tests.factories import make_hall, make_series, make_window, serve, take
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_region, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW + timedelta(minutes=5))
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


@pytest.fixture
def crowd():
    series = make_series(make_hall(make_region()), zone="东区")
    east = HallZone.objects.get(name="东区")
    windows = [make_window(series, zone=east), make_window(series, staffed=False, number=5)]
    for n in range(31):
        take(series, NOW + timedelta(seconds=n))
    manager = make_staff(Role.HALL_MANAGER, region=series.region)
    return SimpleNamespace(series=series, hall=series.hall, windows=windows, client=client_of(manager), manager=manager)


@pytest.mark.parametrize("role", list(Role))
def test_those_who_run_or_read_the_hall_see_it(role, crowd):
    client = client_of(make_staff(role, region=crowd.hall.region))
    wanted = 200 if role in {Role.HALL_MANAGER, Role.LEADER, Role.SUPERVISOR} else 403
    for address in ("now", "days", "now/alarms"):
        assert client.get(f"/workbench/hall/{address}").status_code == wanted
    assert client.get("/workbench/hall/merge").status_code == (200 if role == Role.HALL_MANAGER else 403)


@pytest.mark.parametrize(("hour", "begins"), [(6, 6), (8, 7)], ids=["early", "ordinary"])
def test_the_curve_begins_with_the_first_people_and_ends_now(crowd, clock, hour, begins):
    tomorrow = timezone.localtime(NOW + timedelta(days=1)).replace(minute=2)
    take(crowd.series, tomorrow.replace(hour=hour))
    clock.now = tomorrow.replace(hour=hour, minute=40)
    rows = client_of(crowd.manager).get("/workbench/hall/now").context["chart"]["rows"]
    assert rows[0].begins == tomorrow.replace(hour=begins, minute=0)
    assert rows[-1].begins == tomorrow.replace(hour=hour, minute=30)
    assert [(one.taken, one.waiting) for one in rows][-3:] == [(1, 1), (0, 1), (0, 1)]


@pytest.mark.capability("S0-1")
def test_a_surge_is_shown_with_a_window_and_answered_on_the_page(crowd):
    alarms.watch(crowd.hall, by=SYSTEM, at=NOW + timedelta(seconds=59))
    page = Page.open(crowd.client, "/workbench/hall/now")
    assert "31 人在等" in page.text and "建议开 5 号窗口" in page.text and "东区" in page.text
    page = page.press("记下来", answer="已开 5 号窗口")
    assert "已开 5 号窗口" in page.text
    assert HallAlarm.objects.get().answered_by == crowd.manager
    assert "已开 5 号窗口" in Page.open(crowd.client, "/workbench/hall/now/alarms").text


@pytest.mark.capability("S0-1")
def test_the_hall_board_warns_and_names_the_window_to_open(crowd):
    address = f"/screen/{crowd.hall.code}/"
    assert "建议加开" not in crowd.client.get(address).content.decode()
    alarms.watch(crowd.hall, by=SYSTEM, at=NOW + timedelta(seconds=59))
    board = crowd.client.get(address).content.decode()
    assert "31 人在等" in board and "建议加开 5 号窗口" in board


def test_an_idle_window_is_lent_to_a_series_under_pressure(crowd):
    other = make_series(crowd.hall, "B")
    idle = make_window(other, number=9, kind="integrated")
    crowd.windows[1].delete()
    page = Page.open(crowd.client, "/workbench/hall/now")
    page.press("让 9 号窗口也叫 A")
    assert set(idle.series.all()) == {other, crowd.series}
    assert Event.objects.filter(kind="hall.window_series_set").count() == 1


def test_the_page_renews_itself_until_it_is_held(crowd):
    renews = 'data-renew="15"', '<noscript><meta http-equiv="refresh" content="15"></noscript>'
    for address, wanted in (("/workbench/hall/now", True), ("/workbench/hall/now?hold=1", False)):
        page = crowd.client.get(address).content.decode()
        assert [sign in page for sign in renews] == [wanted, wanted]


def test_another_centres_hall_is_not_there(crowd):
    elsewhere = make_hall(make_region("500101"))
    for address in ("now", "days", "now/alarms"):
        assert crowd.client.get(f"/workbench/hall/{address}?hall={elsewhere.code}").status_code == 404


def test_without_a_hall_the_pages_say_what_to_do():
    client = client_of(make_staff(Role.HALL_MANAGER))
    assert "还没有大厅" in client.get("/workbench/hall/now").content.decode()
    assert client.get("/workbench/hall/days").status_code == 200


@pytest.mark.capability("S1-58")
def test_the_days_show_visitors_times_and_levels_and_can_be_taken_away(crowd):
    serve(crowd.windows[0], NOW + timedelta(minutes=1), minutes=3)
    page = crowd.client.get("/workbench/hall/days").content.decode()
    assert "每天来了多少人" in page and ">31<" in page
    for what, words in (("days", "来的人"), ("windows", "空闲（分钟）")):
        taken = crowd.client.post(f"/workbench/hall/days/export/{what}", {"hall": crowd.hall.code})
        assert words in taken.content.decode("utf-8-sig")
    assert Event.objects.filter(kind="insight.exported").count() == 2
    assert crowd.client.post("/workbench/hall/days/export/nothing").status_code == 404


@pytest.mark.parametrize("asked", ["start=2026-12-01&end=2026-11-01", "start=x", "start=1999-01-01&end=2026-01-01"])
def test_a_period_that_makes_no_sense_is_refused(crowd, asked):
    response = crowd.client.get(f"/workbench/hall/days?{asked}")
    assert response.status_code == 400
    assert "每天来了多少人" not in response.content.decode()


@pytest.mark.capability("S3-16", "S3-4")
def test_items_promised_in_minutes_are_timed_and_three_measures_stand_beside(crowd):
    item = make_item()
    version = item.published
    version.extended[QUICK_MINUTES] = 10
    version.save(update_fields=["extended"])
    for minutes in (4, 9, 25):
        ticket = serve(crowd.windows[0], NOW + timedelta(minutes=1), minutes=minutes)
        ticket.item = item
        ticket.save(update_fields=["item"])
    page = crowd.client.get("/workbench/hall/days").content.decode()
    assert version.name in page and "66.7 %" in page
    assert all(words in page for words in ("一件要跑几次", "一件在大厅等多久", "一件换手几次"))


@pytest.mark.capability("S3-1")
def test_two_halls_are_merged_after_a_look_at_what_changes(crowd):
    other = make_hall(crowd.hall.region)
    make_window(make_series(other, "A"), staffed=False, number=1)
    page = Page.open(crowd.client, f"/workbench/hall/merge?source={other.pk}&into={crowd.hall.pk}")
    assert "改成" in page.text
    page.press("合并")
    assert Hall.objects.get(pk=other.pk).merged_into == crowd.hall


def test_the_manager_signs_out_a_window_somebody_has_left(crowd, clock):
    assert "替他签退" not in Page.open(crowd.client, "/workbench/hall/now").text  # he has been idle for five minutes
    clock.now, window = NOW + timedelta(minutes=11), crowd.windows[0]
    sent = {"window": str(window.pk), "hall": crowd.hall.code, "_key": "one"}
    clerk = client_of(make_staff(Role.CLERK, region=crowd.hall.region))
    assert clerk.post("/workbench/hall/now/sign-out", sent).status_code == 403
    page = Page.open(crowd.client, "/workbench/hall/now").press("替他签退")
    assert "1 号窗口签退了" in page.text
    window.refresh_from_db()
    assert window.staff is None
