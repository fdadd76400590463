"""Why site visits fail (S4-10): by reason, item and month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yimen.cases.queries.visits import FailureCount, visit_count, visit_failures
from yimen.insight.catalogue_figures import READERS, departments_of
from yimen.insight.tables import Table
from yimen.web.workbench import quality
from yimen.web.workbench.guard import StaffRequest, staff_page


@staff_page(*READERS)
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    form = quality.DaysForm(request.GET, today=timezone.localdate())
    if not form.is_valid():
        return quality.show(request, "visit-failures", "visit_failures", {"form": form}, status=400)
    period = form.cleaned_data["start"], form.cleaned_data["end"]
    region, departments = request.staff.region_id, departments_of(request.staff)
    found = visit_failures(region, *period, departments=departments)
    context = {
        "form": form,
        "whole": visit_count(region, *period, departments=departments),
        "reasons": _by(found, "label"),
        "months": sorted(_by(found, "month")),
        "page": Paginator(found, quality.PAGE).get_page(request.GET.get("page")),
    }
    return quality.show(request, "visit-failures", "visit_failures", context)


def _by(found: Sequence[FailureCount], name: str) -> list[tuple[Any, int, int]]:
    """Each value of `name` with its count and that in percent of the largest, the most first."""
    counted: Counter[Any] = Counter()
    for one in found:
        counted[getattr(one, name)] += one.count
    most = max(counted.values(), default=1)
    return [(value, count, round(100 * count / most)) for value, count in counted.most_common()]


def sheet(request: StaffRequest, departments: Any, today: date) -> Table:
    """The same as a table, for quality.EXPORTS."""
    form = quality.DaysForm(request.POST, today=today)
    if not form.is_valid():
        return Table({}, [])
    said = form.cleaned_data
    found = visit_failures(request.staff.region_id, said["start"], said["end"], departments=departments)
    columns = {
        "month": _("月份"),
        "unit": _("单位"),
        "item": _("事项"),
        "reason": _("不合格的原因"),
        "count": _("次数（次）"),
    }
    return Table(
        columns,
        [
            {
                "month": f"{one.month:%Y-%m}",
                "unit": one.department,
                "item": one.name,
                "reason": one.label,
                "count": one.count,
            }
            for one in found
        ],
    )


urlpatterns = [path("quality/visits", page, name="visit-failures")]
