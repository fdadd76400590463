"""Many at once: what will happen to each chosen row, then what happened, and documents printed in one go."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.views.decorators.http import require_POST, require_safe
from pypdf import PdfReader, PdfWriter

from yimen.cases import documents, lists
from yimen.cases.actions import HandReason, bulk_acts
from yimen.cases.actions.bulk_acts import BulkAct
from yimen.cases.actions.deciding import WAYS
from yimen.cases.models import Notice, Task
from yimen.ledger.once import MOST_KEY_CHARACTERS, DifferentBody
from yimen.lib.errors import DomainError
from yimen.people.models import Staff
from yimen.web.once import KEY, body_of, different_body
from yimen.web.workbench.guard import StaffRequest, posted_ids, posted_text, staff_page

RIGHTS = ("cases.review", "cases.decide", "cases.deliver")


def _said(request: StaffRequest) -> dict[str, Any]:
    to = posted_ids(request, "to")
    return {
        "opinion": posted_text(request, "opinion")[:2000],
        "to": to[0] if to else None,
        "reason": posted_text(request, "reason"),
        "how": posted_text(request, "how"),
    }


@staff_page(*RIGHTS)
@require_POST
def check(request: StaffRequest) -> HttpResponse:
    """Say row by row what would happen; nothing is written. What the act needs besides is asked for here."""
    act, ids = posted_text(request, "act"), posted_ids(request, "id")
    context: dict[str, Any] = {"back": _back(request), "act": act, "ids": ids, "most": bulk_acts.MOST}
    said = _said(request)
    try:
        if act in BulkAct.values:
            context |= _needs(act, ids, request.staff) | {"said": said, "word": BulkAct(act).label}
        asked = act not in {BulkAct.HAND, BulkAct.DELIVER} or (said["reason"] or said["how"])
        if asked or not ids:
            context["lines"] = bulk_acts.preview(act, ids, by=request.staff, at=timezone.now(), said=said)
            context["ready"] = sum(line.is_done for line in context["lines"])
    except bulk_acts.BadBulk as error:
        return render(request, "workbench/bulk/check.html", context | {"refused": str(error)}, status=422)
    return render(request, "workbench/bulk/check.html", context)


def _needs(act: str, ids: list[UUID], staff: Staff) -> dict[str, Any]:
    """What the form of an act offers to choose from."""
    if act == BulkAct.HAND:
        units = Task.objects.filter(pk__in=ids[: bulk_acts.MOST]).values("department")
        people = Staff.objects.filter(department__in=units, user__is_active=True).exclude(pk=staff.pk)
        return {"people": people.order_by("number"), "reasons": HandReason.choices}
    return {"ways": WAYS.items()} if act == BulkAct.DELIVER else {}


@staff_page(*RIGHTS)
@require_POST
def do(request: StaffRequest) -> HttpResponse:
    """
    Do it, each row by itself; the same form again leads to the same answers.

    Not `keyed`: that is one transaction, and here every row has its own.
    """
    key = request.POST.get(KEY, "")
    if not key or len(key) > MOST_KEY_CHARACTERS:
        raise BadRequest("a form without its key")
    try:
        mark = bulk_acts.run(
            posted_text(request, "act"),
            posted_ids(request, "id"),
            key=key,
            body=body_of(request),
            by=request.staff,
            at=timezone.now(),
            said=_said(request),
        )
    except DifferentBody as error:
        return different_body(request, error)
    except bulk_acts.BadBulk as error:
        return render(request, "workbench/bulk/check.html", {"back": _back(request), "refused": str(error)}, status=422)
    return HttpResponseRedirect(f"{reverse('workbench:bulk-done', args=[mark])}?back={_back(request)}", status=303)


@staff_page(*RIGHTS)
@require_safe
def done(request: StaffRequest, mark: str) -> HttpResponse:
    """What became of every row, for two days."""
    lines = bulk_acts.results(mark, by=request.staff)
    if not lines:
        raise Http404
    failed = [line for line in lines if not line.is_done]
    back = "cases" if request.GET.get("back") == "cases" else "tasks"
    context = {"lines": lines, "failed": failed, "count": len(lines) - len(failed), "back": back}
    return render(request, "workbench/bulk/done.html", context)


def _back(request: StaffRequest) -> str:
    return "cases" if request.POST.get("back") == "cases" else "tasks"


@staff_page("cases.view")
@require_POST
def print_notices(request: StaffRequest) -> HttpResponse:
    """The latest document of one kind of each chosen case as one PDF; the print is one row of the ledger."""
    kind, ids = posted_text(request, "kind"), posted_ids(request, "id")
    if kind not in Notice.Kind.values:
        raise Http404
    try:
        found = lists.notices_to_print(request.staff, ids, kind, at=timezone.now())
    except DomainError as error:
        return render(request, "workbench/bulk/check.html", {"back": _back(request), "refused": str(error)}, status=422)
    file = PdfWriter()
    for notice in found:
        for page in PdfReader(io.BytesIO(documents.render(notice))).pages:
            file.add_page(page)
    content = io.BytesIO()
    file.write(content)
    day = localdate(timezone.now())
    return HttpResponse(
        content.getvalue(),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{kind}-{day:%Y%m%d}.pdf"',
            "Cache-Control": "no-store",
        },
    )


urlpatterns = [
    path("bulk", check, name="bulk"),
    path("bulk/do", do, name="bulk-do"),
    path("bulk/print", print_notices, name="bulk-print"),
    path("bulk/<slug:mark>", done, name="bulk-done"),
]
