"""
Loading any list of services: which column is which is given or guessed from the headings (S1-24, ITEM-10 … ITEM-15).

Rows beside each other with one code are one item over several rows. Whatever is wrong is named with row, column,
value and reason; unless the caller skips bad rows, one of them keeps everything out.

Source: docs/import-export.md
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import actions, columns, rules, search
from yimen.catalog.actions import FaqDraft, FeeDraft, MaterialDraft, StepDraft
from yimen.catalog.columns import Column, Wrong
from yimen.catalog.importers.common import (
    AT_ONCE,
    LeftOut,
    Organ,
    Report,
    Row,
    Unreadable,
    blank,
    copy_in,
    departments,
    event,
    known_departments,
    masked,
    match_of,
)
from yimen.catalog.models import (
    FINGERPRINT,
    NO_MATERIALS,
    NOT_STATED,
    SOURCE_CODE,
    CaseType,
    FlowStep,
    ItemFaq,
    ItemFee,
    ItemMaterial,
    ItemVersion,
    ServiceItem,
)
from yimen.ledger.actions import SYSTEM, Actor
from yimen.ledger.bulk import NewEvent, record_many
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7, uuid7s
from yimen.lib.sheet import plain_cell
from yimen.lib.tables import Limits, Record, Table, open_table
from yimen.lib.workdays import Limit, Unit
from yimen.people import access
from yimen.people.models import Department, Region

UNKNOWN_REGION = "000000"
_SHORT = 300
# Rows are looked up in chunks and written in batches.
CHUNK, BATCH = 4000, 1000
# One import at a time: two of them would wait for each other's rows anyway.
_LOCK = 7_301_118
# A code that can stand in an address; any other is kept as the source has it and gets one of ours.
_PLAIN_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:~-]{0,35}", re.ASCII)
_STATED = ("case_type", "has_fee", "legal_basis", "procedure", "hours", "materials")
LISTS: Mapping[str, tuple[type[Any], type[Any]]] = {
    "materials": (ItemMaterial, MaterialDraft),
    "fees": (ItemFee, FeeDraft),
    "faqs": (ItemFaq, FaqDraft),
    "steps": (FlowStep, StepDraft),
}
_ITEM = ("task_code", "catalog_code", "local_task_code", "local_catalog_code", "item_type", "department")
_NO_FIELD = {*_ITEM, "department_code", "no_materials", "extended", *LISTS}

Progress = Callable[[Iterable[Any], int | None], Iterable[Any]]


class Mode(StrEnum):
    """
    What new items become. source: published at once as what the named source says, marked as such; draft: drafts to
    be checked and published here; publish: drafts, of which those that pass the checks are published.

    Items that are ours already are never overwritten: a change becomes a draft in every mode.
    """

    SOURCE = "source"
    DRAFT = "draft"
    PUBLISH = "publish"


@dataclass
class _Entry:
    """One item of the file, read."""

    row: int
    code: str
    said: dict[str, Any]
    cells: dict[str, str]
    extra: dict[str, Any]
    is_bad: bool = False

    @property
    def name(self) -> str:
        return str(self.said.get("name", ""))


@dataclass
class _Job:
    """What the whole import knows."""

    table: Table
    mapping: dict[str, Column]
    region: str
    department: str
    source: str
    mode: Mode
    by: Actor
    at: datetime
    report: Report
    heading: dict[str, str] = field(default_factory=dict)
    known: dict[tuple[str, str], Department] = field(default_factory=dict)
    seen: dict[bytes, int] = field(default_factory=dict)

    def wrong(self, entry: _Entry, key: str, reason: str, value: Any = "") -> None:
        if not entry.is_bad:
            entry.is_bad = True
            self.report.refused += 1
        shown = str(value)[:80] if key == "task_code" else masked(value)
        # What the file has no column for is called as we call it.
        ours = columns.columns().get(key)
        heading = self.heading.get(key) or (str(ours.label) if ours else key)
        self.report.left(LeftOut(entry.row, entry.code[:60], heading, shown, reason))


def import_list(
    path: Path,
    *,
    by: Actor,
    at: datetime,
    mapping: Mapping[str, str] | None = None,
    name: str = "",
    sheet: str = "",
    region_code: str = "",
    department: str = "",
    source: str = "",
    mode: Mode = Mode.SOURCE,
    preview: bool = False,
    skip_bad: bool = False,
    limits: Limits | None = None,
    progress: Progress = lambda rows, count: rows,
) -> Report:
    """
    Load a list, all in one transaction, and tell row by row what was or would be taken.

    mapping: heading → what it is (columns.columns(), by key or Chinese name; "-" leaves it out); headings not named
    are guessed. department: a heading, or the name of the organ of all rows. source: what the list is called, by
    default the file's name. preview: write nothing. One bad row keeps everything out (report.written is False) unless
    skip_bad. Items that did not change are left alone, so a second run changes nothing.

    Raises Unreadable for a file that is no list, DomainError for a mapping that names nothing, access.NotAllowed:
    exchange.import, and for Mode.SOURCE catalog.publish.
    """
    access.require(by, "exchange.import")
    if mode == Mode.SOURCE:
        access.require(by, "catalog.publish")
    if by is not SYSTEM and mode == Mode.PUBLISH:
        raise DomainError(_("自己导入的不能自己发布，请作为草稿收下，由另一位核对发布。"))
    named = dict(mapping or {})
    table = open_table(path, name=name, sheet=sheet, expect=list(named), limits=limits)
    found = guessed(table, named)
    if department and department in table.headings:
        found = {heading: key for heading, key in found.items() if key != "department"} | {department: "department"}
        department = ""
    report = Report(mapping=found, source=(source or _stem(table.name))[:40], written=False)
    by_key = {heading: columns.columns()[key] for heading, key in found.items()}
    if not any(column.key == "name" for column in by_key.values()):
        raise Unreadable(
            _("没有一列是事项名称。请写明是哪一列，例如 --map 名称=name。表头有：%(headings)s。")
            % {"headings": _listed(table.headings)}
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        report.region = region = _region(region_code, report, by, at)
        job = _Job(table, by_key, region, department, report.source, mode, by, at, report)
        job.heading = {column.key: heading for heading, column in by_key.items()}
        job.known = known_departments([region])
        _run(job, progress, preview=preview, skip_bad=skip_bad)
        if not report.rows:
            raise Unreadable(_("%(name)s 是空的，里面一行也没有。") % {"name": table.name})
        if report.written:
            _record(job)
            actions.recount(region)
        else:
            transaction.set_rollback(True)
    return report


def guessed(table: Table, named: Mapping[str, str]) -> dict[str, str]:
    """
    Return heading → key: as named, the others guessed. Raises DomainError for a heading or a field there is none of,
    and for two columns of one meaning.
    """
    found: dict[str, str] = {}
    headings = {columns.plain(heading): heading for heading in reversed(table.headings)}
    for word, wanted in named.items():
        heading = word if word in table.headings else headings.get(columns.plain(word), "")
        if not heading:
            values = {"word": word, "headings": _listed(table.headings)}
            raise DomainError(_("表头里没有“%(word)s”这一列，有的是：%(headings)s。") % values)
        if wanted == columns.IGNORE:
            found[heading] = columns.IGNORE
            continue
        column = columns.column_named(wanted)
        if column is None:
            values = {"word": wanted, "fields": "、".join(columns.columns())}
            raise DomainError(_("没有“%(word)s”这一栏，可以用的有：%(fields)s。") % values)
        if column.key in found.values():
            raise DomainError(_("两列都说是“%(label)s”，请只留一列。") % {"label": column.label})
        found[heading] = column.key
    taken = set(found.values())
    for heading, key in columns.guess(table.headings).items():
        if heading not in found and key not in taken:
            found[heading] = key
    return {heading: key for heading, key in found.items() if key != columns.IGNORE}


def _listed(headings: Iterable[str]) -> str:
    return "、".join(list(headings)[:40])


def _stem(name: str) -> str:
    return re.sub(r"(\.(csv|tsv|txt|xlsx|jsonl|ndjson|json|gz))+$", "", name, flags=re.IGNORECASE) or name


def _region(code: str, report: Report, by: Actor, at: datetime) -> str:
    if code:
        if not Region.objects.filter(pk=code).exists():
            raise Unreadable(_("没有代码是 %(code)s 的区划，请先建好，或者不写 --region。") % {"code": code})
        return code
    codes = list(Region.objects.values_list("pk", flat=True)[:20])
    if len(codes) == 1:
        return str(codes[0])
    if codes:
        raise Unreadable(_("这里有几个区划（%(codes)s），请用 --region 写明收进哪一个。") % {"codes": "、".join(codes)})
    Region.objects.create(code=UNKNOWN_REGION, name=_("未定区划"))
    record_many(
        [event(UNKNOWN_REGION, f"region:{UNKNOWN_REGION}", "people.region_added", by, at, {"name": "未定区划"})]
    )
    report.notes.append(_("还没有区划，先收在区划 %(code)s（未定区划）里。") % {"code": UNKNOWN_REGION})
    return UNKNOWN_REGION


# Reading


def _run(job: _Job, progress: Progress, *, preview: bool, skip_bad: bool) -> None:
    """
    Read, decide and write batch by batch; after the first bad row the rest is only read, and what was written is for
    the caller to undo (report.written).
    """
    report = job.report
    report.written = not preview
    entries = _entries(job, progress(job.table.rows(), job.table.count()))
    with _Writer() as writer:
        while chunk := list(islice(entries, CHUNK)):
            writer.wait()
            good = [entry for entry in chunk if not entry.is_bad]
            items = _standing(job, [entry.code for entry in good])
            decided = (_decide(job, entry, items.get(entry.code)) for entry in good)
            lines = [line for line in decided if line is not None]
            report.written = report.written and (skip_bad or not report.left_out_count)
            if report.written:
                _store(job, lines, writer)
    report.written = report.written and (skip_bad or not report.left_out_count)


class _Writer:
    """Writes in a thread of its own on the same connection: the next rows are made while the database works."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "import", self._share, (connections["default"],))
        self._last: Future[None] | None = None

    @staticmethod
    def _share(ours: BaseDatabaseWrapper) -> None:
        connections["default"] = ours

    def __enter__(self) -> _Writer:
        connections["default"].inc_thread_sharing()
        return self

    def submit(self, write: Callable[[], None]) -> None:
        """Begin a write when the one before is done. Raises what that one raised."""
        self.wait()
        self._last = self._pool.submit(write)

    def wait(self) -> None:
        """Return when nothing is written: only then may this thread use the connection."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown()
            connections["default"].dec_thread_sharing()


def _plain_date(value: Any) -> str:
    assert isinstance(value, date)
    return value.isoformat()


def _standing(job: _Job, codes: list[str]) -> dict[str, ServiceItem]:
    items = ServiceItem.objects.filter(region_id=job.region, task_code__in=codes).select_related(
        "department", "published"
    )
    return {item.task_code: item for item in items}


def _entries(job: _Job, records: Iterable[Record]) -> Iterator[_Entry]:
    """Yield the items of the file, rows beside each other with one code as one."""
    current: _Entry | None = None
    for record in records:
        job.report.rows += 1
        entry = _read(job, record)
        if current is not None and entry.code and entry.code == current.code and entry.name == current.name:
            job.report.merged += 1
            _merge(job, current, entry)
            continue
        if current is not None:
            yield current
        current = entry
        if not entry.code:
            continue
        mark = hashlib.blake2b(entry.code.encode(), digest_size=8).digest()
        if (first := job.seen.get(mark)) is not None:
            job.wrong(entry, "task_code", _("和第 %(row)d 行的编码重复。") % {"row": first}, entry.code)
        else:
            job.seen[mark] = entry.row
    if current is not None:
        yield current


def _read(job: _Job, record: Record) -> _Entry:
    entry = _Entry(record.number, "", {}, {}, {})
    if record.problem:
        job.wrong(entry, "", record.problem)
        return entry
    # What is wrong is told with the row's code, wherever that stands.
    entry.code = str(record.values.get(job.heading.get("task_code", ""), "") or "").strip()
    for heading, cell in record.values.items():
        if isinstance(cell, str):
            cell = plain_cell(cell)
        column = job.mapping.get(heading)
        if column is None:
            if cell not in (None, "", []) and not (isinstance(cell, str) and cell.lower() in columns.NOTHING):
                entry.extra[heading] = cell
            continue
        entry.cells[column.key] = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
        try:
            short = isinstance(cell, str) and len(cell) <= _SHORT
            value = _read_short(column.key, cell) if short else columns.read(column, cell)
        except Wrong as wrong:
            job.wrong(entry, column.key, str(wrong), cell)
        else:
            if value is not None:
                entry.said[column.key] = value
    _check(job, entry)
    return entry


@lru_cache(8192)
def _read_short(key: str, cell: str) -> Any:
    """columns.read(), remembered: most cells of a list say what others said. Nobody may change what comes back."""
    return columns.read(columns.columns()[key], cell)


def _check(job: _Job, entry: _Entry) -> None:
    said = entry.said
    if not said.get("name"):
        if not entry.is_bad:
            job.wrong(entry, "name", _("没有事项名称。"))
        return
    organ = said.get("department") or job.department
    given = said.get("task_code")
    entry.code = _code(job, entry, given or f"{organ}|{said['name']}", is_given=bool(given))
    for kind in ("statutory", "promised"):
        limit = said.get(f"{kind}_limit")
        if limit is not None:
            number, unit = limit
            other = said.get(f"{kind}_unit")
            if unit and other and unit != other:
                job.wrong(
                    entry, f"{kind}_limit", _("时限里的单位和单位那一列不一样。"), entry.cells.get(f"{kind}_limit")
                )
            said[f"{kind}_limit"], said[f"{kind}_unit"] = number, unit or other or Unit.WORKDAY.value
    promised, statutory = (
        Limit(said[f"{kind}_limit"], Unit(said[f"{kind}_unit"])) if f"{kind}_limit" in said else None
        for kind in ("promised", "statutory")
    )
    if fault := rules.limit_fault(promised, statutory):
        job.wrong(entry, "promised_limit", fault, entry.cells.get("promised_limit"))
    if said.get("fees"):
        said.setdefault("has_fee", True)
        said.setdefault("fee_note", "；".join(f"{fee['name']}：{fee['standard']}" for fee in said["fees"]))
        said.setdefault("fee_basis", "；".join(dict.fromkeys(fee["basis"] for fee in said["fees"])))
    if fault := rules.fee_fault(bool(said.get("has_fee")), said.get("fee_basis", "")):
        job.wrong(entry, "fee_basis", fault, entry.cells.get("has_fee"))
    if said.get("steps") and (faults := rules.flow_faults([_step(row) for row in said["steps"]])):
        job.wrong(entry, "steps", "".join(faults))
    begins, ends = said.get("effective_on"), said.get("cancel_on")
    if begins and ends and ends <= begins:
        job.wrong(entry, "cancel_on", _("取消的日子要在生效的日子之后。"), ends)


def _step(row: Mapping[str, Any]) -> rules.Step:
    key, name, kind, post, authority = (row.get(word, "") for word in ("key", "name", "kind", "post", "authority"))
    after, when = (tuple(row.get(word, ())) for word in ("after", "when"))
    return rules.Step(key, name, kind, post, authority, row.get("limit_days"), after, when)


def _code(job: _Job, entry: _Entry, code: str, *, is_given: bool) -> str:
    """Return the implementation code: the given one, or ours for one that cannot stand in a column or an address."""
    said = entry.said
    if is_given and (job.mode != Mode.SOURCE or _PLAIN_CODE.fullmatch(code)):
        try:
            parts = rules.read_task_code(code)
        except rules.InvalidItemCode:
            return code
        if said.setdefault("catalog_code", parts.catalog_code) != parts.catalog_code:
            job.wrong(
                entry,
                "catalog_code",
                _("基本编码和实施编码的后 12 位不一样，请看是哪一个填错了。"),
                said["catalog_code"],
            )
        return code
    if is_given:
        entry.extra[SOURCE_CODE] = code
        if len(code) <= 50:
            said.setdefault("local_task_code", code)
    elif job.mode != Mode.SOURCE:
        job.wrong(entry, "task_code", _("没有实施编码。"))
    return "x-" + hashlib.sha256(f"{job.source}|{code}".encode()).hexdigest()[:20]


def _merge(job: _Job, entry: _Entry, more: _Entry) -> None:
    """Take a further row of the same item into its first one."""
    entry.is_bad = entry.is_bad or more.is_bad
    for key, value in more.said.items():
        before = entry.said.get(key)
        column = columns.columns()[key]
        if before is None or before == value:
            entry.said[key] = value
        elif column.kind in {"list", "lines"}:
            entry.said[key] = before + [one for one in value if one not in before]
        elif column.kind == "text" and not column.most:
            if value not in before.split("\n"):
                entry.said[key] = f"{before}\n{value}"
        else:
            job.wrong(more, key, _("和上面同一事项的那一行写得不一样。"), more.cells.get(key, ""))
            entry.is_bad = True
    for heading, value in more.extra.items():
        before = entry.extra.setdefault(heading, value)
        if before != value and str(value) not in str(before).split("\n"):
            entry.extra[heading] = f"{before}\n{value}"
    entry.cells.clear()


# Deciding


def _decide(job: _Job, entry: _Entry, item: ServiceItem | None) -> dict[str, Any] | None:
    """Return what to store of an item of the source; drafts are written here; what did not change is counted."""
    said, report = entry.said, job.report
    source = str(said.pop("source", "") or job.source)
    for key in ("number", "state", "parent", "region"):
        said.pop(key, None)
    if item is None:
        if job.mode != Mode.SOURCE:
            _new_draft(job, entry)
            return None
        report.taken += 1
        report.list(entry.row, entry.code, entry.name, "new")
        return _line(job, entry, source)
    published = item.published
    is_theirs = published is not None and item.source == source and FINGERPRINT in published.extended
    if job.mode == Mode.SOURCE and is_theirs:
        assert published is not None
        line = _line(job, entry, source)
        is_same = published.extended[FINGERPRINT] == line["fingerprint"]
        if is_same or not (_differences(job, entry, item, published) or _says_else(job, entry, item, published)):
            report.unchanged += 1
            return None
        report.changed += 1
        report.list(entry.row, entry.code, entry.name, "changed")
        return line | {"item": str(item.pk), "version": str(published.pk)}
    _changed_draft(job, entry, item, source)
    return None


def _line(job: _Job, entry: _Entry, source: str) -> dict[str, Any]:
    said, extra = entry.said, entry.extra
    text = json.dumps([entry.code, said, extra], ensure_ascii=False, sort_keys=True, default=_plain_date)
    return {
        "row": entry.row,
        "code": entry.code,
        "source": source,
        "organ": [said.get("department_code", ""), said.get("department", "") or job.department],
        "said": said,
        "extra": extra,
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
    }


def _differences(job: _Job, entry: _Entry, item: ServiceItem, version: ItemVersion) -> dict[str, Any]:
    """Return key → what the file says otherwise than `version`; a cell as an export would write it is no difference."""
    found: dict[str, Any] = {}
    lists = {}
    for column in job.mapping.values():
        key = column.key
        if column.is_shown or key == "task_code":
            continue
        if key in LISTS and key not in lists:
            lists[key] = current_list(version, key)
        now = lists[key] if key in LISTS else current(item, version, key)
        written = columns.write(column, now)
        cell = entry.cells.get(key)
        if cell is not None and (cell == written or " ".join(cell.split()) == " ".join(written.split())):
            continue
        new = entry.said.get(key)
        if new is None and not written:
            continue
        if new is not None and columns.write(column, new) == written:
            continue
        if new is None and column.kind in {"bool", "choice"}:
            continue
        found[key] = new
    return found


def _says_else(job: _Job, entry: _Entry, item: ServiceItem, version: ItemVersion) -> bool:
    """Tell whether what stands in no column of ours is otherwise than in `version`."""
    if job.department and "department" not in entry.cells and item.department.name != job.department:
        return True
    return any(version.extended.get(heading) != value for heading, value in entry.extra.items())


def current(item: ServiceItem, version: ItemVersion, key: str) -> Any:
    """Return what an item says under a column of ours, None for what its source never stated."""
    match key:
        case "department":
            return item.department.name
        case "department_code":
            return item.department.code
        case "task_code" | "catalog_code" | "local_task_code" | "local_catalog_code" | "item_type":
            return getattr(item, key)
        case "no_materials":
            return version.needs_no_materials or None
        case "extended":
            return {k: v for k, v in version.extended.items() if k not in {FINGERPRINT, NOT_STATED, NO_MATERIALS}}
    if key.endswith("_unit") and getattr(version, key.replace("_unit", "_limit")) is None:
        return None
    return getattr(version, key) if version.is_stated(key) else None


def current_list(version: ItemVersion, key: str) -> list[dict[str, Any]]:
    """Return the rows of one of a version's lists as a cell holds them."""
    _model, draft = LISTS[key]
    rows = getattr(version, key).all()
    names = list(draft.__dataclass_fields__)
    return [
        {
            name: (row.department.name if row.department_id else None) if name == "department" else getattr(row, name)
            for name in names
        }
        for row in rows
    ]


# Drafts, through the editor's own acts


def _new_draft(job: _Job, entry: _Entry) -> None:
    said = entry.said
    region = Region.objects.get(pk=job.region)
    organ = Organ(job.region, said.get("department_code", ""), said.get("department", "") or job.department)
    department = match_of(organ, job.known)
    if department is None:
        reason = _("没有这个部门，请先在“机构”里建好。") if organ.code or organ.name else _("没有实施主体。")
        job.wrong(entry, "department", reason, organ.name or organ.code)
    if "item_type" not in said:
        job.wrong(entry, "item_type", _("没有事项类型。"))
    if department is None or entry.is_bad:
        return

    def act() -> ItemVersion:
        version = actions.create_item(
            region=region,
            department=department,
            task_code=entry.code,
            name=entry.name,
            item_type=said["item_type"],
            case_type=said.get("case_type", CaseType.PROMISED.value),
            catalog_code=said.get("catalog_code", ""),
            local_task_code=said.get("local_task_code", ""),
            local_catalog_code=said.get("local_catalog_code", ""),
            by=job.by,
            at=job.at,
        )
        return _save(job, version.item, {key: said.get(key) for key in said})

    version = _try(job, entry, act)
    if version is None:
        return
    job.report.taken += 1
    job.report.list(entry.row, entry.code, entry.name, "new")
    if job.mode == Mode.PUBLISH:
        _publish(job, entry, version)


def _publish(job: _Job, entry: _Entry, version: ItemVersion) -> None:
    try:
        with transaction.atomic():
            actions.publish(version, by=job.by, at=job.at)
    except DomainError as error:
        job.report.notes.append(
            _("第 %(row)d 行 %(code)s 留作草稿：%(why)s") % {"row": entry.row, "code": entry.code, "why": error}
        )
    else:
        job.report.published += 1


def _changed_draft(job: _Job, entry: _Entry, item: ServiceItem, source: str) -> None:
    """Put what the file says otherwise into a draft; an item of another source or another matter is left alone."""
    from yimen.catalog.queries import working_edition

    edition = item.published or working_edition(item)
    if edition is None:
        job.wrong(entry, "task_code", _("这个事项还没有任何版本，请先新建。"), entry.code)
        return
    changed = _differences(job, entry, item, edition)
    if not changed:
        job.report.unchanged += 1
        return
    if item.source and item.source != source:
        reason = _("这个编码已经是“%(name)s”（来自 %(source)s），没有覆盖它。") % {
            "name": item.name,
            "source": item.source,
        }
        job.wrong(entry, "task_code", reason, entry.code)
        return
    fixed = [key for key in changed if key in {*_ITEM, "department_code", "extended"}]
    if fixed:
        for key in fixed:
            job.wrong(entry, key, _("已经有的事项，这一栏不能用表格改，请到事项页上改。"), entry.cells.get(key, ""))
        return
    if item.published is not None and item.versions.filter(state__in=["draft", "approved"]).exists():
        reason = _("这个事项正在改（有没发布的草稿），没有动它。请先发布或收回那一版。")
        job.wrong(entry, "task_code", reason, entry.code)
        return
    version = _try(job, entry, lambda: _save(job, item, changed))
    if version is not None:
        job.report.drafted += 1
        job.report.list(entry.row, entry.code, entry.name, "draft")
        if job.mode == Mode.PUBLISH:
            _publish(job, entry, version)


def _try(job: _Job, entry: _Entry, act: Callable[[], ItemVersion]) -> ItemVersion | None:
    try:
        with transaction.atomic():
            return act()
    except DomainError as error:
        for reason in getattr(error, "reasons", None) or [str(error)]:
            job.wrong(entry, "", reason)
    return None


def _save(job: _Job, item: ServiceItem, said: Mapping[str, Any]) -> ItemVersion:
    fields = {}
    for key, value in said.items():
        if key in _NO_FIELD:
            continue
        fields[key] = copy(blank(ItemVersion)[key]) if value is None else value
    lists: dict[str, Any] = {}
    for key, (_model, draft) in LISTS.items():
        if key in said:
            lists[key] = [draft(**_draft_row(job, row)) for row in said[key] or []]
    no_materials = said.get("no_materials")
    return actions.save_draft(item, fields, by=job.by, at=job.at, no_materials=no_materials, **lists)


def _draft_row(job: _Job, row: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    if name := values.get("department"):
        values["department"] = match_of(Organ(job.region, "", name), job.known)
        if values["department"] is None:
            raise DomainError(_("步骤里的部门“%(name)s”还没有，请先在“机构”里建好。") % {"name": name})
    return values


# Storing what a source says, in bulk


def _store(job: _Job, lines: list[dict[str, Any]], writer: _Writer) -> None:
    """Look up what the lines need, then let them be written in parts while the next part is made."""
    organs = [_organ(job, line) for line in lines]
    missing = [organ for organ in organs if match_of(organ, job.known) is None]
    if missing:
        departments(list({organ.place: organ for organ in missing}.values()), job.by, job.at)
        job.known = known_departments([job.region])
    pks = [line["item"] for line in lines if "item" in line]
    standing = ServiceItem.objects.select_for_update(of=("self",)).select_related("published").filter(pk__in=pks)
    theirs = {str(item.pk): item for item in standing} if pks else {}
    places = iter(actions.new_places(len(lines) - len(theirs)))
    for start in range(0, len(lines), BATCH):
        writer.submit(_made(job, lines[start : start + BATCH], theirs, places))


def _organ(job: _Job, line: Mapping[str, Any]) -> Organ:
    code, name = line["organ"]
    return Organ(job.region, code, name or code or job.source)


def _made(
    job: _Job, lines: list[dict[str, Any]], theirs: Mapping[str, ServiceItem], places: Iterator[int]
) -> Callable[[], None]:
    """Make the rows of the lines, without the database, and return what writes them."""
    new: list[Row] = []
    changed: list[ServiceItem] = []
    replaced: list[ItemVersion] = []
    versions: list[Row] = []
    rows: dict[str, list[Row]] = {key: [] for key in LISTS}
    begun: list[NewEvent] = []
    events: list[NewEvent] = []
    today = localdate(job.at)
    # What is searched is said by the whole edition, its defaults included.
    nothing = {key: blank(ItemVersion)[key] for key in search.SEARCHED}
    ids = iter(uuid7s(sum(2 + sum(len(line["said"].get(key, ())) for key in LISTS) for line in lines)))
    for line in lines:
        said, department = line["said"], match_of(_organ(job, line), job.known)
        assert department is not None
        item, number = theirs.get(line.get("item", "")), 1
        if item is not None:
            before = item.published
            if before is None or str(before.pk) != line["version"]:
                raise DomainError(_("核对期间有人改过“%(name)s”，这次什么也没有收，请再来一次。") % {"name": item.name})
            number = before.number + 1
            before.state, before.cancel_on = ItemVersion.State.REPLACED, today
            replaced.append(before)
        pk = item.pk if item is not None else next(ids)
        version = {"id": next(ids)} | _version(pk, line, number, job.at, today)
        versions.append(version)
        edition = cast("ItemVersion", SimpleNamespace(**(nothing | version)))
        about: Row = {
            "name": said["name"],
            "item_type": said.get("item_type", ""),
            **{key: said.get(key, "") for key in ("catalog_code", "local_task_code", "local_catalog_code")},
            "tokens": search.tokens_of(edition, department.name),
            "everyday_names": said.get("everyday_names", []),
            "place": None,
            "published_id": version["id"],
            "department_id": department.pk,
        }
        if item is None:
            own = {"id": pk, "region_id": job.region, "task_code": line["code"], "source": line["source"][:40]}
            new.append(about | own | {"place": next(places)})
        else:
            for key, value in about.items():
                setattr(item, key, value)
            changed.append(item)
        for key in LISTS:
            for position, row in enumerate(said.get(key, ()), 1):
                rows[key].append({"id": next(ids), "version_id": version["id"], "position": position, **row})
                if key == "steps":
                    rows[key][-1] |= {"limit_days": row.get("limit_days") or 0}
                    rows[key][-1].pop("department", None)
        data: dict[str, Any] = {"version": number, "source": line["source"], "sha256": line["fingerprint"]}
        data |= {"replaces": number - 1} if item is not None else {"task_code": line["code"]}
        told = event(job.region, f"item:{pk}", "catalog.imported", job.by, job.at, data)
        (begun if item is None else events).append(told)
    job.report.materials += len(rows["materials"])
    names = ["published", "department", "name", "item_type", "catalog_code", "local_task_code", "local_catalog_code"]

    def write() -> None:
        ItemVersion.objects.bulk_update(replaced, ["state", "cancel_on"], batch_size=AT_ONCE)
        # Items and editions point at each other; the keys are checked when both are there.
        copy_in(ServiceItem, new)
        copy_in(ItemVersion, versions)
        for key, (model, _draft) in LISTS.items():
            if rows[key]:
                copy_in(model, rows[key])
        ServiceItem.objects.bulk_update(changed, [*names, *search.INDEXED], batch_size=AT_ONCE)
        record_many(begun, new_streams=True)
        record_many(events)
        # Not all at the end, when nothing else is left to do meanwhile.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")

    return write


def _version(item: UUID | str, line: Mapping[str, Any], number: int, at: datetime, today: date) -> Row:
    said = line["said"]
    fields = {key: value for key, value in said.items() if key not in _NO_FIELD}
    no_materials = bool(said.get("no_materials"))
    not_stated = [key for key in _STATED if key not in said and not (key == "materials" and no_materials)]
    if not any("necessity" in row for row in said.get("materials", ())):
        not_stated.append("materials.necessity")
    extended = {**said.get("extended", {}), **line["extra"], FINGERPRINT: line["fingerprint"], NOT_STATED: not_stated}
    if no_materials:
        extended[NO_MATERIALS] = True
    given = {"case_type": CaseType.OTHER.value, "effective_on": today, **fields}
    return given | {
        "item_id": item,
        "number": number,
        "state": ItemVersion.State.PUBLISHED.value,
        "published_at": at,
        "extended": extended,
    }


def _record(job: _Job) -> None:
    report = job.report
    told = {
        "file": job.table.name[:120],
        "source": job.source,
        "mode": job.mode.value,
        "rows": report.rows,
        "new": report.taken,
        "changed": report.changed,
        "drafts": report.drafted,
        "refused": report.refused,
    }
    if report.taken or report.changed or report.drafted:
        record_many([event(job.region, f"import:{uuid7()}", "catalog.list_imported", job.by, job.at, told)])
