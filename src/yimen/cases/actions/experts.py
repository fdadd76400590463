"""专家: who can be asked, a case's question to one of them, and the advice word for word (S4-1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep, checked_reasons, locked, record
from yimen.cases.models import Expert, ExpertRequest
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff


class BadExpert(DomainError):
    """The entry is not complete, or this expert cannot be asked."""


@transaction.atomic
def add_expert(
    name: str,
    organisation: str,
    fields: Sequence[str],
    *,
    by: Staff,
    at: datetime,
    contact: str = "",
    is_demo: bool = False,
) -> Expert:
    """Add somebody to the directory of `by`'s region. fields: what he knows. Raises BadExpert, access.NotAllowed."""
    access.require(by, "cases.experts")
    words = [word.strip() for word in fields if word.strip()]
    if not name.strip() or not organisation.strip() or not words:
        raise BadExpert(_("请写专家的姓名、单位和擅长什么。"))
    expert = Expert.objects.create(
        region_id=by.region_id,
        name=name.strip(),
        organisation=organisation.strip(),
        fields=words,
        contact=contact.strip(),
        is_demo=is_demo,
    )
    ledger.record(f"expert:{expert.pk}", "expert.added", region=by.region_id, by=by, at=at, data={"fields": len(words)})
    return expert


@transaction.atomic
def retire_expert(expert_id: UUID, *, by: Staff, at: datetime) -> Expert:
    """Ask him no more; what he advised stays. Raises WrongStep when that was so already, access.NotAllowed."""
    expert = Expert.objects.select_for_update().get(pk=expert_id, region_id=by.region_id)
    access.require(by, "cases.experts", region=expert.region_id)
    if not expert.is_active:
        raise WrongStep(_("这位专家已经不在库里了。"))
    expert.is_active = False
    expert.save(update_fields=["is_active"])
    ledger.record(f"expert:{expert.pk}", "expert.retired", region=expert.region_id, by=by, at=at, data={})
    return expert


@transaction.atomic
def ask_expert(case_id: UUID, expert_id: UUID, question: str, *, by: Staff, at: datetime) -> ExpertRequest:
    """
    Ask an expert about an open case. It helps to decide and stops no clock.

    Raises BadExpert, ReasonsMissing for an empty question, WrongStep for a case that is over, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.ask_expert", department=case.department, region=case.region_id)
    if not case.is_open:
        raise WrongStep(_("这件已经办结，不用再请专家了。"))
    expert = Expert.objects.filter(pk=expert_id, region_id=case.region_id, is_active=True).first()
    if expert is None:
        raise BadExpert(_("请在专家库里另选一位，这位现在请不到。"))
    request = ExpertRequest.objects.create(
        region_id=case.region_id,
        case=case,
        expert=expert,
        question=checked_reasons(question),
        asked_by=by,
        asked_at=at,
    )
    record(case, "case.expert_asked", by=by, at=at, data={"request": str(request.pk), "expert": str(expert.pk)})
    return request


@transaction.atomic
def note_advice(request_id: UUID, advice: str, *, by: Staff, at: datetime) -> ExpertRequest:
    """Keep what the expert advised, word for word, once. Raises ReasonsMissing, WrongStep, access.NotAllowed."""
    case = locked(ExpertRequest.objects.values_list("case_id", flat=True).get(pk=request_id))
    access.require(by, "cases.ask_expert", department=case.department, region=case.region_id)
    request = ExpertRequest.objects.get(pk=request_id)
    if request.advised_at is not None:
        raise WrongStep(_("专家的意见已经记下了，不能改。要再问，请另提一次。"))
    request.advice, request.advised_at, request.noted_by = checked_reasons(advice), at, by
    request.save(update_fields=["advice", "advised_at", "noted_by"])
    record(case, "case.expert_advised", by=by, at=at, data={"request": str(request.pk)})
    return request
