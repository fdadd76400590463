"""The acts on a case, from the window or the case's own page: each a form that counts once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.actions import common
from yimen.cases.models import Case, Task
from yimen.people.models import Staff
from yimen.web.once import Done, Stay, keyed
from yimen.web.templatetags.yimen import day
from yimen.web.workbench import cases, forms, window
from yimen.web.workbench.guard import StaffRequest, posted_ids, posted_text, staff_page


def stay(request: StaffRequest, number: str, **context: Any) -> HttpResponse:
    """The page the form was on, with what was typed."""
    context.pop("task_id", None)
    match = request.resolver_match
    context["refused_act"] = match.url_name if match else ""
    if request.POST.get("back") == "window":
        return window.at_window(request, number=number, **context)
    return cases.case_page(request, number, **context)


def case_of(request: StaffRequest, number: str) -> Case:
    """The case with this number for an act; 404 alike when there is none and when it is not the reader's to see."""
    case = common.take(request.staff, number)
    if case is None:
        raise Http404
    return case


def done(request: StaffRequest, case: Case, message: str) -> Done:
    """Back to the page the form stood on."""
    if request.POST.get("back") == "window":
        return Done(f"{reverse('workbench:window')}?case={case.query_no}", message)
    return Done(reverse("workbench:case", args=[case.query_no]), message)


@staff_page("cases.receive")
@require_POST
@keyed("cases.note_materials", stay=stay)
def note_materials(request: StaffRequest, number: str) -> Done:
    case = case_of(request, number)
    actions.note_materials(case.pk, forms.materials_of(request.POST), by=request.staff, at=timezone.now())
    return done(request, case, _("材料记下了。"))


@staff_page("cases.accept")
@require_POST
@keyed("cases.accept", stay=stay)
def accept(request: StaffRequest, number: str) -> Done:
    """Accept with the materials as they are marked on the page now."""
    case, at = case_of(request, number), timezone.now()
    if materials := forms.materials_of(request.POST):
        actions.note_materials(case.pk, materials, by=request.staff, at=at)
    case = actions.accept(case.pk, by=request.staff, at=at)
    if case.version.is_immediate:
        return done(request, case, _("受理了，可以当场办结。"))
    return done(request, case, _("受理了，最晚 %(day)s出结果。") % {"day": day(case.due_on)})


@staff_page("cases.decline")
@require_POST
@keyed("cases.decline", stay=stay)
def decline(request: StaffRequest, number: str) -> Done:
    case = case_of(request, number)
    actions.decline(
        case.pk,
        reasons=posted_text(request, "reasons"),
        ground=posted_text(request, "ground"),
        right_organ=posted_text(request, "right_organ"),
        by=request.staff,
        at=timezone.now(),
    )
    return done(request, case, _("不受理的文书已经开好，请交给申请人。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.complete_task", stay=stay)
def complete_task(request: StaffRequest, number: str, task_id: UUID) -> Done:
    case = case_of(request, number)
    if posted_text(request, "outcome") not in Task.Outcome.values:
        raise Stay(refused=_("请选择：符合要求，或者不符合。"))
    named = posted_ids(request, "surveyor")
    try:
        task = actions.complete_task(
            task_id,
            outcome=posted_text(request, "outcome"),
            opinion=posted_text(request, "opinion"),
            surveyors=Staff.objects.filter(region_id=case.region_id, pk__in=named) if named else (),
            by=request.staff,
            at=timezone.now(),
        )
    except Task.DoesNotExist:
        raise Http404 from None
    return done(request, case, _("%(step)s办完了，意见交上去了。") % {"step": task.name})


@staff_page("cases.decide", "cases.decide_at_once")
@require_POST
@keyed("cases.decide", stay=stay)
def decide(request: StaffRequest, number: str) -> Done:
    case = case_of(request, number)
    actions.decide(
        case.pk,
        outcome=posted_text(request, "outcome"),
        reasons=posted_text(request, "reasons"),
        by=request.staff,
        at=timezone.now(),
    )
    return done(request, case, _("决定作出了，决定书可以打印。"))


@staff_page("cases.deliver")
@require_POST
@keyed("cases.deliver", stay=stay)
def deliver(request: StaffRequest, number: str) -> Done:
    case = case_of(request, number)
    actions.deliver(
        case.pk,
        how=posted_text(request, "how"),
        receiver=posted_text(request, "receiver"),
        by=request.staff,
        at=timezone.now(),
    )
    return done(request, case, _("送达记好了，这件办完了。"))
