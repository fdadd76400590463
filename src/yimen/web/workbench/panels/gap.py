"""容缺后补: what was promised for later, by when, and the form that takes it in (HALL-11)."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import CaseMaterial, HandlingMode
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("gaps",)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if case.handling_mode == HandlingMode.OWN or not opened.has("gaps"):
        return None
    gaps = list(case.gaps.select_related("material__material").order_by("due_on", "material__material__position"))
    is_awaited = case.status == case.Status.ACCEPTED or case.outcome == case.Outcome.GRANTED
    return Panel(
        "gaps",
        _("容缺后补"),
        facts="workbench/panels/gap.html",
        context={
            "case": case,
            "gaps": [(gap, gap.made_up_at is None and gap.due_on < opened.today) for gap in gaps],
            "left": sum(gap.made_up_at is None for gap in gaps),
            "may": is_awaited and opened.may("cases.receive"),
            "decides_with_gap": bool(case.version.extended.get(actions.DECIDE_WITH_GAP)),
            "forms": CaseMaterial.Form.choices,
        },
    )


@staff_page("cases.receive")
@require_POST
@keyed("cases.make_up_gap", stay=acts.stay)
def make_up(request: StaffRequest, number: str, gap_id: UUID) -> Done:
    case = acts.case_of(request, number)
    if not case.gaps.filter(pk=gap_id).exists():
        raise Http404
    actions.make_up_gap(
        gap_id,
        form=posted_text(request, "form"),
        note=posted_text(request, "note"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("后补的材料收下了。"))


urlpatterns = [path("cases/<number:number>/gaps/<uuid:gap_id>", make_up, name="case-gap")]
