"""Pages of results: fees, certificates, limited places, bars, what is public."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.cases import actions, queries
from yimen.cases.actions import templates
from yimen.cases.models import Bar, FeeSlip, Quota
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import ItemFee
from yimen.certificates.models import Certificate
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_region, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
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
def office():
    organ = make_department(make_region(), name="住建局（演示）")
    people = {role: make_staff(role, department=organ) for role in (Role.CLERK, Role.APPROVER, Role.LEADER)}
    version = make_version(department=organ, has_fee=True, fee_basis="《演示条例》")
    ItemFee.objects.create(
        version=version, position=0, name="证书工本费", standard="每证 10 元", basis="《演示收费条例》第三条"
    )
    return SimpleNamespace(
        organ=organ,
        version=version,
        clerk=people[Role.CLERK],
        approver=people[Role.APPROVER],
        leader=people[Role.LEADER],
        at_counter=client_of(people[Role.CLERK]),
        leads=client_of(people[Role.LEADER]),
    )


def ready(office, version=None):
    case = make_case(version=version or office.version, at=NOW, by=office.clerk)
    actions.accept(case.pk, by=office.clerk, at=NOW)
    actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=NOW)
    return case


def granted(office, version=None):
    return actions.decide(ready(office, version).pk, outcome="granted", by=office.leader, at=NOW)


def press(client, url, page, **fields):
    """Send the form that `page` has for `url`."""
    form = next(form for form in Page.open(client, page).forms if form.action == url)
    assert set(fields) <= {name for name, _value in form.fields} | set(form.choices) | {
        button.name for button in form.buttons
    }
    return client.post(url, {"_key": dict(form.fields)["_key"], **fields})


def test_a_fee_is_charged_on_the_cases_page_and_delivery_waits_for_it(office):
    case, client = granted(office), office.at_counter
    here = f"/workbench/cases/{case.query_no}"
    page = Page.open(client, here)
    assert "证书工本费" in page.text and "《演示收费条例》第三条" in page.text
    fee = office.version.fees.get()
    wrong = press(client, f"{here}/fees", here, fee=str(fee.pk), amount="88")
    assert (
        wrong.status_code == 409 and "每证 10 元" in wrong.content.decode() and 'value="88"' in wrong.content.decode()
    )
    assert press(client, f"{here}/fees", here, fee=str(fee.pk), amount="10").status_code == 303
    slip = FeeSlip.objects.get()
    late = press(client, f"{here}/deliver", here, how="window")
    assert late.status_code == 409 and slip.number in late.content.decode()
    assert press(client, f"{here}/fees/{slip.pk}/pay", here, channel="cash").status_code == 303
    assert press(client, f"{here}/deliver", here, how="window").status_code == 303


def test_a_forged_fee_is_refused_and_remembered(office):
    case, client = granted(office), office.at_counter
    here = f"/workbench/cases/{case.query_no}"
    other = make_version(department=office.organ)
    fee = ItemFee.objects.create(version=other, position=0, name="赞助费", standard="10 元", basis="别的事项的依据")
    answer = press(client, f"{here}/fees", here, fee=str(fee.pk), amount="10")
    assert answer.status_code == 409 and "不在这个事项公布的收费目录里" in answer.content.decode()
    assert not FeeSlip.objects.exists()
    assert Event.objects.get(kind="case.fee_refused").actor == office.clerk.ledger_ref


def test_a_certificate_is_made_found_lost_and_told_apart_on_a_day(office, clock):
    case, client = granted(office), office.at_counter
    here = f"/workbench/cases/{case.query_no}"
    assert press(client, f"{here}/certificate", here, valid_until="2027-11-17").status_code == 303
    made = Certificate.objects.get()
    listed = Page.open(client, "/workbench/certificates")
    assert made.number in listed.text and made.holder.name not in listed.text
    one = f"/workbench/certificates/{made.pk}"
    assert client.get(f"{one}/file").content.startswith(b"%PDF")
    assert made.number in client.get("/workbench/certificates", {"q": made.number[:4]}).content.decode()
    clock.now = NOW + timedelta(days=2)
    client = client_of(office.clerk)
    refused = press(client, f"{one}/change", one, state="lost", ground="")
    assert refused.status_code == 409
    assert press(client, f"{one}/change", one, state="lost", ground="持证人说丢了。").status_code == 303
    public = Client()
    today = public.get(f"/verify/{made.verify_code}").content.decode()
    before = public.get(f"/verify/{made.verify_code}", {"on": NOW.date().isoformat()}).content.decode()
    assert "已挂失" in today and "是真的" in before
    for page in (today, before):
        assert made.number in page and made.holder.name not in page and made.holder.masked_id not in page
    assert (
        client_of(make_staff(Role.APPROVER, department=make_department(office.organ.region))).get(one).status_code
        == 404
    )


def test_the_leader_revokes_on_the_cases_page(office):
    case = granted(office)
    here = f"/workbench/cases/{case.query_no}"
    actions.make_certificate(case.pk, by=office.clerk, at=NOW)
    assert "撤销这个决定" not in Page.open(office.at_counter, here).text
    answer = press(office.leads, f"{here}/revoke", here, ground="not_entitled", finding="申请时不具备条件。")
    assert answer.status_code == 303
    assert Certificate.objects.get().state == "revoked"
    assert "决定被撤销" in Page.open(office.leads, here).text
    assert case.query_no not in Client().get("/decisions").content.decode()


def test_a_renewal_is_named_at_the_window(office):
    case, client = granted(office), office.at_counter
    actions.make_certificate(case.pk, by=office.clerk, at=NOW, valid_until=NOW.date() + timedelta(days=60))
    again = actions.receive(office.version, case.applicant, center=case.center, materials={}, by=office.clerk, at=NOW)
    here = f"/workbench/cases/{again.query_no}"
    made = Certificate.objects.get()
    assert made.number in Page.open(client, here).text
    assert press(client, f"{here}/renewal", here, certificate=made.number).status_code == 303
    assert "这是延续申请" in Page.open(client, here).text


def test_places_are_set_by_the_leader_and_anybody_may_read_the_queue(office):
    client = office.leads
    actions.set_quota(
        office.version.item, 1, basis="《演示条例》第九条", effective_on=NOW.date(), by=office.leader, at=NOW
    )
    first, second = ready(office), ready(office)
    page = Page.open(client, f"/workbench/quotas/{Quota.objects.get().pk}")
    assert page.text.index(first.query_no) < page.text.index(second.query_no)
    here = f"/workbench/cases/{second.query_no}"
    assert "前面还有 1 件没有决定" in Page.open(client, here).text
    early = press(client, f"{here}/decide", here, outcome="granted")
    assert early.status_code == 409 and "第 1 位" in early.content.decode()
    assert Page.open(client, "/workbench/quotas").response.status_code == 200


def test_a_bar_is_set_and_lifted_with_a_reason(office):
    actions.flag_public_safety(
        office.version.item, True, effective_on=NOW.date(), reason="关系公共安全", by=SYSTEM, at=NOW
    )
    case = actions.decide(
        ready(office).pk, outcome="refused", reasons="检测报告是假的，不予许可。", by=office.leader, at=NOW
    )
    here = f"/workbench/cases/{case.query_no}"
    answer = press(office.leads, f"{here}/bar", here, ground="false_materials", finding="编号查不到这份报告。")
    assert answer.status_code == 303
    bar = Bar.objects.get()
    page = Page.open(office.leads, "/workbench/bars")
    assert "隐瞒情况或者提供虚假材料" in page.text and case.applicant.name not in page.text
    lifted = f"/workbench/bars/{bar.pk}/lift"
    assert press(office.leads, lifted, "/workbench/bars", reason="").status_code == 409
    assert press(office.leads, lifted, "/workbench/bars", reason="复核后发现有误。").status_code == 303


def test_the_months_and_their_export_name_the_law(office):
    case = ready(office)
    slip = actions.issue_fee(case.pk, office.version.fees.get().pk, amount="10", by=office.clerk, at=NOW)
    actions.pay_fee(slip.pk, channel="cash", by=office.clerk, at=NOW)
    assert "《演示收费条例》第三条" in Page.open(office.leads, "/workbench/fees").text
    text = office.leads.post("/workbench/fees/export").content.decode()
    assert "《演示收费条例》第三条" in text and "10.00" in text
    assert Event.objects.get(kind="case.exported").data["what"] == "fees"
    assert office.at_counter.get("/workbench/fees").status_code == 403


def test_granted_licences_are_public_without_whole_names(office):
    case = granted(office)
    number = case.notices.get(kind="decision").number
    page = Client().get("/decisions", {"q": number}).content.decode()
    assert number in page and case.applicant.masked_name in page
    assert case.applicant.name not in page and case.query_no not in page
    assert number not in Client().get("/decisions", {"q": case.applicant.name}).content.decode()
    text = office.leads.post("/workbench/fees/publicity").content.decode()
    assert number in text and case.applicant.name not in text


def test_a_jump_of_fees_and_a_draft_of_words_are_on_the_first_page_of_whoever_answers_for_them(office):
    region, day = office.organ.region, timezone.localdate(NOW)
    with transaction.atomic():
        data = {"month": f"{day:%Y-%m}", "total": "19000000.00", "usual": "180000.00"}
        ledger.record(queries.fee_stream(day), "fees.jumped", region=region.pk, by=SYSTEM, at=NOW, data=data)
    editor = make_staff(Role.EDITOR, department=office.organ, for_region=True)
    templates.save_template(
        region, "receipt", {"opening": ["您好。"]}, effective_on=day + timedelta(days=1), by=editor, at=NOW
    )
    everywhere = client_of(make_staff(Role.LEADER, department=office.organ, for_region=True))
    page = Page.open(everywhere, "/workbench/").text
    assert "收费 19,000,000.00 元，平常一个月 180,000.00 元" in page and "文书模板的草稿等批准 1 份" in page
    assert "请核对" not in Page.open(office.at_counter, "/workbench/").text


def test_a_decision_waits_to_be_uploaded_until_it_is_however_long_that_takes(office, clock):
    """LAW-18."""
    notice = granted(office).notices.get(kind="decision")
    address, done = "/workbench/publicity", "/workbench/publicity?done=1"
    clock.now += timedelta(days=60)
    leads = client_of(office.leader)
    page = leads.get(address).content.decode()
    assert notice.number in page and "过了日子" in page
    assert notice.number not in leads.get(done).content.decode()
    sent = {"_key": "uploaded-1", "notice": str(notice.pk)}
    assert leads.post("/workbench/publicity/uploaded", sent).status_code == 303
    assert notice.number not in leads.get(address).content.decode()
    clock.now, leads = NOW, client_of(office.leader)
    assert notice.number in leads.get(done).content.decode()


def test_every_quota_is_on_some_page(office):
    day = timezone.localdate(NOW)
    Quota.objects.bulk_create(
        Quota(region=office.organ.region, item=office.version.item, number=n, basis="演示", effective_on=day + n * DAY)
        for n in range(1, 32)
    )
    pages = [office.leads.get(f"/workbench/quotas?page={n}").content.decode() for n in (1, 2)]
    assert [all(str(one.pk) not in page for page in pages) for one in Quota.objects.all()] == [False] * 31


def test_the_lists_cost_the_same_for_one_and_many(office):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            for address in (
                *("/workbench/certificates", "/workbench/bars", "/workbench/fees", "/decisions"),
                "/workbench/publicity",
            ):
                assert office.leads.get(address).status_code == 200
        return len(seen)

    def fill():
        case = granted(office)
        actions.make_certificate(case.pk, by=office.clerk, at=NOW)

    fill()
    cost()
    one = cost()
    for _n in range(3):
        fill()
    assert cost() == one
