"""The list of cases, its export, the page of one case, my tasks, and who may open what."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.cases import actions, lists
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case, make_version
from yimen.ledger.models import Event, Once
from yimen.people.models import Role, Staff
from yimen.people.tests.factories import (
    NOW,
    make_department,
    make_region,
    make_staff,
    outsider,
    phone_number,
    resident_id,
)
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
def desk():
    """A department with one item, somebody who may see its cases and its clerk."""
    organ = make_department(make_region(), name="市场监管局（演示）")
    clerk = make_staff(Role.CLERK, department=organ)
    approver = make_staff(Role.APPROVER, department=organ)
    return SimpleNamespace(
        organ=organ,
        version=make_version(department=organ),
        clerk=clerk,
        approver=approver,
        client=client_of(approver),
        at_counter=client_of(clerk),
    )


def accepted(desk, **fields) -> Case:
    case = make_case(version=desk.version, by=desk.clerk, **fields)
    return actions.accept(case.pk, by=desk.clerk, at=fields.get("at", NOW))


def test_the_list_shows_where_each_case_stands_without_numbers(desk):
    case = accepted(desk)
    page = Page.open(desk.client, "/workbench/cases")
    assert case.query_no in page.text and "办理中" in page.text and "王*明" in page.text
    assert case.applicant.name not in page.text and "strip" in page.response.content.decode()


def test_an_empty_list_says_what_will_be_here(desk):
    assert "还没有办件" in Page.open(desk.client, "/workbench/cases").text
    assert "没有符合条件的件" in Page.open(desk.client, "/workbench/cases?status=accepted").text


@pytest.mark.parametrize(
    "query, found",
    [
        ("status=accepted", True),
        ("status=received", False),
        ("status=nonsense", True),
        ("type=promised", True),
        ("type=immediate", False),
        ("due=overdue", False),
        ("due=week", False),
        ("page=99", True),
        ("department=not-an-id", True),
    ],
)
def test_filters(desk, query, found):
    case = accepted(desk)
    answer = desk.client.get(f"/workbench/cases?{query}")
    assert answer.status_code == 200 and (case.query_no in answer.content.decode()) == found


@pytest.mark.parametrize(("name", "found"), [("王小", True), ("小明", False), ("王", False), ("王%", False)])
def test_a_name_is_looked_for_without_standing_in_the_address(desk, name, found):
    case = accepted(desk)
    page = Page.open(desk.client, "/workbench/cases?status=accepted").press("找一找", q=name)
    address = page.response.request["PATH_INFO"] + "?" + page.response.request["QUERY_STRING"]
    assert "status=accepted" in address and "q=" not in address
    assert (case.query_no in page.text) == (found or name == "王")
    assert ("至少写开头两个字" in page.text) == (name == "王")
    assert name not in str(dict(desk.client.session)), "not in clear in the session either"
    if found:
        assert f'value="{name}"' in page.response.content.decode(), "what was typed is still in the field"
        other = client_of(desk.approver)
        assert case.query_no in Page.open(other, address).text, "a mark of another session narrows nothing"


def test_a_name_typed_into_the_address_is_taken_out(desk):
    accepted(desk)
    answer = desk.client.get("/workbench/cases", {"q": "王小明", "status": "accepted"})
    assert (answer.status_code, answer["Location"]) == (302, "/workbench/cases?status=accepted")


def test_the_pages_of_a_search_by_name_keep_to_it(desk):
    for _n in range(21):
        accepted(desk)
    first = Page.open(desk.client, "/workbench/cases").press("找一找", q="王小")
    second = Page.open(desk.client, "/workbench/cases" + first.link("下一页"))
    assert "第 2 页" in second.text and "named=" in first.link("下一页")


def test_my_tasks_look_for_names_in_the_same_way(desk):
    case = accepted(desk)
    client = client_of(desk.approver)
    answer = client.post("/workbench/cases/find", {"q": case.query_no.lower()})
    assert answer["Location"] == f"/workbench/cases?q={case.query_no.lower()}"
    assert "cases/find" in client.get("/workbench/tasks").content.decode()


@pytest.mark.django_db
def test_there_is_an_index_for_names_by_their_beginning():
    """Which index a plan takes depends on statistics no test can settle; that the right one exists does not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'applicant_by_name'")
        assert "name varchar_pattern_ops)" in cursor.fetchone()[0]


def test_due_filters_follow_the_day(desk, clock):
    case = accepted(desk)
    for days, wanted in ((0, "due=today"), (-3, "due=week"), (1, "due=overdue")):
        clock.now = NOW.combine(case.due_on + timedelta(days=days), NOW.timetz())
        client = client_of(desk.approver)
        assert case.query_no in client.get(f"/workbench/cases?{wanted}").content.decode()


def test_a_number_is_found_however_it_is_typed(desk):
    case = make_case(version=desk.version, by=desk.clerk)
    for typed in (case.query_no, case.query_no.lower().replace("-", " "), case.query_no[:8], case.case_no):
        found = lists.find(desk.approver, lists.Wanted(text=typed), today=TODAY)
        assert [each.pk for each in found] == [case.pk], typed


def test_the_list_costs_the_same_for_1_and_20_rows(desk):
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert desk.client.get("/workbench/cases").status_code == 200
        return len(seen)

    accepted(desk)
    desk.client.get("/workbench/cases")
    one = statements()
    for _n in range(19):
        accepted(desk)
    assert statements() == one <= 14


def test_the_lists_are_answered_by_an_index(desk):
    boss = make_staff(Role.LEADER, department=desk.organ, for_region=True)
    case = accepted(desk)
    columns = ", ".join(f'"{field.column}"' for field in Case._meta.concrete_fields)
    changed = {
        "id": "gen_random_uuid()",
        "case_no": "case_no || n",
        "query_no": "'XX-261118-' || lpad(n::text, 5, '0')",
        "received_at": "received_at - n * interval '1 minute'",
        "status": "CASE WHEN mod(n, 50) = 0 THEN 'accepted' ELSE 'withdrawn' END",
        "due_on": "due_on - mod(n, 90)",
    }
    values = ", ".join(changed.get(field.column, f'"{field.column}"') for field in Case._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO cases_case ({columns}) SELECT {values} FROM cases_case, generate_series(1, 20000) AS n"
            " WHERE cases_case.id = %s",
            [case.pk],
        )
    for wanted in (
        lists.Wanted(),
        lists.Wanted(status="accepted"),
        lists.Wanted(due="overdue"),
        lists.Wanted(due="today"),
        lists.Wanted(text="QH-261118"),
    ):
        plan = lists.find(boss, wanted, today=TODAY)[:20].explain()
        assert "Index" in plan and "Seq Scan on cases_case" not in plan, (wanted, plan)


def test_an_export_is_safe_for_spreadsheets_and_stands_in_the_ledger(desk):
    desk.version.name = '=HYPERLINK("http://x")'
    desk.version.save()
    case = accepted(desk)
    page = Page.open(desk.client, "/workbench/cases?status=accepted").press("找一找", q="王小明")
    address, data = page.filled("CSV")
    answer = desk.client.post(address, data)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [case.query_no, "'" + desk.version.name] == rows[1][:2] and len(rows) == 2
    text = answer.content.decode()
    assert case.applicant.name not in text and answer["Cache-Control"] == "no-store"
    event = Event.objects.get(kind="case.exported")
    assert event.data == {"filter": {"text": True, "status": "accepted"}, "count": 1}
    assert event.actor == desk.approver.ledger_ref and "王小明" not in str(event.data)


@pytest.mark.parametrize("address", ["", "/notices/"])
@pytest.mark.parametrize("who, status", [("own", 200), ("other", 404)])
def test_another_departments_case_looks_like_none(desk, address, who, status):
    case = accepted(desk)
    address = address and f"{address}{case.notices.get(kind='receipt').pk}"
    client = desk.client if who == "own" else client_of(make_staff(Role.APPROVER))
    answer = client.get(f"/workbench/cases/{case.query_no}{address}")
    assert answer.status_code == status
    if who == "other":
        missing = client.get(f"/workbench/cases/{case.query_no[:-5]}99999{address}")
        assert missing.status_code == 404 and missing.content == answer.content


def test_another_department_can_neither_accept_nor_see(desk):
    case = make_case(version=desk.version, by=desk.clerk)
    stranger = client_of(make_staff(Role.CLERK))
    answer = stranger.post(f"/workbench/cases/{case.query_no}/accept", {"_key": "12345678"})
    case.refresh_from_db()
    assert answer.status_code == 404 and case.status == Case.Status.RECEIVED


def test_whose_step_it_is_may_see_the_case_of_another_department(desk):
    joint = make_department(desk.organ.region, name="消防救援大队（演示）")
    desk.version.steps.filter(key="review").update(department=joint)
    case = accepted(desk)
    page = Page.open(client_of(make_staff(Role.APPROVER, department=joint)), "/workbench/tasks")
    page = page.follow(desk.version.name)
    page = page.press("提交意见", outcome="passed", opinion="符合要求。")
    assert page.status == 200 and case.tasks.get(step_key="review").done_at


def test_the_case_page_shows_the_day_the_sum_and_who_has_it(desk):
    case = accepted(desk)
    page = Page.open(desk.client, f"/workbench/cases/{case.query_no}")
    html = page.response.content.decode()
    assert "最晚" in page.text and "ribbon" in html and "reckon" in html
    assert "正在办" in page.text and f"{desk.organ.name} · 审批岗" in page.text
    assert "受理通知书" in page.text and "已经受理" in page.text and "营业执照" in page.text
    assert html.count("btn main") == 1


def test_revealing_needs_a_reason_and_is_in_the_ledger(desk):
    case = make_case(version=desk.version, by=desk.clerk)
    page = Page.open(desk.client, f"/workbench/cases/{case.query_no}")
    refused = page.press("看手机号", reason="看")
    assert refused.status == 422 and not Event.objects.filter(kind="people.revealed").exists()
    from yimen.lib import crypto

    phone = crypto.open_sealed(bytes(case.applicant.phone_sealed), "applicant.phone")
    assert phone not in refused.text
    shown = page.press("看手机号", reason="通知他来取证")
    assert phone in shown.text and shown.response["Cache-Control"] == "no-store"
    assert "通知" not in str(Event.objects.get(kind="people.revealed").data)
    assert not Once.objects.exists()  # no kept answer holds a number
    assert phone not in Page.open(desk.client, f"/workbench/cases/{case.query_no}").text


def test_a_refusal_needs_reasons_and_keeps_what_was_chosen(desk):
    case = accepted(desk)
    page = Page.open(desk.client, f"/workbench/cases/{case.query_no}").press("提交意见", outcome="passed")
    assert page.status == 200
    leader = client_of(make_staff(Role.LEADER, department=desk.organ))  # who reviewed does not decide
    page = Page.open(leader, f"/workbench/cases/{case.query_no}")
    refused = page.press("作出决定", outcome="refused", reasons="不行")
    assert refused.status == 409 and "请写明理由" in refused.text
    assert refused.filled("作出决定")[1]["outcome"] == ["refused"]
    refused.press("作出决定", reasons="后厨和厕所之间没有隔断，请隔开以后再申请。")
    case.refresh_from_db()
    assert case.outcome == Case.Outcome.REFUSED


def test_an_opinion_without_a_choice_keeps_the_key_free(desk):
    case = accepted(desk)
    page = Page.open(desk.client, f"/workbench/cases/{case.query_no}")
    address, data = page.filled("提交意见", opinion="看过了，符合。")
    answer = desk.client.post(address, data)
    assert answer.status_code == 422 and "看过了，符合。" in answer.content.decode()
    assert desk.client.post(address, data | {"outcome": ["passed"]}).status_code == 303


def test_tasks_stand_in_three_groups(desk, clock):
    clock.now = NOW - timedelta(days=30)
    accepted(desk, at=clock.now)
    clock.now = NOW
    case = accepted(desk)
    desk.version.steps.filter(key="review").update(limit_days=0)
    accepted(desk)
    page = Page.open(desk.client, "/workbench/tasks")
    order = [page.text.index(word) for word in ("这一步已经过期，先办", "今天到期", "七天内到期")]
    assert order == sorted(order) and "我的任务，3 件" in page.text and case.query_no in page.text


def test_tasks_cost_the_same_for_1_and_20(desk):
    accepted(desk)
    counts = []
    for more in (0, 19):
        for _n in range(more):
            accepted(desk)
        desk.client.get("/workbench/tasks")
        with CaptureQueriesContext(connection) as seen:
            desk.client.get("/workbench/tasks")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 13


@pytest.mark.parametrize(
    "role, words, absent",
    [
        (Role.CLERK, ["收件受理", "办件"], ["我的任务", "人员"]),
        (Role.APPROVER, ["我的任务", "办件"], ["收件受理"]),
        (Role.SUPERVISOR, ["办件"], ["收件受理", "我的任务"]),
        (Role.SYSTEM_ADMIN, [], ["收件受理", "我的任务", "办件"]),
    ],
)
def test_the_navigation_shows_only_what_may_be_opened(role, words, absent):
    client = client_of(make_staff(role))
    page = Page.open(client, "/workbench/")
    assert page.status == 200
    for word in words:
        assert client.get(page.link(word)).status_code == 200
    assert not [word for word in absent if any(word in text for _address, text in page.links)]


def test_home_says_what_matters_today(desk, clock):
    case = accepted(desk)
    make_case(version=desk.version, by=desk.clerk)
    clock.now = NOW.combine(case.due_on, NOW.timetz())
    assert "办件今天到期 1 件" in Page.open(client_of(desk.approver), "/workbench/").text
    assert "收了还没受理 1 件" in Page.open(client_of(desk.clerk), "/workbench/").text


PAGES = ["window", "window/waiting", "tasks", "cases"]
POSTS = [
    "window/sign-in", "window/sign-out", "window/call", "window/recall", "window/start", "window/finish", "window/pass",
    "cases/export", "cases/QH-261118-00001/reveal", "cases/QH-261118-00001/materials", "cases/QH-261118-00001/accept",
    "cases/QH-261118-00001/decline", "cases/QH-261118-00001/decide", "cases/QH-261118-00001/deliver",
    "cases/QH-261118-00001/tasks/01935b1e-0000-7000-8000-000000000000",
    "window/receive/01935b1e-0000-7000-8000-000000000000", "window/applicant/01935b1e-0000-7000-8000-000000000000",
]  # fmt: skip


@pytest.mark.parametrize(
    "address", [*PAGES, *POSTS, "cases/QH-261118-00001", f"cases/QH-261118-00001/notices/{UUID(int=1)}"]
)
def test_every_address_is_closed_to_whom_it_does_not_belong(address):
    url, way = f"/workbench/{address}", "post" if address in POSTS else "get"
    assert getattr(Client(), way)(url)["Location"].startswith("/accounts/login/")
    assert getattr(client_of(outsider()), way)(url).status_code == 403
    assert getattr(client_of(make_staff(Role.SYSTEM_ADMIN)), way)(url).status_code == 403
    if way == "post":
        everything = make_staff(Role.CLERK, Role.APPROVER, Role.LEADER)
        assert client_of(everything).get(url).status_code == 405


def test_a_new_password_comes_first():
    newcomer = make_staff(Role.CLERK, must_change_password=True)
    for address in ("", "window", "cases"):
        assert client_of(newcomer).get(f"/workbench/{address}")["Location"] == "/accounts/password/change/"


def test_a_login_without_a_post_gets_a_kind_page():
    from yimen.people.models import User

    user = User.objects.create_user("nobody", "only-for-tests-1")
    client = Client()
    client.force_login(user, backend=BACKEND)
    answer = client.get("/workbench/")
    assert answer.status_code == 403 and "还没有岗位" in answer.content.decode()


def test_no_page_carries_a_whole_number(desk):
    """Every page that shows an applicant, read for the numbers in clear."""
    from yimen.people.tests.factories import make_applicant

    who = make_applicant(id_number=resident_id(777), phone=phone_number(777))
    case = accepted(desk)
    Case.objects.filter(pk=case.pk).update(applicant=who)
    for client in (desk.client, desk.at_counter):
        for address in ("", "tasks", "cases", f"cases/{case.query_no}", "window", f"window?case={case.query_no}"):
            text = client.get(f"/workbench/{address}").content.decode()
            assert resident_id(777) not in text and phone_number(777) not in text
    assert Staff.objects.exists()
