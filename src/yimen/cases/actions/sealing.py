"""
Electronic seals on documents (CERT-6, CERT-8): planned, then signed, then stored, each step by a job after the act.

A plan is committed before anything is signed, the file is on the disk before the row says so. Whoever dies in between
leaves a plan that the next run finishes; a plan never ends in two different files.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.timezone import localdate, localtime

from yimen.cases import documents
from yimen.cases.actions import common
from yimen.cases.documents import store
from yimen.cases.models import Notice, SignedNotice
from yimen.certificates import seals
from yimen.certificates.models import ESeal
from yimen.ledger.actions import SYSTEM
from yimen.lib import pdf, signing
from yimen.lib.dates import long_day
from yimen.lib.each import is_cut_off
from yimen.lib.errors import DomainError

log = logging.getLogger("yimen.cases")
# A service that is away is asked again, less and less often within a run's reach.
MOST_FAILURES = 1000


@transaction.atomic
def plan_seal(notice_id: UUID, *, at: datetime) -> SignedNotice | None:
    """
    Write down that a document will be sealed, and the hash of what will be; None when no seal is meant for it.

    The seal is the one that counted for the organ on the day of issue. Planned already: the plan there is.
    """
    notice = Notice.objects.select_for_update(of=("self",)).select_related("case").get(pk=notice_id)
    if not notice.wants_seal:
        return SignedNotice.objects.filter(notice=notice).first()
    Notice.objects.filter(pk=notice.pk).update(wants_seal=False)
    day = localdate(notice.issued_at)
    seal = seals.seal_for(notice.case.department_id, notice.data.get("seal", ""), day)
    if seal is None:
        return None
    plain = documents.render(notice, eseal=shown(seal, notice))
    return SignedNotice.objects.create(
        notice=notice,
        region_id=notice.region_id,
        seal=seal,
        planned_at=at,
        plain_sha256=hashlib.sha256(plain).hexdigest(),
    )


def shown(seal: ESeal, notice: Notice) -> dict[str, Any]:
    """Return what the seal shows on the document: its name and the day of issue."""
    return {"name": seal.name, "date": long_day(localdate(notice.issued_at)), "is_demo": seal.is_demo}


@transaction.atomic
def finish_seal(notice_id: UUID, *, at: datetime) -> SignedNotice | None:
    """
    Sign what was planned and store it; None when another worker has it in hand or it is done.

    Raises signing.SigningFault when the service does not sign, or signs what its seal does not stand for.
    """
    plan = (
        SignedNotice.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("seal", "notice")
        .filter(pk=notice_id, signed_at=None)
        .first()
    )
    if plan is None:
        return None
    notice, seal = plan.notice, plan.seal
    plain = documents.render(notice, eseal=shown(seal, notice))
    if hashlib.sha256(plain).hexdigest() != plan.plain_sha256:
        # Another edition of the program or its fonts draws it otherwise: what is signed is what the record says.
        plan.plain_sha256 = hashlib.sha256(plain).hexdigest()
    signer = seals.service(seal.signer, at=at)
    sealed = signing.seal(plain, signer, at=at, reason=f"{notice.number} {seal.name}")
    verdict = signing.verify(sealed, [signing.der(seal.certificate)])
    if not verdict.is_good:
        raise signing.SigningFault(f"what {seal.signer} signed is not good: {verdict.fault}")
    plan.path = f"notices/{notice.region_id}/{localtime(notice.issued_at):%Y/%m/%d}/{notice.pk}.pdf"
    store.write(plan.path, sealed)
    plan.signed_at, plan.sha256 = at, verdict.sha256
    plan.signer, plan.certificate_no = verdict.signer[:120], verdict.certificate_no[:80]
    plan.fault = ""
    plan.save(update_fields=["path", "signed_at", "sha256", "plain_sha256", "signer", "certificate_no", "fault"])
    case = common.locked(notice.case_id)
    data = {
        "notice": notice.number,
        "sha256": plan.sha256,
        "planned": plan.plain_sha256,
        "seal": seal.code,
        "certificate": plan.certificate_no,
    }
    common.record(case, "case.document_sealed", by=SYSTEM, at=at, data=data)
    return plan


def seal_waiting(*, at: datetime, most: int = 500) -> int:
    """
    Plan and finish up to `most` documents that wait for their seal, the oldest first; return how many were sealed.

    One that fails keeps no other waiting; its fault is written down and it is tried again the next time.
    """
    fresh = Notice.objects.filter(wants_seal=True).order_by("pk").values_list("pk", flat=True)[:most]
    for pk in list(fresh):
        try:
            plan_seal(pk, at=at)
        except pdf.DocumentFault as error:
            Notice.objects.filter(pk=pk).update(wants_seal=False)
            log.error("document %s gets no seal: %s", pk, error)
        except Exception as error:  # it is planned the next time
            if is_cut_off():
                raise
            log.error("document %s has no plan: %s", pk, type(error).__name__)
    waiting = SignedNotice.objects.filter(signed_at=None, failures__lt=MOST_FAILURES)
    count = 0
    for pk in list(waiting.order_by("failures", "planned_at").values_list("pk", flat=True)[:most]):
        try:
            count += finish_seal(pk, at=at) is not None
        except Exception as error:
            if is_cut_off():
                raise
            is_known = isinstance(error, signing.SigningFault | DomainError | pdf.DocumentFault)
            SignedNotice.objects.filter(pk=pk, signed_at=None).update(
                failures=F("failures") + 1, fault=(str(error) if is_known else type(error).__name__)[:200]
            )
            log.error("a document waits for its seal: %s", error if is_known else type(error).__name__)
            if isinstance(error, signing.SigningFault | DomainError):
                break  # the service is away: the others would only wait for the same answer
    return count
