"""What every importer shares: its report, the departments it needs, its rows of the ledger."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

from django.db import connection, models

from yimen.ledger.actions import Actor
from yimen.ledger.bulk import NewEvent, record_many
from yimen.lib.ids import uuid7
from yimen.lib.tables import Unreadable
from yimen.people.models import Department

__all__ = [
    "AT_ONCE",
    "LeftOut",
    "Listed",
    "Organ",
    "Report",
    "Unreadable",
    "blank",
    "copy_in",
    "departments",
    "event",
    "masked",
]

AT_ONCE = 500
# The server stores one part while the next is made.
IN_FLIGHT = 200
# Of a list with everything wrong, so many are kept to be shown; all are counted.
MOST_KEPT = 10_000


@dataclass(frozen=True)
class LeftOut:
    """A field that was not taken, or a whole row when `field` is empty."""

    row: int
    code: str
    field: str
    value: str
    reason: str


@dataclass(frozen=True)
class Listed:
    """An item of the file and what becomes of it: "new", "changed", "draft" (a change that waits for review)."""

    row: int
    code: str
    name: str
    what: str


@dataclass
class Report:
    """What an import did, or would do; rows count from 1 as a spreadsheet shows them."""

    rows: int = 0
    taken: int = 0
    changed: int = 0
    drafted: int = 0
    unchanged: int = 0
    merged: int = 0
    refused: int = 0
    published: int = 0
    materials: int = 0
    without_materials: int = 0
    written: bool = True
    left_out: list[LeftOut] = field(default_factory=list)
    left_out_count: int = 0
    listed: list[Listed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)
    source: str = ""
    region: str = ""

    def refuse(self, row: int, code: str, reason: str) -> None:
        self.refused += 1
        self.left(LeftOut(row, code, "", "", reason))

    def left(self, left: LeftOut) -> None:
        self.left_out_count += 1
        if len(self.left_out) < MOST_KEPT:
            self.left_out.append(left)

    def list(self, row: int, code: str, name: str, what: str) -> None:
        if len(self.listed) < MOST_KEPT:
            self.listed.append(Listed(row, code, name, what))


def masked(value: Any) -> str:
    """Return a cell as a report shows it: short, and no run of digits that could be somebody's number."""
    text = value if isinstance(value, str) else str(value)
    return re.sub(r"\d{7,}[\dXx]?", lambda run: run[0][:2] + "*" * (len(run[0]) - 4) + run[0][-2:], text)[:80]


def event(region: str, stream: str, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> NewEvent:
    return NewEvent(region, stream, kind, by.ledger_ref, by.role_name, at, data)


@dataclass(frozen=True)
class Organ:
    """An implementing organ as a list names it; code or name may be empty, not both."""

    region: str
    code: str
    name: str
    credit_code: str = ""

    @property
    def place(self) -> tuple[str, str]:
        return self.region, self.code or self.name


def departments(organs: Sequence[Organ], by: Actor, at: datetime) -> dict[tuple[str, str], Department]:
    """Return each organ's department by Organ.place, found by code, credit code or name, else made."""
    by_any = known_departments({organ.region for organ in organs})
    found: dict[tuple[str, str], Department] = {}
    new: list[Department] = []
    for organ in organs:
        if organ.place in found:
            continue
        match = match_of(organ, by_any)
        row = match or Department(
            id=uuid7(),
            region_id=organ.region,
            code=organ.code or f"organ-{hashlib.sha256(organ.name.encode()).hexdigest()[:12]}",
            name=organ.name,
            uscc=organ.credit_code,
        )
        if match is None:
            new.append(row)
            for word in filter(None, (row.name, row.uscc, row.code)):
                by_any.setdefault((row.region_id, word), row)
        found[organ.place] = row
    Department.objects.bulk_create(new, batch_size=AT_ONCE)
    record_many(
        event(row.region_id, f"department:{row.pk}", "people.department_added", by, at, {"code": row.code})
        for row in new
    )
    return found


def known_departments(regions: Iterable[str]) -> dict[tuple[str, str], Department]:
    """Return the departments of the regions by (region, name), (region, code) and (region, credit code)."""
    return {
        (row.region_id, word): row
        for row in Department.objects.filter(region_id__in=regions)
        for word in filter(None, (row.name, row.uscc, row.code))
    }


def match_of(organ: Organ, known: dict[tuple[str, str], Department]) -> Department | None:
    words = filter(None, (organ.code, organ.credit_code, organ.name))
    return next((known[organ.region, word] for word in words if (organ.region, word) in known), None)


Row = dict[str, Any]
# No column can hold NUL, so it marks what must not be escaped: the ends of fields and lines, and null.
_FIELD, _LINE, _NULL = "\0t", "\0n", "\0N"


@cache
def blank(model: type[models.Model]) -> Row:
    """Return a row of the model's defaults, by column; the key is None."""
    columns = [field for field in model._meta.concrete_fields if not field.generated]
    return {str(each.column): None if each.primary_key else each.get_default() for each in columns}


@cache
def _blank_texts(model: type[models.Model]) -> dict[str, str]:
    return {column: _text(value) for column, value in blank(model).items()}


def copy_in(model: type[models.Model], rows: Sequence[Row]) -> None:
    """
    Write new rows with COPY; nothing is checked but by the database. A row names the columns that are not as in
    blank(): a model instance each would take most of the time.
    """
    if not rows:
        return
    blanks, json_columns = _blank_texts(model), _json_columns(model)
    said = {column: blanks[column] for column in dict.fromkeys(chain.from_iterable(rows))}
    rest = [column for column in blanks if column not in said]
    # What no row says stands the same at the end of each.
    tail = "".join(_FIELD + blanks[column] for column in rest) + _LINE
    packed = json_columns.intersection(said)
    names = ", ".join(connection.ops.quote_name(column) for column in (*said, *rest))
    table = connection.ops.quote_name(model._meta.db_table)
    # Django puts its own names to the errors of execute() only.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
    ):
        for start in range(0, len(rows), IN_FLIGHT):
            lines = []
            for row in rows[start : start + IN_FLIGHT]:
                whole = said | row
                for column in packed:
                    if column in row:
                        whole[column] = _json(row[column])
                lines.append(_FIELD.join([text if type(text) is str else _text(text) for text in whole.values()]))
            lines.append("")
            copy.write(_escaped(tail.join(lines)))


def _escaped(block: str) -> str:
    """Escape many lines at once, which is ten times quicker than each field."""
    for sign, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        block = block.replace(sign, code)
    return block.replace(_FIELD, "\t").replace(_LINE, "\n").replace(_NULL, "\\N")


@cache
def _json_columns(model: type[models.Model]) -> frozenset[str]:
    return frozenset(str(each.column) for each in model._meta.concrete_fields if isinstance(each, models.JSONField))


_json = json.JSONEncoder(ensure_ascii=False).encode


def _text(value: Any) -> str:
    """A value as COPY reads it, before signs are escaped."""
    return _WRITTEN.get(type(value), str)(value)


def _array(texts: list[str]) -> str:
    if not texts:
        return "{}"
    together = '","'.join(texts)
    if "\\" not in together and together.count('"') == 2 * (len(texts) - 1):
        return f'{{"{together}"}}'
    return "{" + ",".join([_quoted(one) for one in texts]) + "}"


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


_WRITTEN: Mapping[type, Callable[[Any], str]] = {type(None): lambda _none: _NULL, list: _array, dict: _json}
