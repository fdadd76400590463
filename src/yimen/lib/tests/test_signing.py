"""A seal holds only while every byte is as it was sealed (CERT-8, assurance lesson 10, SEC-49)."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pypdf import PdfReader, PdfWriter

from yimen.lib import pdf, signing
from yimen.lib.signing import Fault, LocalSigner, Verdict

NOW = datetime(2026, 11, 18, 9, 5, tzinfo=UTC)
DATA = {
    "organ": "演示机关", "number": "演〔2026〕1号", "addressee": "林小满（演示）", "date": "2026 年 11 月 18 日",
    "seal": "行政审批专用章", "issued_at": NOW.isoformat(), "verify_url": "https://yimen.example/v/1",
    "verify_code": "7K3M9QX2", "contact": "电话 000", "foot": "演示中心", "case_no": "A-1", "item": "演示事项",
    "applicant": "林小满（演示）", "title": "特别程序告知书", "opening": ["您好。"], "facts": [], "table": None,
    "closing": [], "remedies": None, "query": "", "eseal": {"name": "行政审批专用章", "date": "2026", "is_demo": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return LocalSigner(tmp_path_factory.mktemp("keys") / "demo.pem", at=NOW)


@pytest.fixture(scope="module")
def plain():
    return pdf.render("cases/typst/letter.typ", DATA)


@pytest.fixture(scope="module")
def sealed(signer, plain):
    return signing.seal(plain, signer, at=NOW)


def checked(content, signer):
    return signing.verify(content, [signer.certificate])


@pytest.mark.capability("CERT-8")
def test_a_sealed_file_is_good_and_says_by_whom_and_when(sealed, signer):
    assert checked(sealed, signer) == Verdict(
        None, "演示章（不具法律效力）", signing.number_of(signer.certificate), NOW, checked(sealed, signer).sha256
    )


def test_the_file_before_its_seal_has_none(plain, signer):
    assert checked(plain, signer).fault == Fault.NO_SEAL


def test_every_flipped_byte_is_found(sealed, plain, signer):
    places = [*range(0, len(plain), 1009), *range(len(plain), len(sealed), 41)]
    passed = []
    for place in places:
        changed = bytearray(sealed)
        changed[place] ^= 1
        if checked(bytes(changed), signer).is_good:
            passed.append(place)
    assert passed == []


def test_the_room_left_around_the_signature_hides_nothing(sealed, signer):
    room = sealed.rindex(b"0" * 200)
    for digit in (b"1", b"a", b" "):
        assert not checked(sealed[:room] + digit + sealed[room + 1 :], signer).is_good
    lower = sealed.index(b"<3082")
    spelled = sealed[lower : lower + 4000]
    assert not checked(sealed.replace(spelled, spelled.lower(), 1), signer).is_good


@pytest.mark.parametrize("more", [b"\n", b"%%EOF\n", b" ", b"x" * 100], ids=["line", "eof", "space", "text"])
def test_nothing_may_stand_behind(sealed, signer, more):
    assert not checked(sealed + more, signer).is_good
    assert not checked(more + sealed, signer).is_good


def test_a_later_revision_is_found(sealed, signer):
    """What "intact and valid" lets pass: the signature is good for its own revision, the reader sees another."""
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    writer.root["/PageLayout"] = generic.pdf_name("/OneColumn")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(sealed) and len(out.getvalue()) > len(sealed)
    assert checked(out.getvalue(), signer).fault == Fault.NOT_WHOLE


def test_a_second_seal_is_not_ours(sealed, plain, signer):
    twice = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(signing_without_lock(plain, signer))),
        signers.PdfSignatureMetadata(field_name="Other"),
        signer=signing._Through(signer),
    ).getvalue()
    assert checked(twice, signer).fault == Fault.MORE_THAN_ONE


def signing_without_lock(plain, signer):
    metadata = signers.PdfSignatureMetadata(field_name="Seal")
    return signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(plain)), metadata, signer=signing._Through(signer)
    ).getvalue()


def test_another_key_is_another_seal(plain, signer, tmp_path):
    other = LocalSigner(tmp_path / "other.pem", at=NOW)
    assert checked(signing.seal(plain, other, at=NOW), signer).fault == Fault.OTHER_KEY
    assert signing.verify(signing.seal(plain, signer, at=NOW), []).fault == Fault.OTHER_KEY


@pytest.mark.parametrize("days, fault", [(0, None), (-401, Fault.OUT_OF_DATE), (3651, Fault.OUT_OF_DATE)])
def test_a_certificate_counts_only_within_its_days(plain, signer, days, fault):
    assert checked(signing.seal(plain, signer, at=NOW + timedelta(days=days)), signer).fault == fault


def test_a_service_that_signs_something_else_is_found(plain, signer):
    class Confused:
        name, certificate = "confused", signer.certificate

        def sign(self, data):
            return signer.sign(data + b"!")

    assert checked(signing.seal(plain, Confused(), at=NOW), signer).fault == Fault.CHANGED


def test_a_service_that_is_away_says_so(plain, signer):
    class Away:
        name, certificate = "away", signer.certificate

        def sign(self, data):
            raise signing.SigningFault("no answer")

    with pytest.raises(signing.SigningFault, match="no answer"):
        signing.seal(plain, Away(), at=NOW)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"\x00" * 2000], ids=["empty", "head", "zeros"])
def test_what_is_no_pdf_is_not_believed(content, signer):
    assert checked(content, signer).fault == Fault.UNREADABLE


def test_the_seal_leaves_what_makes_the_file_last_for_good(sealed, plain):
    """PDF/A-2a: the same metadata, no later version of the format, no script, the fonts inside."""
    before, after = PdfReader(io.BytesIO(plain)), PdfReader(io.BytesIO(sealed))
    assert sealed.startswith(plain)
    root = after.trailer["/Root"]
    assert root["/Metadata"].get_data() == before.trailer["/Root"]["/Metadata"].get_data()
    assert "/Version" not in root and "/Extensions" not in root and "/XFA" not in root["/AcroForm"]
    assert root["/OutputIntents"] and root["/MarkInfo"]["/Marked"]
    (field,) = root["/AcroForm"]["/Fields"]
    field = field.get_object()
    assert field["/Rect"] == [0, 0, 0, 0] and field["/F"] & 4  # nothing to draw, and it prints
    assert after.pages[0].extract_text() == before.pages[0].extract_text()


def test_a_copy_made_by_another_program_has_no_seal(sealed, signer):
    writer = PdfWriter(clone_from=io.BytesIO(sealed))
    out = io.BytesIO()
    writer.write(out)
    assert not checked(out.getvalue(), signer).is_good


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "keys" / "demo.pem"
    first, again = LocalSigner(path, at=NOW), LocalSigner(path, at=NOW + timedelta(days=9))
    assert first.certificate == again.certificate
    assert path.stat().st_mode & 0o777 == 0o600
    assert signing.der(signing.pem(first.certificate)) == first.certificate
    assert signing.all_of(signing.pem(first.certificate) * 2) == [first.certificate] * 2
