"""
Leaflets, one-time notices and the booklet as PDF, drawn from sheets. Always in Chinese, whatever the page's language:
build the sheets inside `in_chinese()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import groupby, islice
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.timezone import localdate

from yimen.catalog.leaflets import Sheet
from yimen.catalog.notices import notice_parts
from yimen.lib import pdf, qr
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.lib.text import listed

PER_PAGE = (1, 2, 4)
# So many leaflets are set where they are asked for; starting a process takes longer than they do.
FEW = 8


class NothingToPrint(DomainError):
    """No published item fits what was asked for."""


def in_chinese() -> AbstractContextManager[None]:
    """Make the texts of sheets Chinese; paper has one language."""
    return translation.override("zh-hans")


def leaflets(sheets: Sequence[Sheet], *, at: datetime, per_page: int = 1, title: str = "明白纸") -> bytes:
    """
    Return the sheets as tear-off leaflets, `per_page` on a page; one alone is repeated until its page is full.

    Every leaflet keeps to its place: what does not fit is set smaller, then shortened, and says 详见二维码.
    """
    if per_page not in PER_PAGE:
        raise ValueError(f"{per_page} leaflets do not go on a page")
    printed = localdate(at)
    rows = [_leaflet(one, printed) for one in sheets]
    if len(rows) == 1:
        rows *= per_page
    data = {
        "title": title,
        "author": sheets[0].center.name if sheets else "",
        "per_page": per_page,
        "sheets": rows,
        "issued_at": at.isoformat(),
    }
    return (pdf.render if len(rows) <= FEW else pdf.render_apart)("catalog/typst/leaflet.typ", data)


def notice(sheet: Sheet, *, at: datetime, chart_svg: str = "", chart_text: str = "") -> bytes:
    """Return the one-time notice; its parts are those of the page, word for word (CASE-14)."""
    data = {
        "name": sheet.name,
        "organ": sheet.organ,
        "center": sheet.center.name,
        "code": sheet.code,
        "version": sheet.version,
        "printed": long_day(localdate(at)),
        "answers": _answers(sheet),
        "parts": [asdict(part) for part in notice_parts(sheet)],
        "chart_svg": chart_svg,
        "chart_text": chart_text,
        "qr_svg": qr.svg(guide_url(sheet.code)),
        "issued_at": at.isoformat(),
    }
    return pdf.render("catalog/typst/notice.typ", data)


# A typesetter keeps a whole volume in memory, about 0.8 MB an item.
VOLUME = 600
_BOOKLET_HEADS = frozenset({"name", "intake", "progress"})


@dataclass(frozen=True)
class Volume:
    """A part of the booklet that is one file."""

    number: int
    count: int
    sheets: tuple[Sheet, ...]


def volumes(sheets: Iterable[Sheet], count: int) -> Iterator[Volume]:
    """Yield the booklet's volumes of at most VOLUME items; count: of all sheets, which are in order of department."""
    total = max(1, -(-count // VOLUME))
    sheets = iter(sheets)
    for number in range(1, total + 1):
        if rows := tuple(islice(sheets, VOLUME)):
            yield Volume(number, total, rows)


def departments_by_volume(counts: Mapping[str, int]) -> list[list[str]]:
    """Return the departments in each volume; counts: items by department, in the order of the booklet."""
    found: list[list[str]] = []
    done = 0
    for name, count in counts.items():
        first, done = done // VOLUME, done + count
        for number in range(first, -(-done // VOLUME)):
            if number == len(found):
                found.append([])
            found[number].append(name)
    return found


def booklet(volume: Volume, *, at: datetime, departments: Sequence[Sequence[str]] = ()) -> bytes:
    """
    Return a volume: cover, contents by department with page numbers, every item; an outline for the screen.

    departments: of every volume, so that each tells where the others are.
    """
    center = volume.sheets[0].center
    data = {
        "title": "政务服务事项办事指南",
        "center": center.name,
        "address": center.address,
        "hours": center.hours,
        "phone": center.phone,
        "date": long_day(localdate(at)),
        "count": len(volume.sheets),
        "volume": f"第 {volume.number} 册，共 {volume.count} 册" if volume.count > 1 else "",
        "volumes": [
            {"title": f"第 {number} 册", "departments": listed(names)} for number, names in enumerate(departments, 1)
        ]
        if volume.count > 1
        else [],
        "departments": [
            {"name": name, "items": [_in_booklet(sheet) for sheet in rows]}
            for name, rows in groupby(volume.sheets, key=lambda sheet: sheet.organ)
        ],
        "issued_at": at.isoformat(),
    }
    return pdf.render_apart("catalog/typst/booklet.typ", data)


def _in_booklet(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": sheet.name,
        "code": sheet.code,
        "version": sheet.version,
        "plain": sheet.plain,
        "answers": _answers(sheet),
        "heads": [[head.label, head.text] for head in sheet.heads if head.is_stated and head.key not in _BOOKLET_HEADS],
    }


def guide_url(code: str) -> str:
    """Return the address behind a leaflet's QR code."""
    return settings.BASE_URL + reverse("portal:item", args=[code])


def fee_words(sheet: Sheet) -> str:
    """Return what it costs in one paragraph; "" when nobody said."""
    if sheet.has_fee is None:
        return ""
    if not sheet.has_fee:
        return "不收费"
    lines = [f"{fee.name} {fee.standard}（{fee.basis}）" for fee in sheet.fees]
    return "；".join([*lines, *([sheet.fee_note] if sheet.fee_note else [])])


def _answers(sheet: Sheet) -> list[dict[str, str]]:
    return [{"question": one.question, "answer": one.answer, "reason": one.reason} for one in sheet.answers]


def _leaflet(sheet: Sheet, printed: date) -> dict[str, Any]:
    return {
        "name": sheet.name,
        "organ": sheet.organ,
        "plain": sheet.plain,
        "answers": _answers(sheet),
        "bring": [
            {
                "name": line.name,
                "count": line.count,
                "need": listed(filter(None, ("看情形" if line.is_conditional else "", line.need))),
                "note": line.note,
            }
            for line in sheet.bring
        ],
        "fetched": listed(line.name for line in sheet.fetched),
        "procedure": sheet.procedure,
        "steps": [{"name": step.name, "limit": step.limit} for step in sheet.steps],
        "basis": sheet.basis,
        "promised": sheet.promised,
        "statutory": sheet.statutory,
        "fee": fee_words(sheet),
        "condition": sheet.condition,
        "place": sheet.place,
        "hours": sheet.hours,
        "phone": sheet.phone,
        "complaint": sheet.complaint,
        "center": sheet.center.name,
        "code": sheet.code,
        "version": sheet.version,
        "printed": long_day(printed),
        "qr_svg": qr.svg(guide_url(sheet.code)),
    }
