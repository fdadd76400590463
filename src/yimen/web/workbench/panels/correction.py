"""一次告知: what was told to be missing and what of it has come; the act stands with the materials themselves."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import CaseMaterial, Correction
from yimen.web.once import Done, Stay, keyed
from yimen.web.templatetags.yimen import day
from yimen.web.workbench import acts, forms
from yimen.web.workbench.guard import StaffRequest, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("correction",)


def panel(opened: Opened) -> Panel | None:
    if not opened.has("correction"):
        return None
    correction = Correction.objects.select_related("notice").get(case=opened.case)
    lines = list(correction.lines.select_related("material__material").order_by("material__material__position"))
    return Panel(
        "correction",
        _("一次告知"),
        facts="workbench/panels/correction.html",
        context={
            "case": opened.case,
            "correction": correction,
            "lines": lines,
            "left": sum(line.done_at is None for line in lines),
        },
    )


@staff_page("cases.accept")
@require_POST
@keyed("cases.correct", stay=acts.stay)
def correct(request: StaffRequest, number: str) -> Done:
    """Tell what is marked as missing on the page, each with what stands beside it; the other marks are noted first."""
    case, at = acts.case_of(request, number), timezone.now()
    marked = forms.materials_of(request.POST)
    missing = {pk: one for pk, one in marked.items() if one.state == CaseMaterial.State.MISSING}
    if not missing:
        raise Stay(refused=_("没有一样标成“缺”。缺哪样就标哪样，再按“一次告知”；都齐了就直接受理。"))
    listed = set(case.materials.values_list("material_id", flat=True))
    there = {pk: one for pk, one in marked.items() if pk not in missing and pk in listed}
    if there:
        actions.note_materials(case.pk, there, by=request.staff, at=at)
    lines = {pk: one.note.strip() or _("没有交，请补交。") for pk, one in missing.items()}
    correction = actions.correct(case.pk, lines, by=request.staff, at=at)
    said = {"n": len(lines), "day": day(correction.answer_by)}
    return acts.done(request, case, _("缺的 %(n)s 样一次告知了，请他 %(day)s前补齐；告知书请交给申请人。") % said)


urlpatterns = [path("cases/<number:number>/correction", correct, name="case-correct")]
