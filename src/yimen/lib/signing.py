"""
Electronic seals on PDFs: put on through a signing service that keeps the key, and checked byte for byte.

A check demands that the one signature covers the whole file and that nothing came after it: "intact and valid" alone
also passes a doctored file (assurance lesson 10). Nothing is fetched from the network.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import CMSExtractionError, UnacceptableSignerError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

FIELD: Final = "Seal"
DIGEST: Final = "sha256"
# The room left for the signature with its certificate, in hexadecimal digits.
RESERVED: Final = 8192
# A demonstration key is good for so long.
DEMO_DAYS: Final = 3650


class SigningFault(Exception):
    """The service did not sign; the message says why, for the log and for whoever looks after the service."""


class Signer(Protocol):
    """
    A signing service; keys stay with it (CERT-6).

    name: as it stands in the records. certificate: the seal's, DER. sign(): the ECDSA signature (DER) over the SHA-256
    of `data`; raises SigningFault. A device for SM2 stands behind the same two with its own digest.
    """

    @property
    def name(self) -> str: ...

    @property
    def certificate(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes: ...


class LocalSigner:
    """
    A key in a file, for demonstrations and tests only: its certificate says 演示章 and nobody else vouches for it.

    path: made with key and certificate when missing; readable by its owner alone.
    """

    name = "demo"

    def __init__(self, path: Path, *, at: datetime, subject: str = "演示章（不具法律效力）") -> None:
        if not path.exists():
            _make_key(path, at=at, subject=subject)
        key, certificate = _read_key(path)
        self._key = key
        self.certificate = certificate

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def _make_key(path: Path, *, at: datetime, subject: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at.astimezone(UTC) - timedelta(days=400))  # the demo's history lies in the past
        .not_valid_after(at.astimezone(UTC) + timedelta(days=DEMO_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, True, False, False, False, False, False, False, False), critical=True
        )  # digital signature, non-repudiation
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process was first
    with os.fdopen(handle, "wb") as file:
        file.write(private + certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        os.fsync(file.fileno())


def _read_key(path: Path) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    text = path.read_bytes()
    key = serialization.load_pem_private_key(text, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, x509.load_pem_x509_certificate(text).public_bytes(serialization.Encoding.DER)


def pem(certificate: bytes) -> str:
    """Return a certificate (DER) as text."""
    text = x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
    return text.decode()


def der(certificate: str) -> bytes:
    """Return a certificate (PEM) as DER. Raises ValueError."""
    return x509.load_pem_x509_certificate(certificate.encode()).public_bytes(serialization.Encoding.DER)


def all_of(text: str) -> list[bytes]:
    """Return the certificates (DER) of a text that may hold several; [] for an empty one. Raises ValueError."""
    if not text.strip():
        return []
    found = x509.load_pem_x509_certificates(text.encode())
    return [one.public_bytes(serialization.Encoding.DER) for one in found]


def number_of(certificate: bytes) -> str:
    """Return the serial number of a certificate (DER) as it is printed."""
    return f"{x509.load_der_x509_certificate(certificate).serial_number:X}"


# -- putting a seal on --------------------------------------------------------------------------------------------


class _Through(signers.Signer):
    """pyHanko's side of a Signer."""

    def __init__(self, service: Signer) -> None:
        certificate = asn1_x509.Certificate.load(service.certificate)
        mechanism = cms.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
        super().__init__(signing_cert=certificate, signature_mechanism=mechanism)
        self._service = service

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        return bytes(72) if dry_run else self._service.sign(data)


def seal(pdf: bytes, signer: Signer, *, at: datetime, reason: str = "") -> bytes:
    """
    Return `pdf` with the signature of `signer`; no later change is allowed by it (DocMDP 1).

    at: an aware moment, written down as the time of signing. Raises SigningFault.
    """
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm=DIGEST,
        reason=reason or None,
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    try:
        out = _Dated(metadata, _Through(signer), at).sign_pdf(_Same(io.BytesIO(pdf)), bytes_reserved=RESERVED)
    except (SigningFault, UnacceptableSignerError) as error:
        raise SigningFault(str(error)) from error
    return bytes(out.getbuffer())


class _Same(IncrementalPdfFileWriter):
    """Adds the signature and leaves everything else: the metadata that make the file PDF/A-2a stay byte for byte."""

    def _update_meta(self) -> None:
        pass


class _Dated(signers.PdfSigner):
    """A PdfSigner for which time is an argument, and which does not raise the version above PDF/A's 1.7."""

    def __init__(self, metadata: signers.PdfSignatureMetadata, signer: signers.Signer, at: datetime) -> None:
        super().__init__(metadata, signer=signer)
        self._at = at

    def register_extensions(self, *args: Any, **values: Any) -> None:
        pass

    def init_signing_session(self, *args: Any, **values: Any) -> Any:
        session = super().init_signing_session(*args, **values)
        session.system_time = self._at
        return session


# -- checking -----------------------------------------------------------------------------------------------------


class Fault(StrEnum):
    """Why a sealed file is not believed."""

    UNREADABLE = "unreadable"
    NO_SEAL = "no_seal"
    MORE_THAN_ONE = "more_than_one"
    NOT_WHOLE = "not_whole"
    CHANGED = "changed"
    OTHER_KEY = "other_key"
    OUT_OF_DATE = "out_of_date"


@dataclass(frozen=True)
class Verdict:
    """fault: None when the file is as it was sealed. The rest is what the file says, empty where it is unreadable."""

    fault: Fault | None
    signer: str = ""
    certificate_no: str = ""
    signed_at: datetime | None = None
    sha256: str = ""

    @property
    def is_good(self) -> bool:
        return self.fault is None


def verify(pdf: bytes, certificates: Collection[bytes]) -> Verdict:
    """
    Tell whether `pdf` carries exactly one seal of one of `certificates` (DER) over every byte of it (CERT-8).

    The certificate must have been valid when the file says it was signed. Never raises for what is in the file.
    """
    sha256 = hashlib.sha256(pdf).hexdigest()
    try:
        return _verdict(pdf, certificates, sha256)
    except Exception:  # whatever a doctored file makes the reader do, it is not believed
        return Verdict(Fault.UNREADABLE, sha256=sha256)


def _verdict(pdf: bytes, certificates: Collection[bytes], sha256: str) -> Verdict:
    found = list(PdfFileReader(io.BytesIO(pdf), strict=True).embedded_signatures)
    if len(found) != 1:
        return Verdict(Fault.MORE_THAN_ONE if found else Fault.NO_SEAL, sha256=sha256)
    (one,) = found
    certificate = one.signer_cert
    said = Verdict(
        None,
        signer=str(certificate.subject.native.get("common_name", "")),
        certificate_no=f"{certificate.serial_number:X}",
        signed_at=one.self_reported_timestamp,
        sha256=sha256,
    )
    if not _is_whole(pdf, one):
        return replace(said, fault=Fault.NOT_WHOLE)
    if certificate.dump() not in certificates:
        return replace(said, fault=Fault.OTHER_KEY)
    if not _is_plain(one, certificate):
        return replace(said, fault=Fault.CHANGED)
    try:
        intact, valid = validate_sig_integrity(one.signer_info, certificate, "data", one.compute_digest())
    except (SignatureValidationError, CMSExtractionError):
        intact = valid = False
    if not (intact and valid):
        return replace(said, fault=Fault.CHANGED)
    if said.signed_at is None or not certificate.not_valid_before <= said.signed_at <= certificate.not_valid_after:
        return replace(said, fault=Fault.OUT_OF_DATE)
    return said


def _is_whole(pdf: bytes, one: EmbeddedPdfSignature) -> bool:
    """Every byte but the signature's own digits is signed, and those digits lie where the signature says."""
    byte_range = [int(each) for each in one.byte_range]
    if len(byte_range) != 4:
        return False
    start, before, gap, after = byte_range
    return (
        start == 0
        and gap + after == len(pdf)
        and pdf[before : before + 1] == b"<"
        and pdf[gap - 1 : gap] == b">"
        and pdf[before + 1 : gap - 1] == one.pkcs7_content.hex().upper().encode()
        and one.evaluate_signature_coverage() == SignatureCoverageLevel.ENTIRE_FILE
        and one.reader.xrefs.total_revisions == one.signed_revision + 1
    )


def _is_plain(one: EmbeddedPdfSignature, certificate: asn1_x509.Certificate) -> bool:
    """
    Whether the signature is, byte for byte, what seal() and the services we know write, and nothing beside it.

    What stands outside the signed attributes is signed by nobody, so only what must be there may be there.
    """
    info, tbs = one.signer_info, certificate["tbs_certificate"]
    digest, algorithm = info["digest_algorithm"].dump(), info["signature_algorithm"].dump()
    signer = _der(
        0x30,
        _VERSION_1,
        _der(0x30, tbs["issuer"].dump(), tbs["serial_number"].dump()),
        digest,
        _der(0xA0, info["signed_attrs"].contents),
        algorithm,
        _der(0x04, info["signature"].native),
    )
    data = _der(
        0x30, _VERSION_1, _der(0x31, digest), _der(0x30, _DATA), _der(0xA0, certificate.dump()), _der(0x31, signer)
    )
    expected = _der(0x30, _SIGNED_DATA, _der(0xA0, data))
    content = one.pkcs7_content
    room = bytes(len(content) - len(expected))
    return digest in _SHA256 and algorithm in _ECDSA and content == expected + room


def _der(tag: int, *parts: bytes) -> bytes:
    """Return a DER element around parts that are encoded already."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


_VERSION_1 = bytes.fromhex("020101")
_SIGNED_DATA, _DATA = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
# With NULL for the parameters and without: both are written.
_SHA256 = (bytes.fromhex("300b0609608648016503040201"), bytes.fromhex("300d06096086480165030402010500"))
_ECDSA = (bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300c06082a8648ce3d0403020500"))
