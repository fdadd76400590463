"""
Electronic seals on certificates (CERT-6): number and hash are written down before anything is signed (assurance
lesson 11), the file is on the disk before the row says so; a crash in between leaves a plan the next run finishes.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.timezone import localdate, localtime

from yimen.cases.documents import store, wording
from yimen.cases.models import Notice
from yimen.certificates import documents, seals
from yimen.certificates.models import Certificate, CertificateSealing, ESeal
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM
from yimen.lib import pdf, signing
from yimen.lib.dates import long_day
from yimen.lib.each import is_cut_off
from yimen.lib.errors import DomainError

log = logging.getLogger("yimen.cases")
MOST_FAILURES = 1000


@transaction.atomic
def plan(certificate_id: UUID, *, at: datetime) -> CertificateSealing | None:
    """
    Write down that a certificate will be sealed, its number and the hash of what will be; None when its organ has no
    seal for it on the day of issue. Planned already: the plan there is.
    """
    certificate = Certificate.objects.select_for_update(of=("self",)).get(pk=certificate_id)
    if not certificate.wants_seal:
        return CertificateSealing.objects.filter(certificate=certificate).first()
    certificate.wants_seal = False
    certificate.save(update_fields=["wants_seal"])
    seal = seal_for(certificate)
    if seal is None:
        return None
    return CertificateSealing.objects.create(
        certificate=certificate,
        region_id=certificate.region_id,
        seal=seal,
        number=certificate.number,
        plain_sha256=hashlib.sha256(documents.render(certificate, eseal=shown(seal, certificate))).hexdigest(),
        planned_at=at,
    )


def seal_for(certificate: Certificate) -> ESeal | None:
    """
    Return the seal that counts on the day of issue: the organ's official one, else the one its decisions carry.

    Never another special one: a licence does not bear the seal for receiving papers.
    """
    day = localdate(certificate.issued_at)
    until = Q(valid_until=None) | Q(valid_until__gte=day)
    found = ESeal.objects.filter(until, department_id=certificate.department_id, valid_from__lte=day)
    official = found.filter(kind=ESeal.Kind.OFFICIAL).order_by("-valid_from", "-registered_at").first()
    if official is not None:
        return official
    own = wording.in_force(certificate.region_id, Notice.Kind.DECISION, day)
    words = wording.words_for(Notice.Kind.DECISION, own.parts if own else {})
    return seals.seal_for(certificate.department_id, words["seal"], day)


def shown(seal: ESeal, certificate: Certificate) -> dict[str, Any]:
    """Return what the seal shows on the certificate: its name and the day of issue."""
    return {"name": seal.name, "date": long_day(localdate(certificate.issued_at)), "is_demo": seal.is_demo}


@transaction.atomic
def finish(certificate_id: UUID, *, at: datetime) -> CertificateSealing | None:
    """
    Sign what was planned, store it, and say where it lies; None when another worker has it in hand or it is done.

    Raises signing.SigningFault when the service does not sign, or signs what its seal does not stand for.
    """
    sealing = (
        CertificateSealing.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("seal", "certificate")
        .filter(pk=certificate_id, signed_at=None)
        .first()
    )
    if sealing is None:
        return None
    certificate, seal = sealing.certificate, sealing.seal
    plain = documents.render(certificate, eseal=shown(seal, certificate))
    # Another edition of the program or its fonts may draw it otherwise: what is signed is what the record says.
    sealing.plain_sha256 = hashlib.sha256(plain).hexdigest()
    signed = signing.seal(plain, seals.service(seal.signer, at=at), at=at, reason=f"{certificate.number} {seal.name}")
    verdict = signing.verify(signed, [signing.der(seal.certificate)])
    if not verdict.is_good:
        raise signing.SigningFault(f"what {seal.signer} signed is not good: {verdict.fault}")
    month = f"{localtime(certificate.issued_at):%Y/%m}"
    certificate.path = f"certificates/{certificate.region_id}/{month}/{certificate.pk}.pdf"
    certificate.sha256 = verdict.sha256
    store.write(certificate.path, signed)
    certificate.save(update_fields=["path", "sha256"])
    sealing.signed_at, sealing.fault = at, ""
    sealing.signer, sealing.certificate_no = verdict.signer[:120], verdict.certificate_no[:80]
    sealing.save(update_fields=["plain_sha256", "signed_at", "fault", "signer", "certificate_no"])
    data = {
        "number": certificate.number,
        "sha256": certificate.sha256,
        "planned": sealing.plain_sha256,
        "seal": seal.code,
        "certificate": sealing.certificate_no,
    }
    ledger.record(certificate.stream, "certificate.sealed", region=certificate.region_id, by=SYSTEM, at=at, data=data)
    return sealing


def seal_waiting(*, at: datetime, most: int = 100) -> int:
    """Plan and finish up to `most` certificates that wait for their seal, one by one; return how many were sealed."""
    for pk in list(Certificate.objects.filter(wants_seal=True).order_by("pk").values_list("pk", flat=True)[:most]):
        try:
            plan(pk, at=at)
        except Exception as error:
            if is_cut_off():
                raise
            if isinstance(error, pdf.DocumentFault):
                Certificate.objects.filter(pk=pk).update(wants_seal=False)
            log.error("certificate %s gets no seal: %s", pk, type(error).__name__)
    waiting = CertificateSealing.objects.filter(signed_at=None, failures__lt=MOST_FAILURES)
    count = 0
    for pk in list(waiting.order_by("failures", "planned_at").values_list("pk", flat=True)[:most]):
        try:
            count += finish(pk, at=at) is not None
        except Exception as error:
            if is_cut_off():
                raise
            is_known = isinstance(error, signing.SigningFault | DomainError | pdf.DocumentFault)
            fault = (str(error) if is_known else type(error).__name__)[:200]
            CertificateSealing.objects.filter(pk=pk, signed_at=None).update(failures=F("failures") + 1, fault=fault)
            log.error("certificate %s waits for its seal: %s", pk, type(error).__name__)
            if isinstance(error, signing.SigningFault | DomainError):
                break  # the service is away: the others would only wait for the same answer
    return count


def file_of(certificate: Certificate) -> bytes:
    """Return the certificate as it is given out: with its electronic seal where one was put on."""
    if certificate.path:
        stored = store.read(certificate.path, sha256=certificate.sha256)
        if stored is not None:
            return stored
    return documents.render(certificate)
