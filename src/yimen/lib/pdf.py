"""
Formal documents as PDF/A-2a from typst templates: tagged, fonts inside, the same bytes for the same data.

Data reaches a template only as JSON in `sys.inputs`, so no name or reason is ever read as markup (SEC-38).
"""

import json
import os
import struct
import subprocess
import sys
import threading
from bisect import bisect_right
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pylopdf_fonts_zh_cn
import typst

from yimen.lib import qr

PACKAGE = Path(__file__).resolve().parents[1]
FONTS = (pylopdf_fonts_zh_cn.serif_path(), pylopdf_fonts_zh_cn.sans_path())
STANDARD: Final = "a-2a"
APART_SECONDS = 600
# Printers' sign for a character the type case does not hold.
NO_GLYPH = "〓"

_of_thread = threading.local()


class DocumentFault(Exception):
    """The template is missing, or the data lacks what its head asks for; a fault of the caller, not of a person."""


def render(template: str, data: dict[str, Any]) -> bytes:
    """
    Return the PDF that `template`, a path below src/yimen such as "cases/typst/receipt.typ", makes of `data`.

    data: JSON values, every text as it shall be read; the head of each template lists its keys. `issued_at` is an
    aware ISO time and becomes the document's date; `verify_url` becomes the QR code. Characters no font has are
    printed as 〓. Raises DocumentFault.
    """
    source = (PACKAGE / template).resolve()
    if not source.is_relative_to(PACKAGE) or source.suffix != ".typ" or not source.is_file():
        raise DocumentFault(f"There is no document template {template}.")
    try:
        issued_at = datetime.fromisoformat(data["issued_at"])
    except (KeyError, TypeError, ValueError):
        raise DocumentFault(f"{template} needs issued_at, an ISO time with its zone.") from None
    if issued_at.tzinfo is None:
        raise DocumentFault(f"{template} needs issued_at, an ISO time with its zone.")
    values = _printable(data)
    if data.get("verify_url"):
        values["qr_svg"] = qr.svg(data["verify_url"])
    try:
        pdf = _compiler().compile(
            input=source,
            format="pdf",
            sys_inputs={"data": json.dumps(values, ensure_ascii=False)},
            pdf_standards=[STANDARD],
            timestamp=int(issued_at.timestamp()),
        )
    except typst.TypstError as error:
        raise DocumentFault(f"{template} cannot be made: {error.message}") from None
    assert isinstance(pdf, bytes)
    return pdf


def render_apart(template: str, data: dict[str, Any]) -> bytes:
    """
    Return what render() does, from a process of its own that gives its memory back: for many pages.

    A compiler keeps about 2 MB for each page it has set, so a long run would stay in a web process. Raises
    DocumentFault, also when it takes longer than APART_SECONDS.
    """
    command = [sys.executable, "-m", "yimen.lib.pdf", template]
    paths = os.pathsep.join((str(PACKAGE.parent), *filter(None, sys.path)))
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=json.dumps(data).encode(),
            env=os.environ | {"PYTHONPATH": paths},
            capture_output=True,
            timeout=APART_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise DocumentFault(f"{template} took longer than {APART_SECONDS} s.") from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or [template]
        raise DocumentFault(why[-1])
    return done.stdout


def missing_characters(text: str) -> list[str]:
    """Return the characters of `text` that would be printed as 〓, each once, in their order."""
    shown = (character for character in text if character.isprintable() and not character.isspace())
    return [character for character in dict.fromkeys(shown) if not _has_glyph(character)]


@cache
def _fonts() -> typst.Fonts:
    folders = sorted({str(Path(path).parent) for path in FONTS})
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    if len(fonts.families()) < len(FONTS):
        raise DocumentFault("The fonts for documents are not installed: run make setup again.")
    return fonts


def _compiler() -> typst.Compiler:
    # A compiler belongs to one thread; the fonts, 20 MB, are shared.
    if not hasattr(_of_thread, "compiler"):
        _of_thread.compiler = typst.Compiler(root=PACKAGE, font_paths=_fonts(), ignore_system_fonts=True)
    compiler: typst.Compiler = _of_thread.compiler
    return compiler


def _printable(value: Any) -> Any:
    match value:
        case str():
            return "".join(character if _has_glyph(character) else _instead(character) for character in value)
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
    return value


def _instead(character: str) -> str:
    return "\n" if character == "\n" else NO_GLYPH if character.isprintable() else " "


def _has_glyph(character: str) -> bool:
    starts, ends = _coverage()
    place = bisect_right(starts, ord(character)) - 1
    return place >= 0 and ord(character) <= ends[place]


@cache
def _coverage() -> tuple[list[int], list[int]]:
    """Return the first and last code points of the ranges every font here can print."""
    held = set.intersection(*({c for first, last in _ranges(path) for c in range(first, last + 1)} for path in FONTS))
    starts: list[int] = []
    ends: list[int] = []
    for code in sorted(held):
        if not ends or code != ends[-1] + 1:
            starts.append(code)
            ends.append(code)
        ends[-1] = code
    return starts, ends


def _ranges(path: str | os.PathLike[str]) -> list[tuple[int, int]]:
    """Return the code points of an OpenType font, from the 32-bit table (cmap format 12) every Chinese font has."""
    font = Path(path).read_bytes()
    tables = {font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0] for at in range(12, 12 + font[5] * 16, 16)}
    cmap = tables[b"cmap"]
    for n in range(struct.unpack_from(">H", font, cmap + 2)[0]):
        table = cmap + struct.unpack_from(">I", font, cmap + 4 + n * 8 + 4)[0]
        if struct.unpack_from(">H", font, table)[0] == 12:
            count = struct.unpack_from(">I", font, table + 12)[0]
            groups = struct.iter_unpack(">III", font[table + 16 : table + 16 + count * 12])
            return [(first, last) for first, last, _glyph in groups if first > 0x1F]
    raise DocumentFault(f"The font {Path(path).name} has no table of its characters.")


if __name__ == "__main__":
    sys.stdout.buffer.write(render(sys.argv[1], json.load(sys.stdin.buffer)))
