"""A department's own system: takes cases, returns results, is told by webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from yimen.cases.actions import uploads
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import ItemFee
from yimen.exchange import clients, webhooks
from yimen.exchange.models import WebhookDelivery
from yimen.ledger import followers
from yimen.ledger.models import Event
from yimen.lib.tests import files
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
from yimen.testing import ROOT
from yimen.web.api import clients as api_clients
from yimen.web.limits import Limit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    monkeypatch.setattr(api_clients, "calls_limit", Limit(6000))
    return clock


def machine(*roles, department, **fields):
    staff = make_staff(*roles, department=department, **fields)
    staff.user.must_change_password = True
    staff.user.save()
    return staff


class System:
    """A department's system with a key of its own, speaking HTTP."""

    def __init__(self, client, admin, staff, name):
        self.http, self.staff = client, staff
        self.row, self.key = clients.make_client(name, staff.pk, by=admin, at=NOW)

    def post(self, path, body=None, *, key="", token=""):
        headers = {"authorization": f"Bearer {token or self.key}", "idempotency-key": key or str(uuid4())}
        data = json.dumps(body if body is not None else {})
        return self.http.post(f"/api/v1/{path}", data, content_type="application/json", headers=headers)

    def get(self, path, *, token=""):
        return self.http.get(f"/api/v1/{path}", headers={"authorization": f"Bearer {token or self.key}"})


@pytest.fixture
def office(client):
    region = make_region()
    organ = make_department(region, name="市场监管局（演示）")
    admin = make_staff(Role.SYSTEM_ADMIN, department=make_department(region))

    def system(name, *roles, department=organ):
        return System(client, admin, machine(*roles, department=department), name)

    return SimpleNamespace(
        region=region,
        organ=organ,
        admin=admin,
        make=system,
        version=make_version(department=organ),
        center=make_center(region),
        desk=system("综合受理", Role.CLERK),
        review=system("审查", Role.APPROVER),
        head=system("决定", Role.LEADER),
    )


def application(office, n=7, **change):
    return {
        "item": office.version.item.task_code,
        "center": office.center.code,
        "applicant": {
            "kind": "person", "name": "周新月", "id_number": resident_id(n), "phone": phone_number(n),
        },
        "materials": [
            {"material": str(one.pk), "state": "complete"} for one in office.version.materials.order_by("position")
        ],
    } | change  # fmt: skip


def received(office, **change):
    answer = office.desk.post("cases", application(office, **change))
    assert answer.status_code == 201, answer.content
    return answer.json()["number"]


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def receiver(settings):
    """A small system of the department that is told: what it got, and what it is to answer (else 204)."""
    settings.WEBHOOKS_TO_LOOPBACK = True
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    server.got, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/told"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def committed(monkeypatch):
    """Tests run in one transaction: what it wrote counts as committed."""
    monkeypatch.setattr(followers, "horizon", lambda: 2**62)
    monkeypatch.setattr(clients, "horizon", lambda: 2**62)


@pytest.mark.capability("S2-14")
@pytest.mark.usefixtures("alone")
@pytest.mark.django_db(transaction=True)
def test_a_departments_system_takes_a_case_and_its_result_comes_back_by_webhook(office, receiver, clock):
    hook = office.desk.post("webhooks", {"url": receiver.url, "kinds": ["case.decided", "case.delivered"]})
    assert hook.status_code == 201 and "secret" not in hook.json()
    secret = office.desk.post(f"webhooks/{hook.json()['id']}/secret").json()["secret"]

    number = received(office)
    assert office.desk.post(f"cases/{number}/accept").json()["status"] == "accepted"
    seen = office.review.get("cases").json()
    assert [(one["kind"], one["number"]) for one in seen["changes"]] == [
        ("case.received", number),
        ("case.accepted", number),
    ]
    assert office.review.get(f"cases?after={seen['cursor']}").json()["changes"] == []
    task = office.review.get(f"cases/{number}").json()["steps"][0]["id"]
    done = office.review.post(f"cases/{number}/steps/{task}", {"outcome": "passed", "opinion": "材料齐全，同意。"})
    assert done.status_code == 200, done.content
    decided = office.head.post(f"cases/{number}/decide", {"outcome": "granted"})
    assert (decided.json()["status"], decided.json()["outcome"]) == ("completed", "granted")

    assert webhooks.follow(at=clock.now) == 4  # rows read; the client wants to hear of one
    assert webhooks.send_due(at=clock.now) == 1
    [(headers, body)] = receiver.got
    told = json.loads(body)
    assert (told["kind"], told["number"], told["outcome"]) == ("case.decided", number, "granted")
    assert "周" not in body.decode()
    moment = headers["Yimen-Signature"].split(",")[0].removeprefix("t=")
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Yimen-Signature"] == f"t={moment},v1={mac}"

    case = office.desk.get(f"cases/{number}").json()
    assert case["applicant"].startswith("周") and "新月" not in case["applicant"]
    decision = next(one for one in case["documents"] if one["kind"] == "decision")
    pdf = office.desk.get(f"cases/{number}/documents/{decision['id']}")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF")
    assert office.desk.post(f"cases/{number}/deliver", {"how": "window", "receiver": "周新月"}).status_code == 200


def test_one_key_is_one_case_and_another_body_is_refused(office):
    first, again = (office.desk.post("cases", application(office), key="the-same-key") for _turn in range(2))
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    other = office.desk.post("cases", application(office, 8), key="the-same-key")
    assert (other.status_code, other.json()["code"]) == (422, "different_body")
    assert Case.objects.count() == 1


def test_a_repeated_act_gets_its_first_answer_and_a_second_act_a_sentence(office):
    number = received(office)
    answers = [office.desk.post(f"cases/{number}/accept", key="accept-once") for _turn in range(2)]
    assert answers[0].json() == answers[1].json()
    late = office.desk.post(f"cases/{number}/accept")
    assert (late.status_code, late.json()["code"]) == (409, "wrong_step") and "刷新" in late.json()["error"]


def test_rights_are_those_of_the_account(office):
    number = received(office)
    refused = office.review.post(f"cases/{number}/accept")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert Case.objects.get().status == "received"


@pytest.mark.parametrize("where", ["department", "region"])
def test_another_departments_case_is_not_there(office, client, where):
    number = received(office)
    if where == "department":
        other = office.make("外单位", Role.CLERK, Role.APPROVER, department=make_department(office.region))
    else:
        far = make_region("510000", "外市")
        admin = make_staff(Role.SYSTEM_ADMIN, department=make_department(far))
        other = System(client, admin, machine(Role.CLERK, department=make_department(far)), "外市系统")
    document = office.desk.get(f"cases/{number}").json()["documents"][0]["id"]
    answers = [
        other.get(f"cases/{number}"),
        other.get(f"cases/{number}/documents/{document}"),
        other.post(f"cases/{number}/accept"),
        other.post(f"cases/{number}/decide", {"outcome": "granted"}),
        other.get("cases/XX-000000-00000"),
    ]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "not_found")}
    assert len({one.content for one in answers}) == 1


def _ended(office, clock):
    clients.end_client(office.desk.row.pk, by=office.admin, at=NOW)


def _over(office, clock):
    type(office.desk.row).objects.update(expires_on=(NOW - timedelta(days=1)).date())


def _closed(office, clock):
    office.desk.staff.user.is_active = False
    office.desk.staff.user.save()


def _used(office, clock):
    office.desk.staff.user.must_change_password = False
    office.desk.staff.user.save()


@pytest.mark.parametrize("why", [_ended, _over, _closed, _used], ids=["ended", "over", "closed", "used by a person"])
def test_a_key_that_no_longer_counts_is_401(office, clock, why):
    number = received(office)
    assert office.desk.get(f"cases/{number}").status_code == 200
    why(office, clock)
    for answer in (office.desk.get(f"cases/{number}"), office.desk.post(f"cases/{number}/accept")):
        assert (answer.status_code, answer.json()["code"]) == (401, "login_needed")
    assert Case.objects.get().status == "received"


@pytest.mark.parametrize("token", ["ym_wrong", "x" * 5000], ids=["wrong", "long"])
def test_a_strange_key_is_401_and_guessing_is_stopped(office, monkeypatch, token):
    monkeypatch.setattr(api_clients, "strangers_limit", Limit(2))
    answers = [office.desk.get("cases", token=token) for _turn in range(3)]
    assert [one.status_code for one in answers] == [401, 401, 429] and answers[2]["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"item": "nothing-like-it"}, 404, "not_found"),
        ({"center": "nowhere"}, 404, "not_found"),
        ({"surprise": 1}, 422, "invalid"),
        ({"channel": "web"}, 422, "invalid"),
        ({"materials": [{"material": "x", "state": "complete"}]}, 422, "invalid"),
        ({"materials": [{"material": str(uuid4()), "state": "complete"}]}, 409, "unlisted_material"),
        ({"applicant": {"kind": "person", "name": "周", "id_number": "5001", "phone": "1"}}, 422, "invalid"),
        ({"agent_name": "长" * 61}, 422, "invalid"),
    ],
    ids=["item", "center", "extra", "channel", "uuid", "unlisted", "short", "long"],
)  # fmt: skip
def test_what_cannot_be_an_application_writes_nothing(office, change, status, code):
    before = Event.objects.count()
    answer = office.desk.post("cases", application(office, **change))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.json()["error"] and "周新月" not in answer.content.decode()
    assert Case.objects.count() == 0 and Applicant.objects.count() == 0 and Event.objects.count() == before


def test_without_a_key_nothing_is_done(office):
    number = received(office)
    answer = office.desk.http.post(
        f"/api/v1/cases/{number}/accept", "{}", content_type="application/json",
        headers={"authorization": f"Bearer {office.desk.key}"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert Case.objects.get().status == "received"


BAD = {
    "correct": [{"lines": []}, {"lines": [{"material": "1", "what": "x"}]}],
    "decline": [{"reasons": "缺", "ground": "whim"}, {"ground": "false"}],
    "stop": [
        {"ground": "lunch", "reason": "x", "needed_days": 1},
        {"ground": "testing", "reason": "x", "needed_days": 0},
    ],
    "certificate": [{"valid_from": "2026-02-30"}],
    "move": [{"kind": "away", "receiver": "a", "reason": "b"}, {"kind": "unit", "receiver": "a b", "reason": "b"}],
    "deliver": [{"how": "pigeon"}],
    "decide": [{"outcome": "maybe"}, {}],
}  # fmt: skip


def test_bad_bodies_are_told_by_place(office):
    number = received(office)
    for act, bodies in BAD.items():
        for body in bodies:
            answer = office.desk.post(f"cases/{number}/{act}", body)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), (act, body)
    assert office.desk.post(f"cases/{number}/decide", {}).json()["error"].endswith("：outcome。")


def test_the_desks_other_acts(office, committed):
    number = received(office, materials=[])
    lines = [{"material": str(one.pk), "what": "请补交这一样。"} for one in office.version.materials.all()[:2]]
    corrected = office.desk.post(f"cases/{number}/correct", {"lines": lines})
    assert corrected.status_code == 200 and corrected.json()["id"]
    assert office.desk.post(f"cases/{number}/correct", {"lines": lines}).json()["code"] == "told_already"
    brought = [{"material": line["material"], "state": "complete"} for line in lines]
    assert office.desk.post(f"cases/{number}/materials", {"materials": brought}).status_code == 200
    assert office.desk.post(f"cases/{number}/accept").json()["status"] == "accepted"
    away = office.desk.post(f"cases/{number}/withdraw", {"reason": "不办了，以后再来。"})
    assert (away.status_code, away.json()["status"]) == (200, "withdrawn")
    declined = received(office, n=9)
    no = office.desk.post(
        f"cases/{declined}/decline",
        {"reasons": "这件事不归本机关管，请到人社局办理。", "ground": "not_ours", "right_organ": "人社局（演示）"},
    )
    assert (no.status_code, no.json()["status"]) == (200, "declined"), no.content


def test_stops_extensions_and_moves(office):
    other = make_department(office.region, code="other-organ")
    there = office.make("外单位", Role.APPROVER, department=other)
    number = received(office)
    office.desk.post(f"cases/{number}/accept")
    for system, path, body in (
        (office.review, "stop", {"ground": "testing", "reason": "需要送检后才能判断。", "needed_days": 5}),
        (office.review, "stop/end", {"result": "检测合格，可以继续办理。"}),
        (office.review, "extension", {"reason": "情况复杂，需要再核对一次。"}),
        (office.head, "extension/answer", {"approve": True}),
        (office.review, "move", {"kind": "unit", "receiver": "other-organ", "reason": "需要贵单位先出意见。"}),
        (there, "move/receive", {}),
        (there, "move/return", {"outcome": "passed", "opinion": "符合我单位的要求。"}),
    ):
        answer = system.post(f"cases/{number}/{path}", body)
        assert answer.status_code == 200, (path, answer.content)


# -- what is done beside the steps ------------------------------------------------------------------------------------

SOME = str(uuid4())
BESIDE = {
    "messages": {"text": "请带上原件。"},
    "messages/read": {},
    f"steps/{SOME}/take": {},
    f"steps/{SOME}/hand": {"reason": "back"},
    "fees": {"fee": SOME, "amount": "10"},
    f"fees/{SOME}/pay": {"channel": "cash"},
    f"fees/{SOME}/waive": {"reason": "困难家庭，按规定减免。"},
    f"fees/{SOME}/refund": {"reason": "多收的退还给他。"},
    f"fees/{SOME}/cancel": {"reason": "金额填错了，作废重开。"},
    f"gaps/{SOME}": {"form": "copy"},
    "commit": {"materials": [SOME], "text": "以上都属实，愿意承担责任。"},
    "commitment": {"is_kept": True, "findings": "到现场看过，属实。"},
    f"visits/{SOME}/plan": {"planned_for": "2026-11-19T09:30:00+08:00", "address": "演示路 2 号", "surveyors": ["1"]},
    f"visits/{SOME}/put-off": {"status": "missed", "reason": "店里没有人。"},
    "hearing": {"subject": "这件关系到邻居的采光。"},
    "hearing/answer": {"wants": True},
    "hearing/call": {"planned_for": "2026-12-02T09:30:00+08:00", "place": "二楼会议室", "chair": "1"},
    "hearing/close": {"text": "双方都说了意见。", "signed_by": ["周新月"]},
    "parties": {"name": "钱邻居", "interest": "住在隔壁。"},
    f"parties/{SOME}": {"statement": "不同意，挡了光。"},
    "agent": {"kind": "helper", "consent": "当面签了代办单", "number": "1"},
    "agent/act": {"what": "form"},
    "agent/end": {},
    "priority": {"kind": "urgent", "reason": "exam"},
    f"priority/{SOME}": {"approve": True},
    f"priority/{SOME}/end": {"reason": "不急了，材料已补齐。"},
    "recusal": {"person": "1", "reason": "申请人是他的姐夫。", "asker": "applicant"},
    f"recusal/{SOME}": {"approve": True},
    "team": {"name": "专班", "members": [{"number": "1", "duty": "收件"}, {"number": "2", "duty": "审查"}]},
    "expert": {"expert": SOME, "question": "排烟管离窗户要几米？"},
    f"expert/{SOME}": {"advice": "不少于二十米。"},
    "guidance": {"guidance": SOME},
    "revoke": {"ground": "procedure", "finding": "没有告知听证的权利。"},
    "bar": {"ground": "false_materials", "finding": "检测报告是假的。"},
    "renewal": {"certificate_no": "QH-1"},
    "reveal": {"field": "phone", "reason": "要打电话约时间。"},
}


def test_every_act_of_a_cases_page_is_one_call():
    """A page's act and its call bear one name; what is not done with one case has its own place."""
    pages, calls = set(), set()
    for file in (ROOT / "src/yimen/web/workbench").rglob("*.py"):
        pages |= set(re.findall(r'(?:keyed|Sheet)\(\s*"cases\.([a-z_]+)"', file.read_text(encoding="utf-8")))
    for name in ("cases", "around"):
        text = (ROOT / f"src/yimen/web/api/{name}.py").read_text(encoding="utf-8")
        calls |= set(re.findall(r'act\(\s*request,\s*"([a-z_]+)"', text))
    lists = {"expert", "experts", "template", "filter", "opinion", "batch", "bundle", "elsewhere"}
    rest = {name for name in pages - calls if name.rsplit("_", 1)[-1] not in lists}
    assert rest == {
        "receive",  # POST /cases
        "close_visit",  # by who was on the spot
        "change_fee",  # waive, refund and cancel are a call each
        "change_team", "flag_public_safety", "lift_bar", "note_uploaded", "set_quota",  # not of one case
    }  # fmt: skip


FIRST = {
    "accept", "certificate", "correct", "decide", "decline", "deliver", "extension", "extension/answer",
    "materials", "move", "move/receive", "move/return", "send-back", "steps/id", "stop", "stop/end", "withdraw",
}  # fmt: skip


def test_the_tables_name_every_call_on_one_case(client):
    paths, begins = client.get("/api/v1/openapi.json").json()["paths"], "/api/v1/cases/{number}/"
    calls = {
        path.removeprefix(begins) for path, methods in paths.items() if path.startswith(begins) and "post" in methods
    }
    assert {re.sub(r"{\w+}", "id", call) for call in calls} == FIRST | {act.replace(SOME, "id") for act in BESIDE}


@pytest.mark.parametrize("act", BESIDE, ids=[act.replace(SOME, "id") for act in BESIDE])
def test_a_further_act_on_another_departments_case_is_not_there_and_writes_nothing(outside, act):
    number, stranger, before = outside
    answer = stranger.post(f"cases/{number}/{act}", BESIDE[act])
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.content
    assert Event.objects.count() == before


@pytest.fixture
def outside(office):
    number = received(office)
    stranger = office.make("外单位", Role.CLERK, Role.APPROVER, Role.LEADER, department=make_department(office.region))
    return number, stranger, Event.objects.count()


def done(system, number, act, body=None):
    answer = system.post(f"cases/{number}/{act}", body)
    assert answer.status_code == 200, (act, answer.content)
    return answer.json()["id"]


def course(office, number):
    rows = office.desk.get(f"cases/{number}/course").json()["rows"]
    return {row["what"]: (row["id"], row["state"]) for row in rows}


def test_people_around_a_case(office):
    number = received(office)
    office.desk.post(f"cases/{number}/accept")
    desk, review, head = office.desk, office.review, office.head
    task = desk.get(f"cases/{number}").json()["steps"][0]["id"]
    done(review, number, f"steps/{task}/take")
    done(review, number, f"steps/{task}/hand", {"to": None, "reason": "back"})

    done(desk, number, "messages", {"text": "请带上原件。"})
    assert [one["text"] for one in desk.get(f"cases/{number}/messages").json()["messages"]] == ["请带上原件。"]
    done(desk, number, "messages/read")

    asked = done(desk, number, "priority", {"kind": "urgent", "reason": "exam"})
    refused = review.post(f"cases/{number}/priority/{asked}", {"approve": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    done(head, number, f"priority/{asked}", {"approve": True})
    assert course(office, number)["priority"] == (asked, "granted")
    done(head, number, f"priority/{asked}/end", {"reason": "材料已经补齐，不急了。"})

    person = {"person": review.staff.number, "reason": "申请人是他的姐夫。", "asker": "applicant"}
    recusal = done(desk, number, "recusal", person)
    done(head, number, f"recusal/{recusal}", {"approve": False})
    members = [{"number": one.staff.number, "duty": "跟到底"} for one in (desk, review)]
    done(head, number, "team", {"name": "专班（演示）", "members": members})
    done(desk, number, "agent", {"kind": "helper", "consent": "当面签了代办单", "number": desk.staff.number})
    done(desk, number, "agent/act", {"what": "form"})
    done(desk, number, "agent/end")
    states = {what: state for what, (_id, state) in course(office, number).items()}
    assert states == {"priority": "ended", "recusal": "refused", "team": "open", "agent": "ended"}


def test_a_hearing_from_right_to_record(office, clock):
    number = received(office)
    office.desk.post(f"cases/{number}/accept")
    review = office.review
    done(review, number, "hearing", {"subject": "这件关系到邻居的采光，可以要求听证。"})
    party = done(review, number, "parties", {"name": "钱邻居", "interest": "住在隔壁，怕挡光。"})
    done(review, number, f"parties/{party}", {"statement": "楼高了会挡光。"})
    done(review, number, "hearing/answer", {"wants": True})
    early = {"planned_for": f"{NOW + timedelta(days=2):%Y-%m-%dT01:30:00Z}", "place": "二楼会议室"}
    chair = {"chair": office.head.staff.number}
    refused = review.post(f"cases/{number}/hearing/call", early | chair)
    assert refused.status_code == 409 and "7" in refused.json()["error"]
    on = NOW + timedelta(days=14)
    done(review, number, "hearing/call", early | chair | {"planned_for": f"{on:%Y-%m-%dT01:30:00Z}"})
    assert course(office, number)["hearing"][1] == "called"
    clock.now = on + timedelta(hours=9)
    said = {
        "text": "双方都说了意见，出示了采光的测算图，笔录念过没有异议。",
        "signed_by": [office.head.staff.name, "周新月", "钱邻居"],
    }
    done(review, number, "hearing/close", said)
    assert course(office, number)["hearing"][1] == "held" and course(office, number)["party"][1] == "heard"


def test_a_visit_agreed_and_put_off(office):
    office.version = make_version(visit=True, department=office.organ)
    number = received(office)
    office.desk.post(f"cases/{number}/accept")
    pair = [make_staff(Role.SURVEYOR, department=office.organ).number for _n in range(2)]
    plan = {"planned_for": f"{NOW + timedelta(days=1):%Y-%m-%dT01:30:00Z}", "address": "演示路 2 号"}
    first, _state = course(office, number)["visit"]
    alone = office.review.post(f"cases/{number}/visits/{first}/plan", plan | {"surveyors": pair[:1]})
    assert (alone.status_code, alone.json()["code"]) == (409, "too_few_surveyors")
    done(office.review, number, f"visits/{first}/plan", plan | {"surveyors": pair})
    gone = {"status": "cancelled", "reason": "店主要出门，改一天。"}
    second = done(office.review, number, f"visits/{first}/put-off", gone)
    assert second != first and course(office, number)["visit"] == (second, "to_call")


def test_a_fee_made_paid_and_given_back(office):
    fee = ItemFee.objects.create(
        version=office.version, position=0, name="工本费", standard="每证 10 元", basis="《演示收费条例》第三条"
    )
    number = received(office)
    office.desk.post(f"cases/{number}/accept")
    wrong = office.desk.post(f"cases/{number}/fees", {"fee": str(fee.pk), "amount": "11"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_amount")
    slip = done(office.desk, number, "fees", {"fee": str(fee.pk), "amount": "10"})
    done(office.desk, number, f"fees/{slip}/pay", {"channel": "card", "receipt_no": "0001"})
    done(office.head, number, f"fees/{slip}/refund", {"reason": "申请人撤回，按规定退还。"})
    assert course(office, number)["fee"] == (slip, "refunded")


def test_the_files_handed_in_and_the_number_behind_the_mask(office):
    number = received(office)
    case = Case.objects.get()
    file = SimpleUploadedFile("平面图.pdf", files.pdf())
    material = case.materials.first().material
    kept = uploads.take(file, owner=office.desk.staff, region=case.region_id, case=case, material=material, at=NOW)
    [row] = office.review.get(f"cases/{number}/files").json()["files"]
    assert row == {
        "id": str(kept.pk),
        "material": str(material.pk),
        "name": "平面图.pdf",
        "kind": "pdf",
        "size": kept.size,
    }
    got = office.review.get(f"cases/{number}/files/{kept.pk}")
    assert b"".join(got).startswith(b"%PDF") and got["Cache-Control"] == "no-store"
    assert office.review.get(f"cases/{number}/forms").json() == {"forms": []}

    seen = office.review.post(f"cases/{number}/reveal", {"field": "phone", "reason": "要打电话约时间。"})
    assert seen.json() == {"value": phone_number(7)} and seen["Cache-Control"] == "no-store"
    assert Event.objects.filter(kind="people.revealed", actor=office.review.staff.ledger_ref).count() == 1
    short = office.review.post(f"cases/{number}/reveal", {"field": "id", "reason": "看"})
    assert (short.status_code, short.json()["code"]) == (409, "reason_missing")
    assert office.head.post(f"cases/{number}/reveal", {"field": "id", "reason": "要核对证件。"}).status_code == 403


def test_what_changed_is_the_same_as_what_may_be_seen(office, committed):
    mine = received(office)
    make_case(version=make_version(department=make_department(office.region)), at=NOW)
    make_case(version=make_version(department=make_department(make_region("510000", "外市"))), at=NOW)
    page, seen, cursor = None, [], ""
    while page is None or page["more"]:
        page = office.desk.get(f"cases?limit=1&after={cursor}").json()
        seen, cursor = seen + page["changes"], page["cursor"]
    assert [one["number"] for one in seen] == [mine]
    assert office.desk.get("cases?after=yesterday").json()["code"] == "bad_cursor"


def test_the_schema_names_every_call_with_its_answers(client):
    schema = client.get("/api/v1/openapi.json").json()
    calls = {path: methods for path, methods in schema["paths"].items() if "/cases" in path or "/webhooks" in path}
    assert len(calls) == 65
    for path, methods in calls.items():
        for method, call in methods.items():
            assert {"401", "404", "409", "422", "429"} <= set(call["responses"]), path
            assert call["summary"] and call["security"], path
            names = {one["name"].lower() for one in call.get("parameters", [])}
            assert method == "get" or path.endswith(("/secret", "/reveal")) or "idempotency-key" in names, path


# -- webhooks ---------------------------------------------------------------------------------------------------------


def hooked(office, receiver, **fields):
    return webhooks.register(office.desk.row, receiver.url, fields.get("kinds", []), by=office.desk.staff, at=NOW)


@pytest.mark.usefixtures("alone")
@pytest.mark.django_db(transaction=True)
def test_each_row_is_told_once_and_only_what_may_be_seen(office, receiver):
    hooked(office, receiver)
    number = received(office)
    make_case(version=make_version(department=make_department(office.region)), at=NOW)
    webhooks.follow(at=NOW)
    webhooks.follow(at=NOW)
    assert webhooks.send_due(at=NOW) == 1 and webhooks.send_due(at=NOW + timedelta(days=1)) == 0
    assert [json.loads(body)["number"] for _headers, body in receiver.got] == [number]


@pytest.mark.usefixtures("alone")
@pytest.mark.django_db(transaction=True)
def test_what_fails_is_tried_again_ever_later_then_paused_and_resumed(office, receiver):
    hook = hooked(office, receiver)
    received(office)
    webhooks.follow(at=NOW)
    receiver.answers = [302, 500] + [503] * (webhooks.MOST_FAILURES - 2)
    at, pauses = NOW, []
    for _turn in range(webhooks.MOST_FAILURES):
        assert webhooks.send_due(at=at) == 0
        after = WebhookDelivery.objects.get().next_at
        pauses.append(after - at)
        at = after
    assert pauses[: len(webhooks.PAUSES)] == list(webhooks.PAUSES) and max(pauses) == timedelta(days=1)
    hook.refresh_from_db()
    assert hook.paused_at is not None and Event.objects.filter(kind="exchange.webhook_paused").count() == 1
    assert webhooks.send_due(at=at + timedelta(days=2)) == 0 and len(receiver.got) == webhooks.MOST_FAILURES
    webhooks.resume(hook.pk, by=office.desk.staff, at=at)
    assert webhooks.send_due(at=at) == 1
    assert len({headers["Yimen-Delivery"] for headers, _body in receiver.got}) == 1


@pytest.mark.usefixtures("alone")
@pytest.mark.django_db(transaction=True)
def test_an_ended_client_is_told_nothing_more(office, receiver):
    hooked(office, receiver)
    received(office)
    webhooks.follow(at=NOW)
    clients.end_client(office.desk.row.pk, by=office.admin, at=NOW)
    assert webhooks.send_due(at=NOW) == 0 and webhooks.follow(at=NOW) == 0 and receiver.got == []


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://hooks.example.org/a", ["93.184.216.34"]),
        ("https://hooks.example.org/a", ["127.0.0.1"]),
        ("https://hooks.example.org/a", ["10.1.2.3"]),
        ("https://hooks.example.org/a", ["93.184.216.34", "192.168.0.4"]),
        ("https://hooks.example.org/a", ["169.254.169.254"]),
        ("https://hooks.example.org/a", ["::1"]),
        ("https://hooks.example.org/a", ["fe80::1%eth0"]),
        ("https://hooks.example.org/a", ["::ffff:10.0.0.1"]),
        ("https://hooks.example.org/a", ["64:ff9b::7f00:1"]),
        ("https://hooks.example.org/a", ["0.0.0.0"]),
        ("https://hooks.example.org/a", ["224.0.0.1"]),
        ("https://user:pw@hooks.example.org/a", ["93.184.216.34"]),
        ("ftp://hooks.example.org/a", ["93.184.216.34"]),
        ("https:///a", ["93.184.216.34"]),
        ("https://hooks.example.org:99999/a", ["93.184.216.34"]),
        ("https://hooks.example.org/a\r\nX: 1", ["93.184.216.34"]),
    ],
)
def test_we_knock_at_public_doors_only(monkeypatch, url, addresses):
    monkeypatch.setattr(
        webhooks.socket, "getaddrinfo", lambda host, port, **_rest: [(0, 0, 0, "", (one, port)) for one in addresses]
    )
    with pytest.raises(webhooks.BadAddress):
        webhooks.resolve(url)
    with pytest.raises(webhooks.BadAddress):
        webhooks.post(url, b"{}", {})


def test_a_public_address_is_taken(monkeypatch):
    monkeypatch.setattr(
        webhooks.socket, "getaddrinfo", lambda host, port, **_rest: [(0, 0, 0, "", ("93.184.216.34", port))]
    )
    assert webhooks.resolve("https://hooks.example.org/a") == ("hooks.example.org", "93.184.216.34", 443)


def test_a_client_sees_and_changes_its_own_webhooks_only(office, receiver):
    hook = hooked(office, receiver)
    for answer in (
        office.review.get(f"webhooks/{hook.pk}/deliveries"),
        office.review.post(f"webhooks/{hook.pk}/secret"),
        office.review.post(f"webhooks/{hook.pk}/end"),
    ):
        assert answer.status_code == 404
    assert office.review.get("webhooks").json() == {"webhooks": []}
    assert office.desk.get(f"webhooks/{hook.pk}/deliveries").json() == {"deliveries": []}
    assert office.desk.post(f"webhooks/{hook.pk}/resume").status_code == 200
    assert office.desk.post(f"webhooks/{hook.pk}/end").json()["ended_at"]
    assert office.desk.get("webhooks").json() == {"webhooks": []}
    unknown = office.desk.post("webhooks", {"url": receiver.url, "kinds": ["case.sneezed"]})
    assert (unknown.status_code, unknown.json()["code"]) == (409, "bad_webhook")


# -- clients ----------------------------------------------------------------------------------------------------------


def test_a_key_is_kept_nowhere(office):
    row = office.desk.row
    row.refresh_from_db()
    assert office.desk.key not in repr(vars(row)) and len(office.desk.key) > 40
    assert office.desk.key not in str(list(Event.objects.values_list("data", flat=True)))


def test_only_the_system_administrator_lets_systems_in_and_never_in_a_persons_name(office):
    person = make_staff(Role.LEADER, department=office.organ)
    admin_account = machine(Role.AUDIT_ADMIN, department=office.organ)
    free = machine(Role.CLERK, department=office.organ)
    for staff in (person, admin_account):
        with pytest.raises(clients.BadClient):
            clients.make_client("新系统", staff.pk, by=office.admin, at=NOW)
    with pytest.raises(clients.BadClient):
        clients.make_client("综合受理", free.pk, by=office.admin, at=NOW)
    from yimen.people import access

    with pytest.raises(access.NotAllowed):
        clients.make_client("新系统", free.pk, by=person, at=NOW)
    assert clients.make_client("新系统", free.pk, by=office.admin, at=NOW)[0].staff == free


def test_the_page_for_departments_names_every_call_and_every_kind(client):
    """docs/api.md is what a department reads first."""
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert {kind for kind in webhooks.KINDS if f"`{kind}`" not in text} == set()
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    ends = {path.rsplit("}/", 1)[1] for path in paths if path.startswith("/api/v1/cases/{number}/")}
    assert {end for end in ends if f"/{end.split('/{')[0]}" not in text} == set()
