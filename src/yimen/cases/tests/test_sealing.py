"""Electronic seals: planned, signed, stored; what was touched afterwards is found (CERT-6, CERT-8, SEC-49)."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import localdate

from yimen.cases import documents
from yimen.cases.actions import sealing
from yimen.cases.documents import store
from yimen.cases.models import Notice, SignedNotice
from yimen.cases.tests.factories import make_case
from yimen.certificates import seals
from yimen.certificates.models import ESeal
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib import signing
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff

LATER = NOW + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.HOME, settings.SIGNER = tmp_path, "demo"


def make_seal(department, name="收件专用章", **fields):
    values = {"code": f"5000001{ESeal.objects.count():06d}", "valid_from": localdate(NOW)}
    return seals.register(department, name=name, by=SYSTEM, at=NOW, **(values | fields))


def sealed_receipt():
    case = make_case()
    seal = make_seal(case.department)
    assert sealing.seal_waiting(at=LATER) == 1
    return case.notices.select_related("signed__seal").get(kind=Notice.Kind.RECEIPT), seal


@pytest.mark.django_db
@pytest.mark.capability("LAW-30")
def test_a_document_gets_its_organs_seal_and_that_file_is_given_out():
    notice, seal = sealed_receipt()
    signed = notice.signed
    given = documents.pdf_of(notice)
    assert given != documents.render(notice)
    verdict = signing.verify(given, seals.certificates_of(notice.region_id))
    assert (verdict.fault, verdict.signed_at, verdict.sha256) == (None, LATER, signed.sha256)
    assert (signed.seal, signed.signer, signed.certificate_no) == (seal, "演示章（不具法律效力）", seal.certificate_no)
    assert notice.is_sealed
    event = Event.objects.get(kind="case.document_sealed")
    assert event.data["sha256"] == signed.sha256 and event.stream == notice.case.stream


@pytest.mark.django_db
@pytest.mark.parametrize("name, days, expected", [("收件专用章", 0, 1), ("别的章", 0, 0), ("收件专用章", 1, 0)])
def test_only_the_seal_asked_for_and_valid_on_that_day_is_put_on(name, days, expected):
    case = make_case()
    make_seal(case.department, name, valid_from=localdate(NOW) + timedelta(days=days))
    assert sealing.seal_waiting(at=LATER) == expected
    assert not Notice.objects.filter(wants_seal=True).exists()
    notice = case.notices.get()
    assert notice.is_sealed is bool(expected)
    assert documents.pdf_of(notice)


@pytest.mark.django_db
def test_sealing_twice_seals_once():
    notice, _seal = sealed_receipt()
    assert sealing.seal_waiting(at=LATER) == 0
    assert sealing.finish_seal(notice.pk, at=LATER) is None
    assert Event.objects.filter(kind="case.document_sealed").count() == 1


@pytest.mark.django_db
@pytest.mark.capability("CERT-6")
def test_a_crash_between_plan_and_file_leaves_a_plan_that_is_finished(monkeypatch):
    """Lesson 11; the service gone is such a crash too, and the plan says why it waits."""
    case = make_case()
    make_seal(case.department)
    notice = case.notices.get()
    with monkeypatch.context() as broken:
        broken.setattr(signing, "seal", lambda *_a, **_b: (_ for _ in ()).throw(signing.SigningFault("away")))
        assert sealing.seal_waiting(at=LATER) == 0
    plan = SignedNotice.objects.get(notice=notice)
    assert (plan.signed_at, plan.failures, plan.fault, plan.sha256) == (None, 1, "away", "")
    assert documents.pdf_of(notice) == documents.render(notice)
    with monkeypatch.context() as broken:  # the file lies there, the row was never committed
        broken.setattr(sealing.common, "record", lambda *_a, **_b: (_ for _ in ()).throw(signing.SigningFault("x")))
        assert sealing.seal_waiting(at=LATER) == 0
    assert sealing.seal_waiting(at=LATER + timedelta(minutes=1)) == 1
    plan.refresh_from_db()
    files = [path for path in store.root().rglob("*") if path.is_file()]
    assert [store.sha256_of(path) for path in files] == [plan.sha256]


@pytest.mark.django_db
def test_a_stored_file_that_was_touched_is_not_given_out():
    notice, _seal = sealed_receipt()
    path = store.path_of(notice.signed.path)
    path.write_bytes(path.read_bytes().replace(b"/Type", b"/type", 1))
    assert documents.pdf_of(notice) == documents.render(notice)


@pytest.mark.django_db
@pytest.mark.parametrize("role, is_allowed", [(Role.LEADER, True), (Role.EDITOR, False), (Role.CLERK, False)])
def test_only_a_leader_makes_a_seal_known(role, is_allowed):
    case = make_case()
    person = make_staff(role, department=case.department)
    values = {"name": "收件专用章", "code": "5000001", "valid_from": localdate(NOW), "at": NOW}
    if is_allowed:
        assert seals.register(case.department, by=person, **values).is_demo
    else:
        with pytest.raises(NotAllowed):
            seals.register(case.department, by=person, **values)


@pytest.mark.django_db
def test_without_a_signing_service_no_seal_is_made_known(settings):
    settings.SIGNER = ""
    with pytest.raises(seals.NoService):
        make_seal(make_case().department)


@pytest.mark.django_db(transaction=True)
def test_two_workers_seal_a_document_once():
    case = make_case()
    make_seal(case.department)
    sealing.plan_seal(case.notices.get().pk, at=LATER)
    counts = []

    def work():
        counts.append(sealing.seal_waiting(at=LATER))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 1
    assert Event.objects.filter(kind="case.document_sealed").count() == 1
