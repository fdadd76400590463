"""系统接口: the system administrator lets departments' systems in, looks after them, ends them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.exchange import clients, webhooks
from yimen.exchange.models import ApiClient, WebhookDelivery
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch, settings):
    settings.WEBHOOKS_TO_LOOPBACK = True
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def office():
    make_center(make_region())
    organ = make_department(make_region())
    admin = make_staff(Role.SYSTEM_ADMIN, department=organ)
    machine = make_staff(Role.CLERK, department=organ, name="接口账号")
    machine.user.must_change_password = True
    machine.user.save()
    return SimpleNamespace(organ=organ, admin=admin, machine=machine, web=client_of(admin))


def press(client, page, action, **fields):
    form = next(form for form in Page.open(client, page).forms if form.action == action)
    return client.post(action, dict(form.fields) | fields)


def test_a_system_is_let_in_its_key_shown_once_and_ended(office):
    listed = Page.open(office.web, "/workbench/clients")
    assert "还没有部门的系统接进来" in listed.text
    shown = press(
        office.web, "/workbench/clients/new", "/workbench/clients/new", name="业务系统", staff=str(office.machine.pk)
    )
    key = re.search(r"ym_[\w-]{40,}", shown.content.decode())[0]
    assert shown["Cache-Control"] == "no-store" and clients.client_by_key(key, at=NOW).name == "业务系统"
    row = ApiClient.objects.get()
    here = f"/workbench/clients/{row.pk}"
    for page in ("/workbench/clients", here):
        assert key not in Page.open(office.web, page).text
    assert press(office.web, here, f"{here}/end").status_code == 303
    assert "已停用" in Page.open(office.web, here).text and clients.client_by_key(key, at=NOW) is None


def test_what_is_wrong_is_said_and_nothing_made(office):
    person = make_staff(Role.LEADER, department=office.organ)
    for fields in ({"name": "", "staff": str(office.machine.pk)}, {"name": "业务系统", "staff": str(person.pk)}):
        answer = press(office.web, "/workbench/clients/new", "/workbench/clients/new", **fields)
        assert answer.status_code == 422 and "errorlist" not in answer.content.decode()
    assert not ApiClient.objects.exists()


def test_an_address_is_registered_paused_resumed_and_ended(office):
    row, _key = clients.make_client("业务系统", office.machine.pk, by=office.admin, at=NOW)
    here = f"/workbench/clients/{row.pk}"
    refused = press(office.web, here, f"{here}/webhooks", url="ftp://127.0.0.1/x")
    assert refused.status_code == 409 and "接收地址要写完整" in refused.content.decode()
    assert 'value="ftp://127.0.0.1/x"' in refused.content.decode()  # what was typed is still there
    assert press(office.web, here, f"{here}/webhooks", url="http://127.0.0.1:9/x").status_code == 303
    hook = row.webhooks.get()
    secret = press(office.web, here, f"{here}/webhooks/{hook.pk}/secret")
    assert secret.status_code == 200 and secret["Cache-Control"] == "no-store"
    row.webhooks.update(paused_at=NOW, failures=webhooks.MOST_FAILURES)
    assert "连续失败" in Page.open(office.web, here).text
    assert press(office.web, here, f"{here}/webhooks/{hook.pk}/resume").status_code == 303
    assert press(office.web, here, f"{here}/webhooks/{hook.pk}/end").status_code == 303
    hook.refresh_from_db()
    assert hook.paused_at is None and hook.ended_at == NOW


@pytest.mark.parametrize(
    ("error", "word"),
    [("TimeoutError", "十秒没有回答"), ("ConnectionRefusedError", "连不上"), ("SSLCertVerificationError", "证书不对")],
    ids=["slow", "away", "certificate"],
)
def test_what_did_not_arrive_says_why_and_when_it_goes_again(office, error, word):
    row, _key = clients.make_client("业务系统", office.machine.pk, by=office.admin, at=NOW)
    hook = webhooks.register(row, "http://127.0.0.1:9/x", [], by=office.admin, at=NOW)
    WebhookDelivery.objects.create(
        webhook=hook, region_id=row.region_id, event_id=1, kind="case.decided", body={"number": "QH-1"},
        made_at=NOW, next_at=NOW, tries=2, error=error,
    )  # fmt: skip
    text = Page.open(office.web, f"/workbench/clients/{row.pk}").text
    assert word in text and error not in text and "再试" in text


@pytest.mark.parametrize("role", [Role.CLERK, Role.LEADER, Role.SECURITY_ADMIN])
def test_nobody_else_gets_in(office, role):
    row, _key = clients.make_client("业务系统", office.machine.pk, by=office.admin, at=NOW)
    other = client_of(make_staff(role, department=office.organ))
    for path in ("", "/new", f"/{row.pk}"):
        assert other.get(f"/workbench/clients{path}").status_code == 403
    assert other.post(f"/workbench/clients/{row.pk}/end", {"_key": "a-key-of-mine"}).status_code == 403
    row.refresh_from_db()
    assert row.ended_at is None


def test_another_regions_system_is_not_there(office):
    row, _key = clients.make_client("业务系统", office.machine.pk, by=office.admin, at=NOW)
    far = make_staff(Role.SYSTEM_ADMIN, department=make_department(make_region("510000", "外市")))
    assert client_of(far).get(f"/workbench/clients/{row.pk}").status_code == 404
