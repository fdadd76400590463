"""What people who work together keep and see: words, lists under a name, who stands in for whom, who has how much."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import actions, lists
from yimen.cases.actions.opinions import ACTS
from yimen.cases.models import OpinionTemplate, SavedFilter
from yimen.cases.queries import worklists
from yimen.hall import queries as halls
from yimen.insight.workload import workload
from yimen.people import access, covers
from yimen.people.models import PostCover
from yimen.web.once import Done, keyed
from yimen.web.templatetags.workbench import QUEUE_RIGHTS
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_ids, posted_text, staff_page

# As many days back the pauses of windows are shown.
PAUSE_DAYS = 7
RIGHTS = ("cases.view",)


@staff_page(*QUEUE_RIGHTS)
@require_safe
def queue_now(request: StaffRequest) -> HttpResponse:
    """Who waits in the hall now, series by series."""
    now = timezone.now()
    found = [(hall, halls.board(hall, now).waits) for hall in halls.halls_for(request.staff)]
    context = {"halls": found, "pressure": halls.pressure(request.staff, now)}
    return render(request, "workbench/team/queue.html", context)


# --- words ---


@staff_page(*RIGHTS)
@require_safe
def opinions(request: StaffRequest) -> HttpResponse:
    return opinions_page(request)


def opinions_page(request: StaffRequest, pk: UUID | None = None, **context: Any) -> HttpResponse:
    """Own words and the unit's; `edit` in the address opens one."""
    staff = request.staff
    found = worklists.opinion_templates(staff)
    leads = access.allowed(staff, "cases.assign", department=staff.department)
    mine = {str(one.pk): one for one in found if one.staff_id == staff.pk or leads}
    posted = request.POST if request.method == "POST" else None
    edited = mine.get(str(pk) if pk else request.GET.get("edit", ""))
    values = {name: posted.get(name, "") for name in ("act", "title", "text")} if posted else {}
    if not values and edited:
        values = {"act": edited.act, "title": edited.title, "text": edited.text}
    return render(
        request,
        "workbench/team/opinions.html",
        {"found": found, "mine": mine, "acts": ACTS.items(), "words": ACTS, "edited": edited, "typed": values}
        | {"leads": leads}
        | context,
    )


@staff_page(*RIGHTS)
@require_POST
@keyed("cases.save_opinion", stay=opinions_page)
def opinion_save(request: StaffRequest, pk: UUID | None = None) -> Done:
    staff = request.staff
    _own(OpinionTemplate, pk, staff.region_id)
    actions.save_opinion(
        posted_text(request, "act"),
        posted_text(request, "title"),
        posted_text(request, "text"),
        pk=pk,
        for_department=staff.department if posted_text(request, "shared") and pk is None else None,
        by=staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:opinions"), _("常用意见存好了，写意见的时候点一下就填上。"))


@staff_page(*RIGHTS)
@require_POST
@keyed("cases.remove_opinion", stay=opinions_page)
def opinion_remove(request: StaffRequest, pk: UUID) -> Done:
    try:
        actions.remove_opinion(pk, by=request.staff, at=timezone.now())
    except OpinionTemplate.DoesNotExist:
        raise Http404 from None
    return Done(reverse("workbench:opinions"), _("删掉了。"))


def _own(model: Any, pk: UUID | None, region: str) -> None:
    """404 for what is not there; whose it is, the act judges."""
    if pk is not None and not model.objects.filter(pk=pk, region=region).exists():
        raise Http404


# --- lists under a name ---


@staff_page(*RIGHTS)
@require_safe
def filters(request: StaffRequest) -> HttpResponse:
    return filters_page(request)


def filters_page(request: StaffRequest, pk: UUID | None = None, **context: Any) -> HttpResponse:
    found = [(place.label, worklists.saved_filters(request.staff, place)) for place in SavedFilter.Place]
    return render(request, "workbench/team/filters_page.html", {"places": found} | context)


@staff_page(*RIGHTS)
@require_POST
@keyed("cases.save_filter", stay=filters_page)
def filter_save(request: StaffRequest) -> Done:
    place = posted_text(request, "place")
    found = lists.save_filter(
        place,
        posted_text(request, "name"),
        request.POST.dict(),
        is_shared=bool(posted_text(request, "is_shared")),
        by=request.staff,
        at=timezone.now(),
    )
    page = reverse("workbench:tasks" if place == SavedFilter.Place.TASKS else "workbench:cases")
    return Done(f"{page}?{found.address}", _("“%(name)s”存好了。") % {"name": found.name})


@staff_page(*RIGHTS)
@require_POST
@keyed("cases.drop_filter", stay=filters_page)
def filter_drop(request: StaffRequest, pk: UUID) -> Done:
    try:
        lists.drop_filter(pk, by=request.staff, at=timezone.now())
    except SavedFilter.DoesNotExist:
        raise Http404 from None
    return Done(reverse("workbench:filters"), _("删掉了。"))


# --- AB角 ---


@staff_page()
@require_safe
def covers_view(request: StaffRequest) -> HttpResponse:
    return covers_page(request)


def covers_page(request: StaffRequest, **context: Any) -> HttpResponse:
    """Who stands in for whom, who does now, and how long windows were paused these days."""
    staff, now = request.staff, timezone.now()
    leads = access.allowed(staff, "people.cover")
    today = localdate(now)
    team = list(covers.led_by(staff)) if leads else []
    values: dict[str, Any] = {
        "leads": leads,
        "team": [(one, getattr(getattr(one, "stand_in", None), "stand_in", None)) for one in team],
        "running": list(covers.running(staff.region_id)) if leads else covers.covers_of(staff),
        "people": list(covers.candidates(staff.region_id)) if leads else [],
        "pauses": halls.pauses(staff.region_id, today - timedelta(days=PAUSE_DAYS), today)[:100] if leads else [],
        "days": PAUSE_DAYS,
        "own": covers.stand_in_of(staff),
        "now": now,
    }
    return render(request, "workbench/team/covers.html", values | context)


@staff_page("people.cover")
@require_POST
@keyed("people.set_stand_in", stay=covers_page)
def stand_in_set(request: StaffRequest) -> Done:
    primary, stand_in = posted_ids(request, "primary"), posted_ids(request, "stand_in")
    if not primary or not covers.led_by(request.staff).filter(pk=primary[0]).exists():
        raise Http404
    covers.set_stand_in(primary[0], stand_in[0] if stand_in else None, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:covers"), _("B 角设好了。"))


@staff_page()
@require_POST
@keyed("people.begin_cover", stay=covers_page)
def cover_begin(request: StaffRequest) -> Done:
    """For oneself with the B that was set; whoever leads, for others."""
    primary = (posted_ids(request, "primary") or [request.staff.pk])[0]
    if primary != request.staff.pk and not covers.led_by(request.staff).filter(pk=primary).exists():
        raise Http404
    cover = covers.begin(primary, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:covers"), _("从现在起由%(name)s顶岗。") % {"name": cover.stand_in.name})


@staff_page()
@require_POST
@keyed("people.end_cover", stay=covers_page)
def cover_end(request: StaffRequest) -> Done:
    pk = posted_id(request, "cover")
    if not PostCover.objects.filter(pk=pk, region=request.staff.region_id).exists():
        raise Http404
    covers.end(pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:covers"), _("顶岗结束了。"))


@staff_page("insight.view")
@require_safe
def load(request: StaffRequest) -> HttpResponse:
    """Open steps of each person and post, with an alarm above the level of the place (S2-19)."""
    found = workload(request.staff, today=localdate(timezone.now()))
    most = max([found.level, *(one.total for one in found.people)])
    rows = [(one, round(100 * one.total / most)) for one in found.people]
    return render(request, "workbench/team/workload.html", {"found": found, "rows": rows})


urlpatterns = [
    path("queue", queue_now, name="queue-now"),
    path("opinions", opinions, name="opinions"),
    path("opinions/new", opinion_save, name="opinion-new"),
    path("opinions/<uuid:pk>", opinion_save, name="opinion-save"),
    path("opinions/<uuid:pk>/remove", opinion_remove, name="opinion-remove"),
    path("lists", filters, name="filters"),
    path("lists/new", filter_save, name="filter-save"),
    path("lists/<uuid:pk>/remove", filter_drop, name="filter-drop"),
    path("covers", covers_view, name="covers"),
    path("covers/set", stand_in_set, name="stand-in-set"),
    path("covers/begin", cover_begin, name="cover-begin"),
    path("covers/end", cover_end, name="cover-end"),
    path("workload", load, name="workload"),
]
