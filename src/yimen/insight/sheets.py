"""The report as a table on a terminal, as CSV for a spreadsheet, as JSON for a program: the same figures."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from yimen.insight.ledger_report import COUNTS, Report, Row
from yimen.insight.queries import OpenCase
from yimen.insight.rules import percent_text
from yimen.lib.sheet import safe_cell


def heads(by: str) -> dict[str, str]:
    """The columns in order, with their units: figure → words."""
    first = {"case_type": _("办件类型"), "department": _("部门"), "month": _("月份"), "item": _("事项")}[by]
    return {
        "label": first,
        "received": _("收件（件）"),
        "accepted": _("受理（件）"),
        "declined": _("不予受理（件）"),
        "cohort_finished": _("本期受理中已办结（件）"),
        "finish_rate": _("办结率（本期受理）"),
        "finished": _("本期办结（件）"),
        "on_time": _("其中按时（件）"),
        "on_time_rate": _("按时办结率"),
        "carried_in": _("期初在办（件）"),
        "withdrawn": _("撤回（件）"),
        "open": _("期末在办（件）"),
        "open_overdue": _("其中超期（件）"),
    }


def _open_heads() -> list[str]:
    return [
        _("编号"),
        _("事项"),
        _("部门"),
        _("类型"),
        _("受理日"),
        _("到期日"),
        _("还剩（工作日）"),
        _("超期（工作日）"),
    ]


def _open_cells(case: OpenCase) -> list[str]:
    due_on = _("%(day)s（暂定）") % {"day": case.due_on} if case.is_provisional else str(case.due_on)
    left, over = ("", str(case.days_over)) if case.is_over else (str(case.days_left), "")
    return [case.number, case.item, case.department, case.case_type, str(case.accepted_on), due_on, left, over]


def as_table(report: Report, open_cases: Sequence[OpenCase] | None = None) -> str:
    """Aligned for a terminal, where a Chinese character is two columns wide. open_cases: listed below when given."""
    if report.is_empty:
        return _("%(start)s 到 %(end)s 没有办件。\n") % {"start": report.start, "end": report.end}
    columns = heads(report.by)
    lines = [list(columns.values())]
    for row in (*report.rows, report.total):
        lines.append([_shown(row, name) for name in columns])
    text = _("%(start)s 到 %(end)s，超期按 %(as_of)s 判断\n\n") % {
        "start": report.start,
        "end": report.end,
        "as_of": report.as_of,
    }
    text += aligned(lines, left={0})
    if open_cases is not None:
        text += "\n" + _("期末在办 %(n)s 件：\n") % {"n": len(open_cases)}
        if open_cases:
            text += "\n" + aligned([_open_heads(), *(_open_cells(case) for case in open_cases)], left=set(range(6)))
    return text


def as_csv(report: Report, open_cases: Sequence[OpenCase] | None = None) -> str:
    """Rates as numbers in percent, empty where there is nothing to divide by; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    columns = heads(report.by)
    writer.writerow([f"{words}（%）" if name.endswith("_rate") else words for name, words in columns.items()])
    for row in (*report.rows, report.total):
        values = (getattr(row, name) for name in columns)
        writer.writerow(["" if value is None else safe_cell(str(value)) for value in values])
    if open_cases is not None:
        writer.writerow([])
        writer.writerow(_open_heads())
        for case in open_cases:
            writer.writerow([safe_cell(cell) for cell in _open_cells(case)])
    return text.getvalue()


def as_json(report: Report, open_cases: Sequence[OpenCase] | None = None) -> str:
    """Counts as numbers; rates as text in percent, exact to two decimals, null where there is nothing to divide by."""
    told: dict[str, Any] = {
        "region": report.region,
        "from": report.start.isoformat(),
        "to": report.end.isoformat(),
        "as_of": report.as_of.isoformat(),
        "by": report.by,
        "rows": [_plain(row) for row in report.rows],
        "total": _plain(report.total),
    }
    if open_cases is not None:
        told["open"] = [
            {
                "number": case.number,
                "item": case.item,
                "department": case.department,
                "case_type": case.case_type,
                "accepted_on": case.accepted_on.isoformat(),
                "due_on": case.due_on.isoformat(),
                "provisional": case.is_provisional,
                "days_left": case.days_left,
                "days_over": case.days_over,
            }
            for case in open_cases
        ]
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _plain(row: Row) -> dict[str, Any]:
    rates = {name: getattr(row, name) for name in ("finish_rate", "on_time_rate")}
    return (
        {"key": row.key, "label": row.label}
        | {name: getattr(row, name) for name in COUNTS}
        | {name: None if rate is None else str(rate) for name, rate in rates.items()}
    )


def _shown(row: Row, name: str) -> str:
    value = getattr(row, name)
    if name.endswith("_rate"):
        return percent_text(value)
    return value if isinstance(value, str) else f"{value:,}"


def width(text: str) -> int:
    """Columns the text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else not unicodedata.combining(each) for each in text)


def aligned(lines: Sequence[Sequence[str]], *, left: set[int]) -> str:
    widths = [max(width(line[place]) for line in lines) for place in range(len(lines[0]))]
    text = ""
    for line in lines:
        cells = []
        for place, cell in enumerate(line):
            gap = " " * (widths[place] - width(cell))
            cells.append(cell + gap if place in left else gap + cell)
        text += "  ".join(cells).rstrip() + "\n"
    return text
