"""Messages by SMS: against a gateway on this machine, with failures, kills, quiet hours, receipts told twice."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import actions as catalog
from yimen.catalog.tests.factories import make_item
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.notify import actions, queries, sms
from yimen.notify.actions import News
from yimen.notify.models import Delivery, OptOut
from yimen.people.tests.factories import NOW, make_applicant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alone")]
PHONE, KEY = "13900000417", "only-for-tests-0123456789"


@pytest.fixture
def gateway(settings):
    """What came, and what it answers; a list of statuses is used up one by one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.came.append((dict(self.headers), body))
            self.send_response(server.answers.pop(0) if server.answers else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.came, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SMS_GATEWAY, settings.SMS_KEY = "http", KEY
    settings.SMS_URL = f"http://127.0.0.1:{server.server_port}/send"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def told(applicant=None, occasion="correction"):
    applicant = applicant or make_applicant(phone=PHONE)
    news = News(applicant.pk, make_item(), "A-1", occasion, "请补材料", "您有一件事要补材料。", goes_out=True)
    actions.tell(news, on=NOW.date(), at=NOW)
    return applicant, Delivery.objects.get(channel="outbox", message__applicant=applicant)


def test_a_message_goes_out_once_signed_and_under_its_own_id(gateway):
    applicant, delivery = told()
    assert [sms.send_due(at=NOW), sms.send_due(at=NOW), sms.send_due(at=NOW + timedelta(hours=1))] == [1, 0, 0]
    ((headers, body),) = gateway.came
    assert json.loads(body) == {"id": str(delivery.pk), "phone": PHONE, "text": "您有一件事要补材料。"}
    assert headers["Idempotency-Key"] == str(delivery.pk)
    sms.check_signature(headers["Yimen-Signature"], body, at=timezone.now())
    with pytest.raises(sms.BadReceipt):
        sms.check_signature(headers["Yimen-Signature"], body + b" ", at=timezone.now())
    delivery.refresh_from_db()
    assert delivery.taken_at == NOW and delivery.done_at is None
    assert not queries.to_call(applicant.region_id).exists()
    rows = Event.objects.filter(stream=f"message:{delivery.message_id}")
    assert [row.kind for row in rows] == ["notify.sms_taken"]
    assert PHONE not in str([row.data for row in rows])


@pytest.mark.parametrize("answers", [[500, 429, 200], [503, 200]], ids=["twice", "once"])
def test_a_failure_is_tried_again_later_under_the_same_id(gateway, answers):
    _applicant, delivery = told()
    gateway.answers, at = list(answers), NOW
    assert sms.send_due(at=at) == 0
    assert sms.send_due(at=at) == 0 and len(gateway.came) == 1  # not before its pause is over
    for _n in answers[1:]:
        at += timedelta(minutes=10)
        sms.send_due(at=at)
    assert len(gateway.came) == len(answers) and len({body for _headers, body in gateway.came}) == 1
    delivery.refresh_from_db()
    assert delivery.taken_at == at


def test_what_the_gateway_will_never_take_waits_for_a_call_at_once(gateway):
    applicant, delivery = told()
    gateway.answers = [422]
    sms.send_due(at=NOW)
    assert sms.send_due(at=NOW + timedelta(days=1)) == 0 and len(gateway.came) == 1
    (row,) = queries.to_call(applicant.region_id)
    assert row == delivery and "422" in row.note and PHONE not in row.note


def test_after_six_tries_somebody_telephones(gateway):
    applicant, _delivery = told()
    gateway.answers, at = [500] * 20, NOW
    for _n in range(12):
        sms.send_due(at=at)
        at += timedelta(hours=3, minutes=1) if at.hour < 9 else timedelta(hours=18)
    assert len(gateway.came) <= queries.MOST_TRIES
    assert queries.to_call(applicant.region_id).count() == 1


def test_nobody_there_is_a_failure_like_another(settings, gateway):
    settings.SMS_URL = "http://127.0.0.1:1/send"
    _applicant, delivery = told()
    assert sms.send_due(at=NOW) == 0
    delivery.refresh_from_db()
    assert (delivery.tries, delivery.taken_at) == (1, None)


def test_whoever_died_while_sending_leaves_it_to_another_under_the_same_id(gateway):
    _applicant, delivery = told()

    def dies(pk, phone, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sms.send_due(at=NOW, send=dies)
    assert sms.send_due(at=NOW + timedelta(minutes=1)) == 0  # it may still be on its way
    assert sms.send_due(at=NOW + sms.LEASE) == 1
    assert json.loads(gateway.came[0][1])["id"] == str(delivery.pk)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_message_once(gateway):
    for n in range(8):
        told(make_applicant(phone=f"1390000{n:04d}"), f"correction-{n}")

    def work():
        sms.send_due(at=NOW)
        connection.close()

    threads = [threading.Thread(target=work) for _n in range(3)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    ids = [json.loads(body)["id"] for _headers, body in gateway.came]
    assert len(ids) == len(set(ids)) == 8


def test_nothing_is_sent_at_night_and_the_place_may_say_when_that_is(gateway):
    applicant, _delivery = told()
    night = NOW.replace(hour=23)
    assert sms.send_due(at=night) == 0 and not gateway.came
    day = NOW.date()
    for key in (sms.QUIET_FROM_KEY, sms.QUIET_UNTIL_KEY):
        catalog.set_local_rule(
            applicant.region, key, 0, effective_on=day, reason="依据通知", by=SYSTEM, at=NOW
        )  # the same hour twice: at any time
    assert sms.send_due(at=night) == 1


@given(st.integers(0, 23), st.integers(0, 23))
def test_quiet_hours_are_as_many_as_lie_between(start, end):
    assert sum(sms.is_quiet(hour, start, end) for hour in range(24)) == (end - start) % 24


def test_who_wants_no_sms_is_telephoned_and_old_news_is_not_sent(gateway):
    applicant, delivery = told()
    actions.opt_out(applicant, True, by=applicant, at=NOW, kind=OptOut.Kind.SMS)
    actions.opt_out(applicant, True, by=applicant, at=NOW, kind=OptOut.Kind.SMS)
    assert OptOut.objects.count() == 1 and not queries.wants_none(applicant)  # notices are another matter
    other, _delivery = told(make_applicant(phone="13900000418"), "old")
    Delivery.objects.filter(message__applicant=other).update(made_at=NOW - timedelta(days=9))
    assert sms.send_due(at=NOW) == 0 and not gateway.came
    assert set(queries.to_call(applicant.region_id)) == {delivery, _delivery}
    actions.opt_out(applicant, False, by=applicant, at=NOW, kind=OptOut.Kind.SMS)
    assert not queries.wants_none(applicant, OptOut.Kind.SMS)


def test_without_a_gateway_everything_waits_for_a_call(settings):
    settings.SMS_GATEWAY = ""
    applicant, delivery = told()
    assert sms.send_due(at=NOW) == 0
    assert list(queries.to_call(applicant.region_id)) == [delivery]


def test_the_file_of_the_demo_holds_each_message_once(settings, tmp_path):
    settings.SMS_GATEWAY, settings.HOME = "file", tmp_path
    _applicant, delivery = told()
    assert sms.send_due(at=NOW) == 1
    assert sms.to_file(delivery.pk, PHONE, "again") == 200
    (line,) = (tmp_path / "sms.jsonl").read_text().splitlines()
    assert json.loads(line)["id"] == str(delivery.pk)


def receipts(rows):
    body = json.dumps({"receipts": rows}).encode()
    headers = {"Yimen-Signature": sms.signature(body, int(timezone.now().timestamp()))}
    return Client(enforce_csrf_checks=True).post(
        "/sms/receipts", body, content_type="application/json", headers=headers
    )


def test_receipts_told_twice_count_once_and_what_failed_is_telephoned(gateway):
    _applicant, delivery = told()
    other, failed = told(make_applicant(phone="13900000419"), "another")
    sms.send_due(at=NOW)
    rows = [{"id": str(delivery.pk), "status": "delivered"}, {"id": str(failed.pk), "status": "failed", "why": "OFF"}]
    assert receipts(rows).json() == {"news": 2}
    assert receipts(rows).json() == {"news": 0}
    delivery.refresh_from_db()
    assert delivery.is_delivered and delivery.done_at
    assert [row.pk for row in queries.to_call(other.region_id)] == [failed.pk]
    assert sms.send_due(at=NOW + timedelta(hours=1)) == 0
    assert receipts([{"id": str(uuid4()), "status": "delivered"}]).json() == {"news": 0}


@pytest.mark.parametrize(
    "fault, status", [("key", 401), ("old", 401), ("none", 401), ("json", 422), ("word", 422), ("shape", 422)]
)
def test_a_receipt_that_is_not_the_gateways_or_not_readable_writes_nothing(gateway, settings, fault, status):
    _applicant, delivery = told()
    sms.send_due(at=NOW)
    rows, count = [{"id": str(delivery.pk), "status": "delivered"}], Event.objects.count()
    body = json.dumps({"receipts": rows}).encode()
    now = int(timezone.now().timestamp())
    if fault == "json":
        body = b"{"
    if fault == "shape":
        body = b'{"receipts": [7]}'
    if fault == "word":
        body = json.dumps({"receipts": [{"id": str(delivery.pk), "status": "perhaps"}]}).encode()
    said = sms.signature(body, now - 3600 if fault == "old" else now)
    if fault == "key":
        settings.SMS_KEY = "another key of some length"
    headers = {} if fault == "none" else {"Yimen-Signature": said}
    answer = Client().post("/sms/receipts", body, content_type="application/json", headers=headers)
    assert answer.status_code == status
    delivery.refresh_from_db()
    assert delivery.done_at is None and Event.objects.count() == count


def test_a_receipt_that_never_came_ends_as_unknown(gateway):
    _applicant, delivery = told()
    sms.send_due(at=NOW)
    assert sms.end_unsaid(at=NOW + timedelta(days=1)) == 0
    assert sms.end_unsaid(at=NOW + timedelta(days=4)) == 1
    delivery.refresh_from_db()
    assert delivery.done_at and delivery.is_delivered is None
