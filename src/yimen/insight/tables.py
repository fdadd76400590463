"""A figure as a table on a terminal, as CSV for a spreadsheet, as JSON for a program: the same values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from yimen.insight.sheets import aligned
from yimen.lib.sheet import safe_cell

Value = str | int | Decimal | date | None


@dataclass(frozen=True)
class Table:
    """
    columns: key → words with their unit, in order; rows: values by key. Rates are percent, empty where there is none.

    total: the last line, by the same keys; facts: figures about the whole, for JSON and above the table on a terminal.
    """

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Value]] = field(repr=False)
    total: Mapping[str, Value] | None = None
    facts: Mapping[str, tuple[str, Value]] = field(default_factory=dict)


def as_table(table: Table) -> str:
    """Aligned for a terminal, where a Chinese character is two columns wide."""
    text = "".join(f"{words}：{_cell(value) or '—'}\n" for words, value in table.facts.values())
    lines = [list(table.columns.values())]
    for row in [*table.rows, *([table.total] if table.total else [])]:
        lines.append([_cell(row.get(key)) for key in table.columns])
    left = {place for place, key in enumerate(table.columns) if _is_text(table, key)}
    return text + ("\n" if text else "") + aligned(lines, left=left)


def as_csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([safe_cell(words) for words in table.columns.values()])
    for row in [*table.rows, *([table.total] if table.total else [])]:
        writer.writerow([_number_or_safe(row.get(key)) for key in table.columns])
    return text.getvalue()


def as_json(table: Table) -> str:
    """Counts as numbers, rates and means as text exact to their decimals, null where there is none."""
    told: dict[str, Any] = {key: _plain(value) for key, (_words, value) in table.facts.items()}
    told["rows"] = [{key: _plain(row.get(key)) for key in table.columns} for row in table.rows]
    if table.total is not None:
        told["total"] = {key: _plain(table.total.get(key)) for key in table.columns}
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


WRITERS = {"table": as_table, "csv": as_csv, "json": as_json}


def _is_text(table: Table, key: str) -> bool:
    return any(isinstance(row.get(key), str) for row in table.rows)


def _cell(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _number_or_safe(value: Value) -> str:
    # A negative number is a number, not a formula.
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return "" if value is None else safe_cell(str(value))


def _plain(value: Value) -> Any:
    return value if value is None or isinstance(value, int | str) else str(value)
