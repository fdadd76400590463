"""The pages of documents and archives: words, seals, verifying, archives, printing many at once."""

import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.timezone import localdate
from pypdf import PdfReader

from yimen.cases import actions, documents
from yimen.cases.actions import archiving, sealing, templates
from yimen.cases.actions.common import give
from yimen.cases.documents import wording
from yimen.cases.models import ArchivePackage, Notice, NoticeTemplate, RetentionRule
from yimen.cases.queries import documents as queries
from yimen.cases.tests.factories import make_case, make_version
from yimen.certificates import seals
from yimen.certificates.models import ESeal
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.HOME, settings.SIGNER, settings.UPLOADS = tmp_path, "demo", tmp_path / "uploads"


def signed_in(client, *roles, **fields):
    person = make_staff(*roles, for_region=True, **fields)
    client.force_login(person.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return person


def key():
    from uuid import uuid4

    return {"_key": uuid4().hex}


def delivered(at=NOW):
    case = make_case(version=make_version(immediate=True), at=at)
    actions.accept(case.pk, by=case.received_by, at=at)
    actions.decide(case.pk, outcome="granted", by=case.received_by, at=at)
    actions.deliver(case.pk, how="window", receiver="本人", by=case.received_by, at=at)
    sealing.seal_waiting(at=at)
    case.refresh_from_db()
    return case


WORDS = {"opening": "您好。", "closing": "", "query": "查进度：{site}", "contact": "电话 {phone}", "seal": "收件专用章"}


@pytest.mark.django_db
def test_an_editor_writes_words_another_approves_them_and_both_see_a_sample(client):
    signed_in(client, Role.EDITOR)
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    page = "/workbench/templates/receipt"
    wrong = client.post(f"{page}/edit", WORDS | key() | {"contact": "没有电话", "effective_on": tomorrow})
    assert wrong.status_code == 422 and "{phone}" in wrong.content.decode() and "没有电话" in wrong.content.decode()
    assert client.post(f"{page}/edit", WORDS | key() | {"effective_on": tomorrow}).status_code == 303
    draft = NoticeTemplate.objects.get()
    sample = client.get(f"{page}/preview?edition=1")
    assert "您好。" in PdfReader(io.BytesIO(sample.content)).pages[0].extract_text().replace("\n", "")
    assert client.post(f"{page}/approve", {"template": draft.pk, **key()}).status_code == 403
    signed_in(client, Role.LEADER)
    assert "草稿" in client.get("/workbench/templates").content.decode()
    assert client.post(f"{page}/approve", {"template": draft.pk, **key()}).status_code == 303
    draft.refresh_from_db()
    assert draft.is_approved
    assert "您好。" in client.get(page).content.decode()


@pytest.mark.django_db
def test_words_are_seen_on_a_sample_before_they_are_kept_and_wrong_ones_are_said_so(client):
    signed_in(client, Role.EDITOR)
    tried = client.post("/workbench/templates/receipt/try", WORDS)
    assert "您好。" in PdfReader(io.BytesIO(tried.content)).pages[0].extract_text().replace("\n", "")
    wrong = client.post("/workbench/templates/receipt/try", WORDS | {"closing": "电话 {phon}"})
    assert wrong.status_code == 422 and "没有 {phon} 这个占位符" in wrong.content.decode()
    assert 'value="查进度：{site}"' in wrong.content.decode()
    assert not NoticeTemplate.objects.exists()
    signed_in(client, Role.LEADER)
    assert client.post("/workbench/templates/receipt/try", WORDS).status_code == 403


@pytest.mark.django_db
def test_an_earlier_wording_and_the_standard_are_taken_up_again(client):
    writer, leader = make_staff(Role.EDITOR, for_region=True), signed_in(client, Role.LEADER, Role.EDITOR)
    day = localdate(NOW) + timedelta(days=1)
    for words in ("第一种说法。", "第二种说法。"):
        draft = templates.save_template(
            writer.region, "receipt", {"opening": [words]}, effective_on=day, by=writer, at=NOW
        )
        templates.approve_template(draft.pk, by=leader, at=NOW)
    page = "/workbench/templates/receipt"
    assert "edit?like=1" in client.get(f"{page}?edition=1").content.decode()
    assert "edit?like=standard" in client.get(page).content.decode()
    again = client.get(f"{page}/edit?like=1").content.decode()
    assert "第一种说法。" in again and "第二种说法。" not in again and "用回第 1 版的说法" in again
    standard = client.get(f"{page}/edit?like=standard").content.decode()
    assert "第二种说法。" not in standard and "用回标准的说法" in standard
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    plain = {"query": wording.standard("receipt")["query"], "contact": wording.standard("receipt")["contact"]}
    saved = client.post(f"{page}/edit", key() | plain | {"seal": "收件专用章", "effective_on": tomorrow})
    assert saved.status_code == 303
    assert NoticeTemplate.objects.get(number=3).parts == {}


@pytest.mark.django_db
def test_nobody_writes_over_or_approves_words_he_has_not_seen(client):
    other, at = make_staff(Role.EDITOR, for_region=True, name="另一位"), timezone.now()
    day = localdate(at) + timedelta(days=1)
    page = "/workbench/templates/receipt"

    def seen(path):
        return re.search(r'name="seen" value="([^"]*)"', client.get(path).content.decode())[1]

    signed_in(client, Role.LEADER, Role.EDITOR)
    before = seen(f"{page}/edit")
    draft = templates.save_template(other.region, "receipt", {"opening": ["甲。"]}, effective_on=day, by=other, at=at)
    mine = WORDS | {"effective_on": day.isoformat(), "opening": "乙。"}
    late = client.post(f"{page}/edit", mine | key() | {"seen": before})
    assert late.status_code == 409 and "另一位又存了一次第 1 版" in late.content.decode()
    assert "乙。" in late.content.decode()
    old = seen(page)
    templates.save_template(
        other.region, "receipt", {"opening": ["丙。"]}, effective_on=day, by=other, at=at + timedelta(seconds=1)
    )
    refused = client.post(f"{page}/approve", {"template": draft.pk, "seen": old, **key()})
    assert refused.status_code == 409 and "丙。" in refused.content.decode()
    approved = client.post(f"{page}/approve", {"template": draft.pk, "seen": seen(page), **key()})
    assert approved.status_code == 303


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["receipt", "stop", "hearing_right", "decision"])
def test_every_kind_has_a_page_and_a_sample(client, kind):
    signed_in(client, Role.EDITOR)
    assert client.get(f"/workbench/templates/{kind}").status_code == 200
    assert client.get(f"/workbench/templates/{kind}/edit").status_code == 200
    assert client.get(f"/workbench/templates/{kind}/preview").content[:5] == b"%PDF-"
    assert client.get("/workbench/templates/nothing").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["templates", "archive", "archive/rules"])
@pytest.mark.parametrize("role, status", [(Role.LEADER, 200), (Role.GUIDE, 403)])
def test_the_pages_are_for_those_whose_work_it_is(client, path, role, status):
    signed_in(client, role)
    assert client.get(f"/workbench/{path}").status_code == status


@pytest.mark.django_db
def test_a_leader_makes_a_seal_known_and_stops_it(client):
    person = signed_in(client, Role.LEADER)
    today = timezone.localdate()
    form = {
        "department": person.department_id,
        "name": "收件专用章",
        "code": "500001",
        "kind": "special",
        "valid_from": today,
    }
    assert client.post("/workbench/templates/seals/new", form | key()).status_code == 303
    assert client.post("/workbench/templates/seals/new", form | key()).status_code == 409
    seal = ESeal.objects.get()
    assert "演示章" in client.get("/workbench/templates").content.decode()
    assert client.post("/workbench/templates/seals/stop", {"seal": seal.pk, **key()}).status_code == 303
    seal.refresh_from_db()
    assert seal.valid_until == today


@pytest.mark.django_db
@pytest.mark.capability("CERT-11")
@pytest.mark.parametrize("kind", sorted(Notice.Kind.values))
def test_anybody_can_check_any_kind_and_learns_no_name(client, kind):
    case = make_case()
    notice = case.notices.get()
    if kind != Notice.Kind.RECEIPT:
        from django.db import transaction

        with transaction.atomic():
            letter = documents.Letter(opening=["您好。"])
            notice = give(case, Notice.Kind(kind), by=SYSTEM, at=NOW + timedelta(minutes=5), letter=letter)
    page = client.get(f"/verify/{notice.verify_code}").content.decode()
    assert notice.number in page and str(Notice.Kind(kind).label) in page and "现在有效" in page
    assert case.applicant.name not in page and case.applicant.masked_name in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    "first, later, expected",
    [
        ("decision", "revocation", "revoked"),
        ("receipt", "withdrawal", "ended"),
        ("acceptance", "extension", "changed"),
        ("hearing", "hearing", "replaced"),
        ("decision", "extension", "in_force"),
        ("revocation", "decision", "in_force"),
    ],
)
def test_a_later_document_says_whether_an_earlier_one_still_stands(first, later, expected):
    one, other = Notice(kind=first, issued_at=NOW), Notice(kind=later, issued_at=NOW + timedelta(days=1))
    standing, by = queries.standing(one, [other])
    assert standing == expected and (by is other) is (expected != "in_force")
    assert queries.standing(other, [one])[0] == "in_force"


@pytest.mark.django_db
def test_a_revoked_decision_is_said_so_to_whoever_checks(client):
    case = delivered()
    decision = case.notices.get(kind=Notice.Kind.DECISION)
    assert "现在有效" in client.get(f"/verify/{decision.verify_code}").content.decode()
    from django.db import transaction

    with transaction.atomic():
        letter = documents.Letter(opening=["决定撤销。"])
        revoked = give(case, Notice.Kind.REVOCATION, by=SYSTEM, at=NOW + timedelta(days=1), letter=letter)
    page = client.get(f"/verify/{decision.verify_code}").content.decode()
    assert "已被撤销" in page and revoked.number in page and "现在有效" not in page


@pytest.mark.django_db
@pytest.mark.capability("LAW-6")
def test_receipt_and_acceptance_are_numbered_dated_and_name_the_seal(client):
    case = make_case()
    seals.register(case.department, name="收件专用章", code="1", valid_from=localdate(NOW), by=SYSTEM, at=NOW)
    actions.accept(case.pk, by=case.received_by, at=NOW)
    sealing.seal_waiting(at=NOW)
    client.force_login(case.received_by.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "已加盖电子章" in client.get(f"/workbench/cases/{case.query_no}").content.decode()
    for kind, seal in ((Notice.Kind.RECEIPT, "收件专用章（电子印章）"), (Notice.Kind.ACCEPTANCE, "加盖行政审批专用章")):
        notice = case.notices.get(kind=kind)
        made = client.get(f"/workbench/cases/{case.query_no}/notices/{notice.pk}").content
        text = "".join(PdfReader(io.BytesIO(made)).pages[0].extract_text().split())
        assert all("".join(word.split()) in text for word in (notice.number, seal, "2026 年 11 月 18 日"))


@pytest.mark.django_db
def test_a_rare_character_is_named_on_the_case_before_anything_is_printed(client):
    case = make_case()
    client.force_login(case.received_by.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "打不出来" not in client.get(f"/workbench/cases/{case.query_no}").content.decode()
    case.applicant.name = "王\U00020bb7明"
    case.applicant.save(update_fields=["name"])
    page = client.get(f"/workbench/cases/{case.query_no}").content.decode()
    assert "打不出来：\U00020bb7（U+20BB7）" in page


@pytest.mark.django_db
def test_an_archive_is_found_read_and_deleted_by_two(client):
    case = delivered(NOW - timedelta(days=365 * 20))
    row = archiving.archive(case.pk, by=SYSTEM, at=NOW)
    page = f"/workbench/archive/{row.pk}"
    signed_in(client, Role.HALL_MANAGER)
    assert row.number in client.get(f"/workbench/archive?q={case.query_no}").content.decode()
    got = client.post(f"{page}/file")
    assert got.status_code == 200 and b"".join(got.streaming_content)[:2] == b"PK"
    assert Event.objects.filter(kind="archive.read").count() == 1
    assert client.post(f"{page}/ask-deletion", {"ground": "短", **key()}).status_code == 409
    assert client.post(f"{page}/ask-deletion", {"ground": "保管期限届满", **key()}).status_code == 303
    assert client.post(f"{page}/answer-deletion", {"answer": "yes", **key()}).status_code == 403
    signed_in(client, Role.LEADER)
    assert "档案等批准销毁 1 份" in client.get("/workbench/").content.decode()
    assert "保管期限届满" in client.get(page).content.decode()
    assert client.post(f"{page}/answer-deletion", {"answer": "yes", **key()}).status_code == 303
    assert client.post(f"{page}/file").status_code == 409
    register = client.post("/workbench/archive/register")
    assert register.content[:2] == b"PK" and Event.objects.filter(kind="archive.register_exported").exists()


@pytest.mark.django_db
def test_an_archive_of_another_region_is_not_there(client):
    from yimen.people.tests.factories import make_region

    row = archiving.archive(delivered().pk, by=SYSTEM, at=NOW)
    signed_in(client, Role.LEADER, region=make_region("500001", "邻市"))
    assert client.get(f"/workbench/archive/{row.pk}").status_code == 404
    assert client.post(f"/workbench/archive/{row.pk}/file").status_code == 404


@pytest.mark.django_db
def test_how_long_archives_are_kept_is_set_on_a_page(client):
    signed_in(client, Role.HALL_MANAGER)
    form = {"item": "", "years": "30", "effective_on": timezone.localdate(), "basis": "演示档案文件第 1 号"}
    assert client.post("/workbench/archive/rules", form | key()).status_code == 303
    assert RetentionRule.objects.get().years == 30
    assert client.post("/workbench/archive/rules", form | key() | {"basis": "短"}).status_code == 409


@pytest.mark.django_db
def test_the_list_of_archives_asks_the_database_alike_for_one_row_and_many(client):
    signed_in(client, Role.LEADER)
    archiving.archive(delivered().pk, by=SYSTEM, at=NOW)
    client.get("/workbench/archive")
    with CaptureQueriesContext(connection) as one:
        client.get("/workbench/archive")
    for _ in range(3):
        archiving.archive(delivered().pk, by=SYSTEM, at=NOW)
    with CaptureQueriesContext(connection) as many:
        client.get("/workbench/archive")
    assert len(one) == len(many) and ArchivePackage.objects.count() == 4


@pytest.mark.django_db
def test_the_documents_of_a_day_are_printed_together(client):
    cases = [make_case() for _ in range(3)]
    signed_in(client, Role.LEADER)
    day = {"day": localdate(NOW).isoformat(), "kind": "receipt"}
    page = client.get("/workbench/documents/print", day).content.decode()
    assert all(case.notices.get().number in page for case in cases)
    made = client.post("/workbench/documents/print", day)
    assert len(PdfReader(io.BytesIO(made.content)).pages) == 3
    other = make_staff(Role.CLERK)
    client.force_login(other.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert cases[0].notices.get().number not in client.get("/workbench/documents/print", day).content.decode()
