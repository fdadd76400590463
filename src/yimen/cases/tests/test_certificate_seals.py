"""Certificates sealed on issue: planned with number and hash, signed, stored; a crash loses nothing (CERT-6)."""

import io
from datetime import timedelta

import pytest
from django.utils.timezone import localdate
from pypdf import PdfReader

from yimen.cases.actions import certificate_seals
from yimen.cases.documents import store
from yimen.cases.tests.factories import make_case
from yimen.certificates import actions as certificates
from yimen.certificates import documents, seals
from yimen.certificates.models import Certificate, CertificateSealing, ESeal
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib import signing
from yimen.people.tests.factories import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.HOME, settings.SIGNER = tmp_path, "demo"


def make_seal(case, name, kind):
    return seals.register(
        case.department, name=name, code=f"5000001{ESeal.objects.count():06d}", kind=kind, valid_from=localdate(NOW),
        by=SYSTEM, at=NOW,
    )  # fmt: skip


def issued(case, n=1):
    made = [
        certificates.issue(
            case.item, case.applicant, name="演示许可证", series="QH", valid_from=localdate(NOW), valid_until=None,
            by=SYSTEM, at=NOW,
        )
        for _n in range(n)
    ]  # fmt: skip
    return made[0] if n == 1 else made


def test_a_certificate_gets_the_organs_official_seal_and_that_file_is_given_out():
    case = make_case()
    make_seal(case, "业务专用章", ESeal.Kind.SPECIAL)
    official = make_seal(case, "法定名称章", ESeal.Kind.OFFICIAL)
    certificate = issued(case)
    assert certificate_seals.seal_waiting(at=LATER) == 1
    certificate.refresh_from_db()
    given = certificate_seals.file_of(certificate)
    verdict = signing.verify(given, seals.certificates_of(certificate.region_id))
    assert (verdict.fault, verdict.sha256) == (None, certificate.sha256)
    sealing = certificate.sealing
    assert (sealing.seal, sealing.number, sealing.signed_at) == (official, certificate.number, LATER)
    assert Event.objects.get(kind="certificate.sealed").data["sha256"] == certificate.sha256
    assert certificate_seals.seal_waiting(at=LATER) == 0


@pytest.mark.parametrize(
    "names, expected",
    [(["收件专用章", "行政审批专用章"], "行政审批专用章"), (["收件专用章"], None)],
    ids=["as-the-decision", "none-for-it"],
)
def test_a_certificate_bears_the_seal_of_decisions_and_never_that_for_receiving(names, expected):
    case = make_case()
    for name in names:
        make_seal(case, name, ESeal.Kind.SPECIAL)
    certificate = issued(case)
    assert certificate_seals.seal_waiting(at=LATER) == (expected is not None)
    certificate.refresh_from_db()
    text = PdfReader(io.BytesIO(certificate_seals.file_of(certificate))).pages[0].extract_text().replace("\n", "")
    assert (f"{expected}（电子印章）" in text, "加盖发证机关印章" in text) == (expected is not None, expected is None)
    assert "收件专用章" not in text


def test_an_organ_without_a_seal_gives_out_the_plain_file():
    certificate = issued(make_case())
    assert certificate_seals.seal_waiting(at=LATER) == 0
    certificate.refresh_from_db()
    assert (certificate.path, certificate.wants_seal) == ("", False)
    assert certificate_seals.file_of(certificate) == documents.render(certificate)


@pytest.mark.parametrize("crash", ["signing", "storing"])
def test_a_crash_after_the_plan_leaves_a_record_and_the_next_run_ends_it(crash, monkeypatch):
    case = make_case()
    make_seal(case, "法定名称章", ESeal.Kind.OFFICIAL)
    certificate = issued(case)
    where = (signing, "seal") if crash == "signing" else (store, "write")
    with monkeypatch.context() as patched:
        patched.setattr(*where, lambda *_args, **_kwargs: (_ for _ in ()).throw(OSError("no space")))
        assert certificate_seals.seal_waiting(at=LATER) == 0
    plan = CertificateSealing.objects.get()
    assert (plan.number, len(plan.plain_sha256), plan.signed_at, plan.failures) == (certificate.number, 64, None, 1)
    assert certificate_seals.seal_waiting(at=LATER) == 1
    assert Certificate.objects.get().sha256


def test_one_that_cannot_be_sealed_keeps_no_other_waiting(monkeypatch):
    case = make_case()
    make_seal(case, "法定名称章", ESeal.Kind.OFFICIAL)
    bad, _good = issued(case, 2)
    render = documents.render
    monkeypatch.setattr(
        documents,
        "render",
        lambda one, **seal: (_ for _ in ()).throw(ValueError()) if one.pk == bad.pk else render(one, **seal),
    )
    assert certificate_seals.seal_waiting(at=LATER) == 1
