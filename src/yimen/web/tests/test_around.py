"""Priority, agents, guidance, teams, experts, recusal and conformity at the workbench."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.cases import actions
from yimen.cases.models import Guidance, PriorityGrant
from yimen.cases.tests.factories import make_case
from yimen.cases.tests.test_people_around import the_office
from yimen.hall import actions as hall
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.people.tests.factories import NOW
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def office(db):
    office = the_office()
    case = make_case(version=office.version, at=NOW, by=office.clerk)
    office.case = actions.accept(case.pk, by=office.clerk, at=NOW)
    office.address = f"/workbench/cases/{case.query_no}"
    return office


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


def page_for(staff, address) -> Page:
    page = Page.open(client_of(staff), address)
    assert page.status == 200, page.text[:500]
    return page


@pytest.mark.capability("S0-21")
@pytest.mark.parametrize(("reason", "word"), [("exam", "参加考试急用"), ("travel", "紧急出境、出行")])
def test_an_urgent_ticket_shows_reason_and_approver(office, reason, word):
    series = make_series(make_hall(office.organ.region))
    window = make_window(series, staffed=False)
    ticket = take(series)
    asked = page_for(office.guide, "/workbench/priority").press(
        "报上去", label=ticket.label, kind="urgent", reason=reason
    )
    assert "等负责人" in asked.text
    page_for(office.leader, "/workbench/priority").press("批准", answer="情况属实")
    grant = PriorityGrant.objects.get()
    assert (grant.ticket, grant.reason, grant.approved_by) == (ticket.pk, reason, office.leader)
    hall.sign_in(window.pk, by=office.clerk, at=NOW)
    desk = page_for(office.guide, "/workbench/desk")
    hall.call_next(window.pk, by=office.clerk, at=NOW)
    for page in (desk, page_for(office.clerk, "/workbench/window")):
        assert "急办" in page.text
        assert word in page.text
        assert f"{office.leader.name}批准" in page.text


def test_a_wrong_number_of_a_ticket_is_said_and_writes_nothing(office):
    page = page_for(office.guide, "/workbench/priority").press("报上去", label="A999", kind="fast", reason="exam")
    assert page.status == 422
    assert "没有这个" in page.text
    assert not PriorityGrant.objects.exists()


def test_a_case_is_asked_first_answered_elsewhere_and_marked_in_the_list(office):
    page_for(office.clerk, office.address).press("申请优先", kind="project", reason="project")
    own = page_for(office.manager, "/workbench/priority")
    own.press("不批", answer="")
    assert PriorityGrant.objects.get().refused_at is None  # no refusal without a reason
    own.press("批准")
    assert "重大项目" in page_for(office.approver, office.address).text
    assert "优先" in page_for(office.approver, "/workbench/tasks").text


def test_an_agent_begins_acts_and_ends_on_the_page_of_the_case(office):
    page = page_for(office.clerk, office.address + "/agent/new")
    missing = page.press("开始代办", kind="helper", number="99999", consent="当面签字")
    assert "没有工号" in missing.text
    page = page.press("开始代办", kind="helper", number=office.guide.number, consent="当面签字")
    assert "帮办代办员" in page.text
    page = page_for(office.clerk, office.address).press("记一步代办", what="form")
    assert f"由帮办代办员（工号 {office.guide.number}）代办" in page.text
    page_for(office.clerk, office.address).press("结束代办")
    assert office.case.agents.get().ended_at


def test_guidance_is_noted_linked_counted_and_exported(office):
    client = client_of(office.guide)
    page = Page.open(client, "/workbench/guidance/new")
    page = page.press("记下", item=office.version.item_id, who="南门小吃（演示）", advice="先分好生熟两个水池。")
    assert "南门小吃" in page.text
    page_for(office.clerk, office.address).press("把辅导连到这件", guidance=Guidance.objects.get().pk)
    assert Guidance.objects.get().case == office.case
    export = client.post("/workbench/guidance/export", {"format": "csv"})
    assert "南门小吃" in export.content.decode()
    assert client.get("/workbench/guidance").status_code == 200


def test_a_team_and_an_expert_are_found_on_the_case(office):
    page = page_for(office.leader, office.address + "/team/new")
    members = f"{office.approver.number} 牵头\n{office.guide.number} 跑手续"
    assert "养殖场专班" in page.press("组专班", name="养殖场专班", members=members).text
    page_for(office.leader, "/workbench/teams").press("加人", number=office.clerk.number, duty="收件")
    assert office.clerk.name in page_for(office.approver, office.address).text
    experts = page_for(office.leader, "/workbench/experts/new")
    experts.press("入库", name="陈专（演示）", organisation="设计院", fields_known="消防、排烟")
    page = page_for(office.approver, office.address + "/expert/new")
    choice = page.form("记下请教")[0].choices["expert"][0]
    page = page.press("记下请教", expert=choice, question="排烟管离窗户几米才行？")
    page = page.press("记下意见", advice="不少于二十米。")
    assert "不少于二十米。" in page.text
    assert "陈专" in page_for(office.approver, "/workbench/experts?q=消防").text


def test_recusal_is_asked_and_decided_on_the_page_of_the_case(office):
    page = page_for(office.clerk, office.address + "/recusal/new")
    page.press("提出回避", asker="applicant", number=office.approver.number, reason="申请人是他的姐夫。")
    assert not page_for(office.clerk, office.address).has_button("不用回避")
    page_for(office.leader, office.address).press("同意")
    assert office.case.recusals.get().is_granted
    assert office.case.query_no not in page_for(office.approver, "/workbench/tasks").text


def test_deviations_stand_on_the_case_and_in_the_list_by_item(office):
    actions.complete_task(office.case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=NOW)
    actions.send_back(office.case.pk, "review", reason="布局图缺一页，请补看。", by=office.other, at=NOW)
    assert "前面的被退回了" in page_for(office.leader, office.address).text
    task = office.case.tasks.get(done_at=None)
    actions.complete_task(task.pk, outcome="passed", opinion="", by=office.approver, at=NOW)
    actions.decide(office.case.pk, outcome="granted", reasons="", by=office.leader, at=NOW)
    assert "退回重办 1 件" in page_for(office.leader, "/workbench/conformity").text
    assert page_for(office.leader, "/workbench/conformity?start=2020-01-01&end=x").status == 200


@pytest.mark.parametrize("address", ["priority", "guidance", "teams", "experts", "conformity"])
def test_pages_open_to_who_may_and_to_nobody_else(office, address):
    assert client_of(office.leader).get(f"/workbench/{address}").status_code == 200
    from yimen.people.models import Role
    from yimen.people.tests.factories import make_staff

    nobody = make_staff(Role.EDITOR, department=office.organ)
    assert client_of(nobody).get(f"/workbench/{address}").status_code == 403
