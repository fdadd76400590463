"""The window's work done by its pages alone: forms, buttons, links; no script, no direct act."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.hall.models import Ticket
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.ledger.models import Event
from yimen.people.models import Applicant, Role
from yimen.people.tests.factories import (
    NOW,
    make_center,
    make_department,
    make_region,
    make_staff,
    phone_number,
    resident_id,
)
from yimen.ratings.models import Invitation
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ID, PHONE = resident_id(4321), phone_number(4321)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The moment every page sees; set clock.now to move it."""
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def client_of(staff) -> Client:
    client = Client(enforce_csrf_checks=False)
    client.force_login(staff.user, backend=BACKEND)
    return client


@pytest.fixture
def hall():
    region = make_region()
    series = make_series(make_hall(region, center=make_center(region, letters="QH")))
    window = make_window(series, staffed=False)
    clerk = make_staff(Role.CLERK, department=make_department(region), for_region=True, at=NOW)
    return SimpleNamespace(region=region, series=series, window=window, clerk=clerk, client=client_of(clerk))


def at_window(hall, item=None) -> Page:
    page = Page.open(hall.client, "/workbench/window")
    if page.has_button("在 "):
        page = page.press(f"在 {hall.window.number} 号签到")
    return page if item is None else Page.open(hall.client, f"/workbench/window?item={item.pk}")


def received(hall, version, states: dict[str, str] | None = None, **fields) -> Page:
    marks = {
        f"state-{m.pk}": (states or {}).get(m.name, "complete") for m in version.materials.all() if m.source != "shared"
    }
    values = {"kind": "person", "id_number": ID, "name": "王小明", "phone": PHONE} | fields
    return at_window(hall, version.item).press("收件", **marks, **values)


@pytest.mark.capability("S1-11")
def test_an_immediate_case_from_the_call_to_delivery(hall, clock):
    version = make_version(immediate=True)
    take(hall.series, item=version.item)
    page = at_window(hall).press("叫下一位")
    assert "A001" in page.text and "已叫 A001" in page.text
    page = page.press("人到了")
    assert version.name in page.text  # the ticket brought its item along
    marks = {f"state-{m.pk}": "complete" for m in version.materials.all() if m.source != "shared"}
    page = page.press("收件", kind="person", id_number=ID, name="王小明", phone=PHONE, **marks)
    case = Case.objects.get()
    assert case.query_no in page.text and case.ticket_no == "A001" and Ticket.objects.get().case == case
    page = page.press("受理")
    page = page.press("作出决定", outcome="granted")
    page = page.press("记下送达", how="window")
    assert "这件全部办完了" in page.text
    page = page.press("办完")
    case.refresh_from_db()
    assert case.status == Case.Status.DELIVERED and case.outcome == Case.Outcome.GRANTED
    assert Ticket.objects.get().status == Ticket.Status.FINISHED
    assert "A001 办完了" in page.text and page.has_button("叫下一位")
    notices = list(case.notices.all())
    assert {notice.kind for notice in notices} == {"receipt", "acceptance", "decision", "delivery"}
    for notice in notices:
        answer = hall.client.get(f"/workbench/cases/{case.query_no}/notices/{notice.pk}")
        assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF")
        assert answer["Cache-Control"] == "no-store" and case.query_no in answer["Content-Disposition"]
    assert hall.client.get(f"/workbench/cases/{case.query_no}/notices/{case.pk}").status_code == 404


def test_a_promised_case_from_the_window_to_the_approver_and_back(hall, clock):
    version = make_version(visit=True, department=(organ := make_department(hall.region)))
    page = received(hall, version).press("受理")
    case = Case.objects.get()
    assert case.status == Case.Status.ACCEPTED and "最晚" in page.text and not page.has_button("作出决定")

    approver = make_staff(Role.APPROVER, department=organ, name="何静（演示）")
    other = make_staff(Role.SURVEYOR, department=organ, name="周勤（演示）")
    theirs = client_of(approver)
    tasks = Page.open(theirs, "/workbench/tasks")
    assert version.name in tasks.text and "现场核查" in tasks.text
    page = tasks.follow(version.name)
    clock.now = NOW + timedelta(hours=2)
    refused = page.press("提交意见", outcome="passed", opinion="现场符合要求。", surveyor=[approver.pk, ""])
    assert refused.status == 409 and "两名以上" in refused.text
    assert refused.filled("提交意见")[1]["opinion"] == ["现场符合要求。"]  # what was typed is still there
    page = refused.press("提交意见", surveyor=[approver.pk, other.pk])
    page = page.press("提交意见", outcome="passed", opinion="材料符合要求。")
    assert page.press("作出决定", outcome="granted").status == 409  # whoever reviewed does not decide (SUP-10)
    leader = client_of(make_staff(Role.LEADER, department=organ, name="陆明（演示）"))
    page = Page.open(leader, f"/workbench/cases/{case.query_no}").press("作出决定", outcome="granted")
    assert "决定作出了" in page.text
    assert "没有要您办的任务" in Page.open(theirs, "/workbench/tasks").text

    page = Page.open(hall.client, f"/workbench/cases/{case.query_no}").press("记下送达", how="post")
    case.refresh_from_db()
    assert case.status == Case.Status.DELIVERED and case.completed_on_time
    assert {person.pk for task in case.tasks.all() for person in task.surveyors.all()} == {approver.pk, other.pk}


@pytest.mark.parametrize("how", ["same key", "new key"])
def test_a_form_sent_twice_counts_once(hall, how):
    version = make_version()
    page = at_window(hall, version.item)
    marks = {f"state-{m.pk}": "complete" for m in version.materials.all() if m.source != "shared"}
    address, data = page.filled("收件", kind="person", id_number=ID, name="王小明", phone=PHONE, **marks)
    first = hall.client.post(address, data)
    if how == "new key":
        data["_key"] = ["another-key"]
    second = hall.client.post(address, data)
    assert Case.objects.count() == (1 if how == "same key" else 2)
    assert (first["Location"] == second["Location"]) == (how == "same key")
    assert Event.objects.filter(kind="case.received").count() == Case.objects.count()


@pytest.mark.parametrize("change, status", [({}, 303), ({"name": ["别的名字"]}, 422)])
def test_a_key_stands_for_one_content_only(hall, change, status):
    version = make_version()
    page = at_window(hall, version.item)
    address, data = page.filled("收件", kind="person", id_number=ID, name="王小明", phone=PHONE)
    hall.client.post(address, data)
    assert hall.client.post(address, data | change).status_code == status
    assert Case.objects.count() == 1


def test_a_key_does_not_reach_another_persons_act(hall):
    version = make_version()
    page = at_window(hall, version.item)
    address, data = page.filled("收件", kind="person", id_number=ID, name="王小明", phone=PHONE)
    hall.client.post(address, data)
    colleague = make_staff(Role.CLERK, department=make_department(hall.region), for_region=True)
    window = make_window(hall.series, staffed=False)
    theirs = client_of(colleague)
    Page.open(theirs, "/workbench/window").press(f"在 {window.number} 号签到")
    theirs.post(address, data)
    assert Case.objects.count() == 2  # an act of his own, not the first one's answer


def test_a_form_without_a_key_is_refused(hall):
    version = make_version()
    address, data = at_window(hall, version.item).filled(
        "收件", kind="person", id_number=ID, name="王小明", phone=PHONE
    )
    del data["_key"]
    assert hall.client.post(address, data).status_code == 400 and not Case.objects.exists()


def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(hall):
    version = make_version()
    wrong = ID[:-1] + ("0" if ID[-1] != "0" else "1")
    page = received(hall, version, {"身份证": "missing"}, id_number=wrong, phone="12")
    assert page.status == 422 and not Case.objects.exists() and not Applicant.objects.exists()
    html = page.response.content.decode()
    assert "还有 2 处要改" in page.text and 'href="#id_id_number"' in html and 'aria-invalid="true"' in html
    sent = page.filled("收件")[1]
    assert sent["id_number"] == [wrong] and sent["phone"] == ["12"] and sent["name"] == ["王小明"]
    card = next(m for m in version.materials.all() if m.name == "身份证")
    assert sent[f"state-{card.pk}"] == ["missing"]
    page.press("收件", id_number=ID, phone=PHONE)
    assert Case.objects.count() == 1


@pytest.mark.parametrize(("name", "warned"), [("王小明", False), ("王\U0003106c", True)], ids=["common", "rare"])
def test_a_name_our_documents_cannot_print_is_said_when_it_is_registered(hall, name, warned):
    page = at_window(hall, make_version().item).press("收件", kind="person", id_number=ID, name=name, phone=PHONE)
    assert Case.objects.exists() and ("U+3106C" in page.text) is warned


def test_somebody_known_is_shown_masked_and_not_asked_again(hall):
    received(hall, make_version())
    second = make_version()
    page = at_window(hall, second.item).press("看看他以前来过没有", kind="person", id_number=ID)
    assert "王*明" in page.text and ID not in page.text and PHONE not in page.text
    page = page.press("收件")
    assert Case.objects.filter(item=second.item).get().applicant == Applicant.objects.get()


def test_a_number_not_seen_before_leaves_the_fields_open(hall):
    page = at_window(hall, make_version().item).press("看看他以前来过没有", kind="person", id_number=ID)
    assert page.status == 200 and "第一次来" in page.text and page.filled("收件")[1]["id_number"] == [ID]


@pytest.mark.capability("S1-31")
@pytest.mark.parametrize("reasons, status", [("不归我们管", 409), ("这件由民政局办，请带同样的材料去他们窗口。", 200)])
def test_refusing_to_accept_needs_reasons(hall, reasons, status):
    page = received(hall, make_version())
    button = "不受理，开文书"
    page = page.press(button, ground="not_ours", reasons=reasons, right_organ="民政局（演示）")
    case = Case.objects.get()
    assert page.status == status
    if status == 409:
        assert case.status == Case.Status.RECEIVED and page.filled(button)[1]["reasons"] == [reasons]
    else:
        assert case.status == Case.Status.DECLINED and case.notices.filter(kind="decline").exists()


def test_missing_materials_are_named_at_once_and_marks_stay(hall):
    version = make_version()
    page = received(hall, version, {"身份证": "missing", "申请表": "missing"})
    refused = page.press("受理")
    assert refused.status == 409 and "缺 2 样：申请表、身份证" in refused.text
    marks = {f"state-{m.pk}": "complete" for m in version.materials.all() if m.source != "shared"}
    refused.press("受理", **marks)
    assert Case.objects.get().status == Case.Status.ACCEPTED


def test_a_material_that_is_not_on_the_list_is_refused(hall):
    page = received(hall, make_version())
    address, data = page.filled("只记下材料")
    stranger = next(iter(make_version().materials.all()))
    answer = hall.client.post(address, data | {f"state-{stranger.pk}": "missing"})
    assert answer.status_code == 409 and "清单" in answer.content.decode()


def test_the_second_person_gets_a_sentence_and_the_fresh_state(hall):
    page = received(hall, make_version())
    stale = page.filled("受理")
    page.press("受理")
    address, data = stale
    answer = Page(hall.client, hall.client.post(address, data | {"_key": ["from-another-tab"]}))
    assert answer.status == 409 and "请刷新看最新进度" in answer.text and "已经受理，最晚" in answer.text
    assert Case.objects.get().clocks.count() == 2


def test_a_new_version_in_between_is_said_and_nothing_is_lost(hall):
    old = make_version()
    page = at_window(hall, old.item)
    ItemVersion.objects.filter(pk=old.pk).update(state=ItemVersion.State.REPLACED)
    new = ItemVersion.objects.create(
        item=old.item, number=2, state=ItemVersion.State.PUBLISHED, name=old.name, case_type=old.case_type
    )
    ServiceItem.objects.filter(pk=old.item_id).update(published=new)
    answer = page.press("收件", kind="person", id_number=ID, name="王小明", phone=PHONE)
    assert answer.status == 409 and "新版本" in answer.text and answer.filled("收件")[1]["phone"] == [PHONE]
    answer.press("收件")
    assert Case.objects.get().version == new


def test_a_taken_window_says_by_whom_by_number_only(hall):
    make_window(hall.series)
    page = Page.open(hall.client, "/workbench/window")
    holder = hall.series.windows.exclude(staff=None).get().staff
    assert f"工号 {holder.number} 在" in page.text and holder.name not in page.text


def test_two_at_one_window(hall):
    page = Page.open(hall.client, "/workbench/window")
    address, data = page.filled(f"在 {hall.window.number} 号签到")
    colleague = make_staff(Role.CLERK, department=make_department(hall.region), for_region=True)
    Page.open(client_of(colleague), "/workbench/window").press(f"在 {hall.window.number} 号签到")
    answer = Page(hall.client, hall.client.post(address, data))
    assert answer.status == 409 and "已经有人签到" in answer.text


def test_calling_recalling_passing_and_leaving(hall, clock):
    take(hall.series)
    take(hall.series)
    page = at_window(hall).press("叫下一位").press("重呼")
    assert Ticket.objects.get(number=1).call_count == 2
    page = page.press("过号").press("叫下一位").press("人到了")
    refused = page.press("退出窗口")
    assert refused.status == 409 and "先办完 A002" in refused.text
    page = page.press("办完").press("叫下一位")
    assert "现在没有人在等" in page.text
    page = page.press("退出窗口")
    assert "今天坐几号窗口" in page.text
    assert [t.status for t in Ticket.objects.order_by("number")] == ["passed", "finished"]


def test_the_waiting_queues_are_a_part_of_their_own(hall):
    at_window(hall)
    take(hall.series)
    answer = hall.client.get("/workbench/window/waiting")
    assert "1 人" in answer.content.decode() and "<html" not in answer.content.decode()


def test_csrf_is_enforced(hall):
    page = at_window(hall)
    address, data = page.filled("叫下一位")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(hall.clerk.user, backend=BACKEND)
    assert strict.post(address, data).status_code == 403


def test_the_clock_is_shown_before_it_starts_and_after(hall):
    version = make_version(promised_days=9)
    page = at_window(hall, version.item)
    assert "受理后的时限" in page.text and "12 月 1 日（周二）" in page.text and "承诺 9 个工作日" in page.text
    page = received(hall, version)
    assert "受理后的时限" in page.text and "12 月 1 日（周二）" in page.text
    assert "12 月 1 日（周二）" in page.press("受理").text


def test_a_finished_visit_shows_the_way_to_rate(hall):
    take(hall.series)
    page = at_window(hall).press("叫下一位").press("办完")
    token = Invitation.objects.get().token
    assert "请他扫一扫" in page.text and "<svg" in page.response.content.decode()
    assert token not in page.response.content.decode()  # the clerk reads no link, the visitor scans one


def test_the_window_costs_the_same_however_many_have_come(hall):
    version = make_version()
    counts = []
    for more in (1, 19):
        for n in range(more):
            received(hall, version, id_number=resident_id(n), phone=phone_number(n))
            take(hall.series)
        with CaptureQueriesContext(connection) as seen:
            assert hall.client.get(f"/workbench/window?item={version.item.pk}").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 18


@pytest.mark.parametrize(
    ("missing", "said"),
    [(["门店照片"], "来之前核过材料，还差 1 样"), ([], "来之前核过材料，他说都带了")],
    ids=["one", "none"],
)
def test_what_he_checked_before_stands_at_the_window(hall, missing, said):
    version = make_version()
    ticket = take(hall.series, item=version.item, checked={"version": 1, "answers": [], "missing": missing, "of": 3})
    page = at_window(hall).press("叫下一位")
    assert said in page.text and all(name in page.text for name in missing)
    Ticket.objects.filter(pk=ticket.pk).update(checked=None)
    assert "来之前核过" not in Page.open(hall.client, "/workbench/window").text
