"""Cells of a spreadsheet, and spreadsheets written as a stream: CSV and XLSX, both free of formulas."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _

from yimen.lib.errors import DomainError
from yimen.lib.tables import letters

# A cell that begins so is a formula to a spreadsheet (SEC-38).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# What one cell of a spreadsheet program holds.
LONGEST_CELL = 32_767
AT_ONCE = 500


class CellTooLong(DomainError):
    """A text that a spreadsheet would cut."""


def safe_cell(value: object) -> str:
    """Return text a spreadsheet shows as text, never runs; plain_cell() gives it back."""
    text = str(value)
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def plain_cell(text: str) -> str:
    """Return what safe_cell() was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


def write_csv(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a CSV file in parts, with the mark that lets spreadsheet programs read it as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    for number, row in enumerate(rows, 1):
        writer.writerow([safe_cell(cell) for cell in row])
        if number % AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/styles.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
    "{sheets}</Types>"
)
_SHEET_TYPE = (
    '<Override PartName="/xl/worksheets/sheet{n}.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="49" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1"/></cellXfs></styleSheet>'
)
_BAD = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_x[0-9A-Fa-f]{4}_")


def _text(value: str) -> str:
    """Signs XML cannot hold are written _x000D_, as spreadsheet programs do."""
    if _BAD.search(value):
        value = _BAD.sub(lambda found: f"_x{ord(found[0]):04X}_" if len(found[0]) == 1 else f"_x005F{found[0]}", value)
    return escape(value)


def write_xlsx(file: IO[bytes], sheets: Iterable[tuple[str, Iterable[Sequence[object]]]]) -> None:
    """
    Write a workbook row by row; every cell is text, so none is ever run. The first row of a sheet is its headings.

    sheets: (name, rows) in order. Raises CellTooLong for a text no spreadsheet program holds.
    """
    names: list[str] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for name, rows in sheets:
            names.append(name)
            with packed.open(f"xl/worksheets/sheet{len(names)}.xml", "w", force_zip64=True) as part:
                part.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'.encode())
                part.write(b'<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>')
                part.write(b"</sheetView></sheetViews><sheetData>")
                lines: list[str] = []
                for number, row in enumerate(rows, 1):
                    lines.append(_row(number, row))
                    if len(lines) == AT_ONCE:
                        part.write("".join(lines).encode())
                        lines.clear()
                part.write("".join(lines).encode())
                part.write(b"</sheetData></worksheet>")
        for member, text in _frame(names).items():
            packed.writestr(member, text)


def _row(number: int, row: Sequence[object]) -> str:
    style = ' s="1"' if number == 1 else ' s="0"'
    cells = []
    for at, cell in enumerate(row):
        text = str(cell)
        if not text:
            continue
        if len(text) > LONGEST_CELL:
            values = {"row": number, "column": at + 1, "most": LONGEST_CELL}
            raise CellTooLong(
                _("第 %(row)d 行第 %(column)d 列的字超过 %(most)d 个，xlsx 装不下。请导出 csv 或 jsonl。") % values
            )
        place = f'r="{letters(at)}{number}" t="inlineStr"{style}'
        cells.append(f'<c {place}><is><t xml:space="preserve">{_text(text)}</t></is></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def _frame(names: Sequence[str]) -> dict[str, str]:
    numbers = range(1, len(names) + 1)
    sheets = "".join(
        f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    return {
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_RELS}">{links}<Relationship Id="rId0"'
        f' Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_RELS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": _TYPES.format(sheets="".join(_SHEET_TYPE.format(n=n) for n in numbers)),
    }
