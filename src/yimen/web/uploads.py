"""Files handed in, on their way to somebody who may see them: nothing in them can act on our pages (SEC-39)."""

from __future__ import annotations

from typing import cast

from django.http import FileResponse, Http404, HttpResponse
from django.utils.http import content_disposition_header

from yimen.cases.actions import uploads
from yimen.cases.models import Upload
from yimen.lib.uploads import MEDIA_TYPES, SHOWN

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def send(upload: Upload) -> HttpResponse:
    """The file as a response: PDFs and pictures shown, others to be kept. 404 when it is not here (any more)."""
    if upload.state != Upload.State.READY or upload.removed_at is not None:
        raise Http404
    try:
        file = uploads.open_file(upload)
    except FileNotFoundError:
        raise Http404 from None
    name = content_disposition_header(upload.kind not in SHOWN, uploads.name_of(upload)) or "attachment"
    response = FileResponse(
        file,
        content_type=MEDIA_TYPES.get(upload.kind, "application/octet-stream"),
        headers=HEADERS | {"Content-Disposition": name},
    )
    return cast(HttpResponse, response)  # it streams, which no view here needs to know
