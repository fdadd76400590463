"""
Readers of event logs, XES and CSV, plain or packed with gzip: streaming, limited, suspicious of every byte.

They yield `LogEvent`s and raise `UnreadableLog`, whose text is one sentence that names the place and what to do.
Times keep the zone they came with; a time without one is taken as local (Asia/Shanghai) and noted.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID
from xml.parsers import expat

from django.utils.translation import gettext as _

from yimen.lib.errors import DomainError
from yimen.lib.workdays import LOCAL_ZONE

CHUNK = 1 << 16
MAX_BYTES = 2_000_000_000
MAX_EVENTS = 5_000_000
MAX_DEPTH = 40
MAX_TEXT = 10_000
MAX_ATTRIBUTES = 300
MAX_CASE_LENGTH = 100
YEARS = range(1900, 2200)

ACTIVITY, AT, RESOURCE, LIFECYCLE = "concept:name", "time:timestamp", "org:resource", "lifecycle:transition"
CASE_PREFIX = "case:"
# What a column of a table may be called instead of its XES name, in lower case.
COLUMN_NAMES = {
    CASE_PREFIX + ACTIVITY: ("case", "case id", "case_id", "caseid", "办件编号", "办件"),
    ACTIVITY: ("activity", "event", "活动", "环节"),
    AT: ("timestamp", "time", "time_timestamp", "complete timestamp", "时间", "办理时间"),
    RESOURCE: ("resource", "经办人", "办理人"),
    LIFECYCLE: ("lifecycle", "状态"),
}


class UnreadableLog(DomainError):
    """The file is not an event log we can take; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event; case_attributes are given with the first event of each case only. All values as written, as text."""

    case: str
    activity: str
    at: datetime
    resource: str = ""
    lifecycle: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    case_attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file something stands; put into words only when something is wrong there."""

    number: int
    is_row: bool = False

    def __str__(self) -> str:
        return (_("第 %(n)s 条记录") if self.is_row else _("第 %(n)s 行的事件")) % {"n": self.number}


class Source:
    """
    The bytes of a log, unpacked: counted against the limit, hashed, and watched by `progress(bytes of the file)`.

    oddities: sentences about what is not as it should be but does not change a figure; at most five are kept.
    """

    def __init__(
        self, path: Path, *, max_bytes: int = MAX_BYTES, progress: Callable[[int], None] | None = None
    ) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.progress = progress
        self.oddities: list[str] = []
        self.hash = hashlib.sha256()
        self.size = 0

    def note(self, sentence: str) -> None:
        if len(self.oddities) < 5 and sentence not in self.oddities:
            self.oddities.append(sentence)

    def chunks(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as packed:
                yield from self._unpacked(packed)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableLog(_("压缩文件 %(name)s 不完整或已损坏，请重新下载后再导入。") % self._name) from error
        except OSError as error:
            raise UnreadableLog(_("打不开文件 %(name)s，请检查路径和读取权限。") % self._name) from error

    def _unpacked(self, packed: BinaryIO) -> Iterator[bytes]:
        is_gzip = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        plain: Any = gzip.GzipFile(fileobj=packed) if is_gzip else packed
        while chunk := plain.read(CHUNK):
            self.size += len(chunk)
            if self.size > self.max_bytes:
                limit = self.max_bytes // 1_000_000
                raise UnreadableLog(_("文件解开后超过 %(limit)s MB，太大了，请分成几份导入。") % {"limit": limit})
            self.hash.update(chunk)
            if self.progress:
                self.progress(packed.tell())
            yield chunk

    @property
    def _name(self) -> dict[str, str]:
        return {"name": self.path.name}


def read(source: Source) -> Iterator[LogEvent]:
    """Yield the log's events: of XES in stored order, of CSV case by case in order of time. Raises UnreadableLog."""
    suffixes = [suffix.lower() for suffix in source.path.suffixes if suffix.lower() != ".gz"]
    match suffixes[-1:]:
        case [".xes"] | [".xml"]:
            events = _Xes(source).events()
        case [".csv"] | [".tsv"]:
            events = _csv(source)
        case _:
            raise UnreadableLog(_("只认识 .xes 和 .csv 文件（可以是 .gz 压缩的），这一份不是。"))
    count = 0
    for event in events:
        count += 1
        if count > MAX_EVENTS:
            raise UnreadableLog(_("事件超过 %(limit)s 条，请分成几份导入。") % {"limit": f"{MAX_EVENTS:,}"})
        yield event
    if not count:
        because = source.oddities[0] if source.oddities else ""
        raise UnreadableLog(_("里面一条事件也没有，没有可导入的内容。") + because)


# XES: one pass of expat, a stack of open elements, nothing kept but the trace being read.

_VALUE_TAGS = frozenset({"string", "date", "int", "float", "boolean", "id", "list", "container"})
_HEADER_TAGS = frozenset({"extension", "global", "classifier"})
_ORDER = {"extension": 0, "global": 1, "classifier": 2, "attribute": 3, "trace": 4, "event": 5}
_BOOLEANS = frozenset({"true", "false", "1", "0"})


class _Xes:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        self.stack: list[str] = []
        self.keys: list[str] = []
        self.place = 0
        self.case: dict[str, str] = {}
        self.event: dict[str, str] = {}
        self.kept: dict[str, str] | None = None  # where attributes go now; outside traces they are only looked at
        self.event_line = 0
        self.events_of_case: list[tuple[int, dict[str, str]]] = []
        self.ready: list[LogEvent] = []
        self.cases: set[str] = set()

    def events(self) -> Iterator[LogEvent]:
        try:
            for chunk in self.source.chunks():
                self.parser.Parse(chunk, False)
                yield from self._take()
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            if not self.source.size:
                raise UnreadableLog(_("文件是空的。")) from error
            reason = expat.ErrorString(error.code) or ""
            raise UnreadableLog(
                _("第 %(line)s 行不是合格的 XML（%(reason)s），请重新导出这份日志。")
                % {"line": error.lineno, "reason": reason}
            ) from error
        except (UnicodeDecodeError, LookupError, ValueError) as error:
            raise UnreadableLog(_("文件的文字编码认不出来，请用 UTF-8 重新导出。")) from error
        yield from self._take()

    def _take(self) -> list[LogEvent]:
        ready, self.ready = self.ready, []
        return ready

    @property
    def line(self) -> int:
        return int(self.parser.CurrentLineNumber)

    def _refuse(self, sentence: str, **values: object) -> UnreadableLog:
        return UnreadableLog(_("第 %(line)s 行：") % {"line": self.line} + sentence % values)

    def _note(self, sentence: str, **values: object) -> None:
        self.source.note(_("第 %(line)s 行：") % {"line": self.line} + sentence % values)

    def _refuse_doctype(self, *_args: object) -> None:
        raise self._refuse(_("文件里有 DOCTYPE 或实体声明，可能藏着攻击，不能导入。请去掉后再试。"))

    def _start(self, name: str, xml: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if not self.stack and tag != "log":
            raise self._refuse(_("最外层应当是 <log>，这里是 <%(tag)s>，不是 XES 日志。"), tag=tag[:40])
        parent = self.stack[-1] if self.stack else ""
        self.stack.append(tag)
        if len(self.stack) > MAX_DEPTH:
            raise self._refuse(_("属性套了超过 %(limit)s 层，不能导入。"), limit=MAX_DEPTH)
        if tag in _VALUE_TAGS:
            if parent == "log":
                self._check_order(parent, "attribute")
            self._attribute(tag, xml)
        elif tag == "event":
            if parent == "log":
                raise self._refuse(_("这条事件不在任何 <trace> 里，不知道属于哪一件。"))
            if parent != "trace":
                raise self._refuse(_("<event> 只能放在 <trace> 里。"))
            self.kept = self.event = {}
            self.event_line = self.line
        elif tag == "trace":
            if parent != "log":
                raise self._refuse(_("<trace> 只能放在 <log> 里。"))
            self.kept = self.case = {}
            self.events_of_case = []
        elif tag in _HEADER_TAGS:
            needed = {"extension": ("name", "prefix", "uri"), "global": ("scope",), "classifier": ("name", "keys")}
            if missing := [key for key in needed[tag] if key not in xml]:
                self._note(_("<%(tag)s> 少了 %(missing)s。"), tag=tag, missing="、".join(missing))
            self._check_order(parent, tag)
        elif tag not in {"log", "values"}:
            self._note(_("不认识 <%(tag)s>，已跳过。"), tag=tag[:40])
        if tag in {"trace", "event"}:
            self._check_order(parent, tag)

    def _check_order(self, parent: str, tag: str) -> None:
        if parent != "log":
            return
        place = _ORDER[tag]
        if place < self.place:
            self._note(_("<%(tag)s> 写得太靠后，应当放在前面。"), tag=self.stack[-1])
        self.place = max(place, self.place)

    def _attribute(self, tag: str, xml: dict[str, str]) -> None:
        key, value = xml.get("key"), xml.get("value")
        if key is None or (value is None and tag not in {"list", "container"}):
            sentence = _("<%(tag)s> 少了 key 或 value。")
            if self.kept is not None:
                raise self._refuse(sentence, tag=tag)
            self._note(sentence, tag=tag)
        key, value = key or "", value or ""
        self.keys.append(key)
        if len(value) > MAX_TEXT or len(key) > MAX_TEXT:
            raise self._refuse(_("“%(key)s”的内容超过 %(limit)s 个字。"), key=key[:40], limit=MAX_TEXT)
        if tag != "string" and not _fits(tag, value):
            self._note(_("“%(key)s”写成了 %(tag)s，可“%(value)s”不是。"), key=key[:40], tag=tag, value=value[:40])
        if self.kept is None:
            return
        if tag not in {"list", "container"}:
            self.kept["/".join(self.keys) if len(self.keys) > 1 else key] = value
        if len(self.kept) > MAX_ATTRIBUTES:
            raise self._refuse(_("一条事件的属性超过 %(limit)s 个。"), limit=MAX_ATTRIBUTES)

    def _end(self, name: str) -> None:
        tag = self.stack.pop()
        if tag in _VALUE_TAGS:
            self.keys.pop()
        elif tag == "event":
            self.events_of_case.append((self.event_line, self.event))
            self.kept = self.case
        elif tag == "trace":
            self.kept = None
            self._finish_case()

    def _finish_case(self) -> None:
        if not self.events_of_case:
            self._note(_("这个 <trace> 里没有事件，已跳过。"))
            return
        case_attributes = self.case
        case = case_attributes.pop(ACTIVITY, "").strip()
        if not case:
            raise self._refuse(_("这个 <trace> 没有编号（concept:name），不知道是哪一件。"))
        _check_case(case, Place(self.line))
        if case in self.cases:
            raise self._refuse(_("办件“%(case)s”出现了两次，请先合并。"), case=case)
        self.cases.add(case)
        for line, attributes in self.events_of_case:
            self.ready.append(_event(case, attributes, case_attributes, Place(line), self.source))
            case_attributes = {}


def _fits(tag: str, value: str) -> bool:
    try:
        match tag:
            case "date":
                datetime.fromisoformat(value)
            case "int":
                int(value)
            case "float":
                float(value)
            case "boolean":
                return value.lower() in _BOOLEANS
            case "id":
                UUID(value)
    except ValueError:
        return False
    return True


# CSV: a row is an event; rows of a case may stand anywhere.


def _csv(source: Source) -> Iterator[LogEvent]:
    text = io.TextIOWrapper(io.BufferedReader(_Stream(source.chunks())), encoding=_encoding(source.path), newline="")
    try:
        head = text.readline()
        if not head.strip():
            raise UnreadableLog(_("文件是空的。"))
        delimiter = max(",;\t", key=head.count)
        names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter, strict=True))]
        columns = _columns(names)
        cases: dict[str, list[LogEvent]] = {}
        count = 0
        for row in csv.reader(text, delimiter=delimiter, strict=True):
            if not row:
                continue
            count += 1
            if count > MAX_EVENTS:
                raise UnreadableLog(_("事件超过 %(limit)s 条，请分成几份导入。") % {"limit": f"{MAX_EVENTS:,}"})
            where = Place(count, is_row=True)
            if len(row) != len(names):
                raise UnreadableLog(
                    _("%(where)s有 %(found)s 列，表头有 %(wanted)s 列，对不上。")
                    % {"where": where, "found": len(row), "wanted": len(names)}
                )
            event = _csv_event(row, names, columns, where, source)
            cases.setdefault(event.case, []).append(event)
    except csv.Error as error:
        raise UnreadableLog(_("表格格式不对（引号或列没有配对），请另存为标准的 CSV 再试。")) from error
    except UnicodeDecodeError as error:
        raise UnreadableLog(_("文件的文字编码认不出来，请用 UTF-8 重新导出。")) from error
    for events in cases.values():
        events.sort(key=lambda event: event.at)
        first = True
        for event in events:
            yield (
                event
                if first
                else LogEvent(event.case, event.activity, event.at, event.resource, event.lifecycle, event.attributes)
            )
            first = False


def _csv_event(row: list[str], names: list[str], columns: dict[str, int], where: Place, source: Source) -> LogEvent:
    if any("\0" in value for value in row) or any(len(value) > MAX_TEXT for value in row):
        raise UnreadableLog(_("%(where)s里有空字符，或者有一格超过 %(n)s 个字。") % {"where": where, "n": MAX_TEXT})
    used = {place: key for key, place in columns.items()}
    attributes: dict[str, str] = {}
    case_attributes: dict[str, str] = {}
    for place, value in enumerate(row):
        name = used.get(place, names[place])
        if name and value != "":
            is_of_case = name.startswith(CASE_PREFIX)
            (case_attributes if is_of_case else attributes)[name.removeprefix(CASE_PREFIX)] = value
    case = case_attributes.pop(ACTIVITY, "").strip()
    if not case:
        raise UnreadableLog(_("%(where)s没有办件编号。") % {"where": where})
    _check_case(case, where)
    return _event(case, attributes, case_attributes, where, source)


def _columns(names: list[str]) -> dict[str, int]:
    lower = [name.lower() for name in names]
    found: dict[str, int] = {}
    for key, others in COLUMN_NAMES.items():
        for name in (key, *others):
            if name in lower:
                found[key] = lower.index(name)
                break
    words = {CASE_PREFIX + ACTIVITY: _("办件编号"), ACTIVITY: _("环节名称"), AT: _("时间")}
    missing = [f"{word}（{key}）" for key, word in words.items() if key not in found]
    if missing:
        raise UnreadableLog(
            _("表头里找不到%(missing)s。现有的列是：%(names)s。")
            % {"missing": "、".join(missing), "names": "、".join(name[:30] for name in names[:20])}
        )
    return found


def _encoding(path: Path) -> str:
    """UTF-8, or GB 18030 as Chinese spreadsheets write it: judged by the first part of the file."""
    head = b"".join(chunk for chunk, _n in zip(Source(path).chunks(), range(16), strict=False))
    try:
        head[: max(len(head) - 4, 0)].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            return "gb18030"
    return "utf-8-sig"


class _Stream(io.RawIOBase):
    """A chunk iterator as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            chunk = next(self.chunks, None)
            if chunk is None:
                return 0
            self.rest = chunk
        part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _event(case: str, found: dict[str, str], case_attributes: dict[str, str], where: Place, source: Source) -> LogEvent:
    activity = found.pop(ACTIVITY, "").strip()
    if not activity:
        raise UnreadableLog(_("%(where)s没有名称（concept:name），不知道做了什么。") % {"where": where})
    at = _time(found.pop(AT, ""), where, source)
    resource, lifecycle = found.pop(RESOURCE, ""), found.pop(LIFECYCLE, "")
    return LogEvent(case, activity, at, resource, lifecycle, found, case_attributes)


def _time(text: str, where: Place, source: Source) -> datetime:
    if not text.strip():
        raise UnreadableLog(_("%(where)s没有时间（time:timestamp）。") % {"where": where})
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UnreadableLog(
            _("%(where)s的时间“%(text)s”认不出来，请写成 2026-11-18T09:05:00+08:00。")
            % {"where": where, "text": text.strip()[:40]}
        ) from error
    if at.year not in YEARS:
        raise UnreadableLog(_("%(where)s的时间在 %(year)s 年，不像真的。") % {"where": where, "year": at.year})
    if at.tzinfo is None:
        source.note(_("%(where)s的时间没有写时区，按北京时间算。") % {"where": where})
        return at.replace(tzinfo=LOCAL_ZONE)
    return at


def _check_case(case: str, where: Place) -> None:
    if len(case) > MAX_CASE_LENGTH:
        raise UnreadableLog(_("%(where)s的办件编号超过 %(limit)s 个字。") % {"where": where, "limit": MAX_CASE_LENGTH})
