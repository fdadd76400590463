"""The certificate that came of a case: what it is called, how long it counts, whether it counts today."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.timezone import localdate
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yimen.cases.actions import certificate_seals
from yimen.cases.models import Case, Renewal
from yimen.certificates import queries
from yimen.web.portal.cards import Card
from yimen.web.portal.cases import opened_case

_DECIDED = (Case.Status.COMPLETED, Case.Status.DELIVERED)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    renewal = Renewal.objects.filter(case=case).first() if case.is_open else None
    if renewal is not None:
        return Card("certificate", "portal/cards/renewal.html", {"case": case, "renewal": renewal})
    if case.status not in _DECIDED or case.outcome != Case.Outcome.GRANTED:
        return None
    found = queries.of_case(case.region_id, case.case_no)
    if found is None:
        return None
    context = {"case": case, "certificate": found, "state": queries.state_on(found, localdate(now))}
    return Card("certificate", "portal/cards/certificate.html", context)


@require_safe
@never_cache
def file(request: HttpRequest, number: str) -> HttpResponse:
    """The certificate as PDF, for the browser that opened the case."""
    case = opened_case(request, number)
    if case is None:
        return redirect("portal:progress")
    found = queries.of_case(case.region_id, case.case_no)
    if found is None:
        raise Http404
    return HttpResponse(
        certificate_seals.file_of(found),
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(False, f"{found.number}.pdf") or "inline",
            "Cache-Control": "no-store",
        },
    )


urlpatterns = [path("cases/<str:number>/certificate", file, name="case_certificate")]
