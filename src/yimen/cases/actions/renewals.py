"""Renewals of certificates (延续, LAW-19): asked for before expiry, decided before expiry or deemed granted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.cases.actions.clocks import end_stops
from yimen.cases.actions.common import WrongStep, give, locked, record
from yimen.cases.actions.deciding import close
from yimen.cases.actions.receiving import accept_deemed
from yimen.cases.actions.results import make_certificate
from yimen.cases.actions.steps import AFTER_DECISION, open_tasks
from yimen.cases.models import Case, Notice, Renewal, Task
from yimen.cases.queries import results
from yimen.cases.rules import results as rules
from yimen.certificates import queries as certificates
from yimen.certificates.models import Certificate
from yimen.ledger.actions import Actor
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.people import access

DEEMED = "在许可有效期届满（{day}）前没有作出决定，依照《中华人民共和国行政许可法》第五十条，视为准予延续。"


class NothingToRenew(DomainError):
    """There is no certificate of the applicant that could be renewed."""


@transaction.atomic
def apply_renewal(case_id: UUID, certificate_no: str, *, by: Actor, at: datetime) -> Renewal:
    """
    Say that a case asks to renew a certificate of its applicant. is_late: less than thirty days before expiry.

    Late or not goes by the day the application came in. Raises WrongStep when the case is decided or renews something
    already, NothingToRenew for a certificate that is not his, of another item or unit (see queries.renews), not valid,
    run out before he asked, without an end, or being renewed in another case; access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.receive", department=case.department, region=case.region_id)
    if not case.is_open:
        raise WrongStep(_("这件已经有结果了，不能再改成延续。"))
    if Renewal.objects.filter(case=case).exists():
        raise WrongStep(_("这件已经记为延续了，请刷新看最新进度。"))
    found = certificates.by_number(case.region_id, certificate_no)
    if found is None or found.holder_id != case.applicant_id:
        raise NothingToRenew(_("没有找到这位申请人的这张证，请对一对证号。"))
    # Two cases for one certificate queue here.
    certificate = (
        Certificate.objects.select_for_update(of=("self",)).select_related("item", "department").get(pk=found.pk)
    )
    if not results.is_same_item(certificate, case):
        raise NothingToRenew(
            _("这张证是“%(other)s”的，这件办的是“%(item)s”。延续要按发证的那个事项收件。")
            % {"other": certificate.item.name, "item": case.version.name}
        )
    if not results.is_same_unit(certificate, case):
        raise NothingToRenew(
            _("这张证是%(other)s发的，延续由发证的单位决定，请转到%(other)s去办。")
            % {"other": certificate.department.name}
        )
    asked_on, today = localdate(case.received_at), localdate(at)
    may_be = {Certificate.State.VALID} if today == asked_on else {Certificate.State.VALID, Certificate.State.EXPIRED}
    if (
        certificates.state_on(certificate, asked_on) != Certificate.State.VALID
        or certificates.state_on(certificate, today) not in may_be
        or certificate.replaced_by_id is not None
    ):
        raise NothingToRenew(_("这张证已经不是有效的，不能延续，请按新办来办。"))
    if certificate.valid_until is None:
        raise NothingToRenew(_("这张证长期有效，不用延续。"))
    if queries.open_renewal(case.region_id, certificate.number) is not None:
        raise NothingToRenew(_("这张证的延续已经在办，不用再申请。"))
    renewal = Renewal.objects.create(
        region_id=case.region_id,
        case=case,
        certificate_no=certificate.number,
        expires_on=certificate.valid_until,
        is_late=rules.is_late(asked_on, certificate.valid_until),
    )
    data = {
        "certificate": certificate.number,
        "expires_on": renewal.expires_on.isoformat(),
        "is_late": renewal.is_late,
    }
    record(case, "case.renewal_asked", by=by, at=at, data=data)
    return renewal


@transaction.atomic
def deem_renewed(case_id: UUID, *, by: Actor, at: datetime) -> bool:
    """
    Complete a renewal nobody decided by the end of its expiry day as granted, and renew the certificate for the same
    span (LAW-19). False, and nothing changes, when it was decided meanwhile, there is still time, or the law does not
    grant it by lapse of time: asked for late, the certificate ended meanwhile, no limited place left (LAW-20).

    The case counts as completed late: the organ owed a decision before expiry.
    """
    case = locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    renewal = Renewal.objects.select_for_update().filter(case=case).first()
    # Looked at again under the lock: since it was listed a correction may have gone out.
    if renewal is None or not results.has_lapsed(renewal, case, localdate(at)):
        return False
    if case.status == Case.Status.RECEIVED:
        accept_deemed(case, by=by, at=at)
    reasons = DEEMED.format(day=long_day(renewal.expires_on))
    before = case.tasks.filter(done_at=None).exclude(kind__in=AFTER_DECISION)
    while before.update(done_at=at, outcome=Task.Outcome.PASSED, opinion=reasons):
        open_tasks(case, at=at)
    case.moves.filter(closed_at=None).update(closed_at=at)
    end_stops(case, by=by, at=at)
    case.reasons = reasons
    close(case, Case.Outcome.GRANTED, is_on_time=False, at=at)
    renewal.deemed_at = at
    renewal.save(update_fields=["deemed_at"])
    data = {"outcome": Case.Outcome.GRANTED.value, "on_time": False, "mode": "deemed"}
    record(case, "case.decided", by=by, at=at, data=data)
    give(case, Notice.Kind.DECISION, by=by, at=at)
    make_certificate(case.pk, by=by, at=at)
    return True
