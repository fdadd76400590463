"""The documents of a case as PDF: how one is sent, and for the staff who may see the case."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from yimen.cases import documents, queries
from yimen.cases.models import Notice
from yimen.web.workbench.guard import StaffRequest, staff_page


@staff_page("cases.view")
@require_safe
def notice(request: StaffRequest, number: str, pk: UUID) -> HttpResponse:
    """One document of a case; 404 alike for no such case, not yours, and not given out yet."""
    case = queries.get_case_for(request.staff, number)
    found = case.notices.select_related("signed").filter(pk=pk).first() if case else None
    if case is None or found is None:
        raise Http404
    return pdf(found, f"{case.query_no}-{found.kind}.pdf")


def pdf(found: Notice, filename: str) -> HttpResponse:
    """The document as a response shown in the browser and kept by nobody."""
    return HttpResponse(
        documents.pdf_of(found),
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(False, filename) or "inline",
            "Cache-Control": "no-store",
        },
    )
