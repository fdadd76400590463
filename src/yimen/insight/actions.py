"""Taking figures away: who took which is in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction

from yimen.insight import queries
from yimen.insight.ledger_report import Report
from yimen.insight.queries import OpenCase
from yimen.ledger import actions as ledger
from yimen.lib.ids import uuid7
from yimen.people.models import Staff

# A list is for a spreadsheet; the figures above it count every case.
MOST_EXPORTED = 5000


@transaction.atomic
def export(
    by: Staff, start: date, end: date, *, group: str, today: date, at: datetime
) -> tuple[Report, list[OpenCase], bool]:
    """
    Return the report of what `by` may see, the open cases behind it, and whether those were cut to the MOST_EXPORTED
    most urgent; which and how many goes to the ledger first.

    Raises access.NotAllowed, ledger_report.BadPeriod.
    """
    report = queries.report_for(by, start, end, today=today, group=group)
    departments = queries.departments_of(by)
    listed = queries.all_open_cases(by.region_id, report.as_of, departments=departments, most=MOST_EXPORTED + 1)
    is_cut, listed = len(listed) > MOST_EXPORTED, listed[:MOST_EXPORTED]
    filters = {"start": start.isoformat(), "end": end.isoformat(), "by": group}
    data = {"filter": filters, "rows": len(report.rows), "count": len(listed), "is_cut": is_cut}
    ledger.record(f"export:{uuid7()}", "insight.exported", region=by.region_id, by=by, at=at, data=data)
    return report, listed, is_cut


@transaction.atomic
def note_export(by: Staff, what: str, filters: Mapping[str, str], *, count: int, at: datetime) -> None:
    """Write down that `by` took a table of figures away: which, chosen how, and how many lines."""
    data = {"what": what, "filter": dict(filters), "count": count}
    ledger.record(f"export:{uuid7()}", "insight.exported", region=by.region_id, by=by, at=at, data=data)
