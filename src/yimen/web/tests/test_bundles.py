"""Pages of bundles and batches, as people without script use them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from yimen.cases.actions import batches
from yimen.cases.models.bundles import Batch, BundleCase
from yimen.cases.tests.test_bundles import Office, csv_of, people
from yimen.catalog.actions.bundles import BundleLine, publish_bundle
from yimen.catalog.models import ItemMaterial
from yimen.catalog.models.bundles import ServiceBundle
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PERSON = {"kind": "person", "id_number": people(1)[0][1], "name": "丰年（演示）", "phone": "13800001234"}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def office():
    office = Office()
    type(office.clerk).objects.filter(pk=office.clerk.pk).update(center=office.center)
    return office


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


@pytest.mark.capability("S4-6")
def test_a_citizen_reads_the_order_of_the_items_and_one_list_of_what_to_bring(office):
    office.offered()
    page = Client().get("/bundles/farm").content.decode()
    order = page[page.index("按这个顺序办") : page.index("一共带")]
    assert order.index("用地备案") < order.index("防疫合格证")
    assert page.count("<b>申请表</b>") == page.count("<b>身份证</b>") == 1
    assert "“用地备案表”不用带" in page
    assert "<b>用地备案表</b>" not in page
    assert "养殖场开办准营" in Client().get("/bundles").content.decode()
    only = Client().get("/bundles/farm", {"chosen": "1"}).content.decode()
    assert "招牌</b></a>" not in only
    assert Client().get("/bundles/none").status_code == 404


def test_a_clerk_receives_it_once_and_the_citizen_follows_all_of_it(office):
    office.offered()
    at_window = client_of(office.clerk)
    form = at_window.get("/workbench/together/bundles/farm/receive", {"go": "1", "k": "sign"}).content.decode()
    assert form.count('value="complete"') == 2  # the licence is looked up, the land's paper is fed
    fields = PERSON | {"_key": "one", "k": "sign", "m-申请表": "complete", "m-身份证": "complete"}
    fields |= {"mf-身份证": "copy"}
    url = "/workbench/together/bundles/farm/received"
    assert at_window.post(url, fields | {"name": "", "_key": "zero"}).status_code == 422
    assert not BundleCase.objects.exists()
    answers = [at_window.post(url, fields) for _ in range(2)]
    made = BundleCase.objects.get()
    assert [answer.status_code for answer in answers] == [303, 303]
    kept = {row.material.name: row.form for row in made.cases.get(version=office.land).materials.all()}
    assert (kept["身份证"], kept["申请表"]) == ("copy", "")
    page = at_window.get(f"/workbench/together/cases/{made.query_no}").content.decode()
    assert "办完 0 / 3" in page
    assert "丰年" not in page  # masked
    assert "养殖场开办准营" in at_window.get("/workbench/together").content.decode()

    citizen = Client()
    assert citizen.get(f"/bundle-cases/{made.query_no}").status_code == 302
    asked = citizen.post("/progress", {"number": made.query_no, "last_four": "1234"})
    assert asked.url == f"/bundle-cases/{made.query_no}"
    told = citizen.get(asked.url).content.decode()
    assert told.count("/cases/") >= 2
    assert "还没轮到" in told
    assert citizen.get(f"/cases/{made.cases.first().query_no}").status_code == 200
    assert Client().post("/progress", {"number": made.query_no, "last_four": "9999"}).status_code == 422


def test_a_result_two_items_need_is_said_once_not_to_be_brought(office):
    ItemMaterial.objects.create(version=office.sign, position=4, name="用地备案表")
    lines = office.lines()
    lines[1] = BundleLine("land", office.land.item_id, feeds={"permit": "4", "sign": "4"})
    lines[2] = BundleLine("sign", office.sign.item_id, after=("land",))
    publish_bundle(office.bundle(lines).pk, by=SYSTEM, at=NOW)
    page = client_of(office.clerk).get("/workbench/together/bundles/farm/receive", {"go": "1"}).content.decode()
    assert page.count("“用地备案表”不用带") == 1


def test_a_paper_may_follow_in_a_bundle_only_where_every_item_lets_it(office):
    ItemMaterial.objects.filter(version=office.permit, name="身份证").update(necessity="gap_allowed")
    ItemMaterial.objects.create(version=office.land, position=9, name="健康证", necessity="gap_allowed")
    office.offered()
    at_window = client_of(office.clerk)
    form = at_window.get("/workbench/together/bundles/farm/receive", {"go": "1"}).content.decode()
    assert form.count('value="later"') == 1
    fields = PERSON | {"_key": "one", "m-申请表": "complete", "m-身份证": "later", "m-健康证": "later"}
    at_window.post("/workbench/together/bundles/farm/received", fields)
    rows = BundleCase.objects.get().cases.get().materials.all()
    assert {row.material.name: row.state for row in rows}.items() >= {"身份证": "missing", "健康证": "later"}.items()


def test_an_editor_writes_it_and_a_publisher_offers_it(office):
    editor = client_of(make_staff(Role.EDITOR, department=office.organ))
    rows = {
        "r-TOTAL_FORMS": "3", "r-INITIAL_FORMS": "0", "r-MIN_NUM_FORMS": "0", "r-MAX_NUM_FORMS": "20",
        "r-0-item": office.permit.item.task_code, "r-0-key": "permit", "r-0-after": "land",
        "r-1-item": office.land.item.name, "r-1-key": "land", "r-1-feeds": "permit:4",
    }  # fmt: skip
    fields = rows | {"name": "办养殖场", "code": "farm", "lead": str(office.organ.pk)}
    assert editor.get("/workbench/bundles/new").status_code == 200
    wrong = editor.post("/workbench/bundles/new", fields | {"r-0-item": "没有这个"})
    assert wrong.status_code == 422
    assert not ServiceBundle.objects.exists()
    saved = editor.post("/workbench/bundles/new", fields)
    bundle = ServiceBundle.objects.get()
    assert saved.url == f"/workbench/bundles/{bundle.pk}"
    assert editor.get(saved.url).status_code == 200
    assert editor.post(f"{saved.url}/publish", {"act": "publish"}).status_code == 403
    assert Client().get("/bundles/farm").status_code == 404
    publisher = client_of(make_staff(Role.PUBLISHER, department=office.organ))
    publisher.post(f"{saved.url}/publish", {"act": "publish"})
    assert Client().get("/bundles/farm").status_code == 200
    assert "办养殖场" in editor.get("/workbench/bundles").content.decode()


def test_a_batch_from_plan_to_report(office):
    at_window = client_of(office.clerk)
    plan = {
        "_key": "one", "name": "集中办理", "item": office.land.item.task_code, "on": f"{NOW:%Y-%m-%d}",
        "place": "礼堂（演示）", "units": "人社局\n工会", "checklist": "打印机",
    }  # fmt: skip
    assert at_window.get("/workbench/together/batches/new").status_code == 200
    at_window.post("/workbench/together/batches/plan", plan)
    batch = Batch.objects.get()
    url = f"/workbench/together/batches/{batch.pk}"
    at_window.post(f"{url}/tick", {"line": "0"})
    bad = SimpleUploadedFile("名单.csv", csv_of(("甲", "1", "2")))
    refused = at_window.post(f"{url}/list", {"file": bad})
    assert refused.status_code == 422
    assert "第 2 行" in refused.content.decode()
    assert not batch.people.exists()
    assert at_window.post(f"{url}/list", {}).status_code == 422
    at_window.post(f"{url}/list", {"file": SimpleUploadedFile("名单.csv", csv_of(*people(2)))})
    marks = {f"state-{one.pk}": "complete" for one in office.land.materials.all()}
    for _ in range(2):
        assert at_window.post(f"{url}/receive", marks | {"_key": "two"}).status_code == 303
    assert batch.cases.count() == 2
    page = at_window.get(url).content.decode()
    assert "人均几次</dt><dd>1.0" in page
    at_window.post(f"{url}/close")
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    stranger = client_of(make_staff(Role.APPROVER, department=office.organ))
    assert stranger.get(url).status_code == 403


def planned(office):
    return batches.plan_batch(
        office.land, center=office.center, name="集中办理", on=NOW.date(), place="礼堂（演示）", units=["人社局"],
        checklist=["打印机"], by=office.clerk, at=NOW,
    )  # fmt: skip


def test_wrong_lines_are_put_right_on_the_page_and_the_right_ones_need_not_be_sent_again(office):
    at_window, batch = client_of(office.clerk), planned(office)
    url, (one, two, three) = f"/workbench/together/batches/{batch.pk}", people(3)
    rows = [one, ("乙（演示）", two[1], "12"), ("丙", "1", "2"), three]
    refused = at_window.post(f"{url}/list", {"file": SimpleUploadedFile("名单.csv", csv_of(*rows))})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "另外 2 行是对的" in page
    assert one[1] not in page and three[1] not in page  # sealed
    rest = re.search(r'name="rest" value="([^"]+)"', page)[1]
    fields = {"rest": rest, "row": ["3", "4"], "name-3": "乙（演示）", "id-3": two[1], "phone-3": "12"}
    again = at_window.post(f"{url}/list", fields)
    assert again.status_code == 422
    assert "另外 2 行是对的" in again.content.decode()
    assert at_window.post(f"{url}/list", fields | {"rest": rest[:-4] + "AAAA"}).status_code == 422
    assert not batch.people.exists()
    assert at_window.post(f"{url}/list", fields | {"phone-3": "13800001077"}).status_code == 302
    assert [one.applicant.name for one in batch.people.select_related("applicant")] == [
        rows[0][0], "乙（演示）", three[0]
    ]  # fmt: skip


def test_a_batch_is_changed_received_accepted_and_taken_away(office):
    at_window, batch = client_of(office.clerk), planned(office)
    url = f"/workbench/together/batches/{batch.pk}"
    assert at_window.get("/workbench/together/batches/list.xlsx").content[:2] == b"PK"
    plan = {"name": "改了名", "on": f"{NOW:%Y-%m-%d}", "place": "二楼", "units": "工会", "checklist": "打印机"}
    assert at_window.post(f"{url}/plan", plan | {"name": ""}).status_code == 422
    assert at_window.post(f"{url}/plan", plan).status_code == 302
    for name, number, phone in people(3):
        person = {"name": name, "id_number": number, "phone": phone}
        assert at_window.post(f"{url}/people/add", person).status_code == 302
    assert at_window.post(f"{url}/people/add", person | {"id_number": "1"}).status_code == 422
    at_window.post(f"{url}/people/off", {"position": "2"})
    page = at_window.get(url).content.decode()
    assert "改了名" in page
    assert "改了名" in at_window.get("/workbench/together/batches").content.decode()
    assert "全部批次" not in at_window.get("/workbench/together").content.decode()
    assert page.count("拿掉第") == 2
    marks = {f"state-{one.pk}": "complete" for one in office.land.materials.all()}
    at_window.post(f"{url}/receive", marks | {"_key": "a"})
    for _ in range(2):
        assert at_window.post(f"{url}/accept", {"_key": "b"}).status_code == 303
    assert {case.status for case in batch.cases.all()} == {"accepted"}
    file = at_window.post(f"{url}/export", {"format": "csv"})
    text = file.content.decode()
    assert all(case.query_no in text and case.applicant.name not in text for case in batch.cases.all())
    stranger = client_of(make_staff(Role.APPROVER, department=office.organ))
    assert {stranger.post(f"{url}/{act}").status_code for act in ("export", "plan", "people/add", "accept")} == {403}
