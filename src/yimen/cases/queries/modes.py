"""What is promised for later, committed to, handed on: for a case's page, and in lists for who looks after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import localdate

from yimen.cases.models import Case, CaseMove, Commitment, GapPromise, Notice, Task
from yimen.catalog.models import FlowStep
from yimen.lib.dates import long_day
from yimen.people import access
from yimen.people.models import Department, Staff

_AWAITED = Q(case__status=Case.Status.ACCEPTED) | Q(case__outcome=Case.Outcome.GRANTED)
_OPINIONS = frozenset({FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT})


def at_departments(staff: Staff, permission: str, column: str) -> Q:
    """The rows whose department in `column` is one where `staff` holds `permission`, in his region."""
    departments = {grant.department_id for grant in staff.granted if grant.role in access.PERMISSIONS[permission]}
    if not departments or not staff.user.is_active:
        return Q(pk__in=[])
    if None in departments:
        return Q(**{f"{column}__region": staff.region_id})
    return Q(**{f"{column}__in": departments})


def open_gaps(staff: Staff) -> QuerySet[GapPromise]:
    """Return the promised materials that are not there, of cases `staff` may see, the oldest day first (HALL-11)."""
    return (
        GapPromise.objects.filter(_AWAITED, region_id=staff.region_id, made_up_at=None)
        .filter(at_departments(staff, "cases.view", "case__department"))
        .select_related("material__material", "case__version", "case__department", "case__applicant")
        .order_by("due_on", "promised_at")
    )


def overdue_gaps(region: str, *, today: date) -> list[UUID]:
    """Return the gaps whose day has passed, the oldest first."""
    gaps = GapPromise.objects.filter(_AWAITED, region_id=region, made_up_at=None, due_on__lt=today)
    return list(gaps.order_by("due_on").values_list("pk", flat=True))


def commitments_to_check(staff: Staff) -> QuerySet[Commitment]:
    """Return the commitments nobody has checked, of the cases `staff` may see, the first due first (HALL-12)."""
    return (
        Commitment.objects.filter(_AWAITED, region_id=staff.region_id, checked_at=None)
        .filter(at_departments(staff, "cases.view", "case__department"))
        .select_related("case__version", "case__department", "case__applicant")
        .order_by("check_by", "signed_at")
    )


def broken_commitments(staff: Staff) -> QuerySet[Commitment]:
    """Return the commitments that were not kept while the decision built on them still stands, to be revoked."""
    revoked = Notice.objects.filter(case=OuterRef("case"), kind=Notice.Kind.REVOCATION)
    return (
        Commitment.objects.filter(region_id=staff.region_id, is_kept=False, case__outcome=Case.Outcome.GRANTED)
        .filter(~Exists(revoked))
        .filter(at_departments(staff, "cases.view", "case__department"))
        .select_related("case__version", "case__department", "case__applicant")
        .order_by("checked_at")
    )


def moves_here(staff: Staff) -> QuerySet[CaseMove]:
    """Return the cases handed to departments of `staff` and not back, also from other regions, the first due first."""
    return _open_moves().filter(at_departments(staff, "cases.review", "receiver"))


def moves_sent(staff: Staff) -> QuerySet[CaseMove]:
    """Return the cases that departments of `staff` handed on and that are not back, the first due first."""
    return _open_moves().filter(at_departments(staff, "cases.move", "sender"))


def _open_moves() -> QuerySet[CaseMove]:
    return (
        CaseMove.objects.filter(closed_at=None)
        .select_related("case__version", "case__applicant", "case__department", "sender__region", "receiver__region")
        .order_by("due_on", "sent_at")
    )


def moves_of(case: Case) -> list[CaseMove]:
    """Return all moves of a case with both departments and their regions, the first sent first."""
    return list(case.moves.select_related("sender__region", "receiver__region").order_by("sent_at", "id"))


def where_now(case: Case, moves: Collection[CaseMove]) -> Department:
    """Return the department that has the case. moves: all of them, in order."""
    away = [move.receiver for move in moves if move.closed_at is None]
    return away[-1] if away else case.department


@dataclass(frozen=True)
class UnitStep:
    """What one department does for a joint case: its own day inside the whole limit (S1-30)."""

    department: str
    name: str
    due_on: date
    done_at: datetime | None
    opinion: str = ""
    is_rejected: bool = False
    round: int = 1

    def is_late(self, today: date) -> bool:
        return (localdate(self.done_at) if self.done_at else today) > self.due_on


def unit_steps(tasks: Iterable[Task]) -> list[UnitStep]:
    """
    Return the opinions asked for, each in its latest round, in the order they were opened; [] unless two or more
    departments give one. tasks: of the case, with their departments.
    """
    latest = {
        task.step_key: task
        for task in sorted(tasks, key=lambda task: (task.round, task.opened_at))
        if task.kind in _OPINIONS and not task.step_key.startswith(CaseMove.STEP)
    }
    if len({task.department_id for task in latest.values()}) < 2:
        return []
    return [
        UnitStep(
            department=task.department.name,
            name=task.name,
            due_on=task.due_on,
            done_at=task.done_at,
            opinion=task.opinion,
            is_rejected=task.outcome == Task.Outcome.REJECTED,
            round=task.round,
        )
        for task in sorted(latest.values(), key=lambda task: (task.opened_at, task.step_key))
    ]


def joint_opinions(case: Case) -> list[tuple[str, str, str]]:
    """Return department, opinion and day of each unit of a joint case, in the order they came, as documents say it."""
    units = [unit for unit in unit_steps(case.tasks.select_related("department")) if unit.done_at is not None]
    return [
        (unit.department, "不符合" if unit.is_rejected else "同意", long_day(localdate(unit.done_at)))
        for unit in sorted(units, key=lambda unit: (unit.done_at, unit.department))
    ]
