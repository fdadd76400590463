"""我的: my cases, what I was told, what I began and did not send, my certificates, what I want to be told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions import certificate_seals
from yimen.cases.actions.applying import UNDO_FOR
from yimen.cases.models import ApplicationDraft
from yimen.cases.queries import applying as drafts
from yimen.cases.queries import bundle_drafts
from yimen.certificates import queries as certificates
from yimen.certificates.models import Certificate
from yimen.hall.queries import appointments
from yimen.notify import actions as notify
from yimen.notify import queries as told
from yimen.notify.models import OptOut
from yimen.people import citizens
from yimen.people.models import Account, Applicant
from yimen.web.portal.account import CitizenRequest, citizen_page

PAGE = 10
MOST_CERTIFICATES = 50


@citizen_page
@require_safe
def page(request: CitizenRequest) -> HttpResponse:
    applicant = request.applicant
    account = citizens.account_of(request.user)  # type: ignore[arg-type]
    shown = Paginator(drafts.my_cases(applicant), PAGE).get_page(request.GET.get("page"))
    values: dict[str, Any] = {
        "applicant": applicant,
        "account": account,
        "is_checked": account is not None and account.level == Account.Level.CHECKED,
        "page": shown,
        "bundles": bundle_drafts.my_bundles(applicant)[:PAGE],
        "drafts": drafts.drafts_of(applicant),
        "gone": _gone(applicant, request.GET.get("gone", "")),
        "told": told.for_applicant(applicant),
        "unread": told.unread(applicant),
        "certificates": certificates_of(applicant),
        "wants_none": told.wants_none(applicant),
        "wants_no_sms": told.wants_none(applicant, OptOut.Kind.SMS),
        "appointments": appointments.of_applicant(applicant, timezone.localdate()),
        "waits": appointments.waits_of(applicant),
        "now": timezone.now(),
    }
    return render(request, "portal/my.html", values)


def certificates_of(applicant: Applicant) -> list[tuple[Certificate, str]]:
    """His certificates, each with what it is today in words."""
    today = timezone.localdate()
    found = []
    for one in certificates.of_holder(applicant)[:MOST_CERTIFICATES]:
        state = certificates.state_on(one, today)
        found.append((one, str(state.label) if state else _("还没生效")))
    return found


@citizen_page
@require_safe
def certificate(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """One of his certificates as PDF; 404 alike for none and somebody else's."""
    found = certificates.of_holder(request.applicant).filter(pk=pk).first()
    if found is None:
        raise Http404
    headers = {
        "Content-Disposition": content_disposition_header(False, f"{found.number}.pdf") or "inline",
        "Cache-Control": "no-store",
    }
    return HttpResponse(certificate_seals.file_of(found), content_type="application/pdf", headers=headers)


def _gone(applicant: Applicant, pk: str) -> ApplicationDraft | None:
    """The draft he has just thrown away, to be taken back."""
    rows = ApplicationDraft.objects.filter(
        region_id=applicant.region_id,
        applicant=applicant,
        case=None,
        bundle_case=None,
        deleted_at__gte=timezone.now() - UNDO_FOR,
    )
    return next((one for one in rows.select_related("version", "bundle") if str(one.pk) == pk), None)


@citizen_page
@require_POST
def read(request: CitizenRequest) -> HttpResponse:
    """Not keyed: what is read stays read."""
    notify.read(request.applicant, at=timezone.now())
    return redirect("portal:my")


@citizen_page
@require_POST
def notices(request: CitizenRequest) -> HttpResponse:
    """Not keyed: wanting none twice is wanting none."""
    wants_none = request.POST.get("wants") == "none"
    notify.opt_out(request.applicant, wants_none, by=request.applicant, at=timezone.now())
    messages.success(
        request,
        _("以后不主动提醒您了，法律要求告知的照样会告诉您。") if wants_none else _("好的，以后有合适的会提醒您。"),
    )
    return redirect("portal:my")


@citizen_page
@require_POST
def by_sms(request: CitizenRequest) -> HttpResponse:
    """Not keyed: wanting none twice is wanting none."""
    wants_none = request.POST.get("wants") == "none"
    notify.opt_out(request.applicant, wants_none, by=request.applicant, at=timezone.now(), kind=OptOut.Kind.SMS)
    messages.success(
        request,
        _("以后不给您发短信了。要紧的事我们打电话，这里也看得到。") if wants_none else _("好的，以后有消息会发短信。"),
    )
    return redirect("portal:my")


urlpatterns = [
    path("my/sms", by_sms, name="my-sms"),
    path("my", page, name="my"),
    path("my/certificates/<uuid:pk>", certificate, name="my-certificate"),
    path("my/read", read, name="my-read"),
    path("my/notices", notices, name="my-notices"),
]
