"""费用: the slips of a case, the published fees one can still be made for, and their acts (LAW-21)."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import Case, FeeSlip
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

READS = ("fees",)
State = FeeSlip.State
CHANNELS = (
    ("cash", gettext_lazy("现金")),
    ("card", gettext_lazy("银行卡")),
    ("wechat", gettext_lazy("微信")),
    ("alipay", gettext_lazy("支付宝")),
    ("bank", gettext_lazy("转账")),
    ("other", gettext_lazy("其他")),
)
CHIPS = {
    State.DUE: "wait",
    State.PAID: "done",
    State.WAIVED: "done",
    State.REFUNDED: "off",
    State.CANCELLED: "off",
}
_CHARGED = (Case.Status.ACCEPTED, Case.Status.COMPLETED)


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if not case.version.has_fee:
        return None
    slips = list(case.fees.select_related("fee", "notice").order_by("issued_at")) if opened.has("fees") else []
    taken = {slip.fee_id for slip in slips if slip.state != State.CANCELLED}
    can_charge = case.status in _CHARGED and case.outcome != Case.Outcome.REFUSED and opened.may("cases.charge")
    open_fees = [fee for fee in case.version.fees.all() if fee.pk not in taken] if can_charge else []
    if not slips and not open_fees:
        return None
    typed = opened.typed("case-fee-issue")
    return Panel(
        "fees",
        _("费用"),
        facts="workbench/panels/fees.html",
        context={
            "case": case,
            "slips": [(slip, CHIPS[State(slip.state)]) for slip in slips],
            "fees": open_fees,
            "typed": typed,
            "may_charge": opened.may("cases.charge"),
            "may_waive": opened.may("cases.waive"),
            "channels": CHANNELS,
            "due": sum(slip.state == State.DUE for slip in slips),
        },
    )


@staff_page("cases.charge")
@require_POST
@keyed("cases.issue_fee", stay=acts.stay)
def issue(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    slip = actions.issue_fee(
        case.pk,
        posted_id(request, "fee"),
        amount=posted_text(request, "amount"),
        quantity=posted_text(request, "quantity") or "1",
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("缴费单 %(number)s 开好了，可以打印。") % {"number": slip.number})


def _slip(request: StaffRequest, number: str, slip_id: UUID) -> Case:
    case = acts.case_of(request, number)
    if not case.fees.filter(pk=slip_id).exists():
        raise Http404
    return case


@staff_page("cases.charge")
@require_POST
@keyed("cases.pay_fee", stay=acts.stay)
def pay(request: StaffRequest, number: str, slip_id: UUID) -> Done:
    case = _slip(request, number, slip_id)
    actions.pay_fee(
        slip_id,
        channel=posted_text(request, "channel"),
        receipt_no=posted_text(request, "receipt_no"),
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("缴费记好了。"))


@staff_page("cases.charge", "cases.waive")
@require_POST
@keyed("cases.change_fee", stay=acts.stay)
def change(request: StaffRequest, number: str, slip_id: UUID) -> Done:
    """Waive, refund or cancel, as the button says."""
    case = _slip(request, number, slip_id)
    act = {"waive": actions.waive_fee, "refund": actions.refund_fee, "cancel": actions.cancel_fee}.get(
        posted_text(request, "what")
    )
    if act is None:
        raise Http404
    slip = act(slip_id, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    values = {"number": slip.number, "state": slip.get_state_display()}
    return acts.done(request, case, _("缴费单 %(number)s %(state)s。") % values)


urlpatterns = [
    path("cases/<number:number>/fees", issue, name="case-fee-issue"),
    path("cases/<number:number>/fees/<uuid:slip_id>/pay", pay, name="case-fee-pay"),
    path("cases/<number:number>/fees/<uuid:slip_id>/change", change, name="case-fee-change"),
]
