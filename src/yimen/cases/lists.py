"""The list of cases: what to look for, in which order, and its export."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from yimen.cases import queries
from yimen.cases.models import Case
from yimen.ledger import actions as ledger
from yimen.lib.ids import uuid7
from yimen.people import access
from yimen.people.models import Applicant, Staff

WEEK = timedelta(days=7)
# An export is for a spreadsheet; whoever needs more takes the report.
MOST_EXPORTED = 5000
# Names are masked in the list: one character would leaf through everybody.
LEAST_NAME = 2
_NUMBER = re.compile(r"[A-Z]{1,4}-?\d{6}-?\d{5}")
_BEGINNING = re.compile(r"[A-Z]{1,4}-[\d-]*")
_CASE_NO = re.compile(r"[0-9A-Z]{20,50}")


@dataclass(frozen=True)
class Wanted:
    """
    What a list is narrowed to; an empty field does not narrow.

    text: a query number or case number, the beginning of a query number, or the beginning of the applicant's name,
    of at least LEAST_NAME characters (a shorter one finds nothing).
    due: "overdue", "today" or "week" (the next seven days), of cases that are still running.
    """

    text: str = ""
    status: str = ""
    type: str = ""
    due: str = ""
    department: UUID | None = None


def find(staff: Staff, wanted: Wanted, *, today: date) -> QuerySet[Case]:
    """Return the cases `staff` may see, the latest first; with a due filter, the most urgent first."""
    cases = queries.visible_to(staff)
    if wanted.department:
        cases = cases.filter(department_id=wanted.department)
    if wanted.status:
        cases = cases.filter(status=wanted.status)
    if wanted.type:
        cases = cases.filter(case_type=wanted.type)
    cases = _named(cases, wanted.text.strip(), staff.region_id)
    order = ["-received_at", "-pk"]
    if wanted.due:
        running = cases.filter(status=Case.Status.ACCEPTED)
        match wanted.due:
            case "overdue":
                cases = running.filter(due_on__lt=today)
            case "today":
                cases = running.filter(due_on=today)
            case _:
                cases = running.filter(due_on__range=(today, today + WEEK))
        order = ["due_on", "pk"]
    return cases.order_by(*order)


def is_number(text: str) -> bool:
    """Tell whether what is looked for is a number of a case or its beginning, so not a name."""
    number = _tidy(text)
    return any(pattern.fullmatch(number) for pattern in (_NUMBER, _BEGINNING, _CASE_NO))


def _tidy(text: str) -> str:
    return re.sub(r"[\s－—]", "", text).upper()


def _named(cases: QuerySet[Case], text: str, region: str) -> QuerySet[Case]:
    if not text:
        return cases
    number = _tidy(text)
    if _NUMBER.fullmatch(number):
        plain = number.replace("-", "")
        return cases.filter(query_no=f"{plain[:-11]}-{plain[-11:-5]}-{plain[-5:]}")
    if _BEGINNING.fullmatch(number):
        # A range instead of LIKE: the unique index answers it whatever the collation.
        return cases.filter(query_no__gte=number, query_no__lt=number + "~")
    if _CASE_NO.fullmatch(number):
        return cases.filter(case_no=number)
    if len(text) < LEAST_NAME:
        return cases.none()
    applicants = Applicant.objects.filter(region_id=region, name__startswith=text)
    return cases.filter(applicant__in=applicants)


@transaction.atomic
def export(staff: Staff, wanted: Wanted, *, today: date, at: datetime) -> list[Case]:
    """
    Return the cases of a list to take away, at most MOST_EXPORTED; who took how many by which filter is in the ledger.

    The row says that a name or number was looked for, not which.
    """
    access.require(staff, "cases.view")
    found = list(find(staff, wanted, today=today).select_related("version", "department")[:MOST_EXPORTED])
    filters: dict[str, Any] = {
        "text": bool(wanted.text),
        "status": wanted.status,
        "type": wanted.type,
        "due": wanted.due,
        "department": str(wanted.department) if wanted.department else "",
    }
    ledger.record(
        f"export:{uuid7()}",
        "case.exported",
        region=staff.region_id,
        by=staff,
        at=at,
        data={"filter": {name: value for name, value in filters.items() if value}, "count": len(found)},
    )
    return found
