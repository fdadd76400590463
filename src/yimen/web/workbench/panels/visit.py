"""The site visits of a case: when, who, what came of it; the acts have pages of their own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yimen.cases.models import SiteVisit
from yimen.cases.rules import visits as rules
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("visits",)


def panel(opened: Opened) -> Panel | None:
    if not opened.has("visits"):
        return None
    rows = [
        (one, rules.call_clock(one.call_by, now=opened.now, called_at=one.called_at))
        for one in SiteVisit.objects.filter(case=opened.case)
        .select_related("record", "notice", "task__department")
        .prefetch_related("surveyors")
        .order_by("asked_at", "number")
    ]
    unit = rows[-1][0].task.department
    may = opened.may("cases.review", unit) or opened.may("cases.decide", unit)
    return Panel(
        "visits", _("现场核查"), "workbench/panels/visit.html", context={"rows": rows, "may": may, "case": opened.case}
    )
