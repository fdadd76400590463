"""
Rows of a list somebody sends us: CSV, XLSX or JSON lines, packed with gzip or not, read as a stream within limits.

The encoding (UTF-8, UTF-16, GB18030), the delimiter (, ; tab |) and the row of headings are found; every cell comes
as text as a person would write it: dates as 2027-02-08, whole numbers without ".0", formulas as the value last saved.
Nothing is executed, no entity is expanded, nothing is unpacked beyond the limits. Own reading of XLSX and why:
docs/import-export.md.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from django.utils.translation import gettext as _

from yimen.lib.errors import DomainError

CHUNK = 1 << 16
# The row of headings is looked for among so many.
HEAD_ROWS = 20
DELIMITERS = ",;\t|"
XLSX = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
GZIP = b"\x1f\x8b"


class Unreadable(DomainError):
    """The file as a whole cannot be read as a list; the sentence names the place and what to do."""


@dataclass(frozen=True)
class Limits:
    """What a file may hold. size: bytes as it comes; unpacked: bytes in all; text: characters in one cell or line."""

    size: int = 500_000_000
    unpacked: int = 2_000_000_000
    rows: int = 500_000
    columns: int = 500
    text: int = 1_000_000
    members: int = 5_000


class Record(NamedTuple):
    """
    One row: its number as a spreadsheet or an editor shows it, its cells by heading, and why it cannot be taken or "".

    Cells are text; a JSON line may hold numbers, lists and objects.
    """

    number: int
    values: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """A file that was found to be a list. headings: in their order; how: encoding and delimiter, or the sheet."""

    path: Path
    name: str
    kind: str
    headings: tuple[str, ...]
    heading_row: int
    how: str
    limits: Limits
    _places: tuple[int, ...] = field(default=(), repr=False)
    _options: tuple[str, ...] = field(default=(), repr=False)

    def rows(self) -> Iterator[Record]:
        """Yield the rows under the headings, empty ones left out; may be called again. Raises Unreadable."""
        for found, record in enumerate(self._records(), 1):
            if found > self.limits.rows:
                raise Unreadable(
                    _("%(name)s 超过 %(most)d 行，请分成几份再来。") % {"name": self.name, "most": self.limits.rows}
                )
            yield record

    def count(self) -> int | None:
        """Return about how many rows there are, for a progress bar; None when nothing cheap tells."""
        if self.kind == "xlsx":
            with _workbook(self.path, self.name, self.limits) as book:
                return book.row_count(self._options[0])
        wide = self._options and self._options[0].startswith("utf-16")
        with _Raw(self.path, self.name, self.limits.unpacked) as raw:
            count = sum(part.count(b"\n") for part in iter(lambda: raw.read(CHUNK * 16), b""))
        return None if wide else max(count - self.heading_row, 1)

    def _records(self) -> Iterator[Record]:
        if self.kind == "jsonl":
            yield from _json_records(self.path, self.name, self.limits)
            return
        last = len(self._places)
        with _cells_of(self) as rows:
            for number, cells, problem in rows:
                if number <= self.heading_row or not any(cells):
                    continue
                if len(cells) > last and any(cells[last:]):
                    problem = problem or _("这一行比表头多出几格。")
                values = {
                    heading: cells[at] if at < len(cells) else ""
                    for heading, at in zip(self.headings, self._places, strict=True)
                }
                yield Record(number, values, problem)


def open_table(
    path: Path, *, name: str = "", sheet: str = "", expect: Collection[str] = (), limits: Limits | None = None
) -> Table:
    """
    Look at a file and return how it is to be read.

    name: what people call it, when the path does not say; sheet: of a workbook, empty for the first that is shown and
    has rows; expect: headings somebody named, which help to find the row of headings. Raises Unreadable.
    """
    limits, name = limits or Limits(), name or path.name
    if not path.exists():
        raise Unreadable(_("找不到文件 %(name)s，请看路径。") % {"name": path})
    if not path.is_file():
        raise Unreadable(_("%(name)s 不是文件。请给出清单文件。") % {"name": path})
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise Unreadable(_("读不了 %(name)s：%(why)s。") % {"name": name, "why": error.strerror or error}) from None
    if size == 0:
        raise Unreadable(_("%(name)s 是空的，里面一行也没有。") % {"name": name})
    if size > limits.size:
        values = {"name": name, "most": limits.size // 1_000_000}
        raise Unreadable(_("%(name)s 超过 %(most)d MB，请分成几份再来。") % values)
    if head.startswith(OLD_OFFICE):
        raise Unreadable(_("%(name)s 是旧的或加了密码的表格，请另存为不带密码的 xlsx 或 csv 再来。") % {"name": name})
    if head.startswith(XLSX):
        return _open_workbook(path, name, sheet, expect, limits)
    if head.startswith(b"%PDF"):
        raise Unreadable(_("%(name)s 是 PDF，不是表格。请用 xlsx、csv 或 jsonl。") % {"name": name})
    stem = name.lower().removesuffix(".gz")
    encoding = _encoding(path, name, limits)
    if stem.endswith((".jsonl", ".ndjson", ".json")) or _first_sign(path, encoding) == "{":
        return _open_json(path, name, limits)
    return _open_csv(path, name, encoding, expect, limits)


# Text


class _Raw(io.RawIOBase):
    """The bytes of a file, unpacked when they are packed, counted against the limit."""

    def __init__(self, path: Path, name: str, most: int) -> None:
        self._name, self._most, self._read = name, most, 0
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        self._file: Any = gzip.open(path) if packed else path.open("rb")  # noqa: SIM115 (close() closes it)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            part = self._file.read(len(buffer))
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise Unreadable(_("%(name)s 的压缩内容不完整或已损坏，请重新下载。") % {"name": self._name}) from None
        self._read += len(part)
        if self._read > self._most:
            values = {"name": self._name, "most": self._most // 1_000_000}
            raise Unreadable(_("%(name)s 解开以后超过 %(most)d MB，没有收。") % values)
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


def _encoding(path: Path, name: str, limits: Limits) -> str:
    """Return the encoding the whole file can be read in."""
    with _Raw(path, name, limits.unpacked) as raw:
        head = raw.read(4096)
        if not head:
            raise Unreadable(_("%(name)s 是空的，里面一行也没有。") % {"name": name})
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            candidates = ["utf-16"]
        elif wide := _wide(head):
            candidates = [wide]
        else:
            candidates = ["utf-8-sig", "gb18030"]
        decoders = {code: codecs.getincrementaldecoder(code)() for code in candidates}
        wrong_line, line = 0, 1
        while head or decoders:
            for code in list(decoders):
                try:
                    text = decoders[code].decode(head, final=not head)
                except UnicodeDecodeError as error:
                    wrong_line = wrong_line or line + head[: error.start].count(b"\n")
                    del decoders[code]
                    continue
                if "\0" in text:
                    raise Unreadable(_("%(name)s 里有文字以外的内容，这不像一份清单。") % {"name": name})
            line += head.count(b"\n")
            if not head:
                break
            head = raw.read(CHUNK)
    found = next((code for code in candidates if code in decoders), "")
    if not found:
        values = {"name": name, "row": wrong_line}
        raise Unreadable(_("%(name)s 从第 %(row)d 行起读不成文字，请另存为 UTF-8 编码再来。") % values)
    return found


def _wide(head: bytes) -> str:
    """Return the kind of UTF-16 without its mark that makes lines and cells of these bytes, or ""."""
    if b"\0" not in head:
        return ""
    code = "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    text = head[: len(head) // 2 * 2].decode(code, errors="replace")
    return code if "\n" in text and any(sign in text for sign in DELIMITERS) and "\0" not in text else ""


def _text(path: Path, name: str, encoding: str, limits: Limits) -> io.TextIOWrapper:
    raw = io.BufferedReader(_Raw(path, name, limits.unpacked), CHUNK)
    return io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")


def _first_sign(path: Path, encoding: str) -> str:
    with _text(path, path.name, encoding, Limits()) as text:
        return text.read(200).lstrip()[:1]


# JSON lines


def _open_json(path: Path, name: str, limits: Limits) -> Table:
    headings: dict[str, None] = {}
    for record in islice(_json_records(path, name, limits), 500):
        headings |= dict.fromkeys(record.values)
        if len(headings) > limits.columns:
            raise Unreadable(_too_wide(name, limits))
    if not headings:
        raise Unreadable(_("%(name)s 里没有一行是用花括号括起来的事项。") % {"name": name})
    return Table(path, name, "jsonl", tuple(headings), 0, "UTF-8", limits)


def _json_records(path: Path, name: str, limits: Limits) -> Iterator[Record]:
    with io.BufferedReader(_Raw(path, name, limits.unpacked), CHUNK) as raw:
        number = 0
        while line := raw.readline(limits.text + 1):
            number += 1
            if len(line) > limits.text:
                raise Unreadable(_("第 %(row)d 行太长，这不像一行一个事项的清单。") % {"row": number})
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                data = json.loads(text)
                json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
            except UnicodeError:
                yield Record(number, {}, _("这一行的文字编码不是 UTF-8。"))
            except (ValueError, RecursionError):
                yield Record(number, {}, _("这一行不是完整的 JSON。"))
            else:
                if isinstance(data, dict):
                    yield Record(number, data)
                else:
                    yield Record(number, {}, _("这一行不是一个事项（要用花括号括起来）。"))


# CSV

_Cells = tuple[int, list[str], str]


def _open_csv(path: Path, name: str, encoding: str, expect: Collection[str], limits: Limits) -> Table:
    delimiter = _delimiter(path, name, encoding, limits)
    with _csv_cells(path, name, encoding, delimiter, limits) as rows:
        head = list(islice(rows, HEAD_ROWS))
    how = f"{encoding.removesuffix('-sig').upper()}, {json.dumps(delimiter)}"
    return _with_headings(Table(path, name, "csv", (), 0, how, limits, (), (encoding, delimiter)), head, expect)


def _delimiter(path: Path, name: str, encoding: str, limits: Limits) -> str:
    """The sign that parts the first rows into the most cells, as many in each row as can be."""
    with _text(path, name, encoding, limits) as text:
        lines = list(io.StringIO(text.read(CHUNK), newline=""))
    best, most = ",", 0.0
    for sign in DELIMITERS:
        try:
            widths = [len(row) for row in islice(csv.reader(iter(lines), delimiter=sign), HEAD_ROWS) if any(row)]
        except csv.Error:
            continue
        if widths and (score := (max(widths) - 1) * widths.count(max(widths, key=widths.count)) / len(widths)) > most:
            best, most = sign, score
    return best


@contextmanager
def _csv_cells(path: Path, name: str, encoding: str, delimiter: str, limits: Limits) -> Iterator[Iterable[_Cells]]:
    def rows() -> Iterator[_Cells]:
        csv.field_size_limit(limits.text)
        reader = csv.reader(text, delimiter=delimiter)
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                values = {"name": name, "row": number}
                raise Unreadable(_("%(name)s 第 %(row)d 行有一格太长，或者引号没有收尾。") % values) from None
            if len(cells) > limits.columns:
                raise Unreadable(_too_wide(name, limits))
            yield number, [cell.strip() for cell in cells], ""

    with _text(path, name, encoding, limits) as text:
        yield rows()


def _too_wide(name: str, limits: Limits) -> str:
    return _("%(name)s 超过 %(most)d 列，这不像一份事项清单。") % {"name": name, "most": limits.columns}


# Headings


def _with_headings(table: Table, head: list[_Cells], expect: Collection[str]) -> Table:
    """Return the table with its row of headings: the one with the words somebody named, else the first full one."""
    filled = [(sum(map(bool, cells)), number, cells) for number, cells, _problem in head]
    most = max((count for count, _number, _cells in filled), default=0)
    if not most:
        raise Unreadable(_("%(name)s 开头几行都是空的，找不到表头。") % {"name": table.name})
    named = [row for row in filled if expect and set(expect) <= set(row[2])]
    full = [row for row in filled if row[0] >= max(1, most * 0.6)]
    _count, number, cells = (named or full)[0]
    above = [cells for each, cells, _problem in head if each < number]
    headings: dict[str, int] = {}
    # A column without a heading counts when every row has something in it.
    below = [row for each, row, _problem in head if each > number and any(row)]
    width = len(cells)
    while below and all(len(row) > width and row[width] for row in below):
        width += 1
    for at in range(width):
        # A heading merged over two rows stands in the upper one.
        column = [cells, *reversed(above)]
        word = next((row[at] for row in column if at < len(row) and row[at]), "")
        word = " ".join(word.split())[:120] or _("第 %(at)s 列") % {"at": letters(at)}
        again, unique = 2, word
        while unique in headings:
            unique, again = f"{word} ({again})", again + 1
        headings[unique] = at
    return replace(table, headings=tuple(headings), heading_row=number, _places=tuple(headings.values()))


def letters(at: int) -> str:
    """Return the name of the column at this place, counted from 0: A, B … Z, AA."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(65 + rest) + name
    return name


@contextmanager
def _cells_of(table: Table) -> Iterator[Iterable[_Cells]]:
    if table.kind == "csv":
        encoding, delimiter = table._options
        with _csv_cells(table.path, table.name, encoding, delimiter, table.limits) as rows:
            yield rows
        return
    with _workbook(table.path, table.name, table.limits) as book:
        yield book.cells(table._options[0])


# XLSX: a zip with a few XML files

_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_NOT_DATE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


def _open_workbook(path: Path, name: str, sheet: str, expect: Collection[str], limits: Limits) -> Table:
    with _workbook(path, name, limits) as book:
        if sheet and sheet not in book.sheets:
            values = {"name": name, "sheet": sheet, "there": "、".join(list(book.sheets)[:20])}
            raise Unreadable(_("%(name)s 里没有“%(sheet)s”这张表，有的是：%(there)s。") % values)
        for wanted in [sheet] if sheet else book.sheets:
            head = list(islice((row for row in book.cells(book.sheets[wanted]) if any(row[1])), HEAD_ROWS))
            if head:
                options = (book.sheets[wanted],)
                return _with_headings(Table(path, name, "xlsx", (), 0, wanted, limits, (), options), head, expect)
    raise Unreadable(_("%(name)s 是空的，里面一行也没有。") % {"name": name})


# What zipfile and expat raise on spoilt files.
_SPOILT = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError),
    *(struct.error, ValueError, KeyError, expat.ExpatError),
)


@contextmanager
def _workbook(path: Path, name: str, limits: Limits) -> Iterator[_Workbook]:
    try:
        with zipfile.ZipFile(path) as packed:
            yield _Workbook(packed, name, limits)
    except _SPOILT:
        raise Unreadable(_("%(name)s 不完整、加了密码或者不是 xlsx 表格，请重新保存再来。") % {"name": name}) from None


class _Workbook:
    """The parts of a workbook that say what its cells are."""

    def __init__(self, packed: zipfile.ZipFile, name: str, limits: Limits) -> None:
        self.packed, self.name, self.limits = packed, name, limits
        self.left = limits.unpacked
        infos = packed.infolist()
        unpacked = sum(info.file_size for info in infos)
        if len(infos) > limits.members or unpacked > limits.unpacked:
            values = {"name": name, "most": limits.unpacked // 1_000_000}
            raise Unreadable(_("%(name)s 解开以后超过 %(most)d MB，没有收。") % values)
        self.there = {info.filename.lstrip("/"): info for info in infos}
        self.is_1904 = False
        self.sheets = self._sheets()
        self._strings: list[str] | None = None
        self._dates = self._date_styles()

    def _parse(self, member: str, start: Any = None, end: Any = None, data: Any = None) -> Iterator[None]:
        """Feed a member to the handlers, giving way after each chunk. A document type is refused: no entity counts."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True

        def refuse(*_about: Any) -> None:
            raise Unreadable(_("%(name)s 里有表格用不到的声明，没有收。") % {"name": self.name})

        parser.StartDoctypeDeclHandler = refuse
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
        with self.packed.open(self.there[member]) as file:
            while part := file.read(CHUNK):
                self.left -= len(part)
                if self.left < 0:
                    values = {"name": self.name, "most": self.limits.unpacked // 1_000_000}
                    raise Unreadable(_("%(name)s 解开以后超过 %(most)d MB，没有收。") % values)
                parser.Parse(part, False)
                yield
        parser.Parse(b"", True)
        yield

    def _read(self, member: str, start: Any = None, end: Any = None, data: Any = None) -> None:
        for _part in self._parse(member, start, end, data):
            pass

    def _sheets(self) -> dict[str, str]:
        """Names of the sheets that are shown → member, in their order."""
        if "xl/workbook.xml" not in self.there:
            raise Unreadable(_("%(name)s 不是 xlsx 表格，请看是不是选错了文件。") % {"name": self.name})
        named: list[tuple[str, str]] = []
        targets: dict[str, str] = {}

        def book(tag: str, about: dict[str, str]) -> None:
            kind = tag.rpartition("}")[2]
            if kind == "workbookPr":
                self.is_1904 = about.get("date1904", "0") in {"1", "true"}
            elif kind == "sheet" and about.get("state", "visible") == "visible":
                named.append((about.get("name", ""), next((v for k, v in about.items() if k.endswith("}id")), "")))

        def relation(tag: str, about: dict[str, str]) -> None:
            if tag.endswith("}Relationship"):
                targets[about.get("Id", "")] = about.get("Target", "")

        self._read("xl/workbook.xml", book)
        if "xl/_rels/workbook.xml.rels" in self.there:
            self._read("xl/_rels/workbook.xml.rels", relation)
        sheets: dict[str, str] = {}
        for name, key in named:
            target = targets.get(key, "")
            member = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if member in self.there and "worksheets" in member:
                sheets[name] = member
        if not sheets:
            raise Unreadable(_("%(name)s 里没有可以读的表。") % {"name": self.name})
        return sheets

    def _date_styles(self) -> frozenset[int]:
        """Which cell styles show a number as a date."""
        formats: dict[int, str] = {}
        styles: list[int] = []
        inside = [False]

        def start(tag: str, about: dict[str, str]) -> None:
            kind = tag.rpartition("}")[2]
            if kind == "numFmt":
                formats[_int(about.get("numFmtId"))] = about.get("formatCode", "")
            elif kind == "cellXfs":
                inside[0] = True
            elif kind == "xf" and inside[0]:
                styles.append(_int(about.get("numFmtId")))

        def end(tag: str) -> None:
            if tag.endswith("}cellXfs"):
                inside[0] = False

        if "xl/styles.xml" not in self.there:
            return frozenset()
        self._read("xl/styles.xml", start, end)

        def is_date(code: int) -> bool:
            if code in formats:
                return bool(re.search("[ymdhs年月日]", _NOT_DATE.sub("", formats[code].lower()).split(";")[0]))
            return code in _DATE_FORMATS

        return frozenset(at for at, code in enumerate(styles) if is_date(code))

    def strings(self) -> list[str]:
        """The texts cells point at."""
        if self._strings is None:
            found: list[str] = []
            parts: list[str] = []
            state = {"text": False, "phonetic": False}

            def start(tag: str, _about: dict[str, str]) -> None:
                kind = tag.rpartition("}")[2]
                if kind == "si":
                    parts.clear()
                elif kind == "rPh":
                    state["phonetic"] = True
                elif kind == "t":
                    state["text"] = not state["phonetic"]

            def end(tag: str) -> None:
                kind = tag.rpartition("}")[2]
                if kind == "si":
                    found.append(_unescaped("".join(parts)))
                elif kind == "rPh":
                    state["phonetic"] = False
                elif kind == "t":
                    state["text"] = False

            def data(text: str) -> None:
                if state["text"]:
                    parts.append(text)

            if "xl/sharedStrings.xml" in self.there:
                self._read("xl/sharedStrings.xml", start, end, data)
            self._strings = found
        return self._strings

    def row_count(self, member: str) -> int | None:
        """What the sheet says of its size before its first row, if it does."""
        with self.packed.open(self.there[member]) as file:
            found = re.search(rb'<dimension ref="[A-Z]+\d+:[A-Z]+(\d{1,7})"', file.read(4096))
        return int(found[1]) if found else None

    def cells(self, member: str) -> Iterator[_Cells]:
        """Yield (row number, cells as text, what is wrong) of a sheet."""
        reader = _Sheet(self)
        for _part in self._parse(member, reader.start, reader.end, reader.data):
            yield from reader.rows
            reader.rows.clear()


class _Sheet:
    """Collects the rows of a sheet while expat goes through it."""

    def __init__(self, book: _Workbook) -> None:
        self.book, self.strings = book, book.strings()
        self.rows: list[_Cells] = []
        self._columns: dict[str, int] = {}
        self._number, self._at = 0, 0
        self._cells: list[str] = []
        self._problem, self._kind, self._style = "", "n", 0
        self._value: list[str] = []
        self._takes = self._has_formula = self._phonetic = False

    def start(self, tag: str, about: dict[str, str]) -> None:
        kind = tag[tag.rfind("}") + 1 :]
        if kind == "c":
            self._kind, self._style = about.get("t", "n"), _int(about.get("s"))
            self._value.clear()
            self._has_formula = False
            place = about.get("r", "")
            self._at = self._column(place) if place else self._at + 1
        elif kind == "v" or (kind == "t" and not self._phonetic):
            self._takes = True
        elif kind == "rPh":
            self._phonetic = True
        elif kind == "f":
            self._has_formula = True
        elif kind == "row":
            number = _int(about.get("r")) or self._number + 1
            if number > 1_048_576:
                raise Unreadable(_("%(name)s 的行号不对，请重新保存再来。") % {"name": self.book.name})
            self._number, self._at = number, -1
            self._cells, self._problem = [], ""

    def data(self, text: str) -> None:
        if self._takes:
            self._value.append(text)

    def end(self, tag: str) -> None:
        kind = tag[tag.rfind("}") + 1 :]
        if kind == "c":
            value = self._text()
            if value:
                at = self._at
                if len(self._cells) <= at:
                    self._cells += [""] * (at + 1 - len(self._cells))
                self._cells[at] = value
        elif kind in {"v", "t"}:
            self._takes = False
        elif kind == "rPh":
            self._phonetic = False
        elif kind == "row":
            self.rows.append((self._number, self._cells, self._problem))

    def _column(self, place: str) -> int:
        word = place.rstrip("0123456789")
        at = self._columns.get(word)
        if at is None:
            at = 0
            for sign in word[:8]:
                at = at * 26 + ord(sign.upper()) - 64
            at -= 1
            if not 0 <= at < self.book.limits.columns:
                raise Unreadable(_too_wide(self.book.name, self.book.limits))
            self._columns[word] = at
        return at

    def _text(self) -> str:
        raw = "".join(self._value)
        if len(raw) > self.book.limits.text:
            self._wrong(_("%(cell)s 这一格的字太多。"))
            return ""
        if self._kind == "s":
            try:
                return self.strings[int(raw)].strip()
            except (ValueError, IndexError):
                self._wrong(_("%(cell)s 这一格的内容丢了，请重新保存再来。"))
                return ""
        if self._kind == "e":
            self._wrong(_("%(cell)s 这一格是出错的公式，请改好再来。"))
            return raw
        if not raw:
            if self._has_formula:
                self._wrong(_("%(cell)s 这一格是公式，没有存下结果。请用表格软件打开、保存一次再来。"))
            return ""
        if self._kind in {"str", "inlineStr"}:
            return _unescaped(raw).strip()
        if self._kind == "b":
            return "是" if raw.strip() == "1" else "否"
        if self._kind == "d":
            return raw.strip().removesuffix("T00:00:00")
        return _date_text(raw, self.book.is_1904) if self._style in self.book._dates else number_text(raw)

    def _wrong(self, sentence: str) -> None:
        self._problem = self._problem or sentence % {"cell": f"{letters(self._at)}{self._number}"}


def _int(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _unescaped(text: str) -> str:
    """Signs XML cannot hold are written _x000D_."""
    if "_x" not in text:
        return text
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text).replace("\0", "")


def number_text(raw: str) -> str:
    """Return a number as a person writes it: 5, not 5.0; one too long for a spreadsheet as it stands."""
    raw = raw.strip()
    if raw.isascii() and raw.lstrip("-").isdigit():
        return raw
    try:
        value = float(raw)
    except ValueError:
        return raw
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return raw if abs(value) >= 1e15 else f"{value:.15g}"


def _date_text(raw: str, is_1904: bool) -> str:
    try:
        serial = float(raw)
        first = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        at = first + timedelta(days=serial)
    except (ValueError, OverflowError):
        return raw.strip()
    at = (at + timedelta(microseconds=500_000)).replace(microsecond=0)
    if serial < 1:
        return at.strftime("%H:%M")
    return at.date().isoformat() if at.time() == datetime.min.time() else at.isoformat(" ", "minutes")


def sheet_names(path: Path) -> list[str]:
    """Return the sheets a workbook shows. Raises Unreadable."""
    with _workbook(path, path.name, Limits()) as book:
        return list(book.sheets)
