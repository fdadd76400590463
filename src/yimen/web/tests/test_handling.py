"""Gaps, commitments, joint approval, going back and handing on, at the workbench and on the citizen's page."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pypdf import PdfReader

from yimen.cases import actions, documents, queries
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case, make_version
from yimen.cases.tests.test_modes import joint_version, version_with_gap, version_with_proof
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_region, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


def received(version, clerk, **states) -> Case:
    handed = {row.pk: Handed(states.get(row.name, "complete")) for row in version.materials.all()}
    region = version.item.region
    return actions.receive(
        version,
        make_applicant(region=region, phone="13900000417"),
        center=make_center(region),
        materials=handed,
        by=clerk,
        at=NOW,
    )


def address(case: Case, act: str = "") -> str:
    return f"/workbench/cases/{case.query_no}" + (f"/{act}" if act else "")


def citizens_page(case: Case) -> Page:
    client = Client()
    client.post("/progress", {"number": case.query_no, "last_four": "0417"})
    return Page.open(client, f"/cases/{case.query_no}")


def submit(page: Page, act: str, *, expect: int = 200, **values: str) -> Page:
    """Send the form of the page that goes to `act`, as it stands, with some fields filled in."""
    form = next(form for form in page.forms if form.action == act)
    data = dict(form.fields)
    for name, value in values.items():
        assert name in data or name in form.choices, f"no field {name!r}"
        data[name] = value
    answer = page.client.post(act, data, follow=True)
    assert answer.status_code == expect
    return Page(page.client, answer)


def at_case(version, role=Role.APPROVER):
    return make_staff(role, department=version.item.department)


@pytest.mark.capability("S0-15")
@pytest.mark.capability("S1-26")
def test_a_case_taken_in_at_one_window_reaches_the_back_office_by_itself():
    """A clerk of one unit takes in for another; the other's approver finds it among her tasks, nobody else does."""
    version, desk = make_version(), make_department(name="服务台（演示）")
    clerk = make_staff(Role.CLERK, department=desk, for_region=True)
    assert version.item.department != desk
    case = received(version, clerk)
    submit(Page.open(client_of(clerk), address(case)), f"{address(case)}/accept")
    case.refresh_from_db()
    assert case.status == Case.Status.ACCEPTED
    tasks = Page.open(client_of(at_case(version)), "/workbench/tasks")
    assert case.query_no in tasks.text
    other = make_staff(Role.APPROVER, department=make_department())
    assert case.query_no not in Page.open(client_of(other), "/workbench/tasks").text
    assert case.visit_days in ([], [NOW.date()])  # one day at the hall at most


def test_a_gap_is_promised_listed_shown_to_the_citizen_and_made_up(clock):
    version = version_with_gap()
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    case = received(version, clerk, 验资报告="later")
    actions.accept(case.pk, by=clerk, at=NOW)
    client = client_of(clerk)
    assert "验资报告" in Page.open(client, "/workbench/gaps").text
    assert "您还要补 1 样材料" in citizens_page(case).text
    clock.now = NOW + timedelta(days=30)
    client = client_of(clerk)
    assert "过了日子" in Page.open(client, "/workbench/gaps").text
    gap = case.gaps.get()
    page = submit(Page.open(client, address(case)), address(case, f"gaps/{gap.pk}"), form="original")
    assert "后补的材料收下了" in page.text and "补齐了" in page.text
    assert "没有等着补的材料" in Page.open(client, "/workbench/gaps").text


def test_a_commitment_is_signed_before_acceptance_and_checked_on_the_page():
    version = version_with_proof()
    clerk = make_staff(Role.CLERK, department=version.item.department)
    case = received(version, clerk, 无违法记录证明="missing")
    client, row = client_of(clerk), case.materials.get(material__name="无违法记录证明")
    page = Page.open(client, address(case))
    assert "用告知承诺代替证明" in page.text
    refused = submit(page, address(case, "commit"), text="太短", expect=409, material=str(row.pk))
    assert "请写全承诺的内容" in refused.text and "太短" in refused.text
    submit(refused, address(case, "commit"), text="我承诺没有违法记录，不实愿意承担撤销的后果。", material=str(row.pk))
    actions.accept(case.pk, by=clerk, at=NOW)

    approver = client_of(at_case(version))
    assert case.query_no in Page.open(approver, "/workbench/commitments").text
    page = Page.open(approver, address(case))
    assert "请选择：属实" in submit(page, address(case, "commitment"), expect=422).text
    submit(page, address(case, "commitment"), is_kept="no", findings="有两次处罚记录，不属实")
    assert "承诺不实" in Page.open(approver, address(case)).text


def test_a_joint_case_shows_how_many_opinions_are_in_to_both_sides():
    other = make_department(name="消防大队（演示）")
    version = joint_version(other)
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    case = received(version, clerk)
    actions.accept(case.pk, by=clerk, at=NOW)
    task = case.tasks.get(department=other)
    actions.complete_task(
        task.pk, outcome="passed", opinion="疏散通道合格", by=make_staff(Role.APPROVER, department=other), at=NOW
    )
    own = Page.open(client_of(at_case(version)), address(case)).text
    assert "收到 1 / 2 家意见" in own and "疏散通道合格" in own
    theirs = citizens_page(case).text
    assert "收到 1 / 2 家意见" in theirs and "疏散通道合格" not in theirs


@pytest.mark.capability("S2-13")
def test_one_acceptance_for_many_units_ends_in_one_document_with_all_opinions_in_order(clock):
    first, second = make_department(name="消防大队（演示）"), make_department(name="城管局（演示）")
    version = joint_version(first, second)
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    case = received(version, clerk)
    actions.accept(case.pk, by=clerk, at=NOW)
    order = [second, version.item.department, first]
    for n, department in enumerate(order, start=1):
        task = case.tasks.get(department=department, done_at=None)
        client = client_of(make_staff(Role.APPROVER, department=department))
        clock.now = NOW + n * HOUR
        submit(Page.open(client, address(case)), address(case, f"tasks/{task.pk}"), outcome="passed")
    page = Page.open(client_of(at_case(version)), address(case))
    submit(page, address(case, "decide"), outcome="granted")
    notice = case.notices.get(kind="decision")
    assert [unit[0] for unit in notice.data["units"]] == [department.name for department in order]
    text = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(documents.render(notice))).pages)
    found = [text.replace("\n", "").find(department.name) for department in order]
    assert -1 not in found and "依次加盖" in text
    assert case.notices.filter(kind="acceptance").count() == case.notices.filter(kind="decision").count() == 1


def test_a_step_is_sent_back_from_the_page_and_what_was_typed_stays():
    version = joint_version(make_department())
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    case = received(version, clerk)
    actions.accept(case.pk, by=clerk, at=NOW)
    for task in case.tasks.select_related("department"):
        by = make_staff(Role.APPROVER, department=task.department)
        actions.complete_task(task.pk, outcome="passed", opinion="", by=by, at=NOW)
    client = client_of(at_case(version))
    page = Page.open(client, address(case))
    assert "再看" in submit(page, address(case, "send-back"), step="review-1", reason="再看", expect=409).text
    page = Page.open(client, address(case))
    submit(page, address(case, "send-back"), step="review-1", reason="图纸缺一页，请补看")
    page = Page.open(client, address(case))
    assert "第 2 轮" in page.text and "图纸缺一页，请补看" in page.text and "退回重办" in page.text


def test_another_regions_officer_signs_decides_and_sees_nothing_else(clock):
    """HALL-17: who clocks what stands on both pages; isolation holds for every other case."""
    version = make_version()
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    case, hidden = received(version, clerk), make_case(version=version, by=clerk)
    for one in (case, hidden):
        actions.accept(one.pk, by=clerk, at=NOW)
        task = one.tasks.get(kind="review")
        actions.complete_task(task.pk, outcome="passed", opinion="", by=at_case(version), at=NOW)
    city = make_department(make_region("500200", "演示地市"), name="市住建局（演示）")
    unit, above = at_case(version), make_staff(Role.APPROVER, department=city)
    client, theirs = client_of(unit), client_of(above)

    form = Page.open(client, address(case, "move"))
    submit(
        form,
        address(case, "move"),
        kind="up",
        receiver=str(city.pk),
        reason="超出本级权限，报市里",
        opinion="",
        expect=409,
    )
    clock.now = NOW + HOUR
    form = Page.open(client, address(case, "move"))
    submit(
        form,
        address(case, "move"),
        kind="up",
        receiver=str(city.pk),
        reason="超出本级权限，报市里",
        opinion="初审符合要求",
    )
    assert "市住建局（演示）" in Page.open(client, "/workbench/moves").text
    assert (
        "现在在市住建局（演示）办" in citizens_page(case).text
        and version.item.department.name in citizens_page(case).text
    )

    assert case.query_no in Page.open(theirs, "/workbench/moves").text
    assert case.query_no in Page.open(theirs, "/workbench/tasks").text
    page = Page.open(theirs, address(case))
    assert "整件的时限由" in page.text and case.applicant.name not in page.text
    assert theirs.get(address(hidden)).status_code == 404
    clock.now = NOW + 2 * HOUR
    submit(page, address(case, "move/receive"))
    clock.now = NOW + 3 * HOUR
    submit(Page.open(theirs, address(case)), address(case, "decide"), outcome="granted")
    case.refresh_from_db()
    assert case.outcome == "granted"
    assert case.query_no in Page.open(theirs, address(case)).text  # afterwards too
    assert case.query_no not in Page.open(theirs, "/workbench/moves").text


def test_lists_cost_the_same_for_one_and_ten():
    version = version_with_gap()
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    client = client_of(clerk)

    def one_more():
        case = received(version, clerk, 验资报告="later")
        actions.accept(case.pk, by=clerk, at=NOW)

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries_made:
            client.get("/workbench/gaps")
        return len(queries_made)

    one_more()
    cost()
    first = cost()
    for _n in range(9):
        one_more()
    assert cost() == first
    assert queries.open_gaps(clerk).count() == 10
