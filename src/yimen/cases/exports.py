"""Lists of results to take away; who took what is in the ledger (SEC-46)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.ledger import actions as ledger
from yimen.lib.ids import uuid7
from yimen.lib.sheet import write_csv
from yimen.people import access
from yimen.people.models import Staff


@transaction.atomic
def fees(staff: Staff, *, since: date, until: date, at: datetime) -> str:
    """Return the fees of these months as CSV: a line per month, organ, item, fee and legal basis (S1-60)."""
    access.require(staff, "insight.view")
    lines = queries.fee_lines(staff.region_id, since=since, until=until)
    head = [_("月份"), _("单位"), _("事项"), _("收费项目"), _("收费依据"), _("笔数"), _("实收（元）"), _("退还（元）")]
    rows = [
        [f"{line.month:%Y-%m}", line.department, line.item, line.fee, line.basis, line.count, line.paid, line.refunded]
        for line in lines
    ]
    _note(staff, "fees", len(rows), at, {"since": since.isoformat(), "until": until.isoformat()})
    return "".join(write_csv([head, *rows]))


@transaction.atomic
def publicity(staff: Staff, *, since: date, until: date, at: datetime) -> str:
    """
    Return the licences granted in these days as CSV for 双公示, each with the last day to upload it (LAW-18).

    Persons' names are masked.
    """
    access.require(staff, "insight.view")
    found = queries.to_publish(staff.region_id, since=since, until=until)
    head = [_("决定书文号"), _("许可事项"), _("申请人"), _("许可机关"), _("决定日期"), _("最晚公示日"), _("已上传")]
    rows = [
        [
            notice.number,
            notice.case.version.name,
            notice.case.applicant.masked_name,
            notice.case.department.name,
            localdate(notice.issued_at).isoformat(),
            due_on.isoformat(),
            localdate(notice.publicity.uploaded_at).isoformat() if hasattr(notice, "publicity") else "",
        ]
        for notice, due_on in found
    ]
    _note(staff, "publicity", len(rows), at, {"since": since.isoformat(), "until": until.isoformat()})
    return "".join(write_csv([head, *rows]))


def _note(staff: Staff, what: str, count: int, at: datetime, more: dict[str, Any]) -> None:
    data = {"what": what, "count": count} | more
    ledger.record(f"export:{uuid7()}", "case.exported", region=staff.region_id, by=staff, at=at, data=data)
