"""Reads for those who may see figures: the ledger report and the open cases behind it, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet

from yimen.cases import queries as cases
from yimen.cases import rules as case_rules
from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.insight.ledger_report import Report, ledger_report
from yimen.ledger.models import Event
from yimen.lib.dates import begin_of
from yimen.lib.workdays import Calendar
from yimen.people import access
from yimen.people.models import Staff

PAGE = 20


def departments_of(by: Staff) -> list[UUID] | None:
    """
    Return the departments whose figures `by` may see, None for the whole region.

    Raises access.NotAllowed for whoever may see none.
    """
    access.require(by, "insight.view")
    grants = [grant for grant in by.granted if grant.role in access.PERMISSIONS["insight.view"]]
    if any(grant.department_id is None for grant in grants):
        return None
    return sorted({grant.department_id for grant in grants if grant.department_id})


def report_for(by: Staff, start: date, end: date, *, today: date, group: str = "case_type") -> Report:
    """Return the ledger report of what `by` may see. Raises access.NotAllowed, ledger_report.BadPeriod."""
    return ledger_report(by.region_id, start, end, today=today, by=group, departments=departments_of(by))


@dataclass(frozen=True)
class OpenCase:
    """
    A case accepted and not finished on the day asked for. No applicant's name: figures need none.

    days_left: working days after that day through due_on; days_over: working days past it. clock: for the strip,
    None where the case has no clock of its own.
    """

    number: str
    item: str
    department: str
    case_type: str
    accepted_on: date
    due_on: date
    days_left: int
    days_over: int
    is_provisional: bool
    clock: case_rules.ClockView | None = None

    @property
    def is_over(self) -> bool:
        return self.days_over > 0


def _open_at(region: str, as_of: date, departments: Sequence[Any] | None) -> QuerySet[Case]:
    moment = begin_of(as_of + timedelta(days=1))
    withdrawn_later = Event.objects.filter(region=region, kind="case.withdrawn", at__gte=moment).values_list(
        "stream", flat=True
    )
    before = Case.objects.filter(region_id=region, accepted_at__lt=moment).order_by().values("pk")
    # Each part has its index; one OR over all of them would read the whole table.
    ids = before.filter(status=Case.Status.ACCEPTED).union(
        before.filter(completed_at__gte=moment),
        before.filter(pk__in=[stream.removeprefix("case:") for stream in withdrawn_later]),
    )
    cases = Case.objects.filter(pk__in=ids)
    if departments is not None:
        cases = cases.filter(department__in=departments)
    return cases.annotate(item_name=F("version__name"), department_name=F("department__name")).order_by(
        "due_on", "accepted_at", "query_no"
    )


def open_cases(
    region: str,
    as_of: date,
    *,
    departments: Sequence[Any] | None = None,
    page: int = 1,
    per_page: int = PAGE,
    with_clock: bool = False,
) -> Page[OpenCase]:
    """
    Return the cases open at the end of `as_of` one by one, the most urgent first, in a constant number of statements.

    page: a number out of range gives the nearest page. with_clock: also each one's days, for its strip.
    """
    found: Page[Any] = Paginator(_open_at(region, as_of, departments), per_page).get_page(page)
    calendar = catalog.work_calendar()
    rows = list(found.object_list)
    clocks = cases.promised_views(rows, today=as_of) if with_clock else {}
    found.object_list = [_open_case(case, as_of, calendar, clocks.get(case.pk)) for case in rows]
    return found


def all_open_cases(
    region: str, as_of: date, *, departments: Sequence[Any] | None = None, most: int | None = None
) -> list[OpenCase]:
    """Return the cases open at the end of `as_of`, the most urgent first, at most `most`, without clocks."""
    calendar = catalog.work_calendar()
    return [_open_case(case, as_of, calendar, None) for case in _open_at(region, as_of, departments)[:most]]


def open_cases_for(by: Staff, as_of: date, *, page: int = 1) -> Page[OpenCase]:
    """Return a page of the open cases `by` may see, with their clocks."""
    return open_cases(by.region_id, as_of, departments=departments_of(by), page=page, with_clock=True)


def _open_case(case: Any, as_of: date, calendar: Calendar, clock: case_rules.ClockView | None) -> OpenCase:
    accepted_on = case.accepted_at.astimezone(begin_of(as_of).tzinfo).date()
    return OpenCase(
        number=case.query_no,
        item=case.item_name,
        department=case.department_name,
        case_type=case.get_case_type_display(),
        accepted_on=accepted_on,
        due_on=case.due_on,
        days_left=calendar.count(as_of, case.due_on),
        days_over=calendar.count(case.due_on, as_of),
        is_provisional=case.due_is_provisional,
        clock=clock,
    )
