"""Pages of supervision: the board, cards, rules, integrity, walk-throughs; a supervisor changes nothing in cases."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff
from yimen.supervision import actions, jobs
from yimen.supervision.models import Card, SupervisionRule, WalkThrough
from yimen.supervision.tests.factories import accepted, after, make_office
from yimen.web.tests.pages import Page
from yimen.web.workbench import supervision

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


def press(client, url, page, **fields):
    """Send the form that `page` has for `url`."""
    form = next(form for form in Page.open(client, page).forms if form.action == url)
    hidden = {name: value for name, value in form.fields if name not in {"csrfmiddlewaretoken"}}
    return client.post(url, {**hidden, **fields})


def text(client, url) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.capability("SUP-1")
@pytest.mark.capability("SUP-7")
def test_a_late_case_becomes_a_card_that_is_answered_appealed_and_decided(clock):
    office = make_office()
    case = accepted(office)
    clock.now = after(case.due_on, 1)
    jobs.watch_clocks(at=clock.now)
    card = Card.objects.get(case=case, trigger="over_promise")
    handler, watcher = client_of(office.approver), client_of(office.supervisor)
    assert "最后一天：12 月 1 日（周二）" in text(watcher, f"/workbench/cards/{card.pk}")
    assert "监察牌等我答复 2 张" in text(handler, "/workbench/")
    assert "监察牌（2）" in text(handler, "/workbench/")  # and the step's
    page, url = f"/workbench/cards/{card.pk}", f"/workbench/cards/{card.pk}/answer"
    assert card.number in text(handler, "/workbench/cards")
    assert card.number in text(handler, f"/workbench/cases/{case.query_no}")
    refused = press(handler, url, page, text="等上级复函。", correction="")
    assert refused.status_code == 409 and "怎么整改" in refused.content.decode()
    assert "等上级复函。" in refused.content.decode()
    assert press(handler, url, page, text="等上级复函。", correction="当天加班办结。").status_code == 303
    assert press(handler, f"{page}/appeal", page, appeal="复函晚到，不是本岗的责任。").status_code == 303
    assert client_of(make_staff(Role.CLERK)).get(page).status_code == 404
    assert "监察牌有申诉 1 张" in text(watcher, "/workbench/")
    done = press(watcher, f"{page}/decide", page, act="lifted", reasons="复函日期核对属实。")
    assert done.status_code == 303
    card.refresh_from_db()
    assert card.state == Card.State.LIFTED
    assert "复函日期核对属实" in text(handler, page)


def test_the_board_leads_to_its_cases_and_comes_again_by_itself(clock):
    office = make_office()
    case = accepted(office)
    clock.now = after(case.due_on, 2)
    jobs.watch_clocks(at=clock.now)
    watcher = client_of(office.supervisor)
    response = watcher.get("/workbench/supervision")
    assert response["Refresh"] == "60"
    assert "Refresh" not in watcher.get("/workbench/supervision?hold=1").headers
    link = f"/workbench/cases?due=overdue&amp;department={office.organ.pk}"
    assert link in response.content.decode()
    assert case.query_no in text(watcher, link.replace("&amp;", "&"))
    for staff, status in ((office.leader, 200), (office.manager, 200), (office.clerk, 403)):
        assert client_of(staff).get("/workbench/supervision").status_code == status
    assert "/workbench/cases?" not in text(client_of(office.manager), "/workbench/supervision")


@pytest.mark.capability("SUP-4")
@pytest.mark.capability("SUP-5")
def test_a_rule_is_tried_on_todays_cases_and_then_set(clock):
    office = make_office()
    case = accepted(office)
    clock.now = after(case.due_on, 1)
    watcher = client_of(office.supervisor)
    page = "/workbench/supervision/rules"
    day = f"{clock.now:%Y-%m-%d}"
    asked = f"{page}?try=1&trigger=over_promise&colour=red&days_over=1&effective_on={day}&department={office.organ.pk}"
    assert case.query_no in text(watcher, asked)
    assert not Card.objects.exists() and not SupervisionRule.objects.exists()
    assert "1 到 365" in text(watcher, asked.replace("days_over=1", "days_over=0"))
    refused = press(watcher, page, asked, basis="")
    assert refused.status_code == 409 and "依据" in refused.content.decode()
    assert press(watcher, page, asked, basis="演示办发〔2026〕3 号").status_code == 303
    row = SupervisionRule.objects.get()
    assert (row.trigger, row.colour, row.threshold, row.department) == (
        "over_promise", "red", {"days_over": 1}, office.organ,
    )  # fmt: skip
    assert "演示办发〔2026〕3 号" in text(watcher, page)
    leader = client_of(office.leader)
    assert "定一条规则" not in text(leader, page)
    assert leader.post(page, {"_key": "k1"}).status_code in {403, 409, 422}
    assert SupervisionRule.objects.count() == 1


@pytest.mark.capability("SUP-2")
def test_a_supervisor_gives_a_card_by_hand_on_the_case_page():
    office = make_office()
    case = accepted(office)
    watcher, page = client_of(office.supervisor), f"/workbench/cases/{case.query_no}"
    url = f"{page}/card"
    values = {"trigger": "other", "colour": "red", "card_facts": "让群众自己去复印，多等半小时。"}
    assert press(watcher, url, page, **(values | {"card_facts": "不好"})).status_code == 409
    assert press(watcher, url, page, **values, handler=office.clerk.number).status_code == 303
    card = Card.objects.get()
    assert (card.handler, card.colour, card.given_by) == (office.clerk, "red", office.supervisor)
    assert url not in text(client_of(office.leader), page)
    assert client_of(office.leader).post(url, {**values, "_key": "k"}).status_code == 403


@pytest.mark.capability("SUP-9")
def test_the_record_is_taken_away_as_a_table():
    office = make_office()
    card = actions.give_by_hand(
        accepted(office).pk, trigger="other", colour="red", facts="多跑一趟的事。", by=office.supervisor, at=NOW
    )
    response = client_of(office.supervisor).post("/workbench/cards/export", {"colour": "red"})
    lines = response.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2 and card.number in lines[1] and lines[0].count(",") == 10
    assert client_of(office.clerk).post("/workbench/cards/export").status_code == 403


def test_the_other_pages_open_for_those_who_watch_and_for_nobody_else():
    office = make_office()
    actions.give_by_hand(
        accepted(office).pk, trigger="other", colour="red", facts="多跑一趟的事。", by=office.supervisor, at=NOW
    )
    for path in (
        "/workbench/cards/ranking",
        "/workbench/cards/ranking?by=quarter&month=2026-10",
        "/workbench/integrity",
    ):
        assert client_of(office.clerk).get(path).status_code == 403
        assert office.organ.name in text(client_of(office.supervisor), path) or "integrity" in path
    bad = "/workbench/cards?department=x&state=y&colour=z&since=2026-99-99&page=-3"
    assert client_of(office.supervisor).get(bad).status_code == 200
    assert client_of(office.supervisor).get("/workbench/cards/ranking?month=99999-12").status_code == 200


@pytest.mark.capability("S4-26")
def test_a_round_of_walk_throughs_is_begun_reported_and_exported():
    office = make_office()
    watcher, leader = client_of(office.supervisor), client_of(office.leader)
    url = "/workbench/walks"
    due_on = f"{NOW + timedelta(days=20):%Y-%m-%d}"
    assert press(watcher, f"{url}/begin", url, name="第四季度", due_on="").status_code == 409
    assert press(watcher, f"{url}/begin", url, name="第四季度", due_on=due_on).status_code == 303
    assert "0/2 项完成" in text(leader, url)
    walk = WalkThrough.objects.get(leader=office.leader, kind="certificate")
    page = f"{url}/{walk.pk}"
    said = {"done_on": "2026-11-18", "minutes": "45", "report": "一个窗口办完了。", "problems": "没有老花镜\n椅子太高"}
    assert press(leader, page, page, **(said | {"minutes": "很久"})).status_code == 409
    assert press(leader, page, page, **said).status_code == 303
    found = text(watcher, url)
    assert "1/2 项完成" in found and "椅子太高" in found
    assert watcher.get(page).status_code == 404  # nobody else's errand
    table = watcher.post(f"{url}/export", {"round": "第四季度"}).content.decode("utf-8-sig")
    assert "已完成" in table and "未完成" in table


def patterns(prefix="", resolver=None):
    for one in (resolver or get_resolver()).url_patterns:
        route = prefix + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from patterns(route, one)
        else:
            yield route, one.name


def test_every_act_on_a_case_is_refused_to_a_supervisor():
    """SUP-12: whatever stands on the page of a case, he may send none of it; its history has no row by him."""
    office = make_office()
    case = accepted(office)
    before = Event.objects.filter(stream=case.stream).count()
    watcher, nothing = client_of(office.supervisor), "00000000-0000-4000-8000-000000000000"
    own = {"case-card", "case-reveal"}  # his card; a look at a number, with its reason in the ledger
    acts = [one for one in patterns() if one[0].startswith("workbench/cases/<number:number>/") and one[1] not in own]
    assert len(acts) > 20
    for route, name in acts:
        url = "/" + route.replace("<number:number>", case.query_no)
        for part in [part for part in url.split("/") if part.startswith("<")]:
            url = url.replace(part, nothing if "uuid" in part else "1")
        response = watcher.post(url, {"_key": "key", "reasons": "理由写得很清楚。"})
        assert response.status_code in {403, 404, 405}, name
    assert Event.objects.filter(stream=case.stream).count() == before


@pytest.mark.parametrize("url", ["/workbench/cards", "/workbench/cards?mine=1", "/workbench/supervision"])
def test_lists_of_supervision_take_as_many_statements_for_many_cards_as_for_few(clock, url):
    office = make_office()

    def statements() -> int:
        client = client_of(office.leader)
        text(client, url)
        with CaptureQueriesContext(connection) as captured:
            text(client, url)
        return len(captured)

    for count in (1, 5):
        for _n in range(count):
            accepted(office)
        clock.now += timedelta(days=60)
        jobs.watch_clocks(at=clock.now)
        if count == 1:
            few, cards = statements(), Card.objects.count()
    assert statements() == few and Card.objects.count() > cards >= 1


def test_a_threshold_is_said_in_words_in_the_order_of_the_form():
    said = supervision.in_words({"percent": 80, "days_left": 2})
    assert said == ["还剩 2 个工作日", "用掉 80% 的时间"]
    assert supervision.in_words({"minutes": 10, "days_late": 1}) == ["事后 1 天才录入", "从收件到办结不到 10 分钟"]
    assert supervision.in_words({}) == []
