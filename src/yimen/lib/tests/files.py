"""Small files of every kind for tests, good ones and ones that want to hurt."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (14, 83, 80)).save(made, kind, **options)
    return made.getvalue()


def pdf(pages: int = 1) -> bytes:
    return _written(_writer(pages))


def _writer(pages: int = 1) -> PdfWriter:
    writer = PdfWriter()
    for _n in range(pages):
        writer.add_blank_page(200, 200)
    return writer


def _written(writer: PdfWriter) -> bytes:
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _name(text: str) -> NameObject:
    return NameObject(text)


def acting_pdfs() -> dict[str, bytes]:
    made = {}

    def script() -> DictionaryObject:
        return DictionaryObject({_name("/S"): _name("/JavaScript"), _name("/JS"): TextStringObject("app.alert(1)")})

    opening = _writer()
    opening._root_object[_name("/OpenAction")] = opening._add_object(script())
    made["script"] = _written(opening)
    made["script-in-odd-spelling"] = (
        made["script"].replace(b"/JavaScript", b"/Java#53cript").replace(b"/JS ", b"/#4aS ")
    )
    named = _writer()
    named._root_object[_name("/Names")] = DictionaryObject(
        {_name("/JavaScript"): DictionaryObject({_name("/Names"): ArrayObject([TextStringObject("a"), script()])})}
    )
    made["script-by-name"] = _written(named)
    carrying = _writer()
    carrying.add_attachment("a.exe", b"MZ")
    made["file-within"] = _written(carrying)
    launch = _writer()
    launch._root_object[_name("/OpenAction")] = DictionaryObject(
        {_name("/S"): _name("/Launch"), _name("/F"): TextStringObject("cmd.exe")}
    )
    made["launch"] = _written(launch)
    press = _writer()
    press.pages[0][_name("/AA")] = DictionaryObject()
    made["on-opening-a-page"] = _written(press)
    form = _writer()
    form._root_object[_name("/AcroForm")] = DictionaryObject(
        {_name("/XFA"): form._add_object(DecodedStreamObject()), _name("/Fields"): ArrayObject()}
    )
    made["xfa"] = _written(form)
    return made


def locked_pdf() -> bytes:
    writer = _writer()
    writer.encrypt("secret", algorithm="RC4-128")
    return _written(writer)


DOCX = {
    "[Content_Types].xml": b"<Types/>",
    "_rels/.rels": b"<Relationships/>",
    "word/document.xml": "<w:document>演示</w:document>".encode(),
}
XLSX = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
OFD = {"OFD.xml": b"<ofd:OFD/>", "Doc_0/Document.xml": b"<ofd:Document/>"}


def archive(entries: Mapping[str, bytes], *, comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            out.writestr(name, data)
        out.comment = comment
    return made.getvalue()


def with_link() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name, data in DOCX.items():
            out.writestr(name, data)
        link = zipfile.ZipInfo("word/link")
        link.external_attr = 0o120777 << 16
        out.writestr(link, "/etc/passwd")
    return made.getvalue()


def bomb(megabytes: int = 200) -> bytes:
    """A docx of about a thousandth of what it unpacks to."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in DOCX.items():
            out.writestr(name, data)
        with out.open("word/media.bin", "w", force_zip64=True) as big:
            for _n in range(megabytes):
                big.write(bytes(1_000_000))
    return made.getvalue()


def huge_png(side: int = 50_000) -> bytes:
    """A PNG that says it is side × side, with next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><lolz>&lol;</lolz>'
