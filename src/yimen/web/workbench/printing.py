"""批量打印: the documents of one day and kind as one PDF, for batches and for the morning's post."""

from __future__ import annotations

import io
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from pypdf import PdfWriter

from yimen.cases import documents, queries
from yimen.cases.models import Notice
from yimen.web.workbench.guard import StaffRequest, staff_page

# One PDF holds at most so many documents; more are printed in a second run.
MOST = 100


class PrintForm(forms.Form):
    day = forms.DateField(
        label=gettext_lazy("哪天发出的"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    kind = forms.ChoiceField(label=gettext_lazy("哪种文书"), choices=Notice.Kind.choices)
    batch = forms.CharField(label=gettext_lazy("只要这一批（批次名称里的字，可以不填）"), max_length=60, required=False)


@staff_page("cases.view")
@require_http_methods(["GET", "HEAD", "POST"])
def printing(request: StaffRequest) -> HttpResponse:
    """GET counts them; POST gives the PDF. Not keyed: it reads and keeps nothing."""
    values: Any = request.POST if request.method == "POST" else request.GET
    first = {"day": timezone.localdate().isoformat(), "kind": Notice.Kind.RECEIPT}
    form = PrintForm(values if values else first)
    if not form.is_valid():
        return render(request, "workbench/printing.html", {"form": form, "most": MOST}, status=422)
    said = form.cleaned_data
    start = datetime.combine(said["day"], time(), get_current_timezone())
    found = Notice.objects.filter(
        region_id=request.staff.region_id,
        kind=said["kind"],
        issued_at__gte=start,
        issued_at__lt=start + timedelta(days=1),
        case__in=queries.visible_to(request.staff),
    )
    if batch := said["batch"].replace("\x00", "").strip():
        found = found.filter(case__batch__name__icontains=batch)
    rows = list(found.select_related("signed", "case__version").order_by("issued_at", "pk")[: MOST + 1])
    if request.method == "POST" and rows:
        return _together(rows[:MOST], f"{said['kind']}-{said['day']:%Y%m%d}.pdf")
    context = {"form": form, "rows": rows[:MOST], "is_more": len(rows) > MOST, "most": MOST}
    return render(request, "workbench/printing.html", context)


def _together(rows: list[Notice], filename: str) -> HttpResponse:
    """The documents one after the other; for paper only, so their seals are pictures here."""
    writer = PdfWriter()
    for row in rows:
        writer.append(io.BytesIO(documents.pdf_of(row)), import_outline=False)
    writer.compress_identical_objects()
    writer.metadata = {"/Title": _("批量打印的文书")}
    out = io.BytesIO()
    writer.write(out)
    headers = {"Content-Disposition": f'inline; filename="{filename}"', "Cache-Control": "no-store"}
    return HttpResponse(out.getvalue(), content_type="application/pdf", headers=headers)


urlpatterns = [path("documents/print", printing, name="documents-print")]
