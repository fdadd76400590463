"""Site visits as they are listed, opened and counted; hearings for those who handle them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Count, Prefetch, Q, QuerySet
from django.db.models.functions import TruncMonth

from yimen.cases.models import Case, InterestedParty, SiteVisit, Task, VisitAnswer
from yimen.catalog.queries import dictionaries
from yimen.lib import crypto, mask
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import access
from yimen.people.models import Role, Staff

CONTACT = "visit.contact"
PARTY_NAME, PARTY_PHONE = "party.name", "party.phone"
FAILURES = "visit_failure"
# Accounts in whose name a department's system acts: nobody ever logged in with them, and no password opens them.
MACHINES = Q(user__must_change_password=True) & Q(user__password__startswith=UNUSABLE_PASSWORD_PREFIX)


def is_machine(person: Staff) -> bool:
    """Tell whether an account is a system's (MACHINES): it goes nowhere and presides over nothing."""
    return person.user.must_change_password and not person.user.has_usable_password()


def visits_for(staff: Staff) -> QuerySet[SiteVisit]:
    """Return the visits of running cases at the departments where `staff` may review, with all a list shows."""
    roles = access.PERMISSIONS["cases.review"]
    departments = {grant.department_id for grant in staff.granted if grant.role in roles}
    visits = SiteVisit.objects.filter(region_id=staff.region_id, case__status=Case.Status.ACCEPTED)
    if not departments or not staff.user.is_active:
        return visits.none()
    if None not in departments:
        visits = visits.filter(task__department__in=departments)
    return visits.select_related("case__version", "case__applicant", "task__department").prefetch_related("surveyors")


def to_call(staff: Staff) -> QuerySet[SiteVisit]:
    """Return the visits whose applicant waits for a call, the most urgent first (S2-6, S2-7)."""
    return visits_for(staff).filter(status=SiteVisit.Status.TO_CALL).order_by("call_by", "pk")


def agreed(staff: Staff) -> QuerySet[SiteVisit]:
    """Return the visits agreed and not made, in the order of their time."""
    return visits_for(staff).filter(status=SiteVisit.Status.AGREED).order_by("planned_for", "pk")


def get_visit_for(staff: Staff, pk: UUID) -> SiteVisit | None:
    """
    Return a visit whatever its state, None alike when there is none and when it is not his to see.

    Who decides sees it like who reviews: the decision rests on what was found.
    """
    roles = access.PERMISSIONS["cases.review"] | access.PERMISSIONS["cases.decide"]
    departments = {grant.department_id for grant in staff.granted if grant.role in roles}
    visit = (
        SiteVisit.objects.filter(region_id=staff.region_id, pk=pk)
        .select_related(
            *("case__version", "case__applicant", "case__department", "case__item", "task__department"),
            *("notice", "record", "called_by"),
        )
        .prefetch_related("surveyors", Prefetch("answers", VisitAnswer.objects.prefetch_related("photos")))
        .first()
    )
    if visit is None or not staff.user.is_active:
        return None
    return visit if None in departments or visit.task.department_id in departments else None


def contact_of(visit: SiteVisit) -> dict[str, str]:
    """Return whom to ask for and his telephone, in clear: for those who go, never for a list."""
    if visit.contact_sealed is None:
        return {"contact": "", "phone": ""}
    found: dict[str, str] = json.loads(crypto.open_sealed(bytes(visit.contact_sealed), CONTACT))
    return found


def surveyors_for(task: Task) -> QuerySet[Staff]:
    """Return the people who may go on a visit of this task (LAW-15): of its department or the region, not recused."""
    going = Q(grants__role__in=[Role.SURVEYOR, Role.APPROVER], grants__ended_at=None)
    there = Q(grants__department=None) | Q(grants__department=task.department_id)
    return (
        Staff.objects.filter(going & there, region_id=task.department.region_id, user__is_active=True)
        .exclude(MACHINES)
        .exclude(pk__in=task.case.recusals.filter(is_granted=True).values("staff"))
        .select_related("department")
        .distinct()
        .order_by("number")
    )


@dataclass(frozen=True)
class Party:
    """An interested party as staff sees him: the name masked."""

    pk: UUID
    name: str
    interest: str
    told_at: datetime | None
    statement: str
    stated_at: datetime | None


def parties_of(case: Case) -> list[Party]:
    return [
        Party(
            row.pk,
            mask.name(crypto.open_sealed(bytes(row.name_sealed), PARTY_NAME)),
            row.interest,
            row.told_at,
            row.statement,
            row.stated_at,
        )
        for row in InterestedParty.objects.filter(case=case).order_by("pk")
    ]


@dataclass(frozen=True)
class FailureCount:
    """How often one reason failed a point of one item's visits in a month (its first day)."""

    month: date
    item: UUID
    name: str
    department: str
    failure: str
    label: str
    count: int


@dataclass(frozen=True)
class VisitCount:
    """Visits made in the period, and how many of them failed."""

    made: int
    failed: int
    missed: int

    @property
    def percent_failed(self) -> int:
        return round(100 * self.failed / self.made) if self.made else 0


def visit_failures(
    region: str, start: date, end: date, *, departments: Sequence[Any] | None = None
) -> list[FailureCount]:
    """
    Return why visits failed from `start` through `end` (local days), by month, item and reason, most often first
    (S4-10). One statement and one for the words. departments: only theirs; None for all.
    """
    answers = VisitAnswer.objects.filter(
        _within("visit__done_at", start, end),
        region_id=region,
        finding=VisitAnswer.Finding.FAILED,
        visit__status=SiteVisit.Status.DONE,
    )
    if departments is not None:
        answers = answers.filter(visit__case__department__in=departments)
    rows = (
        answers.annotate(month=TruncMonth("visit__done_at", tzinfo=LOCAL_ZONE))
        .values_list(
            "month", "visit__case__item", "visit__case__version__name", "visit__case__department__name", "failure"
        )
        .annotate(count=Count("pk"))
        .order_by("-count", "month", "visit__case__version__name", "failure")
    )
    labels = {term.key: term.label for term in dictionaries.terms(FAILURES, end)}
    return [
        FailureCount(month.date(), item, name, department, failure, labels.get(failure, failure), count)
        for month, item, name, department, failure, count in rows
    ]


def visit_count(region: str, start: date, end: date, *, departments: Sequence[Any] | None = None) -> VisitCount:
    """Return how many visits were made from `start` through `end`, how many failed, how many met nobody."""
    visits = SiteVisit.objects.filter(region_id=region)
    if departments is not None:
        visits = visits.filter(case__department__in=departments)
    done = _within("done_at", start, end) & Q(status=SiteVisit.Status.DONE)
    found = visits.aggregate(
        made=Count("pk", filter=done),
        failed=Count("pk", filter=done & Q(result=SiteVisit.Result.FAILED)),
        missed=Count("pk", filter=_within("planned_for", start, end) & Q(status=SiteVisit.Status.MISSED)),
    )
    return VisitCount(**found)


def _within(column: str, start: date, end: date) -> Q:
    begin, until = (datetime.combine(day, time(), LOCAL_ZONE) for day in (start, end + timedelta(days=1)))
    return Q(**{f"{column}__gte": begin, f"{column}__lt": until})
