"""
The catalogue for the national upload tables (UPSPEC): directory, basic, extended and material fields, fees, questions.

A column has its national name only where rules.md or the glossary give it; the others carry our Chinese heading and
are marked so (UpColumn.is_known), because a guessed name would be worse than none. Codes come from the dictionaries
of the day (ITEM-13). Source: ITEM-5, ITEM-10 … ITEM-15
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from django.utils.translation import gettext as _

from yimen.catalog import columns, exports
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries.dictionaries import terms_of
from yimen.lib.sheet import safe_cell
from yimen.lib.text import listed

KINDS = (
    *("item_type", "case_type", "level", "organ_nature", "power_source", "service_object", "channel"),
    *("universal_scope", "online_depth", "result_type", "limit_unit", "necessity", "material_kind"),
    *("material_form", "material_source"),
)
Codes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class UpColumn:
    """name: in the table; label: what it is; key: where its value comes from; kind: its dictionary, "" for none."""

    name: str
    label: str
    key: str
    kind: str = ""
    width: int | None = None
    is_needed: bool = False
    is_known: bool = True


@dataclass(frozen=True)
class Missing:
    """Something the upload would be refused for."""

    task_code: str
    item: str
    table: str
    column: str
    value: str
    reason: str


@dataclass
class Summary:
    """Rows written by table, and what is missing, row by row."""

    counts: dict[str, int]
    missing: list[Missing]


_KIND_OF = {
    "item_type": "item_type",
    "case_type": "case_type",
    "exercise_level": "level",
    "organ_nature": "organ_nature",
    "power_source": "power_source",
    "service_objects": "service_object",
    "channels": "channel",
    "universal_scope": "universal_scope",
    "online_depth": "online_depth",
    "result_type": "result_type",
    "statutory_unit": "limit_unit",
    "promised_unit": "limit_unit",
}
_WIDTHS = {"catalog_code": 12, "task_code": 36, "local_catalog_code": 50, "local_task_code": 50}


def _columns(keys: Iterable[str], needed: Iterable[str] = ()) -> tuple[UpColumn, ...]:
    must = set(needed)
    found = []
    for key in keys:
        column = columns.columns()[key]
        found.append(
            UpColumn(
                column.upload or column.label, column.label, key, _KIND_OF.get(key, ""), _WIDTHS.get(key),
                key in must, bool(column.upload),
            )
        )  # fmt: skip
    return tuple(found)


_CODES = ("catalog_code", "task_code", "local_catalog_code", "local_task_code")
_NEEDED = (
    *("name", "catalog_code", "task_code", "item_type", "legal_basis", "power_source", "exercise_level"),
    *("department", "department_code", "organ_nature", "statutory_limit", "statutory_unit", "promised_limit"),
    *("promised_unit", "accept_condition", "procedure", "case_type", "channels", "service_objects", "visit_count"),
    *("has_fee", "place", "hours", "consult_way", "complaint_way", "state", "number", "effective_on"),
)


def tables() -> dict[str, tuple[UpColumn, ...]]:
    """Return the columns of each table. Fees and questions have no national table name that we know."""
    codes = _columns(("task_code",), ("task_code",))
    return {
        "up_task_directory": _columns(("catalog_code", "name", "item_type"), ("catalog_code", "name", "item_type")),
        "up_task_general_basic": _columns(
            (
                *("name", *_CODES, "item_type", "legal_basis", "power_source", "exercise_level", "department"),
                *("department_code", "organ_nature", "delegated_department", "statutory_limit", "statutory_unit"),
                *("statutory_note", "promised_limit", "promised_unit", "promised_note", "accept_condition"),
                *("procedure", "case_type", "channels", "special_procedures", "service_objects", "visit_count"),
                *("has_fee", "fee_basis", "place", "hours", "consult_way", "complaint_way", "state", "number"),
                *("effective_on", "cancel_on"),
            ),
            _NEEDED,
        ),
        "up_task_general_extend": codes
        + _columns(
            (
                *("universal_scope", "finishes_in_hall", "delivers_by_post", "pays_online", "takes_appointments"),
                *("on_terminals", "quantity_limit", "visit_reason", "online_depth", "joint_organs", "result_type"),
                *("result_name", "result_sample", "intermediary", "themes", "town_code"),
            )
        ),
        "up_task_general_material": (
            *codes,
            UpColumn("材料名称", "材料名称", "name", is_needed=True, is_known=False),
            UpColumn("排序", "排序", "position", is_needed=True, is_known=False),
            UpColumn("is_need", "材料必要性", "necessity", "necessity", is_needed=True),
            UpColumn("material_type", "材料类型", "kind", "material_kind", is_needed=True),
            UpColumn("material_format", "材料形式", "form", "material_form", is_needed=True),
            UpColumn("source_type", "来源渠道", "source", "material_source", is_needed=True),
            UpColumn("来源渠道说明", "来源渠道说明", "source_note", is_known=False),
            UpColumn("page_num", "纸质份数", "copies"),
            UpColumn("纸质规格", "纸质规格", "paper_size", is_known=False),
            UpColumn("填报须知", "填报须知", "note", is_known=False),
            UpColumn("受理标准", "受理标准", "accept_standard", is_known=False),
            UpColumn("by_law", "要求提供材料的依据", "legal_basis", is_needed=True),
        ),
        "fees": (
            *codes,
            *(
                UpColumn(label, label, key, is_needed=needed, is_known=False)
                for label, key, needed in (
                    ("收费项目名称", "name", True), ("收费标准", "standard", True), ("收费依据", "basis", True),
                    ("是否允许减免", "is_reducible", True), ("减免依据", "reduction_basis", False),
                    ("排序", "position", True),
                )
            ),
        ),
        "faq": (
            *codes,
            *(
                UpColumn(label, label, key, is_needed=True, is_known=False)
                for label, key in (("问题", "question"), ("回答", "answer"), ("排序", "position"))
            ),
        ),
    }  # fmt: skip


_ROWS: Mapping[str, Callable[[ItemVersion], Iterable[Any]]] = {
    "up_task_general_material": lambda version: version.materials.all(),
    "fees": lambda version: version.fees.all(),
    "faq": lambda version: version.faqs.all(),
}


def records(
    editions: Iterable[tuple[ServiceItem, ItemVersion]], on: date
) -> Iterator[tuple[str, list[str], list[Missing]]]:
    """Yield (table, row, what is missing in it) for each row of each table, item by item."""
    codes, shape = terms_of(KINDS, on), tables()
    known: set[str] = set()
    for item, version in editions:
        for table, wanted in shape.items():
            if table == "up_task_directory":
                if item.catalog_code in known:
                    continue
                known.add(item.catalog_code)
            sources: Iterable[Any] = _ROWS[table](version) if table in _ROWS else [None]
            for source in sources:
                row, missing = [], []
                for column in wanted:
                    value = _value(column, item, version, source)
                    cell, fault = _cell(column, value, codes)
                    row.append(cell)
                    if fault:
                        missing.append(Missing(item.task_code, version.name, table, column.label, cell[:80], fault))
                yield table, row, missing


def _value(column: UpColumn, item: ServiceItem, version: ItemVersion, source: Any) -> Any:
    if source is None or column.key == "task_code":
        return exports.value(columns.columns()[column.key], item, version)
    return getattr(source, column.key)


def _cell(column: UpColumn, value: Any, codes: Codes) -> tuple[str, str]:
    """Return what is written and why it would be refused, or ""."""
    if value is None or value == "" or value == []:
        return "", _("没有填。") if column.is_needed else ""
    if isinstance(value, bool):
        return ("1" if value else "0"), ""
    if column.kind:
        words = value if isinstance(value, list) else str(value).split("、")
        terms = codes[column.kind]
        by_label = {term.label: term for term in terms.values()}
        found = [terms.get(word) or by_label.get(word) for word in words]
        strange = [word for word, term in zip(words, found, strict=True) if term is None]
        if strange:
            return listed(words), _("没有“%(words)s”对应的代码，请在“代码表”里补上。") % {"words": listed(strange)}
        return ",".join(term.code for term in found if term), ""
    text = "、".join(value) if isinstance(value, list) else str(value)
    if column.width and len(text) > column.width:
        return text, _("最多 %(most)d 位，这里有 %(count)d 位。") % {"most": column.width, "count": len(text)}
    return text, ""


def write_zip(file: IO[bytes], editions: Iterable[tuple[ServiceItem, ItemVersion]], on: date) -> Summary:
    """
    Write a zip with a CSV of each table, the list of columns and what is missing; return how many and what is missing.

    Everything is written, what is missing too: the list says what to mend before it is sent.
    """
    shape = tables()
    summary = Summary(dict.fromkeys(shape, 0), [])
    spools = {table: tempfile.TemporaryFile("w+", encoding="utf-8", newline="") for table in shape}  # noqa: SIM115
    try:
        writers = {table: csv.writer(spool) for table, spool in spools.items()}
        for table, wanted in shape.items():
            writers[table].writerow([column.name for column in wanted])
        for table, row, missing in records(editions, on):
            writers[table].writerow([safe_cell(cell) for cell in row])
            summary.counts[table] += 1
            summary.missing += missing
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for table, spool in spools.items():
                spool.seek(0)
                with packed.open(f"{table}.csv", "w", force_zip64=True) as part:
                    part.write("\ufeff".encode())
                    while text := spool.read(1 << 20):
                        part.write(text.encode())
            packed.writestr("columns.csv", "\ufeff" + _columns_csv(shape))
            packed.writestr("missing.csv", "\ufeff" + missing_csv(summary.missing))
    finally:
        for spool in spools.values():
            spool.close()
    return summary


def write_json(file: IO[str], editions: Iterable[tuple[ServiceItem, ItemVersion]], on: date) -> Summary:
    """Write the same as one JSON object of tables, each a list of rows by column name."""
    shape = tables()
    summary = Summary(dict.fromkeys(shape, 0), [])
    rows: dict[str, list[dict[str, str]]] = {table: [] for table in shape}
    for table, row, missing in records(editions, on):
        rows[table].append(dict(zip([column.name for column in shape[table]], row, strict=True)))
        summary.counts[table] += 1
        summary.missing += missing
    unknown = {table: [column.name for column in wanted if not column.is_known] for table, wanted in shape.items()}
    told = {
        "tables": rows,
        "columns_without_national_name": unknown,
        "missing": [vars(one) for one in summary.missing],
    }
    json.dump(told, file, ensure_ascii=False, indent=1)
    file.write("\n")
    return summary


def _columns_csv(shape: Mapping[str, Iterable[UpColumn]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["表", "列", "含义", "必填", "列名已知"])
    for table, wanted in shape.items():
        for column in wanted:
            yes_no = ["是" if flag else "否" for flag in (column.is_needed, column.is_known)]
            writer.writerow([table, column.name, column.label, *yes_no])
    return text.getvalue()


def missing_csv(missing: Iterable[Missing]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["实施编码", "事项名称", "表", "栏目", "现在是", "原因"])
    for one in missing:
        cells = (one.task_code, one.item, one.table, one.column, one.value, one.reason)
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()
