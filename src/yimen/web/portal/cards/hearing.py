"""听证 for the applicant: the right told, asked for or given up online, when and where (LAW-16)."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case, Hearing
from yimen.cases.rules import hearings as rules
from yimen.web.once import Done, Stay, keyed
from yimen.web.portal.cards import Card
from yimen.web.portal.cases import opened_case, stay

READS = ("hearing",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.accepted_at is None:
        return None
    hearing = (
        Hearing.objects.filter(case=case)
        .select_related("told_notice", "call_notice", "chair__department", "chair__post")
        .first()
    )
    if hearing is None:
        return None
    may_ask = case.is_open and hearing.status in {rules.TOLD, rules.WAIVED} and localdate(now) <= hearing.ask_by
    return Card("hearing", "portal/cards/hearing.html", {"case": case, "hearing": hearing, "may_ask": may_ask})


@require_POST
@never_cache
@keyed("portal.answer_hearing_right", stay=stay)
def answer(request: HttpRequest, number: str) -> Done:
    found = opened_case(request, number)
    if found is None:
        return Done(reverse("portal:progress"))
    wants = request.POST.get("wants", "")
    if wants not in {"yes", "no"}:
        raise Stay(refused=_("请选择：要求听证，或者不要求。"))
    actions.answer_hearing_right(found.pk, wants=wants == "yes", by=found.applicant, at=timezone.now())
    message = _("收到了，我们会提前 7 天告诉您时间和地点。") if wants == "yes" else _("记下了，申请接着往下办。")
    return Done(reverse("portal:case", args=[number]) + "#hearing", message)


urlpatterns = [path("cases/<str:number>/hearing", answer, name="hearing-answer")]
