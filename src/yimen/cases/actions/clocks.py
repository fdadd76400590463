"""What stops or lengthens a running case's clocks: special procedures, the extension (LAW-8, LAW-9, LAW-12, LAW-13)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents, queries
from yimen.cases.actions.common import WrongStep, checked_reasons, expect, give, locked, record
from yimen.cases.actions.moving import Moved, work_out_again
from yimen.cases.models import Case, Clock, ClockStop, Extension, HandlingMode, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemType
from yimen.ledger.actions import Actor
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.lib.workdays import Limit
from yimen.people import access
from yimen.people.models import Role, Staff

# LAW-8, LAW-9; a law may set other numbers, so both are dated local rules.
EXTENSION_DAYS, EXTENSION_KEY = 10, "extension_days"
JOINT_EXTENSION_DAYS, JOINT_EXTENSION_KEY = 15, "joint_extension_days"
# LAW-8, and LAW-9: decided by several departments together; where the law of the item sets no other limit.
ORDINARY_DAYS, JOINT_DAYS = 20, 45
MOST_NEEDED_DAYS = 730
STOPPING_LAW = "《中华人民共和国行政许可法》第四十五条"
EXTENDING_LAW = "《中华人民共和国行政许可法》第四十二条"


class BadStop(DomainError):
    """The law knows no such ground, or nobody said how long it takes (LAW-12, LAW-13)."""


class NotExtended(DomainError):
    """The limit cannot be lengthened (any more), or not by this person (LAW-8, LAW-9)."""


def add_clock(case: Case, kind: Clock.Kind, *, day: date, limit: Limit) -> Clock:
    """
    Start another clock of a locked case on `day`, the local day of what starts it, which is not counted (LAW-2).

    For LOWER_REVIEW (LAW-10: 20 working days) and other clocks with a start of their own; stops of the case count for
    it as queries.STOPPING says. A case has one clock of a kind.
    """
    clock = Clock(region_id=case.region_id, case=case, kind=kind, started_on=day, limit=limit.number, unit=limit.unit)
    clock.due_on, clock.is_provisional = queries.due_of(clock, case, catalog.work_calendar(), queries.pauses_of(case))
    clock.save(force_insert=True)
    return clock


# -- special procedures -----------------------------------------------------------------------------------------------


@transaction.atomic
def open_stop(case_id: UUID, *, ground: str, reason: str, needed_days: int, by: Staff, at: datetime) -> ClockStop:
    """
    Stop the clocks of a running case for a special procedure and tell the applicant so in writing, in the same act.

    ground: one of the eight of LAW-12; a site visit is none of them (LAW-13). needed_days: natural days it takes, as
    the notice says. The day of the notice is the first one not counted; until close_stop() the due dates are worked
    out with needed_days and provisional. Raises BadStop, ReasonsMissing, WrongStep while another stop runs or when the
    case is not in hand, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.stop", department=case.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    if ground not in ClockStop.Ground.values:
        grounds = "、".join(str(label) for label in ClockStop.Ground.labels)
        raise BadStop(_("法律只允许为这几种情形停计时限：%(grounds)s。现场核查不在其中。") % {"grounds": grounds})
    if not 1 <= needed_days <= MOST_NEEDED_DAYS:
        raise BadStop(_("请写明需要多少天，1 到 %(most)s 天，通知书上要告诉申请人。") % {"most": MOST_NEEDED_DAYS})
    reason, day = checked_reasons(reason), localdate(at)
    if case.stops.filter(ended_on=None).exists():
        raise WrongStep(_("这件已经有一个特别程序在进行，结束了才能再开一个。请刷新看最新进度。"))
    stop = ClockStop(
        region_id=case.region_id,
        case=case,
        ground=ground,
        reason=reason,
        needed_days=needed_days,
        started_on=day,
        opened_by=by,
        opened_at=at,
    )
    stop.notice = give(case, Notice.Kind.STOP, by=by, at=at, letter=_stop_letter(stop))
    stop.save(force_insert=True)
    data = {"ground": ground, "needed_days": needed_days, "notice": str(stop.notice_id), "first_day": day.isoformat()}
    record(case, "case.stop_opened", by=by, at=at, data=data | _moved(work_out_again(case)))
    return stop


@transaction.atomic
def close_stop(case_id: UUID, *, result: str, by: Staff, at: datetime) -> ClockStop:
    """
    End the special procedure that runs; today is the last day not counted, and the clocks go on tomorrow.

    Raises WrongStep when none runs, ReasonsMissing without a result, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.stop", department=case.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    stop = case.stops.filter(ended_on=None).first()
    if stop is None:
        raise WrongStep(_("这件现在没有在进行的特别程序，可能已经有人结束了。请刷新看最新进度。"))
    stop.result = checked_reasons(result)
    stop.closed_at, stop.closed_by = at, by
    stop.ended_on = max(localdate(at), stop.started_on)
    stop.save(update_fields=["result", "closed_at", "closed_by", "ended_on"])
    taken = (stop.ended_on - stop.started_on).days + 1
    data = {"ground": stop.ground, "days": taken, "needed_days": stop.needed_days}
    record(case, "case.stop_closed", by=by, at=at, data=data | _moved(work_out_again(case)))
    return stop


def expect_no_stop(case: Case, at: datetime) -> None:
    """Raise WrongStep while a special procedure of the case runs: nothing is decided before its result is there."""
    assert case.due_on is not None
    # While one runs the due date is provisional, or was over before it began, so most cases need no look.
    may_run = case.due_is_provisional or localdate(at) > case.due_on
    if may_run and case.stops.filter(ended_on=None).exists():
        raise WrongStep(_("特别程序还没有结束，请先在“特别程序”里写明结果、结束它，再作决定。"))


def end_stops(case: Case, *, by: Actor, at: datetime) -> None:
    """End what runs when the case itself is over; its clocks have ended then, so none moves."""
    for stop in case.stops.filter(ended_on=None):
        stop.ended_on, stop.closed_at = max(localdate(at), stop.started_on), at
        stop.closed_by = by if isinstance(by, Staff) else None
        stop.save(update_fields=["ended_on", "closed_at", "closed_by"])


def _stop_letter(stop: ClockStop) -> documents.Letter:
    case, last = stop.case, long_day(stop.planned_last, weekday=True)
    with translation.override("zh-hans"):
        ground = str(ClockStop.Ground(stop.ground).label)
    return documents.Letter(
        opening=[
            f"您申请的“{case.version.name}”需要进行{ground}。"
            f"依据{STOPPING_LAW}，所需时间不计算在审批期限内，现书面告知。"
        ],
        facts=[
            ("特别程序", ground),
            ("原因", stop.reason),
            ("需要的时间", f"{stop.needed_days} 天（自然日），预计到 {last}"),
            ("从哪天起不计", long_day(stop.started_on, weekday=True)),
        ],
        closing=["特别程序一结束，审批期限从第二天起接着计算，最晚哪天出结果随时可以查。"],
    )


# -- extension --------------------------------------------------------------------------------------------------------


def is_joint(case: Case) -> bool:
    """Tell whether several departments decide together, which the law gives more time (LAW-9)."""
    return case.version.is_joint or case.handling_mode == HandlingMode.JOINT


def limit_by_law(case: Case) -> Limit | None:
    """
    Return the limit the licensing law itself sets for a case whose item states none, None for what is no licence.

    20 working days (LAW-8); decided by several departments together 45, whatever the item is (LAW-9).
    """
    if is_joint(case):
        return Limit(JOINT_DAYS)
    item = case.item if case.item_id else case.version.item  # a preview has no item of its own
    return Limit(ORDINARY_DAYS) if item.item_type == ItemType.LICENSE else None


def extension_days(case: Case, day: date) -> int:
    """Return how many working days the case may be lengthened by, once, as of `day`."""
    key, default = (JOINT_EXTENSION_KEY, JOINT_EXTENSION_DAYS) if is_joint(case) else (EXTENSION_KEY, EXTENSION_DAYS)
    return catalog.local_rule(case.region_id, key, day, default=default)


@transaction.atomic
def ask_extension(case_id: UUID, *, reason: str, by: Staff, at: datetime) -> Extension:
    """
    Ask the organ's head for the one extension (LAW-8), for joint handling the government's head (LAW-9).

    Raises NotExtended when it was granted before or the limit has passed, WrongStep while one is asked for or the case
    is not in hand, ReasonsMissing, access.NotAllowed. After a refusal it may be asked for again.
    """
    case = locked(case_id)
    access.require(by, "cases.extend", department=case.department, region=case.region_id)
    _expect_extendable(case, at)
    earlier = Extension.objects.filter(case=case).first()
    if earlier and earlier.approved_at:
        raise NotExtended(_("这件已经延长过一次，法律只允许一次。请在期限内办结。"))
    if earlier and not earlier.refused_at:
        raise WrongStep(_("延长已经有人提出，正在等审批。请刷新看最新进度。"))
    asked = earlier or Extension(region_id=case.region_id, case=case)
    asked.days, asked.reason = extension_days(case, localdate(at)), checked_reasons(reason)
    asked.asked_by, asked.asked_at = by, at
    asked.refused_at, asked.answer = None, ""
    asked.save()
    record(case, "case.extension_asked", by=by, at=at, data={"days": asked.days, "joint": is_joint(case)})
    return asked


@transaction.atomic
def answer_extension(case_id: UUID, *, approve: bool, answer: str = "", by: Staff, at: datetime) -> Extension:
    """
    Approve the extension asked for, which lengthens the clocks and tells the applicant why, or refuse it with reasons.

    A clock that has run out by then stays as it is. Raises NotExtended for one's own asking, for a joint case by
    anybody but a leader granted for the whole region, and after the limit; WrongStep when nothing is asked.
    """
    case = locked(case_id)
    access.require(by, "cases.approve_extension", department=case.department, region=case.region_id)
    if is_joint(case) and not heads_region(by):
        raise NotExtended(_("联办件的延长要由本级人民政府负责人批准，请转给他。"))
    asked = Extension.objects.select_related("asked_by").filter(case=case).first()
    if asked is None or asked.approved_at or asked.refused_at:
        raise WrongStep(_("没有等您审批的延长，可能已经有人批过了。请刷新看最新进度。"))
    if asked.asked_by_id == by.pk:
        raise NotExtended(_("自己提出的延长不能自己批，请转给别的负责人。"))
    if not approve:
        expect(case, Case.Status.ACCEPTED)
        asked.answer, asked.refused_at = checked_reasons(answer)[:300], at
        asked.save(update_fields=["answer", "refused_at"])
        record(case, "case.extension_refused", by=by, at=at, data={"days": asked.days})
        return asked
    _expect_extendable(case, at)
    asked.answer, asked.approved_by, asked.approved_at = answer.strip()[:300], by, at
    asked.notice = give(case, Notice.Kind.EXTENSION, by=by, at=at, letter=_extension_letter(case, asked, at))
    asked.save(update_fields=["answer", "approved_by", "approved_at", "notice"])
    data = {"days": asked.days, "joint": is_joint(case), "notice": str(asked.notice_id)}
    record(case, "case.extended", by=by, at=at, data=data | _moved(work_out_again(case)))
    return asked


def heads_region(staff: Staff) -> bool:
    """Tell whether somebody speaks for the government itself: a leader granted for the whole region (LAW-9)."""
    return any(grant.role == Role.LEADER and grant.department_id is None for grant in staff.granted)


def last_day_to_extend(case: Case) -> date | None:
    """Return the last day on which the case can still be lengthened: the longest of its limits; None without one."""
    running = case.clocks.filter(ended_on=None, kind__in=queries.LENGTHENED)
    return max(running.values_list("due_on", flat=True), default=None)


def _expect_extendable(case: Case, at: datetime) -> None:
    expect(case, Case.Status.ACCEPTED)
    last = last_day_to_extend(case)
    if last is None or localdate(at) > last:
        raise NotExtended(_("期限已经过了，不能再延长。请尽快办结，并向申请人说明原因。"))


def _extension_letter(case: Case, asked: Extension, at: datetime) -> documents.Letter:
    approver = "本级人民政府负责人" if is_joint(case) else "本行政机关负责人"
    return documents.Letter(
        opening=[
            f"您申请的“{case.version.name}”不能在原定期限内作出决定。依据{EXTENDING_LAW}，"
            f"经{approver}批准，延长 {asked.days} 个工作日，现将理由告知您。"
        ],
        facts=[("延长理由", asked.reason), ("延长", f"{asked.days} 个工作日"), ("批准日期", long_day(localdate(at)))],
        closing=["延长只有这一次。最晚哪天出结果，凭办件编号随时可以查。"],
    )


def _moved(moved: list[Moved]) -> dict[str, Any]:
    """Every date the act moved, in its own ledger row."""
    return {"moved": [one.as_data for one in moved]} if moved else {}
