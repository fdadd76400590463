"""The workbench of those who work through lists: whose tasks, many at once, words, B posts, load, trips."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.cases import actions
from yimen.cases.models import Case, OpinionTemplate, SavedFilter, Task
from yimen.cases.tests.factories import make_case, make_version
from yimen.hall import actions as hall
from yimen.hall.models import WindowPause
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.ledger.models import Event
from yimen.people import covers
from yimen.people.models import PostCover, Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_staff
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


def later(minutes: int):
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def unit():
    """A unit in a centre with a hall: two approvers, a leader, three accepted cases whose review waits."""
    organ, center = make_department(name="市场监管局（演示）"), make_center()
    version = make_version(department=organ)
    clerk = make_staff(Role.CLERK, department=organ, center=center)
    cases = [actions.accept(make_case(version=version).pk, by=clerk, at=later(n)) for n in range(3)]
    return SimpleNamespace(
        organ=organ,
        clerk=clerk,
        version=version,
        cases=cases,
        series=make_series(make_hall(center=center)),
        one=make_staff(Role.APPROVER, department=organ, center=center),
        two=make_staff(Role.APPROVER, department=organ, center=center),
        leader=make_staff(Role.LEADER, department=organ, center=center),
    )


def step(case: Case) -> Task:
    return case.tasks.get(done_at=None)


@pytest.mark.capability("S2-18", "S2-23")
def test_an_approver_sits_at_a_hall_seat_and_sees_who_waits(unit, clock):
    take(unit.series, later(0))
    take(unit.series, later(3))
    clock.now = later(15)
    client = client_of(unit.one)
    for address in (
        "/workbench/tasks",
        "/workbench/cases",
        f"/workbench/cases/{unit.cases[0].query_no}",
        "/workbench/",
    ):
        assert "大厅在等 2 人，最久 15 分" in Page.open(client, address).text
    window = make_window(unit.series, staffed=False)
    page = Page.open(client, "/workbench/window").press(f"在 {window.number} 号签到")
    page = page.press("叫下一位")
    assert "A001" in page.text
    assert "大厅在等 1 人，最久 12 分" in page.text
    assert "等得最久" in Page.open(client, "/workbench/queue").text
    assert "大厅在等" not in Page.open(client_of(make_staff(Role.EDITOR)), "/workbench/").text


def test_a_list_is_whose_it_says_and_its_statements_do_not_grow(unit, django_assert_max_num_queries):
    client = client_of(unit.one)
    actions.take_task(step(unit.cases[0]).pk, by=unit.two, at=later(5))
    assert "我的任务，2 件" in Page.open(client, "/workbench/tasks").text
    assert "我的任务，3 件" in Page.open(client, "/workbench/tasks?whose=team").text
    assert "我的任务，0 件" in Page.open(client, "/workbench/tasks?whose=taken").text
    assert "没有件在等别的单位" in Page.open(client, "/workbench/tasks?whose=elsewhere").text
    assert "我的任务，3 件" in Page.open(client_of(unit.leader), "/workbench/tasks?whose=unit").text
    nonsense = Page.open(client, "/workbench/tasks?whose=x&due=y&department=z&kind=q")
    assert "我的任务，2 件" in nonsense.text
    for n in range(5):
        actions.accept(make_case(version=unit.version).pk, by=unit.clerk, at=later(10 + n))
    with django_assert_max_num_queries(14):
        assert "我的任务，7 件" in Page.open(client, "/workbench/tasks").text


def test_several_steps_are_handed_on_after_a_look_at_what_will_happen(unit):
    client = client_of(unit.one)
    chosen = [str(step(case).pk) for case in unit.cases[:2]]
    actions.take_task(chosen[0], by=unit.one, at=later(5))
    page = Page.open(client, "/workbench/tasks").press("转给同事", id=chosen)
    assert "为什么转" in page.text
    page = page.press("看看会怎样", to=unit.two.pk, reason="load")
    assert "2 件里 1 件可以办" in page.text  # the other is not his to hand
    before = Event.objects.count()
    address, data = page.filled("办这 1 件")
    done = Page(client, client.post(address, data, follow=True))
    assert "办好了 1 件，1 件没有办" in done.text
    assert Event.objects.count() == before + 1
    again = Page(client, client.post(address, data, follow=True))
    assert again.text == done.text
    assert Event.objects.count() == before + 1
    assert client.post(address, data | {"reason": ["away"]}).status_code == 422
    assert Task.objects.get(pk=chosen[0]).assignee == unit.two
    mark = done.response.request["PATH_INFO"]
    assert client_of(unit.two).get(mark).status_code == 404


@pytest.mark.parametrize(("fields", "status"), [({}, 422), ({"act": "take"}, 422), ({"act": "take", "id": "x"}, 404)])
def test_nothing_chosen_is_said_kindly(unit, fields, status):
    client = client_of(unit.one)
    assert client.post("/workbench/bulk", fields).status_code == status
    assert client.post("/workbench/bulk/do", fields).status_code == 400


def test_documents_of_several_cases_come_as_one_file(unit):
    client = client_of(unit.clerk)
    chosen = [str(case.pk) for case in unit.cases]
    answer = client.post("/workbench/bulk/print", {"id": chosen, "kind": "acceptance"})
    assert answer["content-type"] == "application/pdf"
    from pypdf import PdfReader

    assert len(PdfReader(io.BytesIO(answer.content)).pages) >= 3
    assert Event.objects.get(kind="case.notices_printed").data == {"kind": "acceptance", "count": 3}
    refused = client.post("/workbench/bulk/print", {"id": chosen, "kind": "decision"})
    assert refused.status_code == 422
    outside = client_of(make_staff(Role.CLERK, department=make_department()))
    assert outside.post("/workbench/bulk/print", {"id": chosen, "kind": "acceptance"}).status_code == 422


def test_a_list_is_kept_under_a_name_and_taken_away_as_a_sheet(unit):
    client = client_of(unit.one)
    page = Page.open(client, "/workbench/cases?status=accepted").press("存下来", name="在办的", is_shared="1")
    assert "在办的" in Page.open(client_of(unit.two), "/workbench/cases").text
    assert Page.open(client, page.link("在办的")).text.count("办理中") >= 3
    Page.open(client, "/workbench/tasks?whose=team").press("存下来", name="大家的")
    assert SavedFilter.objects.get(place="tasks").values == {"whose": "team"}
    answer = client.post("/workbench/tasks/export", {"whose": "team", "format": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert unit.cases[0].query_no in sheet
    assert "王小明" not in sheet
    assert Event.objects.get(kind="case.tasks_exported").data["count"] == 3
    cases = client.post("/workbench/cases/export", {"status": "accepted", "format": "xlsx"})
    assert cases["content-disposition"].endswith('.xlsx"')
    page = Page.open(client, "/workbench/lists").press("删掉")
    assert SavedFilter.objects.count() == 1


def test_words_are_kept_and_stand_beside_the_opinion(unit):
    client = client_of(unit.one)
    page = Page.open(client, "/workbench/opinions").press(
        "存下来", act="passed", title="符合", text="经审查，符合要求。"
    )
    assert "经审查，符合要求。" in page.text
    kept = OpinionTemplate.objects.get()
    number = unit.cases[0].query_no
    page = Page.open(client, f"/workbench/cases/{number}")
    filled = Page.open(client, page.link("符合"))
    form, _button = filled.form("提交意见")
    assert ("opinion", "经审查，符合要求。") in form.fields
    assert ("outcome", "passed") in form.fields
    assert client_of(unit.two).post(f"/workbench/opinions/{kept.pk}/remove", {"_key": "k"}).status_code == 404
    Page.open(client, f"/workbench/opinions?edit={kept.pk}").press("存下来", title="全部符合")
    assert OpinionTemplate.objects.get().title == "全部符合"
    Page.open(client, "/workbench/opinions").press("删掉")
    assert not OpinionTemplate.objects.exists()


def test_a_step_is_taken_and_handed_on_from_the_page_of_its_case(unit):
    address = f"/workbench/cases/{unit.cases[0].query_no}"
    page = Page.open(client_of(unit.one), address).press("我来办")
    assert "由我在办" in page.text
    assert "提交意见" not in Page.open(client_of(unit.two), address).text
    page = page.press("转给他", to=unit.two.pk, reason="skill")
    assert f"由{unit.two.name}在办" in page.text
    refused = client_of(unit.two).post(address + f"/tasks/{step(unit.cases[0]).pk}/hand", {"_key": "k", "to": ""})
    assert refused.status_code == 409


@pytest.mark.capability("S2-20")
def test_a_clerk_leaves_his_window_and_the_b_post_goes_on(unit, clock):
    window, neighbour = make_window(unit.series, staffed=False), make_window(make_series(unit.series.hall, "B"))
    hall.sign_in(window.pk, by=unit.clerk, at=NOW)
    manager = make_staff(Role.HALL_MANAGER, for_region=True)
    Page.open(client_of(manager), "/workbench/covers").press("设好", primary=unit.clerk.pk, stand_in=neighbour.staff.pk)
    take(unit.series)
    client = client_of(unit.clerk)
    page = Page.open(client, "/workbench/window").press("暂离", reason="meal")
    assert "用餐" in page.text
    assert not page.has_button("离开一会儿")
    page = Page.open(client_of(neighbour.staff), "/workbench/window")
    assert "您在替" in page.text
    assert page.has_button("暂离")  # his own window he may leave as well
    assert "A001" in page.press("叫下一位").text
    clock.now = later(20)
    Page.open(client, "/workbench/window").press("我回来了")
    assert not PostCover.objects.filter(until_at=None).exists()
    assert WindowPause.objects.get().minutes == 20
    shown = Page.open(client_of(manager), "/workbench/covers")
    assert "20 分" in shown.text
    assert client_of(unit.one).post("/workbench/covers/set", {"_key": "k"}).status_code == 403


def test_a_cover_begins_and_ends_on_its_page(unit):
    covers.set_stand_in(unit.one.pk, unit.clerk.pk, by=unit.leader, at=NOW)
    page = Page.open(client_of(unit.one), "/workbench/covers").press("我要离开，请 B 角顶岗", reason="培训")
    assert "现在没有人在顶岗" not in page.text
    assert Page.open(client_of(unit.clerk), "/workbench/tasks").status == 200
    page.press("结束")
    assert Page.open(client_of(unit.clerk), "/workbench/tasks").status == 403


@pytest.mark.capability("S2-19")
def test_the_load_of_each_person_is_shown_and_too_much_is_marked(unit, django_assert_max_num_queries):
    from yimen.catalog import actions as catalog
    from yimen.insight.workload import ALARM_KEY
    from yimen.ledger.actions import SYSTEM

    for case in unit.cases[:2]:
        actions.take_task(step(case).pk, by=unit.one, at=later(5))
    client = client_of(unit.leader)
    page = Page.open(client, "/workbench/workload")
    assert unit.one.name in page.text
    assert "太多" not in page.text
    catalog.set_local_rule(unit.organ.region_id, ALARM_KEY, 2, effective_on=TODAY, reason="本地规定", by=SYSTEM, at=NOW)
    with django_assert_max_num_queries(16):
        page = Page.open(client, "/workbench/workload")
    assert "1 个人手上超过 2 步" in page.text  # two taken, and half of the third
    assert client_of(unit.one).get("/workbench/workload").status_code == 403
    assert "没有等着办的步骤" in Page.open(client_of(make_staff(Role.LEADER)), "/workbench/workload").text
