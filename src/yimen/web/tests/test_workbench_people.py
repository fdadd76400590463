"""Accounts, roles, an applicant's page and the ledger, each for those it is for."""

import csv
import io
import json
import re
from datetime import date

import pytest
from django.urls import reverse

from yimen.catalog import actions as catalog
from yimen.ledger import jobs
from yimen.ledger.actions import SYSTEM, record
from yimen.ledger.models import Event
from yimen.people import reasons
from yimen.people.models import Role, Staff
from yimen.people.tests.factories import NOW, make_applicant, make_department, make_staff, outsider, resident_id

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ID, PHONE = resident_id(4), "13900000417"


@pytest.fixture
def enter(client):
    def enter(staff):
        client.force_login(staff.user, backend=BACKEND)
        return client

    return enter


def _url(name, *args):
    return reverse(f"workbench:{name}", args=args)


PAGES = {
    "people": {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN},
    "people-open": {Role.SYSTEM_ADMIN},
    "ledger": {Role.AUDIT_ADMIN},
}


@pytest.mark.parametrize("role", [*Role, None])
def test_each_page_opens_for_its_administrators_alone(enter, role):
    client = enter(make_staff(role))
    applicant = make_applicant()
    for name, roles in PAGES.items():
        assert client.get(_url(name)).status_code == (200 if role in roles else 403), name
    may_see = role in {Role.CLERK, Role.GUIDE, Role.APPROVER, Role.SUPERVISOR}
    assert client.get(_url("people-applicant", applicant.pk)).status_code == (200 if may_see else 403)


def test_the_list_is_searched_and_takes_as_many_queries_for_twenty(
    enter, django_assert_num_queries, django_assert_max_num_queries
):
    client = enter(make_staff(Role.SECURITY_ADMIN))
    department = make_department()
    make_staff(Role.CLERK, Role.GUIDE, name="赵一（演示）", department=department)
    with django_assert_max_num_queries(30) as few:
        assert "赵一（演示）" in client.get(_url("people")).content.decode()
    for n in range(15):
        make_staff(Role.CLERK, name=f"钱{n}（演示）", department=department)
    with django_assert_num_queries(len(few)):
        client.get(_url("people"))
    found = client.get(_url("people"), {"q": "赵一"}).content.decode()
    assert "赵一（演示）" in found
    assert "钱1（演示）" not in found
    assert "没有找到" in client.get(_url("people"), {"q": "赵一", "state": "closed"}).content.decode()


def test_an_account_from_opening_to_closing(enter, client):
    department = make_department()
    system, security = make_staff(Role.SYSTEM_ADMIN), make_staff(Role.SECURITY_ADMIN)
    enter(system)
    form = {"name": "赵一（演示）", "number": "0417", "username": "zhao1", "department": department.pk}
    page = client.post(_url("people-open"), form).content.decode()
    password = re.search(r'<b class="code">([\w-]+)</b>', page)[1]
    staff = Staff.objects.get(number="0417")
    assert staff.user.check_password(password)
    assert staff.user.must_change_password
    assert password not in client.get(_url("people-account", staff.pk)).content.decode()
    again = client.post(_url("people-open"), form)
    assert (again.status_code, "已经有人用了" in again.content.decode()) == (422, True)
    assert client.post(_url("people-grant", staff.pk), {"role": "clerk"}).status_code == 403

    enter(security)
    client.post(_url("people-grant", staff.pk), {"role": "clerk", "department": department.pk})
    held = staff.grants.get(ended_at=None)
    assert (held.role, held.department) == ("clerk", department)
    refused = client.post(_url("people-grant", staff.pk), {"role": "audit_admin"})
    assert (refused.status_code, "也不能兼任" in refused.content.decode()) == (422, True)
    assert '<option value="audit_admin" selected>' in refused.content.decode()
    assert client.post(_url("people-close", staff.pk), {"reason": "调离窗口"}).status_code == 403
    client.post(_url("people-end-role", staff.pk), {"grant": held.pk})
    assert not staff.grants.filter(ended_at=None).exists()

    enter(system)
    renewed = client.post(_url("people-password", staff.pk)).content.decode()
    assert re.search(r'<b class="code">([\w-]+)</b>', renewed)[1] != password
    assert client.post(_url("people-close", staff.pk), {"reason": ""}).status_code == 422
    client.post(_url("people-close", staff.pk), {"reason": "调离窗口"})
    staff.user.refresh_from_db()
    assert not staff.user.is_active


@pytest.mark.parametrize("role", ["system_admin", "nonsense", ""])
def test_nobody_gives_himself_a_role(enter, role):
    security = make_staff(Role.SECURITY_ADMIN)
    answer = enter(security).post(_url("people-grant", security.pk), {"role": role})
    assert answer.status_code == 422
    assert security.grants.filter(ended_at=None).count() == 1


def test_a_number_is_shown_for_a_reason_and_nowhere_else(enter):
    applicant = make_applicant(id_number=ID, phone=PHONE)
    client = enter(make_staff(Role.SUPERVISOR))
    page = client.get(_url("people-applicant", applicant.pk)).content.decode()
    assert ID not in page
    assert "139****0417" in page
    refused = client.post(_url("people-reveal", applicant.pk), {"field": "id", "reason": "看"})
    assert refused.status_code == 422
    assert ID not in refused.content.decode()
    assert not Event.objects.filter(kind="people.revealed").exists()
    shown = client.post(_url("people-reveal", applicant.pk), {"field": "id", "reason": "核对来电人身份"})
    assert ID in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    data = Event.objects.get(kind="people.revealed").data
    assert data["field"] == "id" and data["reason_sha256"] and "核对" not in str(data)
    (said,) = reasons.said_in(f"applicant:{applicant.pk}")
    assert said.text == "核对来电人身份"
    assert ID not in client.get(_url("people-applicant", applicant.pk)).content.decode()


def test_a_guide_sees_the_masked_page_only(enter):
    applicant = make_applicant(id_number=ID)
    client = enter(make_staff(Role.GUIDE))
    assert "看证件号码" not in client.get(_url("people-applicant", applicant.pk)).content.decode()
    assert (
        client.post(_url("people-reveal", applicant.pk), {"field": "id", "reason": "核对来电人身份"}).status_code == 403
    )


def test_the_ledger_is_filtered_by_kind_person_day_and_object(enter):
    clerk = make_staff(Role.CLERK)
    record("test:one", "test.happened", region="500000", by=clerk, at=NOW, data={"n": 1})
    record("test:two", "test.other", region="500000", by=SYSTEM, at=NOW, data={"n": 2})
    record("test:far", "test.happened", region="440000", by=SYSTEM, at=NOW)
    client = enter(make_staff(Role.AUDIT_ADMIN))

    def streams(**wanted):
        page = client.get(_url("ledger"), wanted).content.decode()
        return {name for name in ("test:one", "test:two", "test:far") if name in page.split("<tbody>")[-1]}

    assert streams() == {"test:one", "test:two"}
    assert streams(kind="test.happened") == {"test:one"}
    assert streams(actor=clerk.number) == {"test:one"}
    assert streams(stream="test:t") == {"test:two"}
    assert streams(begins_on="2026-11-18", ends_on="2026-11-18", kind="test.other") == {"test:two"}
    assert streams(begins_on="2026-11-19", kind="test.other") == set()


def test_the_auditor_sees_the_calendar_and_imported_logs_marked(enter):
    catalog.set_calendar_day(date(2027, 3, 1), False, "演示放假", reason="本地通知一号", by=SYSTEM, at=NOW)
    record("log:演示:1", "log.event", region="imported", by=SYSTEM, at=NOW)
    record("case:别处", "test.elsewhere", region="500001", by=SYSTEM, at=NOW)
    client = enter(make_staff(Role.AUDIT_ADMIN))
    page = client.get(_url("ledger")).content.decode()
    assert "catalog.calendar_day_set" in page and "本地通知一号" not in page  # what is typed stands sealed beside it
    assert page.count("导入的日志") == 1 and "test.elsewhere" not in page
    assert "log:演示:1" in client.get(_url("ledger"), {"kind": "log.event"}).content.decode()
    assert "2027-03-01" in client.post(_url("ledger-export")).content.decode("utf-8-sig")


def test_an_export_is_in_the_ledger_and_harmless_in_a_spreadsheet(enter):
    record("=cmd()", "test.happened", region="500000", by=SYSTEM, at=NOW, data={"n": 1})
    auditor = make_staff(Role.AUDIT_ADMIN)
    answer = enter(auditor).post(_url("ledger-export"), {"kind": "test.happened"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert rows[1][2] == "'=cmd()"
    event = Event.objects.get(kind="ledger.exported")
    assert (event.actor, event.data) == (auditor.ledger_ref, {"count": 1, "filters": {"kind": "test.happened"}})
    assert enter(outsider()).post(_url("ledger-export")).status_code == 403


@pytest.mark.parametrize("is_intact, word", [(True, "完好"), (False, "被改过")])
def test_the_last_check_is_on_the_page(enter, is_intact, word):
    data = {
        "intact": is_intact,
        "rows": 5,
        "seals": 1,
        "compared_outside": 1,
        "milliseconds": 3,
        "fault": "case:1 第 2 条",
    }
    record("verify:1", "ledger.verified", region="", by=SYSTEM, at=NOW, data=data)
    page = enter(make_staff(Role.AUDIT_ADMIN)).get(_url("ledger")).content.decode()
    assert word in page
    assert ("case:1 第 2 条" in page.split("<tbody>")[0]) is not is_intact


def test_a_check_can_be_asked_for_and_leaves_its_result(enter, settings, tmp_path):
    settings.SEALS = tmp_path / "seals"
    client = enter(make_staff(Role.AUDIT_ADMIN))
    for _ in range(2):  # the second finds the first still waiting
        assert client.post(_url("ledger-verify")).status_code == 302
    jobs.verify.func(timestamp=0)
    found = Event.objects.get(kind="ledger.verified")
    assert found.data["intact"]
    assert json.dumps(found.data)
