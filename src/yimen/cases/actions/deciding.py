"""The decision and its delivery (LAW-7, LAW-8, LAW-11, LAW-17)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import rules
from yimen.cases.actions.common import WrongStep, checked_reasons, expect, give, locked, record
from yimen.cases.actions.steps import AFTER_DECISION, finish, open_tasks
from yimen.cases.models import Case, Clock, Notice, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit
from yimen.people import access
from yimen.people.models import Staff

# LAW-11: the certificate reaches the applicant within ten working days of the decision.
DELIVERY_DAYS = 10


@transaction.atomic
def decide(case_id: UUID, *, outcome: str, by: Staff, at: datetime, reasons: str = "") -> Case:
    """
    Decide, in writing (LAW-7, LAW-8): grant, or refuse with reasons; the case is then completed (办结).

    An immediate case may be decided by the clerk who serves it. Raises ReasonsMissing for a refusal without
    reasons (LAW-17) and for granting what a step rejected without saying why, WrongStep while other steps are open
    or when it is decided already.
    """
    case = locked(case_id)
    right = "cases.decide_at_once" if case.version.is_immediate else "cases.decide"
    access.require(by, right, department=case.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    tasks = list(case.tasks.filter(done_at=None))
    open_before = [task for task in tasks if task.kind != FlowStep.Kind.DECIDE]
    if open_before or not tasks:
        names = listed(task.name for task in open_before)
        raise WrongStep(_("还有步骤没办完：%(names)s。办完才能作决定。") % {"names": names})
    if outcome not in Case.Outcome.values:
        raise DomainError(_("请选择准予，或者不予许可。"))
    is_against_a_step = case.tasks.filter(outcome=Task.Outcome.REJECTED).exists()
    case.reasons = checked_reasons(reasons) if outcome == Case.Outcome.REFUSED or is_against_a_step else reasons.strip()

    day = localdate(at)
    for task in tasks:
        passed = outcome == Case.Outcome.GRANTED
        finish(task, outcome=Task.Outcome.PASSED if passed else Task.Outcome.REJECTED, opinion=reasons, by=by, at=at)
    case.clocks.filter(ended_on=None).update(ended_on=day)
    assert case.due_on is not None
    case.outcome, case.status, case.completed_at = outcome, Case.Status.COMPLETED, at
    case.completed_on_time = day <= case.due_on
    case.save(update_fields=["reasons", "outcome", "status", "completed_at", "completed_on_time"])
    if outcome == Case.Outcome.GRANTED:
        ends_on, provisional = rules.due(day, Limit(DELIVERY_DAYS), (), catalog.work_calendar(), today=day)
        Clock.objects.create(
            region_id=case.region_id,
            case=case,
            kind=Clock.Kind.DELIVERY,
            started_on=day,
            limit=DELIVERY_DAYS,
            due_on=ends_on,
            is_provisional=provisional,
        )
    record(case, "case.decided", by=by, at=at, data={"outcome": outcome, "on_time": case.completed_on_time})
    give(case, Notice.Kind.DECISION, by=by, at=at)
    open_tasks(case, at=at)
    return case


@transaction.atomic
def deliver(case_id: UUID, *, how: str, by: Staff, at: datetime, receiver: str = "") -> Case:
    """
    Hand over the result (送达): how is "window", "post" or "electronic" (LAW-11).

    Raises WrongStep before the decision, after delivery, and while a step that is no making or delivering is open.
    """
    case = locked(case_id)
    access.require(by, "cases.deliver", department=case.department, region=case.region_id)
    expect(case, Case.Status.COMPLETED)
    if how not in {"window", "post", "electronic"}:
        raise DomainError(_("请选择怎么送达：窗口领取、邮寄，或者电子送达。"))
    tasks = list(case.tasks.filter(done_at=None))
    if others := [task.name for task in tasks if task.kind not in AFTER_DECISION]:
        raise WrongStep(_("还有步骤没办完：%(names)s。办完才能送达。") % {"names": listed(others)})
    for task in tasks:
        finish(task, outcome=Task.Outcome.PASSED, opinion="", by=by, at=at)
    case.clocks.filter(ended_on=None).update(ended_on=localdate(at))
    case.status, case.delivered_at = Case.Status.DELIVERED, at
    case.save(update_fields=["status", "delivered_at"])
    record(case, "case.delivered", by=by, at=at, data={"how": how, "by_agent": bool(receiver)})
    return case
