"""What applicant and handler write to each other; for the applicant's own account only (docs/apply-online.md)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions import messages, uploads
from yimen.cases.models import Case, CaseMessage, Upload
from yimen.cases.queries.messages import messages_of
from yimen.lib.errors import DomainError
from yimen.people.models import User
from yimen.web import uploads as sending
from yimen.web.once import Done, Stay, keyed
from yimen.web.portal import kept
from yimen.web.portal.account import CitizenRequest, citizen_page
from yimen.web.portal.cards import Card
from yimen.web.portal.cases import stay
from yimen.web.portal.files import MOST_FILES, case_of


def is_owner(request: HttpRequest, case: Case) -> bool:
    """Tell whether the applicant himself is logged in; who only knows number and telephone is not."""
    user = request.user
    return isinstance(user, User) and getattr(user, "applicant", None) == case.applicant


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if not is_owner(request, case):
        if isinstance(request.user, User):
            return None
        return Card("messages", "portal/cards/messages_login.html", {"case": case}, aside=True)
    written = messages_of(case)
    brought = kept.found(request) if request.method != "POST" else {}
    context = {
        "case": case,
        "written": written,
        "unread": sum(one.is_staff and one.is_unread for one in written),
        "typed": request.POST.get("text", "") if request.method == "POST" else brought.get("text", [""])[-1],
        "is_found": bool(brought),
        "most": messages.MOST_TEXT,
    }
    return Card("messages", "portal/cards/messages.html", context)


@citizen_page
@require_POST
@keyed("portal.write_message", stay=stay)
def write(request: CitizenRequest, number: str) -> Done:
    case, at = case_of(request, number), timezone.now()
    try:
        taken = [
            uploads.take(file, owner=request.applicant, region=case.region_id, case=case, at=at)
            for file in request.FILES.getlist("file")[:MOST_FILES]
        ]
    except DomainError as error:
        raise Stay(refused=str(error)) from error
    messages.write(
        case.pk,
        request.POST.get("text", "").replace("\x00", ""),
        uploads=[one.pk for one in taken],
        by=request.applicant,
        at=at,
    )
    kept.forget(request)
    return Done(reverse("portal:case", args=[number]) + "#messages", _("发给经办人了。"))


@citizen_page
@require_POST
def read(request: CitizenRequest, number: str) -> HttpResponse:
    """Not keyed: what is read stays read."""
    messages.read(case_of(request, number).pk, by=request.applicant, at=timezone.now())
    return redirect(reverse("portal:case", args=[number]) + "#messages")


@citizen_page
@require_safe
def look(request: CitizenRequest, number: str, pk: UUID) -> HttpResponse:
    """A file the handler sent with a message; 404 alike for none and somebody else's."""
    case = case_of(request, number)
    upload = Upload.objects.filter(
        pk=pk, case=case, pk__in=CaseMessage.uploads.through.objects.filter(casemessage__case=case).values("upload")
    ).first()
    if upload is None:
        raise Http404
    return sending.send(upload)


urlpatterns = [
    path("cases/<str:number>/messages/files/<uuid:pk>", look, name="message-file"),
    path("cases/<str:number>/messages", write, name="case-message"),
    path("cases/<str:number>/messages/read", read, name="case-messages-read"),
]
