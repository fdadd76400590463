"""
Paper slips of thermal printers (ESC/POS), drawn as pictures.

Printers differ in the Chinese they know (GB18030, Big5, none); every one of them prints dots. So a slip is drawn with
the shipped font and sent as raster graphics (GS v 0): what is on the paper does not depend on the printer.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import segno
from PIL import Image, ImageDraw, ImageFont

# The library's own list of printers takes longer to read than all else a web process loads; dots need none of it.
os.environ["ESCPOS_CAPABILITIES_FILE"] = str(Path(__file__).with_name("escpos.json"))
os.environ.pop("ESCPOS_CAPABILITIES_PICKLE_DIR", None)

from escpos import capabilities
from escpos.printer import Dummy

shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)  # it leaves a folder behind at each start

# Dots on a millimetre at 203 dpi, and the narrowest paper we print on.
DOTS = 8
NARROWEST = 256
# Printers take pictures in bands; short ones fit every buffer.
BAND = 240
CONNECT_SECONDS, SEND_SECONDS = 1.0, 5.0
PORTS = range(9100, 9200)
_DEVICE = re.compile(r"/dev/(usb/)?lp[0-9]{1,2}|/dev/tty(USB|ACM|S)[0-9]{1,2}", re.ASCII)
_HOST = re.compile(r"([a-zA-Z0-9][-a-zA-Z0-9.]{0,62}):([0-9]{4,5})", re.ASCII)
_NAME = re.compile(r"[a-zA-Z0-9][-_a-zA-Z0-9]{0,40}", re.ASCII)
# A line does not begin with these, nor break within a number or a word.
_CLOSING = "，。、；：？！）》”’%％"
_WORD = re.compile(r"[A-Za-z0-9:.\-–/]+")


class BadTarget(ValueError):
    """Not a place a slip may be sent to."""


class NotPrinted(Exception):
    """The printer could not be reached, or took nothing."""


@dataclass(frozen=True)
class Text:
    """A paragraph. size: height of the characters in dots (24 is 3 mm); box: drawn as a tick box in front."""

    words: str
    size: int = 28
    is_bold: bool = False
    is_centred: bool = False
    has_box: bool = False


@dataclass(frozen=True)
class Rule:
    """A dashed line across."""


@dataclass(frozen=True)
class Code:
    """A QR code of this text, in the middle; width in dots at most."""

    text: str
    width: int = 240


Part = Text | Rule | Code


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(pylopdf_fonts_zh_cn.sans_path()), size)


def _pieces(words: str) -> list[str]:
    """What a line may break between: single Chinese characters, whole words and numbers."""
    found, at = [], 0
    for match in _WORD.finditer(words):
        found += list(words[at : match.start()])
        found.append(match.group())
        at = match.end()
    return found + list(words[at:])


def lines_of(words: str, size: int, width: int) -> list[str]:
    """Return `words` in lines of at most `width` dots; a closing mark stays with what it closes."""
    font, lines, line = _font(size), [], ""
    for piece in _pieces(words):
        if piece == "\n":
            lines.append(line)
            line = ""
        elif not line or piece in _CLOSING or font.getlength(line + piece) <= width:
            line += piece
        else:
            lines.append(line.rstrip())
            line = piece.lstrip()
    return [*lines, line]


def draw(parts: Sequence[Part], width: int) -> Image.Image:
    """Return the slip as a picture of black dots, `width` dots wide and as long as it needs."""
    width = max(NARROWEST, width) // 8 * 8
    side = 16
    drawn: list[tuple[int, Image.Image]] = []
    for part in parts:
        drawn.append((6, _drawn(part, width, width - 2 * side, side)))
    height = sum(gap + one.height for gap, one in drawn) + 24
    page = Image.new("1", (width, height), 1)
    y = 8
    for gap, one in drawn:
        page.paste(one, (0, y))
        y += gap + one.height
    return page


def _drawn(part: Part, width: int, inner: int, side: int) -> Image.Image:
    if isinstance(part, Rule):
        page = Image.new("1", (width, 17), 1)
        pen = ImageDraw.Draw(page)
        for x in range(side, width - side, 16):
            pen.line([(x, 8), (x + 8, 8)], fill=0, width=2)
        return page
    if isinstance(part, Code):
        return _code(part, width, min(part.width, inner))
    indent = part.size + 12 if part.has_box else 0
    lines = lines_of(part.words, part.size, inner - indent)
    step = round(part.size * 1.35)
    page = Image.new("L", (width, step * len(lines) + 2), 255)
    pen, font = ImageDraw.Draw(page), _font(part.size)
    if part.has_box:
        box = round(part.size * 0.8)
        pen.rectangle([side, 6, side + box, 6 + box], outline=0, width=2)
    for n, line in enumerate(lines):
        gap = max(0.0, (inner - indent - font.getlength(line)) / 2) if part.is_centred else 0.0
        pen.text((side + indent + gap, n * step), line, font=font, fill=0, stroke_width=1 if part.is_bold else 0)
    # A hard edge: thermal paper has no grey.
    return page.point(lambda value: 255 if value > 150 else 0).convert("1", dither=Image.Dither.NONE)


def _code(part: Code, width: int, most: int) -> Image.Image:
    rows = [list(row) for row in segno.make(part.text, error="m", micro=False).matrix_iter(border=2)]
    scale = max(2, most // len(rows))
    page = Image.new("1", (width, scale * len(rows)), 1)
    pen, left = ImageDraw.Draw(page), (width - scale * len(rows)) // 2
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            if is_dark:
                at = (left + x * scale, y * scale)
                pen.rectangle([at, (at[0] + scale - 1, at[1] + scale - 1)], fill=0)
    return page


def encode(page: Image.Image) -> bytes:
    """Return the bytes for the printer: reset, the picture in bands, paper out, cut."""
    printer = Dummy()
    # Any paper: the picture has the width it was drawn with.
    printer.profile.profile_data = {**printer.profile.profile_data, "media": {"width": {"pixels": page.width}}}
    printer.hw("INIT")
    printer.image(page, impl="bitImageRaster", fragment_height=BAND, center=False)
    printer.cut()
    return bytes(printer.output)


def check_target(kind: str, target: str) -> str:
    """
    Return a target slips may be sent to, or raise BadTarget.

    network: host:port with a port of printers (9100–9199); file: a printer's device, or the name of a file in the
    folder of slips: nobody at a web page may have other files written or other services spoken to.
    """
    target = target.strip()
    if kind == "network":
        found = _HOST.fullmatch(target)
        if found and int(found[2]) in PORTS:
            return target
    elif _DEVICE.fullmatch(target) or _NAME.fullmatch(target):
        return target
    raise BadTarget(target)


def send(data: bytes, *, kind: str, target: str, folder: Path) -> None:
    """
    Hand `data` to the printer: over the network, to its device, or to the end of a file in `folder`.

    Raises NotPrinted, after CONNECT_SECONDS and SEND_SECONDS at the latest, and BadTarget.
    """
    target = check_target(kind, target)
    try:
        if kind == "network":
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS) as line:
                line.settimeout(SEND_SECONDS)
                line.sendall(data)
            return
        path = Path(target)
        if not path.is_absolute():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{target}.bin"
        elif not path.exists():
            raise NotPrinted(f"no device {target}")
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise NotPrinted(type(error).__name__) from None
