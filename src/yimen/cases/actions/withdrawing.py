"""The applicant takes the application back before it is decided."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents
from yimen.cases.actions.clocks import end_stops
from yimen.cases.actions.common import WrongStep, give, locked, record
from yimen.cases.models import Case, Notice
from yimen.ledger.actions import Actor
from yimen.people import access

MOST_REASON = 300


@transaction.atomic
def withdraw(case_id: UUID, *, reason: str, by: Actor, at: datetime) -> Case:
    """
    Withdraw the application (撤回) at the applicant's wish: clocks, open tasks, moves and a running stop end, and he
    gets a confirmation. He need not say why.

    by: the applicant himself (`case.applicant`), or staff who take his request at the window. Raises WrongStep once it
    is decided, declined or withdrawn already, access.NotAllowed for anybody else.
    """
    case, day = locked(case_id), localdate(at)
    if by.ledger_ref != case.applicant.ledger_ref:
        access.require(by, "cases.withdraw", department=case.department, region=case.region_id)
    if not case.is_open:
        raise WrongStep(
            _("这件现在是“%(status)s”，已经不能撤回。结果不满意，可以按决定书上写的办法申请复议或者起诉。")
            % {"status": case.get_status_display()}
        )
    was, reason = case.status, reason.strip()[:MOST_REASON]
    case.clocks.filter(ended_on=None).update(ended_on=day)
    case.tasks.filter(done_at=None).update(done_at=at)
    case.moves.filter(closed_at=None).update(closed_at=at)
    end_stops(case, by=by, at=at)
    case.status, case.withdrawn_at = Case.Status.WITHDRAWN, at
    case.save(update_fields=["status", "withdrawn_at"])
    give(case, Notice.Kind.WITHDRAWAL, by=by, at=at, letter=_letter(reason))
    # Typed by hand, so it may name somebody: the words stand in the document, which can be forgotten.
    data = {"was": was, "reason_sha256": sha256(reason.encode()).hexdigest(), "reason_length": len(reason)}
    record(case, "case.withdrawn", by=by, at=at, data=data)
    return case


def _letter(reason: str) -> documents.Letter:
    return documents.Letter(
        opening=["您要求撤回这件申请，我们已经办妥。这件到此为止，不再审批，也不影响您的其他事项。"],
        facts=[("撤回原因", reason)] if reason else [],
        closing=["以后还要办，可以随时重新申请。交来的材料原件，请凭本确认书到窗口取回。"],
        seal="收件专用章",
    )
