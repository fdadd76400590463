"""Site visits and hearings over HTTP: the call form, the checklist, the citizen's side, the whole chain of the hall."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.cases import actions
from yimen.cases.actions import Handed
from yimen.cases.models import Case, Hearing, Notice, SiteVisit, Upload, VisitAnswer
from yimen.cases.tests.factories import make_version
from yimen.cases.tests.test_visits import PNG, make_points
from yimen.catalog.models import CheckPoint, FlowStep, ItemVersion
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def hall(db):
    """A case whose first step is the visit, and everybody of the hall who has a part in it."""
    version = make_version(visit=True)
    make_points(version)
    department, region = version.item.department, version.item.region
    clerk = make_staff(Role.CLERK, department=make_department(region), for_region=True)
    case = actions.receive(
        version,
        make_applicant(region=region, phone="13900000417"),
        center=make_center(region),
        materials={row.pk: Handed("complete") for row in version.materials.all()},
        by=clerk,
        at=NOW,
    )
    return SimpleNamespace(
        case=case,
        clerk=clerk,
        surveyors=[make_staff(Role.SURVEYOR, department=department) for _n in range(2)],
        reviewer=make_staff(Role.APPROVER, department=department),
        decider=make_staff(Role.APPROVER, department=department),
        leader=make_staff(Role.LEADER, department=department, name="主持人甲"),
    )


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


def citizen_of(case) -> Client:
    client = Client()
    client.post("/progress", {"number": case.query_no, "last_four": "0417"})
    return client


_keys = iter(range(10_000))


def post(client, path, expect=303, **fields):
    response = client.post(path, {"_key": f"key-{next(_keys)}", **fields})
    assert response.status_code == expect, response.content.decode()[:2000]
    return response


def visit_of(hall) -> SiteVisit:
    return SiteVisit.objects.get(case=hall.case)


def agree(hall, when="2026-11-19T10:00", **fields):
    pair = [str(one.pk) for one in hall.surveyors]
    path = f"/workbench/visits/{visit_of(hall).pk}/plan"
    fields = {"planned_for": when, "address": "演示路 2 号", "surveyor": pair, **fields}
    return post(client_of(hall.surveyors[0]), path, **fields)


def findings(case, value="passed", **more):
    fields = {}
    for point in case.version.check_points.all():
        fields |= {f"f-{point.pk}": value, f"r-{point.pk}": "", f"n-{point.pk}": ""}
    return fields | more


@pytest.mark.capability("S1-52", "S2-2")
def test_a_case_goes_from_acceptance_over_the_survey_to_issue_with_every_post_of_the_hall(hall, clock):
    address = f"/workbench/cases/{hall.case.query_no}"
    post(client_of(hall.clerk), f"{address}/accept")
    clock.now += HOUR
    agree(hall, contact="王师傅", ready="电梯停下来")
    visit = visit_of(hall)

    clock.now += DAY
    page = client_of(hall.surveyors[0]).get(f"/workbench/visits/{visit.pk}/check").content.decode()
    assert "看第 1 处" in page and "必查" in page
    post(client_of(hall.surveyors[0]), f"/workbench/visits/{visit.pk}/close", signed_by="王小明", **findings(hall.case))
    clock.now += HOUR
    review = hall.case.tasks.get(kind=FlowStep.Kind.REVIEW)
    post(client_of(hall.reviewer), f"{address}/tasks/{review.pk}", outcome="passed", opinion="符合规定。")
    post(client_of(hall.decider), f"{address}/decide", outcome="granted")
    post(client_of(hall.clerk), f"{address}/deliver", how="window")
    case = Case.objects.get(pk=hall.case.pk)
    assert (case.status, case.outcome) == ("delivered", "granted")
    kinds = list(case.notices.order_by("issued_at").values_list("kind", flat=True))
    assert [kind for kind in kinds if kind in {"visit", "visit_record", "decision"}] == [
        "visit", "visit_record", "decision"
    ]  # fmt: skip
    page = client_of(hall.clerk).get(address).content.decode()
    assert "现场核查" in page and "合格" in page


@pytest.mark.capability("S2-7")
def test_the_list_shows_how_long_somebody_waits_and_what_is_over(hall, clock):
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    client = client_of(hall.surveyors[0])
    clock.now += timedelta(minutes=30)
    assert "还有 1 小时 30 分" in client.get("/workbench/visits").content.decode()
    clock.now += 2 * HOUR
    page = client.get("/workbench/visits").content.decode()
    assert "过了 0 小时" not in page and "过了 30 分" in page and "1 家已经过时" in page
    assert client_of(hall.leader).get("/workbench/visits").status_code == 403


@pytest.mark.capability("S2-8")
def test_one_page_holds_every_field_of_the_call(hall, clock):
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    client, visit = client_of(hall.surveyors[0]), visit_of(hall)
    page = client.get(f"/workbench/visits/{visit.pk}").content.decode()
    form = page[page.index("visit-plan") if "visit-plan" in page else 0 :]
    for name in (
        *("planned_for", "address", "contact", "phone", "phone_note", "ready", "papers", "remarks", "surveyor"),
        "override",
    ):
        assert f'name="{name}"' in form
    refused = agree_refused(hall, surveyor=[str(hall.surveyors[0].pk)])
    assert "两名以上" in refused and "演示路 9 号" in refused  # what was typed is still there
    agree(hall, phone="13911112222", ready="请开着门")
    page = client.get(f"/workbench/visits/{visit.pk}").content.decode()
    assert "13911112222" in page and "请开着门" in page
    assert Notice.objects.filter(case=hall.case, kind=Notice.Kind.VISIT).count() == 1
    assert "13911112222" not in str(list(Event.objects.values_list("data", flat=True)))


def agree_refused(hall, **fields):
    fields = {"planned_for": "2026-11-19T10:00", "address": "演示路 9 号", **fields}
    path = f"/workbench/visits/{visit_of(hall).pk}/plan"
    return post(client_of(hall.surveyors[0]), path, 409, **fields).content.decode()


def test_the_checklist_saves_answer_by_answer_and_keeps_what_was_typed(hall, clock):
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    agree(hall)
    clock.now += DAY
    visit, client = visit_of(hall), client_of(hall.surveyors[0])
    first, second, _third = hall.case.version.check_points.all()
    path = f"/workbench/visits/{visit.pk}"
    some = {f"f-{first.pk}": "passed", f"n-{first.pk}": "干净", f"f-{second.pk}": "failed", f"n-{second.pk}": "有油污"}
    said = client.post(f"{path}/note", some, headers={"Accept": "application/json"})
    assert said.json()["wrong"] == {str(second.pk): "不合格要选原因"}
    assert VisitAnswer.objects.get(visit=visit).note == "干净"
    page = client.post(f"{path}/note", some)
    assert page.status_code == 422 and 'value="有油污"' in page.content.decode()
    refused = post(client, f"{path}/close", 422, signed_by="王小明", **{f"f-{first.pk}": "passed", f"n-{first.pk}": ""})
    assert "必查" in refused.content.decode() and 'value="王小明"' in refused.content.decode()
    assert SiteVisit.objects.get(pk=visit.pk).status == SiteVisit.Status.AGREED
    stranger = client_of(make_staff(Role.SURVEYOR, department=make_department(hall.case.region)))
    assert stranger.get(f"{path}/check").status_code == 404
    assert stranger.post(f"{path}/note", some).status_code == 404


def test_two_telephones_do_not_undo_each_other(hall, clock):
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    agree(hall)
    clock.now += DAY
    visit, (one, other) = visit_of(hall), [client_of(person) for person in hall.surveyors]
    first, second, third = hall.case.version.check_points.all()
    path = f"/workbench/visits/{visit.pk}"

    def form_of(client):
        page = client.get(f"{path}/check").content.decode()
        return dict(re.findall(r'name="(was-[^"]+)" value="([^"]*)"', page)) | {f"n-{pk}": "" for pk in keys}

    keys = [first.pk, second.pk, third.pk]
    mine, his = form_of(one), form_of(other)  # both open the empty list
    other.post(f"{path}/note", his | {f"f-{second.pk}": "passed", f"n-{second.pk}": "有隔断"})
    one.post(f"{path}/note", mine | {f"f-{first.pk}": "passed"})
    found = {answer.point_id: (answer.finding, answer.note) for answer in VisitAnswer.objects.filter(visit=visit)}
    assert found == {first.pk: ("passed", ""), second.pk: ("passed", "有隔断")}
    # A refusal shows what the other one wrote, and an answer can still be taken back by whoever saw it.
    refused = post(one, f"{path}/close", 409, **mine).content.decode()
    assert 'value="有隔断"' in refused
    back = form_of(one) | {f"f-{second.pk}": "passed", f"n-{second.pk}": "有隔断"}
    one.post(f"{path}/note", back)
    assert not VisitAnswer.objects.get(visit=visit, point=first).finding
    assert VisitAnswer.objects.get(visit=visit, point=second).finding == "passed"


@pytest.mark.parametrize("act, status", [("note", 302), ("close", 422)])
def test_a_photo_chosen_but_not_sent_by_itself_comes_along(hall, clock, settings, tmp_path, act, status):
    settings.UPLOADS = tmp_path
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    agree(hall)
    clock.now += DAY
    visit, client = visit_of(hall), client_of(hall.surveyors[0])
    point = hall.case.version.check_points.first()
    path = f"/workbench/visits/{visit.pk}/{act}"
    wrong = post(client, path, 422, **{f"p-{point.pk}": SimpleUploadedFile("a.png", b"no picture")})
    assert f'id="wrong-{point.pk}"' in wrong.content.decode()
    post(client, path, status, **{f"p-{point.pk}": SimpleUploadedFile("a.png", PNG)})
    assert VisitAnswer.objects.get(visit=visit, point=point).photos.count() == 1


def test_a_photo_is_taken_shown_to_those_who_may_and_kept_once(hall, clock, settings, tmp_path):
    settings.UPLOADS = tmp_path
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    agree(hall)
    clock.now += DAY
    visit, client = visit_of(hall), client_of(hall.surveyors[0])
    point = hall.case.version.check_points.first()
    path = f"/workbench/visits/{visit.pk}/photos/{point.pk}/add"
    for _n in range(2):
        sent = {f"p-{point.pk}": SimpleUploadedFile("a.png", PNG), **findings(hall.case)}
        assert client.post(path, sent).status_code == 302
    answer = VisitAnswer.objects.get(visit=visit, point=point)
    assert (answer.finding, answer.photos.count()) == ("passed", 1)
    shown = client.get(f"/workbench/visits/{visit.pk}/photos/{answer.photos.get().pk}")
    assert shown["Content-Type"] == "image/png" and b"".join(shown.streaming_content).startswith(b"\x89PNG")
    assert client.post(path, {f"p-{point.pk}": SimpleUploadedFile("a.png", b"no picture")}).status_code == 409
    assert client.post(path, {}).status_code == 422
    # One that should not be there is taken out again, and put back.
    drop = f"/workbench/visits/{visit.pk}/photos/{answer.photos.get().pk}/drop"
    stranger = client_of(make_staff(Role.SURVEYOR, department=hall.case.department))
    assert stranger.post(drop).status_code == 409 and answer.photos.exists()
    assert [client.post(drop).status_code for _n in range(2)] == [302, 302]
    assert not answer.photos.exists() and not Upload.objects.filter(case=hall.case, removed_at=None).exists()
    assert Event.objects.filter(kind="case.visit_photo_dropped").count() == 1
    sent = {f"p-{point.pk}": SimpleUploadedFile("a.png", PNG), **findings(hall.case)}
    assert client.post(path, sent).status_code == 302
    # Whoever decides sees it when the visit is over, and who comes late with his own reads that it is.
    post(client, f"/workbench/visits/{visit.pk}/close", signed_by="王小明", **findings(hall.case))
    leader = client_of(hall.leader)
    shown = leader.get(f"/workbench/visits/{visit.pk}/photos/{answer.photos.get().pk}")
    assert b"".join(shown.streaming_content).startswith(b"\x89PNG")
    assert leader.get("/workbench/visits").status_code == 403
    over = leader.get(f"/workbench/visits/{visit.pk}").content.decode()
    assert f"/workbench/visits/{visit.pk}/photos/{answer.photos.get().pk}" in over and point.text in over
    for act in ("note", "close"):
        late = post(client_of(hall.surveyors[1]), f"/workbench/visits/{visit.pk}/{act}", 409, **findings(hall.case))
        assert "这次核查已经有人记过了" in late.content.decode()


def test_a_citizen_says_when_and_reads_who_comes_by_post_not_by_name(hall, clock):
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    address, client = f"/cases/{hall.case.query_no}", citizen_of(hall.case)
    assert "最晚" in client.get(address).content.decode()
    post(client, f"{address}/visit/wish", wish="后天上午")
    assert visit_of(hall).wished_for == "后天上午"
    assert "后天上午" in client_of(hall.surveyors[0]).get("/workbench/visits").content.decode()
    agree(hall, ready="请开着门", remarks="只给我们看")
    page = client.get(address).content.decode()
    assert "请开着门" in page and "演示路 2 号" in page and "只给我们看" not in page
    assert hall.surveyors[0].name not in page
    refused = post(client, f"{address}/visit/wish", 409, wish="改天").content.decode()
    assert "约好了" in refused
    post(Client(), f"{address}/visit/wish", wish="别人的")  # whoever has not opened it is led to the question
    assert visit_of(hall).wished_for == "后天上午"


def test_a_hearing_is_asked_for_online_called_and_written_down(hall, clock):
    case, handler = hall.case, client_of(hall.reviewer)
    address = f"/workbench/cases/{case.query_no}"
    post(client_of(hall.clerk), f"{address}/accept")
    post(handler, f"{address}/parties", name="李楼上", interest="住在楼上", phone="13900000007")
    post(handler, f"{address}/hearing/tell", subject="油烟和噪声关系到楼上住户。")
    client = citizen_of(case)
    assert "要求听证" in client.get(f"/cases/{case.query_no}").content.decode()
    post(client, f"/cases/{case.query_no}/hearing", wants="yes")
    post(handler, f"{address}/hearing/call", 409, planned_for="2026-11-20T09:00", place="二楼", chair=hall.leader.pk)
    post(handler, f"{address}/hearing/call", planned_for="2026-11-27T09:00", place="二楼", chair=str(hall.leader.pk))
    page = handler.get(address).content.decode()
    assert "李楼上" not in page and "主持人甲" in page
    assert "二楼" in client.get(f"/cases/{case.query_no}").content.decode()
    clock.now += 10 * DAY
    record = "双方都说了话，出示了合同，没有别的意见。"
    handler = client_of(hall.reviewer)
    post(handler, f"{address}/hearing/hold", record=record, signed_by="主持人甲\n王小明")
    assert Hearing.objects.get(case=case).status == Hearing.Status.HELD


@pytest.mark.parametrize("many", [2, 5])
def test_lists_cost_the_same_for_many(hall, clock, many):
    version = ItemVersion.objects.get(pk=hall.case.version_id)
    for n in range(many):
        case = actions.receive(
            version,
            make_applicant(region=version.item.region),
            center=hall.case.center,
            materials={row.pk: Handed("complete") for row in version.materials.all()},
            by=hall.clerk,
            at=NOW,
        )
        actions.accept(case.pk, by=hall.clerk, at=NOW)
        if n:
            visit = SiteVisit.objects.get(case=case)
            actions.plan_visit(
                visit.pk, planned_for=NOW + (n + 1) * DAY, address="演示路", surveyors=hall.surveyors,
                by=hall.surveyors[0], at=NOW,
            )  # fmt: skip
    client = client_of(hall.surveyors[0])
    client.get("/workbench/visits")
    with CaptureQueriesContext(
        connection,
    ) as found:
        client.get("/workbench/visits")
    assert len(found) <= 10


def test_checkpoints_are_edited_in_a_draft_and_come_with_the_next_edition(hall):
    version = hall.case.version
    editor = client_of(make_staff(Role.EDITOR, department=version.item.department))
    path = f"/workbench/items/{version.item_id}/check-points"
    page = editor.get(path)
    assert "看第 3 处" in page.content.decode()
    fields = {"seen": page.context["seen"], "c-TOTAL_FORMS": "3", "c-INITIAL_FORMS": "3"}
    for n, (place, text) in enumerate([("2", "看第 1 处"), ("1", "看第 2 处"), ("3", "")]):
        fields |= {f"c-{n}-place": place, f"c-{n}-text": text, f"c-{n}-is_mandatory": "on"}
    assert editor.post(path, fields).status_code == 302
    draft = ItemVersion.objects.get(item=version.item, state=ItemVersion.State.DRAFT)
    assert list(draft.check_points.values_list("text", flat=True)) == ["看第 2 处", "看第 1 处"]
    assert CheckPoint.objects.filter(version=version).count() == 3  # the published edition stays
    assert editor.post(path, fields).status_code == 422  # somebody else's mark
    compared = editor.get(f"/workbench/items/{version.item_id}/compare?old=1&new=2")
    assert compared.status_code in {200, 404}


def test_failures_are_shown_and_taken_along_by_those_who_lead(hall, clock):
    post(client_of(hall.clerk), f"/workbench/cases/{hall.case.query_no}/accept")
    agree(hall)
    clock.now += DAY
    visit = visit_of(hall)
    first = hall.case.version.check_points.first()
    wrong = findings(hall.case) | {f"f-{first.pk}": "failed", f"r-{first.pk}": "卫生不达标"}
    client = client_of(hall.surveyors[0])
    post(client, f"/workbench/visits/{visit.pk}/close", signed_by="王小明", remarks="台面擦干净再看。", **wrong)
    page = client_of(hall.leader).get("/workbench/quality/visits").content.decode()
    assert "卫生不达标" in page and "2026-11" in page
    taken = client_of(hall.leader).post("/workbench/quality/export/visit-failures", {})
    assert "卫生不达标,1" in taken.content.decode("utf-8-sig")
    assert client_of(hall.clerk).get("/workbench/quality/visits").status_code == 403
