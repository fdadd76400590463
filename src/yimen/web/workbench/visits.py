"""现场核查: who waits for a call, what is agreed, one visit with its call form, and the checklist on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import actions
from yimen.cases.models import SiteVisit, Upload, VisitAnswer
from yimen.cases.queries import visits as reads
from yimen.cases.rules import visits as rules
from yimen.catalog.models import CheckPoint
from yimen.catalog.queries import dictionaries
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff
from yimen.web import uploads
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.guard import StaffRequest, posted_ids, posted_text, staff_page

# More than a team can have in front of it.
MOST = 200
FINDING, FAILURE, NOTE, PHOTO, WAS = "f-", "r-", "n-", "p-", "was-"


@dataclass(frozen=True)
class CallRow:
    """A visit that waits for a call, and how that stands."""

    visit: SiteVisit
    clock: rules.CallClock


@staff_page("cases.review")
@require_safe
def visits(request: StaffRequest) -> HttpResponse:
    """Who waits for a call, the passed ones first; then what is agreed, by day."""
    now = timezone.now()
    calls = [CallRow(one, rules.call_clock(one.call_by, now=now)) for one in reads.to_call(request.staff)[:MOST]]
    groups: dict[str, list[SiteVisit]] = {}
    for one in reads.agreed(request.staff)[:MOST]:
        assert one.planned_for is not None
        groups.setdefault(_group(localdate(one.planned_for), localdate(now)), []).append(one)
    titles = {"past": _("时间过了，还没有记结果"), "today": _("今天去"), "later": _("以后去")}
    context = {
        "calls": calls,
        "late_count": sum(row.clock.is_over for row in calls),
        "groups": [(key, title, groups[key]) for key, title in titles.items() if key in groups],
        "me": request.staff.pk,
    }
    return render(request, "workbench/visits/list.html", context)


def _group(day: date, today: date) -> str:
    if day < today:
        return "past"
    return "today" if day == today else "later"


def visit_or_404(request: StaffRequest, pk: UUID) -> SiteVisit:
    visit = reads.get_visit_for(request.staff, pk)
    if visit is None:
        raise Http404
    return visit


def _page(request: StaffRequest, pk: UUID, refused: str = "") -> HttpResponse:
    """One visit: its call form while it is to be agreed, else what was agreed and what came of it."""
    visit = visit_or_404(request, pk)
    posted = request.POST if request.method == "POST" else None
    now = timezone.now()
    people = list(reads.surveyors_for(visit.task))
    going = [str(person.pk) for person in visit.surveyors.all()]
    chosen = posted.getlist("surveyor") if posted is not None and "surveyor" in posted else going
    unit = visit.task.department
    is_open = (
        visit.status in {SiteVisit.Status.TO_CALL, SiteVisit.Status.AGREED}
        and visit.task.done_at is None
        and access.allowed(request.staff, "cases.review", department=unit, region=unit.region_id)
    )
    act = request.resolver_match.url_name if request.resolver_match else ""
    context = {
        "visit": visit,
        "case": visit.case,
        "clock": rules.call_clock(visit.call_by, now=now, called_at=visit.called_at),
        "is_open": is_open,
        "may_check": visit.status == SiteVisit.Status.AGREED
        and request.staff.pk in {person.pk for person in visit.surveyors.all()},
        "contact": reads.contact_of(visit),
        "typed": _typed(visit, posted if act == "visit-plan" else None),
        "slots": [(n, chosen[n - 1] if n <= len(chosen) else "") for n in range(1, 5)],
        "people": [(str(person.pk), person) for person in people],
        "soonest": localtime(now).strftime("%Y-%m-%dT%H:%M"),
        "refused": refused,
        "refused_act": act,
        "put_off": {"how": posted_text(request, "how"), "reason": posted_text(request, "reason")},
        "others": list(SiteVisit.objects.filter(task=visit.task).exclude(pk=visit.pk).order_by("number")),
        "rows": _found_rows(visit) if visit.status == SiteVisit.Status.DONE else [],
    }
    return render(request, "workbench/visits/visit.html", context)


def _found_rows(visit: SiteVisit) -> list[tuple[PointRow, str, str]]:
    """What was found at each point of a visit that was made, in words: the row, the finding, the reason."""
    assert visit.done_at is not None
    labels = {term.key: term.label for term in dictionaries.terms(reads.FAILURES, localdate(visit.done_at))}
    words = dict(VisitAnswer.Finding.choices)
    rows = _rows(visit, None, {})
    return [(row, str(words.get(row.finding, "")), labels.get(row.failure, row.failure)) for row in rows]


def _typed(visit: SiteVisit, posted: QueryDict | None) -> dict[str, str]:
    """What stands in the call form: what came back, else what is agreed, else what is known."""
    names = ("planned_for", "address", "contact", "phone", *actions.SCRIPT, "override")
    if posted is not None:
        return {name: posted.get(name, "") for name in names}
    said = reads.contact_of(visit)
    when = localtime(visit.planned_for).strftime("%Y-%m-%dT%H:%M") if visit.planned_for else ""
    return {name: visit.script.get(name, "") for name in actions.SCRIPT} | {
        "planned_for": when,
        "address": visit.address,
        "contact": said["contact"] or visit.case.agent_name,
        "phone": said["phone"],
        "override": "",
    }


@staff_page("cases.review", "cases.decide")
@require_safe
def visit(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _page(request, pk)


def _stay(request: StaffRequest, pk: UUID, refused: str = "") -> HttpResponse:
    return _page(request, pk, refused)


def _moment(text: str) -> datetime:
    """A local moment as the browser's field writes it. Raises Stay."""
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise Stay(refused=_("请选日期和时间，例如 2026-11-26 09:30。"))
    return timezone.make_aware(found) if timezone.is_naive(found) else found


@staff_page("cases.review")
@require_POST
@keyed("cases.plan_visit", stay=_stay)
def plan(request: StaffRequest, pk: UUID) -> Done:
    found = visit_or_404(request, pk)
    people = Staff.objects.filter(region_id=found.task.department.region_id, pk__in=posted_ids(request, "surveyor"))
    found = actions.plan_visit(
        found.pk,
        planned_for=_moment(posted_text(request, "planned_for")),
        address=posted_text(request, "address"),
        surveyors=people,
        contact=posted_text(request, "contact"),
        phone=posted_text(request, "phone"),
        script={name: posted_text(request, name) for name in actions.SCRIPT},
        override=posted_text(request, "override"),
        by=request.staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:visit", args=[pk]), _("约好了，通知书已经开好，申请人在网上看得到。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.put_off_visit", stay=_stay)
def put_off(request: StaffRequest, pk: UUID) -> Done:
    found = visit_or_404(request, pk)
    again = actions.put_off_visit(
        found.pk,
        status=posted_text(request, "how"),
        reason=posted_text(request, "reason"),
        by=request.staff,
        at=timezone.now(),
    )
    message = _("记下了。请再打电话，约第 %(n)d 次。") % {"n": again.number}
    return Done(reverse("workbench:visit", args=[again.pk]), message)


# On the spot


@dataclass
class PointRow:
    """A checkpoint with what stands there; wrong: the sentence that belongs to it; was: what stood when it was read."""

    point: CheckPoint
    finding: str = ""
    failure: str = ""
    note: str = ""
    photos: list[Upload] = field(default_factory=list)
    wrong: str = ""
    was: str = ""


def _rows(found: SiteVisit, posted: QueryDict | None, wrong: Mapping[Any, str]) -> list[PointRow]:
    answers: dict[UUID, VisitAnswer] = {answer.point_id: answer for answer in found.answers.all()}
    rows = []
    for point in found.case.version.check_points.all():
        answer = answers.get(point.pk)
        row = PointRow(point, wrong=wrong.get(point.pk, ""))
        if answer is not None:
            row.finding, row.failure, row.note = answer.finding, answer.failure, answer.note
            row.photos = [photo for photo in answer.photos.all() if photo.removed_at is None]
        row.was = _said(row.finding, row.failure, row.note)
        if posted is not None and _is_changed(posted, point.pk):
            row.finding = posted.get(f"{FINDING}{point.pk}", "")
            row.failure = posted.get(f"{FAILURE}{point.pk}", "")
            row.note = posted.get(f"{NOTE}{point.pk}", "")
        rows.append(row)
    return rows


def _said(finding: str, failure: str, note: str) -> str:
    return f"{finding}|{failure if finding == rules.FAILED else ''}|{note.strip()}"


def _is_changed(posted: QueryDict, key: UUID) -> bool:
    """
    Tell whether the form says something of this point that did not stand there when the page was read.

    Two go, each with a telephone: what one left alone does not undo what the other wrote meanwhile.
    """
    if f"{NOTE}{key}" not in posted:
        return False
    said = _said(*(posted.get(f"{name}{key}", "") for name in (FINDING, FAILURE, NOTE)))
    return posted.get(f"{WAS}{key}") != said


def words_of(fault: rules.Fault) -> str:
    return {
        rules.Fault.EMPTY: _("这一项必查，请选一个结果"),
        rules.Fault.NO_REASON: _("不合格要选原因"),
        rules.Fault.NO_PHOTO: _("这一项要拍照"),
        rules.Fault.NOT_SAID_WHY_NA: _("必查的选了不涉及，请写明为什么"),
        rules.Fault.NOTHING_CHECKED: _("核查单还是空的"),
    }[fault]


def _checklist(
    request: StaffRequest, pk: UUID, refused: str = "", wrong: Mapping[Any, str] | None = None
) -> HttpResponse:
    found = visit_or_404(request, pk)
    if found.status != SiteVisit.Status.AGREED:
        # Another one closed it meanwhile: whoever sent something reads so, and what came of it.
        return _page(request, pk, refused) if request.method == "POST" else redirect("workbench:visit", pk)
    posted = request.POST if request.method == "POST" else None
    rows = _rows(found, posted, wrong or {})
    context = {
        "visit": found,
        "case": found.case,
        "contact": reads.contact_of(found),
        "rows": rows,
        "faults": [row for row in rows if row.wrong],
        "done_count": sum(bool(row.finding) for row in rows),
        "failures": dictionaries.terms(reads.FAILURES, localdate(timezone.now())),
        "refused": refused,
        "typed": {name: posted_text(request, name) for name in ("signed_by", "remarks", "look_again")},
        "is_mine": request.staff.pk in {person.pk for person in found.surveyors.all()},
    }
    return render(request, "workbench/visits/check.html", context)


@staff_page("cases.review")
@require_safe
def check(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The checklist, made for a telephone held in one hand."""
    return _checklist(request, pk)


def _stay_on_list(request: StaffRequest, pk: UUID, **context: Any) -> HttpResponse:
    return _checklist(request, pk, **context)


def _found(request: HttpRequest, visit: SiteVisit) -> dict[UUID, rules.Found]:
    """What the form says anew of the points it has."""
    points = visit.case.version.check_points.all()
    keys = [str(point.pk) for point in points if _is_changed(request.POST, point.pk)]
    return {
        UUID(key): rules.Found(
            posted_text(request, f"{FINDING}{key}"),
            posted_text(request, f"{FAILURE}{key}"),
            posted_text(request, f"{NOTE}{key}"),
        )
        for key in keys
    }


def _keep_photos(request: StaffRequest, visit: SiteVisit) -> dict[Any, str]:
    """Keep every photo the form brings along, the same one once; return what is wrong with which point's."""
    wrong: dict[Any, str] = {}
    if not request.FILES:
        return wrong
    for point in visit.case.version.check_points.all():
        try:
            for file in request.FILES.getlist(f"{PHOTO}{point.pk}"):
                actions.add_photo(visit.pk, point.pk, file, by=request.staff, at=timezone.now())
        except DomainError as error:
            wrong[point.pk] = str(error)
    return wrong


@staff_page("cases.review")
@require_POST
def note(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Keep what was found so far; the same again writes nothing. For the page's script: JSON with what is wrong."""
    found = visit_or_404(request, pk)
    is_script = request.headers.get("Accept") == "application/json"
    try:
        wrong = actions.note_findings(found.pk, _found(request, found), by=request.staff, at=timezone.now())
    except DomainError as error:
        if is_script:
            return JsonResponse({"refused": str(error)}, status=409)
        response = _checklist(request, pk, refused=str(error))
        response.status_code = 409
        return response
    said = {str(key): words_of(fault) for key, fault in wrong}
    if is_script:
        return JsonResponse({"wrong": said})
    faults = {key: words_of(fault) for key, fault in wrong} | _keep_photos(request, found)
    if faults:
        response = _checklist(request, pk, wrong=faults)
        response.status_code = 422
        return response
    return redirect("workbench:visit-check", pk)


@staff_page("cases.review")
@require_POST
def photo(request: StaffRequest, pk: UUID, point: UUID) -> HttpResponse:
    """Keep what was found so far, and the photos of one point; the same photo again is kept once."""
    found, at = visit_or_404(request, pk), timezone.now()
    files = request.FILES.getlist(f"{PHOTO}{point}")
    refused, status = "", 422
    if not files:
        refused = _("请先拍照或者选一张照片。")
    else:
        try:
            actions.note_findings(found.pk, _found(request, found), by=request.staff, at=at)
            for file in files:
                actions.add_photo(found.pk, point, file, by=request.staff, at=at)
        except DomainError as error:
            refused, status = str(error), 409
    if refused:
        response = _checklist(request, pk, refused=refused, wrong={point: refused})
        response.status_code = status
        return response
    messages.success(request, _("照片收好了。"))
    return redirect(reverse("workbench:visit-check", args=[pk]) + f"#point-{point}")


@staff_page("cases.review")
@require_POST
def drop_photo(request: StaffRequest, pk: UUID, upload: UUID) -> HttpResponse:
    """Keep what was found so far, and take one photo out; once more does nothing."""
    found, at = visit_or_404(request, pk), timezone.now()
    try:
        actions.note_findings(found.pk, _found(request, found), by=request.staff, at=at)
        actions.drop_photo(found.pk, upload, by=request.staff, at=at)
    except DomainError as error:
        response = _checklist(request, pk, refused=str(error))
        response.status_code = 409
        return response
    messages.success(request, _("照片拿掉了。"))
    return redirect("workbench:visit-check", pk)


@staff_page("cases.review", "cases.decide")
@require_safe
def show_photo(request: StaffRequest, pk: UUID, upload: UUID) -> HttpResponseBase:
    found = visit_or_404(request, pk)
    row = Upload.objects.filter(case=found.case_id, pk=upload).first()
    if row is None or not VisitAnswer.objects.filter(visit=found, photos=row).exists():
        raise Http404
    return uploads.send(row)


@staff_page("cases.review")
@require_POST
def close(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Close the visit with what the form says; photos it brings along are kept whether it can be closed or not."""
    if wrong := _keep_photos(request, visit_or_404(request, pk)):
        response = _checklist(request, pk, wrong=wrong)
        response.status_code = 422
        return response
    return _close(request, pk)


@keyed("cases.close_visit", stay=_stay_on_list)
def _close(request: StaffRequest, pk: UUID) -> Done:
    found, at = visit_or_404(request, pk), timezone.now()
    try:
        wrong = actions.note_findings(found.pk, _found(request, found), by=request.staff, at=at)
        if wrong:
            raise Stay(wrong={key: words_of(fault) for key, fault in wrong})
        found = actions.close_visit(
            found.pk,
            signed_by=posted_text(request, "signed_by"),
            remarks=posted_text(request, "remarks"),
            look_again=posted_text(request, "look_again") == "yes",
            by=request.staff,
            at=at,
        )
    except actions.VisitIncomplete as error:
        raise Stay(
            refused=str(error), wrong={key: words_of(fault) for key, fault in error.faults if key is not None}
        ) from None
    passed = found.result == SiteVisit.Result.PASSED
    message = _("核查记录做好了：合格。") if passed else _("核查记录做好了：不合格。")
    return Done(reverse("workbench:visit", args=[pk]), message)


urlpatterns = [
    path("visits", visits, name="visits"),
    path("visits/<uuid:pk>", visit, name="visit"),
    path("visits/<uuid:pk>/plan", plan, name="visit-plan"),
    path("visits/<uuid:pk>/put-off", put_off, name="visit-put-off"),
    path("visits/<uuid:pk>/check", check, name="visit-check"),
    path("visits/<uuid:pk>/note", note, name="visit-note"),
    path("visits/<uuid:pk>/photos/<uuid:point>/add", photo, name="visit-photo"),
    path("visits/<uuid:pk>/photos/<uuid:upload>", show_photo, name="visit-photo-file"),
    path("visits/<uuid:pk>/photos/<uuid:upload>/drop", drop_photo, name="visit-photo-drop"),
    path("visits/<uuid:pk>/close", close, name="visit-close"),
]
