"""绿色通道、快办特办急办: a case or a ticket asked to the front, and somebody else's yes or no (HALL-10)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep, checked_reasons, locked, record
from yimen.cases.models import PriorityGrant
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff


class BadPriority(DomainError):
    """This cannot be put first, or not for this reason."""


class OwnAsking(DomainError):
    """Nobody approves what he asked for himself."""


@transaction.atomic
def ask_priority(
    kind: str,
    reason: str,
    *,
    by: Staff,
    at: datetime,
    case_id: UUID | None = None,
    ticket: UUID | None = None,
    note: str = "",
) -> PriorityGrant:
    """
    Ask for an open case, or for a ticket of `by`'s region, to come first; it changes nothing until approved.

    kind, reason: of PriorityGrant; reason "other" needs a note. Raises BadPriority, also when it is asked already,
    WrongStep for a case that is closed, access.NotAllowed.
    """
    if (case_id is None) == (ticket is None):
        raise BadPriority(_("请选一件办件，或者一个号。"))
    if kind not in PriorityGrant.Kind.values or reason not in PriorityGrant.Reason.values:
        raise BadPriority(_("请选择怎么优先、为什么优先。"))
    if reason == PriorityGrant.Reason.OTHER:
        note = checked_reasons(note)
    case = locked(case_id) if case_id else None
    region = case.region_id if case else by.region_id
    access.require(by, "cases.ask_priority", department=case.department if case else None, region=region)
    if case is not None and not case.is_open:
        raise WrongStep(_("这件已经办结，不用再申请优先。"))
    known = PriorityGrant.objects.filter(region_id=region, case=case, ticket=ticket, refused_at=None, ended_at=None)
    if known.exists():
        raise BadPriority(_("已经申请过优先，或者已经批准了，不用再申请。"))
    grant = PriorityGrant.objects.create(
        region_id=region,
        kind=kind,
        reason=reason,
        note=note.strip()[:200],
        case=case,
        ticket=ticket,
        asked_by=by,
        asked_at=at,
    )
    _record(grant, "priority_asked", by=by, at=at)
    return grant


@transaction.atomic
def answer_priority(grant_id: UUID, *, is_granted: bool, by: Staff, at: datetime, answer: str = "") -> PriorityGrant:
    """
    Approve or refuse what somebody else asked for; an approved case stands first in the lists of tasks.

    Of two at once the first one counts. A refusal says why. Raises OwnAsking, WrongStep when it is answered already,
    ReasonsMissing, access.NotAllowed.
    """
    # The case first, as every act on it does: the other way round two acts could wait for each other.
    case_id = PriorityGrant.objects.values_list("case_id", flat=True).get(pk=grant_id)
    case = locked(case_id) if case_id else None
    grant = PriorityGrant.objects.select_for_update(of=("self",)).get(pk=grant_id)
    access.require(by, "cases.prioritize", department=case.department if case else None, region=grant.region_id)
    if grant.asked_by_id == by.pk:
        raise OwnAsking(_("这是您自己申请的，要请另一位负责人或者大厅管理员来批。"))
    if grant.approved_at or grant.refused_at:
        raise WrongStep(_("这个申请已经有人批过了，请刷新看结果。"))
    grant.answer = (answer.strip() if is_granted else checked_reasons(answer))[:200]
    if is_granted:
        grant.approved_by, grant.approved_at = by, at
    else:
        grant.refused_at = at
    grant.save(update_fields=["answer", "approved_by", "approved_at", "refused_at"])
    if is_granted and case is not None:
        case.is_urgent = True
        case.save(update_fields=["is_urgent"])
        grant.case = case
    _record(grant, "priority_granted" if is_granted else "priority_refused", by=by, at=at)
    return grant


@transaction.atomic
def end_priority(grant_id: UUID, *, reason: str, by: Staff, at: datetime) -> PriorityGrant:
    """
    End a case's priority that was granted: from now on it stands where its day puts it. It may be asked for again.

    Raises WrongStep when it was never granted or has ended, BadPriority for a ticket's, ReasonsMissing,
    access.NotAllowed.
    """
    case_id = PriorityGrant.objects.values_list("case_id", flat=True).get(pk=grant_id)
    if case_id is None:
        raise BadPriority(_("号的优先请在大厅里收回。"))
    case = locked(case_id)
    access.require(by, "cases.prioritize", department=case.department, region=case.region_id)
    grant = PriorityGrant.objects.select_for_update(of=("self",)).get(pk=grant_id)
    if grant.approved_at is None or grant.ended_at is not None:
        raise WrongStep(_("这件现在没有优先，请刷新看最新情况。"))
    grant.end_reason, grant.ended_by, grant.ended_at = checked_reasons(reason)[:200], by, at
    grant.save(update_fields=["end_reason", "ended_by", "ended_at"])
    case.is_urgent = False
    case.save(update_fields=["is_urgent"])
    grant.case = case
    _record(grant, "priority_ended", by=by, at=at)
    return grant


def _record(grant: PriorityGrant, kind: str, *, by: Staff, at: datetime) -> None:
    """On the case's own stream; a ticket's stream is the hall's, so a ticket's asking has one of its own."""
    data = {"grant": str(grant.pk), "kind": grant.kind, "reason": grant.reason}
    if grant.case is not None:
        record(grant.case, f"case.{kind}", by=by, at=at, data=data)
        return
    stream = f"priority:{grant.pk}"
    ledger.record(
        stream, f"hall.{kind}", region=grant.region_id, by=by, at=at, data=data | {"ticket": str(grant.ticket)}
    )
