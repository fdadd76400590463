"""告知承诺: the commitment that replaces proofs, and its later check (HALL-12)."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Commitment, HandlingMode
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_ids, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("commitment",)
COMMIT, CHECK = "case-commit", "case-commitment"


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if case.status == case.Status.RECEIVED and case.handling_mode == HandlingMode.OWN:
        return _offer(opened)
    if case.handling_mode == HandlingMode.OWN or not opened.has("commitment"):
        return None
    found = Commitment.objects.prefetch_related("materials__material").get(case=case)
    is_due = found.checked_at is None and case.status not in {case.Status.RECEIVED, case.Status.WITHDRAWN}
    return Panel(
        "commitment",
        _("核查承诺"),
        facts="workbench/panels/commitment.html",
        acts="workbench/panels/commitment_check.html" if is_due and opened.may("cases.review") else "",
        context={
            "case": case,
            "commitment": found,
            "is_late": found.checked_at is None and found.check_by < opened.today,
            "typed": opened.typed(CHECK),
        },
        is_open=opened.act == CHECK,
    )


def _offer(opened: Opened) -> Panel | None:
    if not opened.may("cases.receive"):
        return None
    rows = actions.committable(opened.case, at=opened.now)
    if not rows:
        return None
    typed = opened.typed(COMMIT)
    return Panel(
        "commitment",
        _("用告知承诺代替证明"),
        acts="workbench/panels/commit.html",
        context={
            "case": opened.case,
            "rows": [(row, str(row.pk) in typed.getlist("material")) for row in rows],
            "text": typed.get("text", ""),
        },
        is_open=opened.act == COMMIT,
    )


@staff_page("cases.receive")
@require_POST
@keyed("cases.commit", stay=acts.stay)
def commit(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    actions.commit(
        case.pk, posted_ids(request, "material"), posted_text(request, "text"), by=request.staff, at=timezone.now()
    )
    return acts.done(request, case, _("承诺书开好了，请打印出来让申请人签字。"))


@staff_page("cases.review")
@require_POST
@keyed("cases.check_commitment", stay=acts.stay)
def check(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    kept = {"yes": True, "no": False}.get(posted_text(request, "is_kept"))
    if kept is None:
        raise Stay(refused=_("请选择：属实，还是不属实。"))
    actions.check_commitment(
        case.pk, is_kept=kept, findings=posted_text(request, "findings"), by=request.staff, at=timezone.now()
    )
    if kept:
        return acts.done(request, case, _("核查记下了：承诺属实。"))
    return acts.done(request, case, _("核查记下了：承诺不实。已经限制再次申请；作过准予决定的，请接着办理撤销。"))


urlpatterns = [
    path("cases/<number:number>/commit", commit, name=COMMIT),
    path("cases/<number:number>/commitment", check, name=CHECK),
]
