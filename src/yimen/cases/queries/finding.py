"""One case for those who may see it, and for the citizen who knows its number."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _

from yimen.cases.models import Case, QueryTries, Task, TeamMember
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.reading import Given, Question
from yimen.people import access
from yimen.people.models import Region, Staff


def visible_to(staff: Staff) -> QuerySet[Case]:
    """
    Return the cases `staff` may see: those of the departments of his grants, or of the whole region.

    The system administrator sees none (SEC-33).
    """
    cases = Case.objects.filter(region_id=staff.region_id)
    grants = [grant for grant in staff.granted if grant.role in access.PERMISSIONS["cases.view"]]
    if not grants or not staff.user.is_active:
        return cases.none()
    if any(grant.department_id is None for grant in grants):
        return cases
    return cases.filter(department__in={grant.department_id for grant in grants})


def is_of_his(staff: Staff, case: Case) -> bool:
    """Tell whether a case of his region is of a department for which he may see cases."""
    viewing = access.PERMISSIONS["cases.view"]
    departments = {grant.department_id for grant in staff.granted if grant.role in viewing}
    return staff.user.is_active and (None in departments or case.department_id in departments)


def _known(number: Any) -> QuerySet[Case]:
    # No more tables than its page shows: planning a join of eight took longer than everything else here.
    return Case.objects.filter(query_no=number).select_related("version", "department", "applicant", "received_by")


_OWN = Question(lambda: _known(Given("number")).filter(region_id=Given("region")))


def get_case_for(staff: Staff, number: str) -> Case | None:
    """
    Return the case with this query number; None alike when there is none and when it is not his to see.

    Besides the cases of visible_to(), those that have or had a step at a department of his: joint approval, and cases
    handed on, also from another region (HALL-17); and those a team of his follows.
    """
    if not staff.user.is_active:
        return None
    wanted = number.strip().upper()
    case: Case | None = next(iter(_OWN.ask(number=wanted, region=staff.region_id)), None)
    # Asked about this one case: a list of all he may see would grow with the centre.
    viewing = access.PERMISSIONS["cases.view"]
    departments = {grant.department_id for grant in staff.granted if grant.role in viewing}
    if case is None:
        known = _known(wanted)
        return _handed_here(known, staff, departments) or _taken_in_here(known, staff, departments)
    if None in departments or case.department_id in departments:
        return case
    if departments and case.tasks.filter(department__in=departments).exists():
        return case
    return case if is_in_team(staff, case) else None


def is_in_team(staff: Staff, case: Case) -> bool:
    """Tell whether somebody is in a team that follows the case now (专班, S4-5): he sees it, and has no other right."""
    running = TeamMember.objects.filter(staff=staff, left_at=None, team__ended_at=None, team__cases=case)
    return running.exists()


def _handed_here(known: QuerySet[Case], staff: Staff, departments: set[UUID | None]) -> Case | None:
    """Return the other region's case that has or had a step at one of `departments` (None: any of the region)."""
    steps = Task.objects.filter(case=OuterRef("pk"))
    if None in departments:
        steps = steps.filter(department__region=staff.region_id)
    elif departments:
        steps = steps.filter(department__in=departments)
    else:
        return None
    # Region by region, because that is how case numbers are indexed.
    others = Region.objects.exclude(pk=staff.region_id)
    return known.filter(Exists(steps), region__in=others).first()


def _taken_in_here(known: QuerySet[Case], staff: Staff, departments: set[UUID | None]) -> Case | None:
    """Return the other region's case whose papers were taken in at a hall of his (HALL-17)."""
    if not departments:
        return None
    others = Region.objects.exclude(pk=staff.region_id)
    return known.filter(received_region=staff.region_id, region__in=others).first()


# Wrong guesses from one address in an hour before it has to wait (SEC-53).
MOST_WRONG_TRIES = 20


class TooManyTries(DomainError):
    """Somebody at this address guessed wrong too often in this hour."""


def find_for_citizen(number: str, last_four: str, *, asker: str, at: datetime) -> Case | None:
    """
    Return the case with this number whose applicant's phone ends so; None alike for wrong number and wrong phone.

    asker: the address asked from, stored only as a blind index. Raises TooManyTries.
    """
    key, hour = crypto.blind_index(asker, "query.asker"), at.replace(minute=0, second=0, microsecond=0)
    if not _count_try(key, hour):
        raise TooManyTries(_("试了太多次，请过一小时再查，或者拨 12345，也可以到导办台请人帮您查。"))
    wanted = re.sub(r"[\s\-－—]", "", number).upper()
    case = None
    if re.fullmatch(r"[A-Z]{1,4}\d{11}", wanted) and re.fullmatch(r"\d{4}", last_four.strip()):
        query_no = f"{wanted[:-11]}-{wanted[-11:-5]}-{wanted[-5:]}"
        found = Case.objects.select_related("item", "version", "department", "center", "applicant").filter(
            query_no=query_no
        )
        case = next((each for each in found if each.applicant.phone_ends_with(last_four.strip())), None)
    if case is not None:  # only wrong answers count
        QueryTries.objects.filter(asker=key, hour=hour, count__gt=0).update(count=F("count") - 1)
    return case


def _count_try(key: bytes, hour: datetime) -> bool:
    """Count before looking, in one statement, so that many tries at once are no more than many after each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_querytries AS known (asker, hour, count) VALUES (%s, %s, 1)"
            " ON CONFLICT (asker, hour) DO UPDATE SET count = known.count + 1 WHERE known.count < %s RETURNING count",
            [key, hour, MOST_WRONG_TRIES],
        )
        return cursor.fetchone() is not None


def unguess(asker: str, at: datetime) -> None:
    """Give back the try of an answer that was right after all: only wrong ones count."""
    key, hour = crypto.blind_index(asker, "query.asker"), at.replace(minute=0, second=0, microsecond=0)
    QueryTries.objects.filter(asker=key, hour=hour, count__gt=0).update(count=F("count") - 1)


def forget_tries(*, at: datetime) -> int:
    """Delete the wrong guesses of more than a day ago; return how many rows."""
    return QueryTries.objects.filter(hour__lt=at - timedelta(days=1)).delete()[0]
