"""What one can do at the kiosk besides taking a number: each way over HTTP, without script."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as django_settings

from yimen.hall.actions import kiosks as setting_up
from yimen.hall.models import GuideCall, Kiosk, Printer, SlipPrint, Ticket
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff
from yimen.ratings.models import Opinion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def kiosk():
    series = make_series()
    make_window(series)
    manager = make_staff(Role.HALL_MANAGER, region=series.hall.region)
    made = setting_up.add_kiosk(
        series.hall, code="k1", name="东门自助机", place="东门入口左边", idle_seconds=45, by=manager, at=NOW
    )
    made.line, made.manager = series, manager
    return made


def fields_of(page, **more):
    found = dict(re.findall(r'<input type="hidden" name="(_key)" value="([^"]+)"', page.content.decode()))
    return found | more


def send(client, address, **fields):
    return client.post(address, fields_of(client.get(address), **fields))


@pytest.mark.parametrize(
    "way", ["", "take/", "progress/", "verify/", "opinion/", "check-in/", "items/", "hall/", "help/", "offline/"]
)
def test_every_way_opens_and_is_kept_nowhere(client, kiosk, way):
    answer = client.get(f"/kiosk/k1/{way}")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"] and 'data-idle-seconds="45"' in text and "data-read" in text
    assert django_settings.SESSION_COOKIE_NAME not in answer.cookies


def test_a_kiosk_put_away_is_not_there(client, kiosk):
    setting_up.set_kiosk(kiosk.pk, name="x", is_on=False, by=kiosk.manager, at=NOW)
    assert client.get("/kiosk/k1/").status_code == 404
    assert client.get(f"/kiosk/{kiosk.hall.code}/").status_code == 200


def test_opinion(client, kiosk):
    answer = send(client, "/kiosk/k1/opinion/", kind="suggestion", topic="waiting", text="", phone="")
    assert answer.status_code == 303 and "谢谢" in client.get(answer["Location"]).content.decode()
    assert Opinion.objects.get().topics == ["waiting"]


def test_guide_call(client, kiosk):
    answer = send(client, "/kiosk/k1/help/")
    assert "请在这里等" in client.get(answer["Location"]).content.decode()
    assert GuideCall.objects.get().kiosk == kiosk


def test_staff_pages(client, kiosk):
    client.force_login(kiosk.manager.user)
    for address in ("machines", "guides", "guides/roster", "visitor-opinions", f"machines/kiosks/{kiosk.pk}"):
        assert client.get(f"/workbench/{address}").status_code == 200, address
    assert (Kiosk.objects.count(), Printer.objects.count(), SlipPrint.objects.count(), Ticket.objects.count()) == (
        1,
        0,
        0,
        0,
    )
    _ = (timedelta, uuid4, make_hall)
