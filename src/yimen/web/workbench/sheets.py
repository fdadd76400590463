"""A list as a file for a spreadsheet program: xlsx or CSV, as the form says."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date

from django.http import HttpRequest, HttpResponse

from yimen.lib.sheet import write_csv, write_xlsx

FORMATS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def download(
    request: HttpRequest, name: str, title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, day: date
) -> HttpResponse:
    """Return the rows in the format the form names (CSV without one); no cell is ever a formula."""
    form = "xlsx" if request.POST.get("format") == "xlsx" else "csv"
    if form == "xlsx":
        file = io.BytesIO()
        write_xlsx(file, [(title, [heads, *rows])])
        content = file.getvalue()
    else:
        content = "".join(write_csv([heads, *rows])).encode()
    return HttpResponse(
        content,
        content_type=FORMATS[form],
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{day:%Y%m%d}.{form}"',
            "Cache-Control": "no-store",
        },
    )
