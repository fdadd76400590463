"""The window's verbs, the desk's moves and how a hall calls, by their pages alone; no script."""

from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.cases import actions as cases
from yimen.hall import actions
from yimen.hall.models import Hall, Ticket
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, take
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_region, make_staff, resident_id
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
def hall():
    region = make_region()
    series = make_series(make_hall(region))
    other = make_series(series.hall, "B", name="不动产")
    window, there = make_window([series]), make_window([other])
    return SimpleNamespace(
        hall=series.hall, series=series, other=other, window=window, there=there, client=client_of(window.staff)
    )


def status(label):
    return Ticket.objects.get(label=label).status


def test_the_window_holds_goes_on_calls_back_and_undoes(hall):
    take(hall.series), take(hall.series)
    page = Page.open(hall.client, "/workbench/window")
    assert "2 人在等" in page.text
    page = page.press("叫下一位").press("人到了")
    assert "等得最久，先来先叫" in page.text
    # The confirm step says what becomes of who is here.
    assert "A001 还在您这里" in page.text
    page = page.press("等一会儿再办，挂起")
    assert (status("A001"), status("A002")) == ("held", "called")
    page = page.press("过号").press("撤销")
    assert "A002 和刚才一样" in page.text and status("A002") == "called"
    page.press("办完").press("回呼")
    assert (status("A002"), status("A001")) == ("finished", "called")


def test_a_chosen_number_is_called_with_its_reason(hall):
    take(hall.series), take(hall.series)
    page = Page.open(hall.client, "/workbench/window").press("叫这个号", label="a002", reason="other")
    assert "写一句话" in page.text and status("A002") == "waiting"
    page = page.press("叫这个号", label="a002", reason="other", note="赶火车")
    assert "窗口先叫他：其他原因（赶火车）" in page.text
    ticket = Ticket.objects.get(label="A002")
    page = Page.open(hall.client, f"/workbench/tickets/{ticket.pk}")
    assert "A002 的经过" in page.text and "叫指定号" in page.text


def test_a_ticket_goes_to_another_window_or_queue_and_a_second_matter_goes_on(hall):
    take(hall.series), take(hall.series)
    page = Page.open(hall.client, "/workbench/window").press("叫下一位")
    page = page.press("转过去", to=f"w:{hall.there.pk}")
    assert "A001 转到 2 号窗口了，还是原来的时间" in page.text
    assert call(hall.there).label == "A001"
    page = Page.open(hall.client, "/workbench/window").press("叫下一位").press("人到了")
    page = page.press("接着办下一件", series=str(hall.other.pk))
    assert "下一件去不动产，号是 B001" in page.text
    assert page.link("打开小票") == f"/kiosk/{hall.other.hall.code}/tickets/{Ticket.objects.get(label='B001').pk}/"


def test_the_window_sees_care_and_the_desk_offers_it_from_the_id(hall):
    desk = client_of(make_staff(Role.GUIDE))
    old = resident_id(31)
    page = Page.open(desk, "/workbench/desk").press("取号", id_number=old)
    assert "65 岁以上" in page.text and old not in page.text
    page = page.press("照顾他")
    assert Ticket.objects.get().care == "old"
    page = Page.open(desk, "/workbench/desk").press("取号", id_number=old)
    assert "您手里的 A001 还在等" in page.text
    page = Page.open(hall.client, "/workbench/window").press("叫下一位")
    assert "老年人" in page.text and "请慢慢说" in page.text and "优先：老年人" in page.text


def test_the_desk_shows_the_order_moves_tickets_and_sees_who_is_stuck(hall):
    take(hall.series), take(hall.other, care="disabled")
    actions.sign_out(hall.there.pk, by=hall.there.staff, at=NOW)
    page = Page.open(client_of(make_staff(Role.GUIDE)), "/workbench/desk")
    assert "照这个次序叫" in page.text and "优先：残疾人" in page.text
    assert "这些号现在没有窗口会叫" in page.text and "不动产现在没有窗口叫" in page.text
    page = page.press("转过去", label="B001", to=f"s:{hall.series.pk}")
    assert "转到综合窗口了" in page.text and "没有窗口会叫" not in page.text
    page.press("撤销")
    assert Ticket.objects.get(label="B001").series == hall.other


def test_a_policy_is_tried_on_todays_queue_before_it_is_saved(hall):
    take(hall.series), take(hall.series), take(hall.series, care="old")
    manager = client_of(make_staff(Role.HALL_MANAGER))
    address = f"/workbench/hall/{hall.hall.pk}/calling"
    saved = "ratio=3&ageing_minutes=20&cap=2&margin_minutes=10&wait_limit=30"
    page = Page.open(manager, f"{address}?policy=strict&{saved}")
    assert "照试的办法，今天会这样叫" in page.text and "晚 2 位" in page.text
    assert Hall.objects.get().policy == "ratio" and not Event.objects.filter(kind="hall.policy_set").exists()
    page = page.press("就这样叫", policy="strict")
    assert Hall.objects.get().policy == "strict" and "存好了" in page.text
    assert Event.objects.get(kind="hall.policy_set").data["policy"] == ["ratio", "strict"]


def test_an_approved_priority_moves_a_ticket_to_the_front_and_can_be_ended(hall):
    take(hall.series)
    ticket = take(hall.series)
    leader = make_staff(Role.LEADER)
    cases.ask_priority("urgent", "exam", ticket=ticket.pk, by=make_staff(Role.GUIDE), at=NOW)
    page = Page.open(client_of(leader), "/workbench/priority").press("批准，排到前面")
    ticket.refresh_from_db()
    assert ticket.is_priority and ticket.grant_id
    page = page.press("A002 不再优先")
    ticket.refresh_from_db()
    assert not ticket.is_priority and "照取号的时间排" in page.text


def test_the_card_of_who_waits_says_when_somebody_was_called_here(hall):
    take(hall.series)
    page = Page.open(hall.client, "/workbench/window/waiting?ticket=")
    assert "叫到您这里了" not in page.text
    ticket = call(hall.window)
    assert "A001 叫到您这里了" in Page.open(hall.client, "/workbench/window/waiting?ticket=").text
    assert "叫到您这里了" not in Page.open(hall.client, f"/workbench/window/waiting?ticket={ticket.pk}").text


def test_skills_and_limits_are_set_by_the_hall_manager_alone(hall):
    manager = client_of(make_staff(Role.HALL_MANAGER))
    page = Page.open(manager, f"/workbench/hall/series/{hall.series.pk}/limits")
    page = page.press("存下", daily_cap="5", warning_at="9")
    assert "提醒的数不能比一天的总数大" in page.text
    page = page.press("存下", daily_cap="5", warning_at="4")
    assert "存好了" in page.text
    assert "还没有专长" in Page.open(manager, "/workbench/hall/skills").text
    assert hall.client.get("/workbench/hall/skills").status_code == 403
