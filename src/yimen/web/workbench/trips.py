"""How often people had to come: average by month (S2-11), done in one go by item (S2-22)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yimen.insight.catalogue_figures import READERS, departments_of
from yimen.insight.tables import Table
from yimen.insight.trips import trips
from yimen.web.workbench import quality
from yimen.web.workbench.guard import StaffRequest, staff_page


@staff_page(*READERS)
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    form = quality.DaysForm(request.GET, today=timezone.localdate())
    if not form.is_valid():
        return quality.show(request, "trips", "trips", {"form": form}, status=400)
    said = form.cleaned_data
    found = trips(request.staff.region_id, said["start"], said["end"], departments=departments_of(request.staff))
    most = max((one.average or 0 for one in found.months), default=0) or 1
    context = {
        "form": form,
        "report": found,
        "months": [(one, round(100 * (one.average or 0) / most)) for one in found.months],
        "page": Paginator(found.items, quality.PAGE).get_page(request.GET.get("page")),
    }
    return quality.show(request, "trips", "trips", context)


def sheet(request: StaffRequest, departments: Any, today: date) -> Table:
    """The same by item as a table, for quality.EXPORTS."""
    form = quality.DaysForm(request.POST, today=today)
    if not form.is_valid():
        return Table({}, [])
    said = form.cleaned_data
    found = trips(request.staff.region_id, said["start"], said["end"], departments=departments)
    columns = {
        "unit": _("单位"),
        "item": _("事项"),
        "cases": _("办结并送达（件）"),
        "visits": _("到大厅（次）"),
        "average": _("平均一件（次）"),
        "rate": _("一次办成率（%）"),
        "none": _("一次没跑（件）"),
    }
    rows = [
        {
            "unit": one.department,
            "item": one.label,
            "cases": one.cases,
            "visits": one.visits,
            "average": one.average,
            "rate": one.rate,
            "none": one.none,
        }
        for one in found.items
    ]
    return Table(columns, rows)


urlpatterns = [path("quality/trips", page, name="trips")]
