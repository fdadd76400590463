"""The lists of cases and of steps: what to look for, in which order, kept under a name, and taken away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.cases.models import Case, Notice, SavedFilter, Task
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7
from yimen.lib.reading import Given, Question, any_of
from yimen.people import access
from yimen.people.models import Applicant, Staff

WEEK = timedelta(days=7)
# An export is for a spreadsheet; whoever needs more takes the report.
MOST_EXPORTED = 5000
MOST_FILTERS, MOST_PRINTED = 30, 100
# What a kept list may hold: never what was typed to find somebody (SEC-19).
KEPT = {
    SavedFilter.Place.CASES: ("status", "type", "due", "department"),
    SavedFilter.Place.TASKS: ("whose", "due", "department", "kind"),
}
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


# What a line of a list shows of a case and those around it; whole rows are wide.
LINE = (
    *("region", "query_no", "case_type", "status", "received_at", "accepted_at", "due_on"),
    *("version__name", "department__name", "applicant__kind", "applicant__name"),
)


def page_of(some: QuerySet[Case]) -> list[Case]:
    """Return a slice of a list with what LINE names, two statements; only the keys are looked for and sorted."""
    keys = list(some.values_list("pk", flat=True))
    found = {case.pk: case for case in _LINES.ask(keys=keys)}
    return [found[key] for key in keys]


_LINES = Question(
    lambda: (
        Case.objects.filter(any_of("pk", Given("keys")))
        .select_related("version", "department", "applicant")
        .only(*LINE)
    )
)


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


@transaction.atomic
def export_tasks(staff: Staff, steps: QuerySet[Task], filters: Mapping[str, Any], *, at: datetime) -> list[Task]:
    """Return the steps of a list to take away, at most MOST_EXPORTED; who took how many is in the ledger."""
    access.require(staff, "cases.view")
    found = list(steps[:MOST_EXPORTED])
    data = {"filter": {name: str(value) for name, value in filters.items() if value}, "count": len(found)}
    ledger.record(f"export:{uuid7()}", "case.tasks_exported", region=staff.region_id, by=staff, at=at, data=data)
    return found


class NothingToPrint(DomainError):
    """None of the chosen cases has such a document, or too many were chosen."""


@transaction.atomic
def notices_to_print(staff: Staff, cases: Iterable[UUID], kind: str, *, at: datetime) -> list[Notice]:
    """
    Return the latest document of `kind` of each of these cases he may see, in the order of their numbers.

    At most MOST_PRINTED cases; who printed how many is in the ledger. Raises NothingToPrint.
    """
    access.require(staff, "cases.view")
    chosen = set(cases)
    if len(chosen) > MOST_PRINTED:
        raise NothingToPrint(_("一次最多打印 %(n)s 件，请少选一些。") % {"n": MOST_PRINTED})
    seen = queries.visible_to(staff).filter(pk__in=chosen)
    notices = Notice.objects.filter(case__in=seen, kind=kind).select_related("case")
    found = list(notices.order_by("case__query_no", "-issued_at").distinct("case__query_no"))
    if not found:
        raise NothingToPrint(_("选中的件里没有这种文书。请选有这种文书的件，或者换一种文书。"))
    data = {"kind": kind, "count": len(found)}
    ledger.record(f"export:{uuid7()}", "case.notices_printed", region=staff.region_id, by=staff, at=at, data=data)
    return found


class BadFilter(DomainError):
    """A list cannot be kept so: no name, nothing chosen, or one too many."""


@transaction.atomic
def save_filter(
    place: str, name: str, values: Mapping[str, str], *, is_shared: bool, by: Staff, at: datetime
) -> SavedFilter:
    """
    Keep a list under a name; the same name again replaces it. is_shared: his unit sees it too.

    Only what KEPT names is kept, so no applicant's name or number. Raises BadFilter.
    """
    name = name.strip()
    if place not in KEPT or not name:
        raise BadFilter(_("请给这个列表起个名字。"))
    chosen = {key: str(values[key])[:60] for key in KEPT[SavedFilter.Place(place)] if values.get(key)}
    if not chosen:
        raise BadFilter(_("还没有选条件。先选好条件，再存下来。"))
    mine = SavedFilter.objects.filter(staff=by, place=place)
    if mine.exclude(name=name).count() >= MOST_FILTERS:
        raise BadFilter(_("最多存 %(n)s 个列表，请先删掉不用的。") % {"n": MOST_FILTERS})
    found, _made = SavedFilter.objects.update_or_create(
        staff=by,
        place=place,
        name=name[:40],
        defaults={"region_id": by.region_id, "values": chosen, "is_shared": is_shared},
    )
    data = {"place": place, "values": chosen, "is_shared": is_shared}
    ledger.record(f"filter:{found.pk}", "case.filter_kept", region=by.region_id, by=by, at=at, data=data)
    return found


@transaction.atomic
def drop_filter(pk: UUID, *, by: Staff, at: datetime) -> None:
    """Forget a list of his own. Raises SavedFilter.DoesNotExist for another's."""
    found = SavedFilter.objects.select_for_update().get(pk=pk, staff=by)
    ledger.record(f"filter:{found.pk}", "case.filter_dropped", region=by.region_id, by=by, at=at, data={})
    found.delete()
