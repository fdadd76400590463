"""The steps that wait for somebody."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from yimen.cases.models import Case, CaseMove, Task
from yimen.cases.queries.modes import at_departments
from yimen.cases.queries.people import recused_cases
from yimen.catalog.models import FlowStep
from yimen.people import access
from yimen.people.models import Staff

_REVIEWS = (FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT)


def open_tasks(staff: Staff) -> QuerySet[Task]:
    """
    Return the tasks waiting for what `staff` may do, the most urgent first: reviews, visits and expert steps at the
    departments where he may review, decisions on the cases of those where he may decide, and cases of other regions
    handed to those departments (HALL-17). Making and delivering are done at the window and wait in no list; nor does
    what cannot be done while the case is with another unit; and he gets none of a case from which he stood aside.
    Cases that were granted priority come before the others (HALL-10).
    """
    here = _here(staff)
    # Asked for by id: one condition over both regions could use no index.
    if guests := list(
        CaseMove.objects.filter(at_departments(staff, "cases.review", "receiver"), closed_at=None)
        .exclude(region_id=staff.region_id)
        .values_list("task_id", flat=True)
    ):
        here |= Q(pk__in=guests)
    moves = CaseMove.objects.filter(case=OuterRef("case"), closed_at=None)
    later = moves.filter(sent_at__gt=OuterRef("opened_at"))
    return (
        Task.objects.filter(here, done_at=None, case__status=Case.Status.ACCEPTED)
        .filter(Q(step_key__startswith=CaseMove.STEP) & ~Exists(later) | ~Exists(moves))
        .select_related("case", "case__version", "case__applicant", "department")
        .exclude(case__in=recused_cases(staff))
        .order_by("-case__is_urgent", "due_on", "opened_at")
    )


def _here(staff: Staff) -> Q:
    """His steps in his own region: reviews at his departments, decisions on their cases."""
    reviews, decides = _departments(staff, "cases.review"), _departments(staff, "cases.decide")
    review, decide = Q(kind__in=_REVIEWS), Q(kind=FlowStep.Kind.DECIDE)
    if None in reviews or None in decides:
        mine = review if None in reviews else review & Q(department__in=reviews)
        mine |= decide if None in decides else decide & Q(case__department__in=decides)
        return Q(region_id=staff.region_id) & mine
    # One looks for the step's department and one for the case's: each has its index, one condition over both has none.
    tasks = Task.objects.filter(region_id=staff.region_id, done_at=None).order_by().values("pk")
    cases = Case.objects.filter(region_id=staff.region_id, status=Case.Status.ACCEPTED, department__in=decides)
    of_cases = tasks.filter(decide, case__in=cases.order_by().values("pk"))
    return Q(pk__in=tasks.filter(review, department__in=reviews).union(of_cases, all=True))


def _departments(staff: Staff, permission: str) -> set[UUID | None]:
    """Where `staff` holds `permission`; None stands for the whole region."""
    return {grant.department_id for grant in staff.granted if grant.role in access.PERMISSIONS[permission]}
