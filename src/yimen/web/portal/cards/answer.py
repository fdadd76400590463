"""What the one correction notice asks for, answered on line: a file for each line, then handed in together (LAW-4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases.actions import applying
from yimen.cases.models import Case, Correction, Upload
from yimen.cases.queries.messages import File, file_of
from yimen.web.once import Done, keyed
from yimen.web.portal.account import CitizenRequest, citizen_page
from yimen.web.portal.cards import Card
from yimen.web.portal.cards.messages import is_owner
from yimen.web.portal.cases import stay
from yimen.web.portal.files import case_of

READS = ("correction",)


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if case.status != Case.Status.RECEIVED or not is_owner(request, case):
        return None
    correction = Correction.objects.filter(case=case, answered_at=None).select_related("notice").first()
    if correction is None:
        return None
    files: dict[UUID | None, list[File]] = {}
    sent = Upload.objects.filter(case=case, state=Upload.State.READY, removed_at=None, ready_at__gte=correction.told_at)
    for one in sent:
        files.setdefault(one.material_id, []).append(file_of(one))
    lines = correction.lines.filter(done_at=None).select_related("material__material")
    context = {
        "case": case,
        "lines": [
            (line, files.get(line.material.material_id, [])) for line in lines.order_by("material__material__position")
        ],
    }
    return Card("answer", "portal/cards/answer.html", context)


@citizen_page
@require_POST
@keyed("portal.answer_correction", stay=stay)
def answer(request: CitizenRequest, number: str) -> Done:
    case = applying.answer_correction(case_of(request, number).pk, by=request.applicant, at=timezone.now())
    is_all = Correction.objects.filter(case=case, answered_at__isnull=False).exists()
    said = _("交上去了，还有没传的，传好再交一次。")
    if is_all:
        said = _("补的材料都交上去了，五个工作日内告诉您是否受理。")
    return Done(reverse("portal:case", args=[number]), said)


urlpatterns = [path("cases/<str:number>/answer", answer, name="case-answer")]
