"""证照: the list, one with its history, its PDF, and what can happen to it (LAW-28)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import content_disposition_header
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions import certificate_seals
from yimen.certificates import actions, queries, rules
from yimen.certificates.models import Certificate
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.web.once import Done, keyed
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20
ENDING_DAYS = 60
State = Certificate.State
CHIPS = {
    State.VALID: "done",
    State.REPLACED: "off",
    State.WITHDRAWN: "off",
    State.REVOKED: "bad",
    State.TAKEN_AWAY: "bad",
    State.CANCELLED: "off",
    State.LOST: "wait",
    State.EXPIRED: "off",
}


@staff_page("certificates.view")
@require_safe
def listing(request: StaffRequest) -> HttpResponse:
    """Certificates by number or holder's name, or those about to end."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    state = request.GET.get("state", "")
    state = state if state in State.values else ""
    ending = request.GET.get("ending") == "1"
    today = localdate(timezone.now())
    found = queries.find(
        request.staff, text=text, state=state, ending_by=today + timedelta(days=ENDING_DAYS) if ending else None
    )
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(one, CHIPS[State(one.state)]) for one in page],
        "text": text,
        "state": state,
        "states": State.choices,
        "ending": ending,
        "ending_days": ENDING_DAYS,
    }
    return render(request, "workbench/results/certificates.html", context)


def _found(request: StaffRequest, pk: UUID) -> Certificate:
    found = queries.get_for(request.staff, pk)
    if found is None:
        raise Http404
    return found


def _page(request: StaffRequest, pk: UUID, *, refused: str = "", **_context: Any) -> HttpResponse:
    found, today = _found(request, pk), localdate(timezone.now())
    day, wrong = _day(request.GET.get("on", ""), today)
    state = queries.state_on(found, today)

    def may(permission: str) -> bool:
        return access.allowed(request.staff, permission, department=found.department, region=found.region_id)

    can_end = [
        (value, word)
        for value, word in (
            (State.WITHDRAWN, _("撤回：法律变了，或者客观情况有重大变化")),
            (State.TAKEN_AWAY, _("吊销：行政处罚")),
            (State.CANCELLED, _("注销：到期未延续、单位终止等")),
        )
        if may("certificates.change") and state is not None and rules.may_follow(state, value)
    ]
    context = {
        "one": found,
        "chip": CHIPS[state] if state else "info",
        "state": state,
        "day": day,
        "wrong_day": wrong,
        "state_then": queries.state_on(found, day),
        "can_end": can_end,
        "can_lose": may("certificates.report_lost") and state == State.VALID,
        "can_find": may("certificates.report_lost") and state == State.LOST,
        "can_reissue": may("certificates.issue") and state in {State.VALID, State.LOST} and not found.replaced_by_id,
        "typed": request.POST if request.method == "POST" else {},
        "refused": refused,
        "today": today,
    }
    return render(request, "workbench/results/certificate.html", context)


def _day(text: str, default: date) -> tuple[date, bool]:
    try:
        day = parse_date(text.strip())
    except ValueError:
        day = None
    return (day, False) if day else (default, bool(text.strip()))


@staff_page("certificates.view")
@require_safe
def one(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _page(request, pk)


@staff_page("certificates.view")
@require_safe
def file(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = _found(request, pk)
    return HttpResponse(
        certificate_seals.file_of(found),
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(False, f"{found.number}.pdf") or "inline",
            "Cache-Control": "no-store",
        },
    )


@staff_page("certificates.change", "certificates.report_lost")
@require_POST
@keyed("certificates.change", stay=_page)
def change(request: StaffRequest, pk: UUID) -> Done:
    found, at = _found(request, pk), timezone.now()
    day, wrong = _day(posted_text(request, "from_on"), localdate(at))
    if wrong:
        raise DomainError(_("日期请写成 2026-11-18 这样。"))
    changed = actions.change_state(
        found.pk,
        posted_text(request, "state"),
        ground=posted_text(request, "ground"),
        from_on=day,
        by=request.staff,
        at=at,
    )
    message = _("%(number)s 现在是“%(state)s”。") % {"number": changed.number, "state": changed.get_state_display()}
    return Done(reverse("workbench:certificate", args=[pk]), message)


@staff_page("certificates.issue")
@require_POST
@keyed("certificates.reissue", stay=_page)
def reissue(request: StaffRequest, pk: UUID) -> Done:
    made = actions.reissue(
        _found(request, pk).pk, ground=posted_text(request, "ground"), by=request.staff, at=timezone.now()
    )
    return Done(
        reverse("workbench:certificate", args=[made.pk]), _("补发好了，新证是 %(number)s。") % {"number": made.number}
    )


urlpatterns = [
    path("certificates", listing, name="certificates"),
    path("certificates/<uuid:pk>", one, name="certificate"),
    path("certificates/<uuid:pk>/file", file, name="certificate-file"),
    path("certificates/<uuid:pk>/change", change, name="certificate-change"),
    path("certificates/<uuid:pk>/reissue", reissue, name="certificate-reissue"),
]
