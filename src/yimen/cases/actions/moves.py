"""
A running case handed to another unit, level or region and back, under one number (S2-16, LAW-10, HALL-17).

Only who has the case acts on it. Moves not yet closed lie upon each other; the last one sent says where the case is.
Its clocks stay with the department it belongs to: handing it on never stops them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents
from yimen.cases.actions.clocks import add_clock
from yimen.cases.actions.common import WrongStep, checked_reasons, expect, give, locked, record
from yimen.cases.actions.modes import DECIDED_ABOVE
from yimen.cases.actions.steps import finish
from yimen.cases.models import Case, CaseMove, Clock, HandlingMode, Notice, Task
from yimen.cases.rules import modes as rules
from yimen.catalog.models import FlowStep
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit
from yimen.people import access
from yimen.people.models import Department, Region, Staff

# What a receiver sends a case back with when it is none of its business; no step of the flow knows it.
RETURNED = "returned"


class BadMove(DomainError):
    """The case cannot be handed there like this; the message says what to change."""


@transaction.atomic
def move(
    case_id: UUID,
    *,
    kind: str,
    receiver: Department,
    reason: str,
    by: Staff,
    at: datetime,
    opinion: str = "",
    due_on: date | None = None,
) -> CaseMove:
    """
    Hand an accepted case to `receiver`, also one of another region, and tell the applicant in writing.

    kind: CaseMove.Kind. UP asks the organ above to decide: the first review is done by then and `opinion` says what
    it found (LAW-10). due_on: never beyond the day the whole case is due. Whoever has the case hands it on. Raises
    BadMove, WrongStep, ReasonsMissing, access.NotAllowed.
    """
    case = locked(case_id)
    moves = open_moves(case)
    holder = moves[-1].receiver if moves else case.department
    access.require(by, "cases.move", department=holder, region=holder.region_id)
    expect(case, Case.Status.ACCEPTED)
    if moves and moves[-1].received_at is None:
        raise WrongStep(_("请先签收，再转给别的部门。"))
    if kind not in CaseMove.Kind.values:
        raise BadMove(_("请选择转到哪里：其他部门、上级、下级，还是其他地区。"))
    if receiver.pk == case.department_id or receiver.pk in {one.receiver_id for one in moves}:
        raise BadMove(_("这件本来就在%(name)s手上。要还给他们，请用“办完退回”。") % {"name": receiver.name})
    _expect_level(kind, holder, receiver)
    reason = checked_reasons(reason)[:300]
    day = localdate(at)
    assert case.due_on is not None
    try:
        due_on = rules.move_due(due_on, case.due_on, today=day)
    except ValueError:
        raise BadMove(
            _("请写今天到 %(day)s之间的一天：不能晚于整件到期的日子。") % {"day": long_day(max(case.due_on, day))}
        ) from None
    if kind == CaseMove.Kind.UP:
        opinion = checked_reasons(opinion)
        if not moves:
            _end_first_review(case, day)
        case.handling_mode = HandlingMode.UPWARD
        case.save(update_fields=["handling_mode"])
    number = CaseMove.objects.filter(case=case).count() + 1
    task = Task.objects.create(
        region_id=case.region_id,
        case=case,
        department=receiver,
        step_key=f"{CaseMove.STEP}{number}",
        name=f"{CaseMove.Kind(kind).label}：{holder.short_name or holder.name}"[:80],
        kind=FlowStep.Kind.REVIEW,
        post="经办岗",
        opened_at=at,
        due_on=due_on,
    )
    sent = CaseMove.objects.create(
        region_id=case.region_id,
        case=case,
        kind=kind,
        sender=holder,
        receiver=receiver,
        reason=reason,
        opinion_sent=opinion.strip(),
        sent_by=by,
        sent_at=at,
        due_on=due_on,
        task=task,
    )
    data = {"kind": kind, "from": str(holder.pk), "to": str(receiver.pk), "due_on": due_on.isoformat()}
    record(case, "case.moved", by=by, at=at, data=data)
    give(case, Notice.Kind.TRANSFER, by=by, at=at, letter=_letter(case, sent))
    return sent


def _expect_level(kind: str, holder: Department, receiver: Department) -> None:
    """Only an organ above is asked to decide: what is sent sideways or down comes back (LAW-10)."""
    if kind == CaseMove.Kind.UNIT and receiver.region_id == holder.region_id:
        return
    here, there = holder.region, receiver.region
    may = rules.kinds_between(here.pk, there.pk, above_here=_above(here), above_there=_above(there))
    if kind in may:
        return
    if (kind == CaseMove.Kind.UNIT) != (here.pk == there.pk):
        raise BadMove(_("同一个地区的部门选“转其他部门”，别的地区的选“报上级”“转下级”或者“转其他地区”。"))
    raise BadMove(
        _("%(there)s对我们来说不是这一级，请选“%(kind)s”。")
        % {"there": there.name, "kind": CaseMove.Kind(min(may & {"up", "down"} or may)).label}
    )


def _above(region: Region) -> list[str]:
    found: list[str] = []
    while region.parent is not None and region.parent_id not in found:
        region = region.parent
        found.append(region.pk)
    return found


def send_up(case_id: UUID, *, receiver: Department, opinion: str, by: Staff, at: datetime) -> CaseMove:
    """
    Send a case whose first review is done to the organ above, which decides it (上报件, LAW-10).

    Raises as move() does, and WrongStep while a step before the decision is open.
    """
    return move(
        case_id, kind=CaseMove.Kind.UP, receiver=receiver, reason="初审完成，报上级决定", opinion=opinion, by=by, at=at
    )


def _end_first_review(case: Case, day: date) -> None:
    """The lower organ's twenty working days run from acceptance to the day it sends the case up (LAW-10)."""
    before = case.tasks.filter(done_at=None).exclude(kind=FlowStep.Kind.DECIDE)
    if names := list(before.values_list("name", flat=True)):
        raise WrongStep(_("初审还没办完：%(names)s。办完再报上级。") % {"names": listed(names)})
    if case.clocks.filter(kind=Clock.Kind.LOWER_REVIEW).update(ended_on=day):
        return
    assert case.accepted_at is not None
    clock = add_clock(
        case, Clock.Kind.LOWER_REVIEW, day=localdate(case.accepted_at), limit=Limit(rules.FIRST_REVIEW_DAYS)
    )
    clock.ended_on = day
    clock.save(update_fields=["ended_on"])


@transaction.atomic
def receive_move(case_id: UUID, *, by: Staff, at: datetime) -> CaseMove:
    """Sign for a case that was handed to one's department; WrongStep when it is signed for or gone already."""
    case = locked(case_id)
    moved = _at_hand(case, by)
    if moved.received_at is not None:
        raise WrongStep(_("已经有人签收了，请刷新看最新情况。"))
    moved.received_at, moved.received_by = at, by
    moved.save(update_fields=["received_at", "received_by"])
    record(case, "case.move_received", by=by, at=at, data={"to": str(moved.receiver_id)})
    return moved


@transaction.atomic
def return_move(case_id: UUID, *, outcome: str, opinion: str, by: Staff, at: datetime) -> CaseMove:
    """
    Send a case back to who sent it, with an opinion. outcome: Task.Outcome, or RETURNED for what is not one's own.

    Raises WrongStep before it was signed for and when it is gone already, ReasonsMissing for a rejection or a return
    without an opinion.
    """
    case = locked(case_id)
    moved = _at_hand(case, by)
    if moved.received_at is None:
        raise WrongStep(_("请先签收，再办完退回。"))
    if outcome not in {*Task.Outcome.values, RETURNED}:
        raise DomainError(_("请选择：符合要求、不符合，还是不归我们办。"))
    said = opinion.strip() if outcome == Task.Outcome.PASSED else checked_reasons(opinion)
    _close(moved, outcome="" if outcome == RETURNED else outcome, opinion=said, by=by, at=at)
    data = {"outcome": outcome, "from": str(moved.receiver_id), "to": str(moved.sender_id)}
    assert moved.due_on is not None
    record(case, "case.move_returned", by=by, at=at, data=data | {"on_time": localdate(at) <= moved.due_on})
    return moved


def open_moves(case: Case) -> list[CaseMove]:
    """Return the moves of a locked case that are not back, the first sent first."""
    rows = CaseMove.objects.filter(case=case, closed_at=None)
    return list(rows.select_related("sender", "receiver", "task").order_by("sent_at", "id"))


def _at_hand(case: Case, by: Staff) -> CaseMove:
    """Return the move that says where the case is. Raises NotAllowed unless it is with a department of `by`."""
    moves = open_moves(case)
    if not moves:
        raise WrongStep(_("这件没有转出去，或者已经退回了，请刷新看最新情况。"))
    receiver = moves[-1].receiver
    access.require(by, "cases.review", department=receiver, region=receiver.region_id)
    expect(case, Case.Status.ACCEPTED)
    return moves[-1]


def _close(moved: CaseMove, *, outcome: str, opinion: str, by: Staff, at: datetime) -> None:
    assert moved.task is not None
    finish(moved.task, outcome=outcome, opinion=opinion, by=by, at=at)
    moved.closed_at, moved.closed_by, moved.opinion = at, by, opinion
    moved.save(update_fields=["closed_at", "closed_by", "opinion"])


def deciding_organ(case: Case) -> Department:
    """
    Return who decides a locked case: its own department or, for one sent up and signed for, the organ above (LAW-10).

    Raises WrongStep for an item the organ above decides while it has not got the case. Costs a query only for cases
    of that kind.
    """
    if case.handling_mode != HandlingMode.UPWARD:
        return case.department
    moves = open_moves(case)
    if moves and moves[-1].kind == CaseMove.Kind.UP and moves[-1].received_at is not None:
        return moves[-1].receiver
    if case.version.extended.get(DECIDED_ABOVE):
        raise WrongStep(_("这个事项由上级决定：初审办完以后报上级，上级签收了才能作决定。"))
    return case.department


def come_to_rest(
    case: Case, tasks: Sequence[Task], *, outcome: str, opinion: str, by: Staff, at: datetime
) -> list[Task]:
    """
    Close the moves of a case that the organ above decides now; return the open tasks that are left of `tasks`.

    Nothing happens to a case that is not with an organ above.
    """
    if case.handling_mode != HandlingMode.UPWARD:
        return list(tasks)
    moves = open_moves(case)
    if not moves or any(one.kind != CaseMove.Kind.UP for one in moves) or moves[-1].received_at is None:
        return list(tasks)
    passed = outcome == Case.Outcome.GRANTED
    for one in moves:
        _close(one, outcome=Task.Outcome.PASSED if passed else "", opinion=opinion.strip(), by=by, at=at)
    gone = {one.task_id for one in moves}
    return [task for task in tasks if task.pk not in gone]


def _letter(case: Case, sent: CaseMove) -> documents.Letter:
    assert sent.due_on is not None and case.due_on is not None
    closing = [
        "您不用再跑，也不用重新交材料：已经交的材料随件一起转过去，接件的部门不会再向您要。",
        "办件编号不变，用原来的编号就能查进度。",
        f"整件的期限不变，最晚 {long_day(case.due_on, weekday=True)} 给您结果，由 {case.department.name} 计时和答复。",
    ]
    if sent.kind == CaseMove.Kind.UP:
        closing.append("依据：《中华人民共和国行政许可法》第三十五条、第四十三条。")
    return documents.Letter(
        opening=[f"您申请的事项需要 {sent.receiver.name} 办理其中一步，我们已经替您转过去。"],
        facts=[
            ("转到哪里", sent.receiver.name),
            ("为什么转", sent.reason),
            ("那边最晚办完", long_day(sent.due_on, weekday=True)),
        ],
        closing=closing,
    )
