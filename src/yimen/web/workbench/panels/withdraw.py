"""撤回: the applicant asks at the window to take the application back."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

WITHDRAW = "case-withdraw"


def panel(opened: Opened) -> Panel | None:
    if not opened.case.is_open or not opened.may("cases.withdraw"):
        return None
    return Panel(
        "withdraw",
        _("申请人要撤回"),
        acts="workbench/panels/withdraw.html",
        context={"case": opened.case, "typed": opened.typed(WITHDRAW)},
        is_open=opened.act == WITHDRAW,
    )


@staff_page("cases.withdraw")
@require_POST
@keyed("cases.withdraw", stay=acts.stay)
def withdraw(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    if not posted_text(request, "asked"):
        raise Stay(refused=_("撤回只能由申请人自己提出。请确认是他本人或者代理人要求的，再打勾。"))
    actions.withdraw(case.pk, reason=posted_text(request, "withdraw_reason"), by=request.staff, at=timezone.now())
    return acts.done(request, case, _("申请撤回了，确认书已经开好，请交给申请人。"))


urlpatterns = [path("cases/<number:number>/withdraw", withdraw, name=WITHDRAW)]
