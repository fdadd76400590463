"""The card of a finished case's archive, and what its documents cannot print."""

from __future__ import annotations

from yimen.cases.actions.archiving import FINISHED
from yimen.cases.queries import documents
from yimen.people import access
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("archives",)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    missing = documents.unprintable(case)
    is_kept = case.status in FINISHED and opened.has("archives")
    archives = list(case.archives.order_by("-edition")) if is_kept else []
    if not archives and missing is None:
        return None
    context = {
        "missing": missing,
        "archives": archives,
        "may_open": access.allowed(opened.staff, "archive.read", region=case.region_id),
    }
    return Panel("archive", "", facts="workbench/panels/archive.html", context=context, aside=True)
