"""The receipt of an application for several items, as it is sent to whoever may see it."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from yimen.cases.documents.bundles import receipt
from yimen.cases.models import BundleCase


def receipt_pdf(made: BundleCase) -> HttpResponse:
    name = content_disposition_header(False, f"收件凭证-{made.query_no}.pdf") or "inline"
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return HttpResponse(receipt(made), content_type="application/pdf", headers=headers)
