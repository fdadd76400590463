"""回避: who has an interest asks, or is asked, to stand aside; a leader decides (SUP-11, LAL 48)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases.actions.common import WrongStep, checked_reasons, locked, record
from yimen.cases.models import Recusal
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff


class BadRecusal(DomainError):
    """Nobody of this case's region, or nobody who may ask or decide this."""


class Asker(models.TextChoices):
    SELF = "self", gettext_lazy("本人申请回避")
    APPLICANT = "applicant", gettext_lazy("申请人要求他回避")
    LEADER = "leader", gettext_lazy("负责人要求他回避")


@transaction.atomic
def ask_recusal(case_id: UUID, person: Staff, reason: str, *, asker: str, by: Actor, at: datetime) -> Recusal:
    """
    Ask that `person` does not handle this case; until a leader decides he goes on.

    asker: of Asker; "self" only for oneself, "leader" only by one; the applicant asks himself, or his wish is written
    down by whoever takes it. Asked once for a case and person. Raises BadRecusal, WrongStep, ReasonsMissing,
    access.NotAllowed.
    """
    case = locked(case_id)
    is_applicant = by.ledger_ref == case.applicant.ledger_ref
    if is_applicant:
        asker = Asker.APPLICANT
    else:
        access.require(by, "cases.ask_recusal", department=case.department, region=case.region_id)
    if not case.is_open:
        raise WrongStep(_("这件已经办结，不用再申请回避。"))
    if asker not in Asker.values:
        raise BadRecusal(_("请选择是谁提出的。"))
    if person.region_id != case.region_id:
        raise BadRecusal(_("请写本地区工作人员的工号。"))
    if asker == Asker.SELF and person.ledger_ref != by.ledger_ref:
        raise BadRecusal(_("本人申请的，要用自己的账号来提。"))
    if asker == Asker.LEADER:
        access.require(by, "cases.recuse", department=case.department, region=case.region_id)
    if case.recusals.filter(staff=person).exists():
        raise WrongStep(_("他在这件上的回避已经提过了，请看处理结果。"))
    recusal = Recusal.objects.create(
        region_id=case.region_id,
        case=case,
        staff=person,
        reason=checked_reasons(reason)[:200],
        asked_by=case.applicant.ledger_ref if asker == Asker.APPLICANT else by.ledger_ref,
        asked_at=at,
    )
    data = {"recusal": str(recusal.pk), "staff": str(person.pk), "asker": asker}
    record(case, "case.recusal_asked", by=by, at=at, data=data)
    return recusal


@transaction.atomic
def answer_recusal(recusal_id: UUID, *, is_granted: bool, by: Staff, at: datetime) -> Recusal:
    """
    Decide. Granted, he gets no task, no visit and no decision of this case, and what he had in hand goes back.

    Nobody decides on himself. Raises BadRecusal, WrongStep when it is decided, access.NotAllowed.
    """
    case = locked(Recusal.objects.values_list("case_id", flat=True).get(pk=recusal_id))
    access.require(by, "cases.recuse", department=case.department, region=case.region_id)
    recusal = Recusal.objects.select_related("staff").get(pk=recusal_id)
    if recusal.staff_id == by.pk:
        raise BadRecusal(_("是不是要您回避，请另一位负责人来定。"))
    if recusal.decided_at is not None:
        raise WrongStep(_("回避已经有人定过了，请刷新看结果。"))
    recusal.decided_by, recusal.decided_at, recusal.is_granted = by, at, is_granted
    recusal.save(update_fields=["decided_by", "decided_at", "is_granted"])
    if is_granted:
        case.tasks.filter(done_at=None, assignee=recusal.staff).update(assignee=None)
    data = {"recusal": str(recusal.pk), "staff": str(recusal.staff_id), "is_granted": is_granted}
    record(case, "case.recusal_decided", by=by, at=at, data=data)
    return recusal
