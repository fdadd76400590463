"""When somebody comes to look, who, and what to have ready; when he would like it, while no time is agreed."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case, SiteVisit
from yimen.web.once import Done, keyed
from yimen.web.portal.cards import Card
from yimen.web.portal.cases import opened_case, stay

READS = ("visits",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.accepted_at is None:
        return None
    visit = (
        SiteVisit.objects.filter(case=case)
        .select_related("notice", "record", "task__department")
        .prefetch_related("surveyors__department", "surveyors__post")
        .order_by("-asked_at", "-number")
        .first()
    )
    if visit is None:
        return None
    posts = sorted({f"{one.department.short_name}{one.post.name if one.post else ''}" for one in visit.surveyors.all()})
    is_open = visit.status in {SiteVisit.Status.TO_CALL, SiteVisit.Status.AGREED} and case.is_open
    context = {
        "case": case,
        "visit": visit,
        "posts": posts,
        "count": len(visit.surveyors.all()),
        "is_open": is_open,
        "is_late": visit.status == SiteVisit.Status.TO_CALL and now > visit.call_by,
        "typed": request.POST.get("wish", "") if request.method == "POST" else visit.wished_for,
    }
    return Card("visit", "portal/cards/visit.html", context)


@require_POST
@never_cache
@keyed("portal.note_wish", stay=stay)
def wish(request: HttpRequest, number: str) -> Done:
    found = opened_case(request, number)
    if found is None:
        return Done(reverse("portal:progress"))
    visit = SiteVisit.objects.filter(case=found).order_by("-asked_at", "-number").first()
    if visit is None:
        raise Http404
    said = request.POST.get("wish", "").replace("\x00", "")
    actions.note_wish(visit.pk, said, by=found.applicant, at=timezone.now())
    return Done(reverse("portal:case", args=[number]) + "#visit", _("记下了，打电话时会尽量照您的时间约。"))


urlpatterns = [path("cases/<str:number>/visit/wish", wish, name="visit-wish")]
