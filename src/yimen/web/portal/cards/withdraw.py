"""撤回: the applicant takes his open application back himself; no reason has to be given."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case
from yimen.web.once import Done, keyed
from yimen.web.portal.account import CitizenRequest, citizen_page
from yimen.web.portal.cards import Card
from yimen.web.portal.cards.messages import is_owner
from yimen.web.portal.cases import stay
from yimen.web.portal.files import case_of


def card(request: HttpRequest, case: Case, now: datetime) -> Card | None:
    if not case.is_open or not is_owner(request, case):
        return None
    return Card("withdraw", "portal/cards/withdraw.html", {"case": case}, aside=True)


@citizen_page
@require_POST
@keyed("portal.withdraw", stay=stay)
def withdraw(request: CitizenRequest, number: str) -> Done:
    reason = request.POST.get("reason", "").replace("\x00", "")
    case = actions.withdraw(case_of(request, number).pk, reason=reason, by=request.applicant, at=timezone.now())
    return Done(reverse("portal:case", args=[case.query_no]), _("撤回了，确认书在“给您的文书”里。以后随时可以再办。"))


urlpatterns = [path("cases/<str:number>/withdraw", withdraw, name="case-withdraw")]
