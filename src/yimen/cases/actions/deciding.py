"""The decision and its delivery (LAW-7, LAW-8, LAW-11, LAW-17)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import documents, queries, rules
from yimen.cases.actions import course
from yimen.cases.actions.assigning import expect_mine
from yimen.cases.actions.clocks import expect_no_stop
from yimen.cases.actions.common import (
    ReasonsMissing,
    WrongStep,
    checked_reasons,
    expect,
    give,
    locked,
    note_visit,
    record,
)
from yimen.cases.actions.hearings import cited, settled_hearing
from yimen.cases.actions.modes import before_decision
from yimen.cases.actions.moves import come_to_rest, deciding_organ
from yimen.cases.actions.results import expect_renewable, refuse_if_renewed
from yimen.cases.actions.steps import AFTER_DECISION, expect_nothing_skipped, finish, open_tasks, steps_for
from yimen.cases.models import Case, Clock, HandlingMode, Notice, SiteVisit, Task
from yimen.cases.rules import results as orders
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.lib.acts import act, add, save, send
from yimen.lib.dates import long_moment
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit
from yimen.people import access
from yimen.people.models import Staff

# Local rules, 0 or 1: whoever accepted, or reviewed, may decide all the same [GKU].
SAME_ACCEPTOR, SAME_REVIEWER = "acceptor_may_decide", "reviewer_may_decide"
EXAMINING = frozenset({FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT})
WAYS = {"window": "窗口当面领取", "post": "邮寄", "electronic": "电子送达"}

NO_CERTIFICATE = gettext_lazy("证照还没有做。请先“制作证照”，再记送达。")
# LAW-11: the certificate reaches the applicant within ten working days of the decision.
DELIVERY_DAYS = 10


class NotSeparate(DomainError):
    """Whoever accepted or reviewed a case, or stepped aside from it, does not decide it (SUP-10, SUP-11)."""


class NotYourTurn(DomainError):
    """An earlier one in the order of acceptance is undecided (LAW-20)."""


class NoPlaceLeft(DomainError):
    """All places of an item with limited numbers are given (LAW-20)."""


class FeeDue(DomainError):
    """A fee of the case is neither paid nor waived (LAW-21)."""


@act
def decide(case_id: UUID, *, outcome: str, by: Staff, at: datetime, reasons: str = "") -> Case:
    """
    Decide, in writing (LAW-7, LAW-8): grant, or refuse with reasons; the case is then completed (办结).

    An immediate case may be decided by the clerk who serves it. Raises ReasonsMissing for a refusal without
    reasons (LAW-17) and for granting what a step rejected without saying why, WrongStep while other steps are open
    or when it is decided already, also by force of law (LAW-19), HearingOpen before a hearing was held or given up
    (LAW-16), NotSeparate for whoever accepted or reviewed it himself or stepped aside (SUP-10, SUP-11), NotYourTurn
    and NoPlaceLeft for limited places (LAW-20), TakenByOther while a colleague has the decision in hand.
    """
    case = locked(case_id)
    right = "cases.decide_at_once" if case.version.is_immediate else "cases.decide"
    organ = deciding_organ(case)
    access.require(by, right, department=organ, region=organ.region_id)
    expect(case, Case.Status.ACCEPTED)
    refuse_if_renewed(case, at)
    expect_no_stop(case, at)
    course.read(case, "tasks", "steps", "hearing", "rules", at=at, gives=Notice.Kind.DECISION)
    steps = list(case.tasks.all())
    waiting = [task for task in steps if task.done_at is None]
    tasks = come_to_rest(case, waiting, outcome=outcome, opinion=reasons, by=by, at=at)
    open_before = [task for task in tasks if task.kind != FlowStep.Kind.DECIDE]
    if open_before or not tasks:
        names = listed(task.name for task in open_before)
        raise WrongStep(_("还有步骤没办完：%(names)s。办完才能作决定。") % {"names": names})
    for task in tasks:
        expect_mine(task, by)
    flow = steps_for(case)
    expect_nothing_skipped(flow, steps)
    hearing = settled_hearing(case, at)
    if outcome not in Case.Outcome.values:
        raise DomainError(_("请选择准予，或者不予许可。"))
    expect_separate(case, steps, by, at=at)
    if outcome == Case.Outcome.GRANTED:
        expect_renewable(case, at)
        if case.quota_place is not None:
            take_place(case, at)
    is_against_a_step = _last_said_no(steps)
    besides = before_decision(case, outcome, is_against_a_step=is_against_a_step, at=at)
    case.reasons = checked_reasons(reasons) if outcome == Case.Outcome.REFUSED or is_against_a_step else reasons.strip()
    case.reasons = "\n".join([case.reasons, *(line for line in besides if line not in case.reasons)])
    if outcome == Case.Outcome.REFUSED and not orders.says_why(case.reasons):
        raise ReasonsMissing(
            _("请写清楚：查明了什么、不符合哪一条、申请人怎么做才行。只写“不符合条件”这样的话，申请人不知道怎么办。")
        )

    day = localdate(at)
    for task in tasks:
        passed = outcome == Case.Outcome.GRANTED
        finish(task, outcome=Task.Outcome.PASSED if passed else Task.Outcome.REJECTED, opinion=reasons, by=by, at=at)
    assert case.due_on is not None
    close(case, outcome, is_on_time=day <= case.due_on, at=at)
    record(case, "case.decided", by=by, at=at, data={"outcome": outcome, "on_time": case.completed_on_time})
    facts: dict[str, Any] = {"hearing": cited(hearing)} if hearing else {}
    units = queries.joint_opinions(case) if case.handling_mode == HandlingMode.JOINT else []
    give(case, Notice.Kind.DECISION, by=by, at=at, organ=organ, units=units, **facts)
    open_tasks(case, at=at, steps=flow)
    if outcome == Case.Outcome.REFUSED:
        _make_nothing(case, at)
    return case


def close(case: Case, outcome: str, *, is_on_time: bool, at: datetime) -> None:
    """Complete a locked case: its clocks end, the one for delivery begins when it was granted (LAW-11)."""
    day = localdate(at)
    _end_clocks(case, day)
    case.outcome, case.status, case.completed_at = outcome, Case.Status.COMPLETED, at
    case.completed_on_time = is_on_time
    save(case, "reasons", "outcome", "status", "completed_at", "completed_on_time")
    if outcome == Case.Outcome.GRANTED:
        ends_on, provisional = rules.due(day, Limit(DELIVERY_DAYS), (), catalog.work_calendar())
        clock = Clock(
            region_id=case.region_id,
            case=case,
            kind=Clock.Kind.DELIVERY,
            started_on=day,
            limit=DELIVERY_DAYS,
            due_on=ends_on,
            is_provisional=provisional,
        )
        add([clock])


def _end_clocks(case: Case, day: date) -> None:
    send("UPDATE cases_clock SET ended_on = %s WHERE case_id = %s AND ended_on IS NULL", [day, case.pk])


def expect_separate(case: Case, tasks: Iterable[Task], by: Staff, *, at: datetime) -> None:
    """
    Raise NotSeparate when `by` stepped aside, or accepted or reviewed the case himself (SUP-10, SUP-11).

    tasks: all of the case. An immediate case is done by one clerk from start to end. A place too small for two may
    say so with the local rules SAME_ACCEPTOR and SAME_REVIEWER, from a day on.
    """
    if by.pk in case.recused:
        raise NotSeparate(_("您已经回避这件，请换一位有权的同事来办。"))
    if case.version.is_immediate:
        return
    day = localdate(at)
    # The rules are asked only when there is a conflict: hardly ever.
    if case.accepted_by_id == by.pk and not catalog.local_rule(case.region_id, SAME_ACCEPTOR, day, default=0):
        raise NotSeparate(_("这件是您受理的，决定要由另一位同事来作：受理的人不作决定。"))
    tasks = list(tasks)
    examined = any(task.done_by_id == by.pk and task.kind in EXAMINING for task in tasks)
    if any(task.kind == FlowStep.Kind.VISIT for task in tasks):
        # Who went along examined too, whoever of them finished the step.
        went = SiteVisit.objects.filter(case=case, surveyors=by, status=SiteVisit.Status.DONE)
        examined = examined or went.exists() or case.tasks.filter(surveyors=by).exists()
    if examined and not catalog.local_rule(case.region_id, SAME_REVIEWER, day, default=0):
        raise NotSeparate(_("这件有一步审查是您办的，决定要由另一位同事来作：审查的人不作决定。"))


def take_place(case: Case, at: datetime) -> None:
    """
    Keep the order of acceptance for limited places, and their number (LAW-20); call with the case locked.

    Who renews keeps the place he has. Raises NotYourTurn while an earlier one is undecided, also one the law has
    accepted and nobody noted yet (LAW-5); NoPlaceLeft. Two that grant at once queue on the quota's row.
    """
    assert case.accepted_at is not None
    quota = queries.quota_of(case.item_id, localdate(case.accepted_at)).select_for_update().first()
    if quota is None:
        return  # places were given, but by now no number is set for that day
    if queries.keeps_place(case, quota):
        return
    if unnoted := queries.accepted_by_law(quota, before=case.accepted_at, day=localdate(at)):
        raise NotYourTurn(
            _("前面还有 %(n)s 件收了材料超过五个工作日没有答复，依法已经视为受理，排在这件前面。请先受理、办完那几件。")
            % {"n": len(unnoted)}
        )
    waiting = queries.placed(quota).filter(status=Case.Status.ACCEPTED)
    earlier = orders.before(queries.places(waiting), case.pk)
    if earlier:
        numbers = listed(str(place.number) for place in earlier[:5])
        raise NotYourTurn(
            _("这个事项名额有限，按受理的先后办。前面还有 %(n)s 件没有决定（第 %(numbers)s 位），请先办前面的。")
            % {"n": len(earlier), "numbers": numbers}
        )
    if queries.granted_count(quota) >= quota.number:
        raise NoPlaceLeft(
            _("这个事项的 %(n)s 个名额已经用完，不能再准予。请作不予许可的决定，理由写明名额已满。")
            % {"n": quota.number}
        )


def _last_said_no(tasks: Iterable[Task]) -> bool:
    """Whether a step rejected it the last time it was done."""
    last = {task.step_key: task.outcome for task in sorted(tasks, key=lambda task: task.round)}
    return Task.Outcome.REJECTED in last.values()


def _make_nothing(case: Case, at: datetime) -> None:
    """What was refused has no certificate to make; the step is passed over."""
    making = [task for task in case.tasks.all() if task.done_at is None and task.kind == FlowStep.Kind.MAKE]
    for task in making:
        task.done_at, task.outcome, task.opinion = at, Task.Outcome.REJECTED, _("没有准予，不用制证。")
        save(task, "done_at", "outcome", "opinion")
    if making:
        open_tasks(case, at=at)


@act
def deliver(case_id: UUID, *, how: str, by: Staff, at: datetime, receiver: str = "") -> Case:
    """
    Hand over the result (送达): how is "window", "post" or "electronic" (LAW-11).

    The receipt (送达回证) is kept with the case. Raises WrongStep before the decision, after delivery, once the
    decision was revoked, while a step that is no delivering is open, and before what was decided is there on paper: the
    certificate where the item grants one (queries.grants_certificate), the decision else; FeeDue while a fee is to be
    paid (LAW-21).
    """
    case = locked(case_id)
    access.require(by, "cases.deliver", department=case.department, region=case.region_id)
    expect(case, Case.Status.COMPLETED)
    if how not in {"window", "post", "electronic"}:
        raise DomainError(_("请选择怎么送达：窗口领取、邮寄，或者电子送达。"))
    read = course.read(case, "tasks", "fees", "notices", "certificates", at=at, gives=Notice.Kind.DELIVERY)
    tasks = [task for task in case.tasks.all() if task.done_at is None]
    if others := [task.name for task in tasks if task.kind not in AFTER_DECISION]:
        raise WrongStep(_("还有步骤没办完：%(names)s。办完才能送达。") % {"names": listed(others)})
    if any(task.kind == FlowStep.Kind.MAKE for task in tasks):
        raise WrongStep(NO_CERTIFICATE)
    decision = _expect_on_paper(case, read["notices"], has_certificate=bool(read["certificates"]))
    if due := [slip.number for slip in read["fees"]]:
        raise FeeDue(
            _("还有 %(n)s 笔费用没有缴：%(numbers)s。缴清或者依法减免以后再送达。")
            % {"n": len(due), "numbers": listed(due)}
        )
    for task in tasks:
        finish(task, outcome=Task.Outcome.PASSED, opinion="", by=by, at=at)
    _end_clocks(case, localdate(at))
    case.status, case.delivered_at = Case.Status.DELIVERED, at
    if how == "window":
        note_visit(case, localdate(at))
    save(case, "status", "delivered_at", "visit_days")
    record(case, "case.delivered", by=by, at=at, data={"how": how, "by_agent": bool(receiver)})
    give(
        case,
        Notice.Kind.DELIVERY,
        by=by,
        at=at,
        letter=_receipt(case, decision, how, by, is_agent=bool(receiver), at=at),
    )
    return case


def _expect_on_paper(case: Case, notices: Iterable[Notice], *, has_certificate: bool) -> str:
    """Return the number of the decision that is handed over; raises WrongStep as deliver() says."""
    papers = {notice.kind: notice.number for notice in notices}
    if Notice.Kind.REVOCATION in papers:
        raise WrongStep(_("这件的决定已经撤销，没有可以送达的结果；撤销决定书请照样送到申请人手里。"))
    if case.outcome == Case.Outcome.GRANTED and queries.grants_certificate(case) and not has_certificate:
        raise WrongStep(NO_CERTIFICATE)
    if Notice.Kind.DECISION not in papers:
        raise WrongStep(_("这件没有行政决定书，不能送达。请联系系统管理员查看这件的文书。"))
    return str(papers[Notice.Kind.DECISION])


def _receipt(case: Case, decision: str, how: str, by: Staff, *, is_agent: bool, at: datetime) -> documents.Letter:
    """送达回证: what was handed over, how, when and to whom."""
    what = f"行政决定书 {decision}"
    return documents.Letter(
        opening=[f"您申请的“{case.version.name}”已经办结，下列文书已经送达。"],
        facts=[
            ("送达的文书", what),
            ("送达方式", WAYS[how]),
            ("送达时间", long_moment(at)),
            ("送达人", f"工号 {by.number}"),
            ("签收人", "代办人" if is_agent else "申请人本人" if how == "window" else ""),
        ],
        closing=["签收人签名：＿＿＿＿＿＿＿＿　　签收日期：＿＿＿＿＿＿＿＿"] if how == "window" else [],
    )
