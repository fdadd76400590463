"""证照: making it, what it renews, revoking the decision, barring who deceived (LAW-19, LAW-27, LAW-28)."""

from __future__ import annotations

from datetime import date

from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Bar, Case, Notice, Renewal
from yimen.cases.queries import results
from yimen.certificates import queries as certificates
from yimen.certificates.models import Certificate
from yimen.lib.errors import DomainError
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("renewal", "bars")
_DECIDED = (Case.Status.COMPLETED, Case.Status.DELIVERED)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    certificate: Certificate | None = None
    renewable, bars, is_revoked = list[Certificate](), list[Bar](), False
    renewal = Renewal.objects.get(case=case) if opened.has("renewal") else None
    if case.is_open and renewal is None and opened.may("cases.receive"):
        valid = certificates.valid_for(case.applicant, opened.today)
        renewable = [one for one in valid if _may_be_renewed(one) and results.is_same_item(one, case)]
    if case.status in _DECIDED:
        certificate = certificates.of_case(case.region_id, case.case_no)
        is_revoked = any(notice.kind == Notice.Kind.REVOCATION for notice in case.notices.all())
    if opened.has("bars") and (case.status in _DECIDED or case.status == Case.Status.DECLINED):
        bars = list(case.bars.all())
    granted = case.outcome == Case.Outcome.GRANTED and not is_revoked
    refused = case.status == Case.Status.DECLINED or case.outcome == Case.Outcome.REFUSED
    may = {
        "make": granted and case.status in _DECIDED and certificate is None and opened.may("certificates.issue"),
        "revoke": granted and opened.may("cases.revoke"),
        "bar": (refused or is_revoked) and not bars and opened.may("cases.bar"),
        "renew": bool(renewable),
    }
    has_facts = certificate is not None or renewal is not None or bool(bars) or may["make"]
    has_acts = may["revoke"] or may["bar"] or may["renew"]
    if not has_facts and not has_acts:
        return None
    return Panel(
        "certificate",
        _("证照和延续"),
        facts="workbench/panels/certificate.html" if has_facts else "",
        acts="workbench/panels/certificate_acts.html" if has_acts else "",
        context={
            "case": case,
            "certificate": certificate,
            "renewal": renewal,
            "renewable": renewable,
            "bars": bars,
            "may": may,
            "grounds": list(actions.GROUNDS.items()),
            "bar_ground": Bar.Ground.FRAUD if is_revoked else Bar.Ground.FALSE_MATERIALS,
            "typed": opened.typed("case-certificate", "case-revoke", "case-bar", "case-renewal"),
            "act": opened.act,
            "renews": certificates.by_number(case.region_id, renewal.certificate_no) if renewal else None,
        },
        is_open=opened.act in {"case-revoke", "case-bar", "case-renewal"},
    )


def _may_be_renewed(certificate: Certificate) -> bool:
    return certificate.valid_until is not None and certificate.replaced_by_id is None


@staff_page("certificates.issue")
@require_POST
@keyed("cases.make_certificate", stay=acts.stay)
def make(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    made = actions.make_certificate(
        case.pk,
        by=request.staff,
        at=timezone.now(),
        valid_from=_day(request, "valid_from"),
        valid_until=_day(request, "valid_until"),
    )
    return acts.done(request, case, _("证照 %(number)s 做好了，可以打印。") % {"number": made.number})


def _day(request: StaffRequest, name: str) -> date | None:
    text = posted_text(request, name).strip()
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise DomainError(_("日期请写成 2026-11-18 这样。"))
    return day


@staff_page("cases.receive")
@require_POST
@keyed("cases.apply_renewal", stay=acts.stay)
def renew(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    renewal = actions.apply_renewal(case.pk, posted_text(request, "certificate"), by=request.staff, at=timezone.now())
    if renewal.is_late:
        return acts.done(request, case, _("记为延续了。离到期不到 30 天，到期不会自动延续，请尽快办。"))
    return acts.done(request, case, _("记为延续了，到期以前要作出决定。"))


@staff_page("cases.revoke")
@require_POST
@keyed("cases.revoke_decision", stay=acts.stay)
def revoke(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.revoke_decision(
        case.pk,
        ground=posted_text(request, "ground"),
        finding=posted_text(request, "finding"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("决定撤销了，决定书已经开好，请送达。"))


@staff_page("cases.bar")
@require_POST
@keyed("cases.set_bar", stay=acts.stay)
def bar(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.set_bar(
        case.pk,
        posted_text(request, "ground"),
        finding=posted_text(request, "finding"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("记入不得再次申请的名单了。"))


urlpatterns = [
    path("cases/<number:number>/certificate", make, name="case-certificate"),
    path("cases/<number:number>/renewal", renew, name="case-renewal"),
    path("cases/<number:number>/revoke", revoke, name="case-revoke"),
    path("cases/<number:number>/bar", bar, name="case-bar"),
]
