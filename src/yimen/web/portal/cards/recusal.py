"""回避: the applicant asks that somebody does not handle his case, and what came of it (SUP-11)."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case, Recusal
from yimen.lib.errors import DomainError
from yimen.people.models import Staff
from yimen.web.once import Done, keyed
from yimen.web.portal.account import CitizenRequest, citizen_page
from yimen.web.portal.cards import Card
from yimen.web.portal.cards.messages import is_owner
from yimen.web.portal.cases import stay
from yimen.web.portal.files import case_of


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if not is_owner(request, case):
        return None
    asked = list(Recusal.objects.filter(case=case, asked_by=case.applicant.ledger_ref).select_related("staff"))
    if not case.is_open and not asked:
        return None
    return Card("recusal", "portal/cards/recusal.html", {"case": case, "asked": asked}, aside=True)


@citizen_page
@require_POST
@keyed("portal.ask_recusal", stay=stay)
def ask(request: CitizenRequest, number: str) -> Done:
    case = case_of(request, number)
    wanted = request.POST.get("number", "").replace("\x00", "").strip()[:20]
    person = Staff.objects.filter(region_id=case.region_id, number=wanted).first() if wanted else None
    if person is None:
        raise DomainError(_("没有找到这个工号。工号写在给您的文书上，也可以打电话问。"))
    reason = request.POST.get("recusal_reason", "").replace("\x00", "")
    asker = actions.Asker.APPLICANT
    actions.ask_recusal(case.pk, person, reason, asker=asker, by=request.applicant, at=timezone.now())
    return Done(reverse("portal:case", args=[case.query_no]), _("收到了，由单位负责人来定，结果写在这里。"))


urlpatterns = [path("cases/<str:number>/recusal", ask, name="case-recusal")]
