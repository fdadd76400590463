"""The steps that wait for somebody."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from yimen.cases.models import Case, Task
from yimen.catalog.models import FlowStep
from yimen.people import access
from yimen.people.models import Staff

_REVIEWS = (FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT)


def open_tasks(staff: Staff) -> QuerySet[Task]:
    """
    Return the tasks waiting for what `staff` may do, the most urgent first: reviews, visits and expert steps at the
    departments where he may review, decisions on the cases of those where he may decide. Making and delivering are
    done at the window and wait in no list.
    """
    tasks = Task.objects.filter(region_id=staff.region_id, done_at=None, case__status=Case.Status.ACCEPTED)
    mine = _at(staff, "cases.review", "department") & Q(kind__in=_REVIEWS)
    mine |= _at(staff, "cases.decide", "case__department") & Q(kind=FlowStep.Kind.DECIDE)
    return (
        tasks.filter(mine)
        .select_related("case", "case__version", "case__applicant", "department")
        .order_by("due_on", "opened_at")
    )


def _at(staff: Staff, permission: str, column: str) -> Q:
    """The rows whose department in `column` is one where `staff` holds `permission`."""
    departments = {grant.department_id for grant in staff.granted if grant.role in access.PERMISSIONS[permission]}
    return Q() if None in departments else Q(**{f"{column}__in": departments})
