"""What applicant and handler write to each other, the files handed in on line, and what the applicant was told."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions import messages, uploads
from yimen.cases.models import Case, Upload
from yimen.cases.queries.messages import file_of, messages_of
from yimen.lib.errors import DomainError
from yimen.notify import queries as told
from yimen.people.models import Account
from yimen.web import uploads as sending
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("messages", "uploads")
ONLINE = {Case.Channel.WEB, Case.Channel.MOBILE}
MOST_FILES = 10


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    written = messages_of(case) if opened.has("messages") else []
    files = _files(case) if opened.has("uploads") else []
    online = case.channel in ONLINE
    try:
        messages.require(opened.staff, case)
        may_write = True
    except DomainError:
        may_write = False
    is_declared = online and Account.objects.filter(applicant=case.applicant, level=Account.Level.DECLARED).exists()
    unread = sum(not one.is_staff and one.is_unread for one in written)
    return Panel(
        "messages",
        _("给申请人留言"),
        facts="workbench/panels/messages.html",
        acts="workbench/panels/message_form.html" if may_write else "",
        context={
            "case": case,
            "written": written,
            "unread": unread,
            "files": [(file_of(one), one.material) for one in files],
            "told": told.told_about(case.applicant, case.case_no),
            "is_declared": is_declared,
            "may_write": may_write,
            "typed": opened.typed("case-message").get("text", ""),
        },
        is_open=unread > 0 or opened.act == "case-message",
    )


def _files(case: Case) -> list[Upload]:
    ready = case.uploads.filter(state=Upload.State.READY, removed_at=None)
    return list(ready.select_related("material").order_by("material__position", "made_at"))


@staff_page("cases.message")
@require_POST
@keyed("cases.message", stay=acts.stay)
def write(request: StaffRequest, number: str) -> Done:
    case, at = acts.case_of(request, number), timezone.now()
    messages.require(request.staff, case)
    try:
        taken = [
            uploads.take(file, owner=request.staff, region=case.region_id, case=case, at=at)
            for file in request.FILES.getlist("file")[:MOST_FILES]
        ]
    except DomainError as error:
        raise Stay(refused=str(error)) from error
    messages.write(case.pk, posted_text(request, "text"), uploads=[one.pk for one in taken], by=request.staff, at=at)
    return acts.done(request, case, _("留言发出去了。"))


@staff_page("cases.message")
@require_POST
def read(request: StaffRequest, number: str) -> HttpResponse:
    """Not keyed: what is read stays read."""
    case = acts.case_of(request, number)
    messages.read(case.pk, by=request.staff, at=timezone.now())
    return redirect(reverse("workbench:case", args=[case.query_no]) + "#messages")


@staff_page("cases.view")
@require_safe
def look(request: StaffRequest, number: str, pk: UUID) -> HttpResponse:
    """A file handed in with a case, for who may see the case; 404 alike for all others."""
    case = acts.case_of(request, number)
    upload = Upload.objects.filter(region_id=case.region_id, case=case, pk=pk).first()
    if upload is None:
        raise Http404
    return sending.send(upload)


urlpatterns = [
    path("cases/<number:number>/messages", write, name="case-message"),
    path("cases/<number:number>/messages/read", read, name="case-messages-read"),
    path("cases/<number:number>/files/<uuid:pk>", look, name="case-file"),
]
