"""
Files from outside: what one really is, whether it can hurt, and where it lies (SEC-39).

Nothing of a file is believed: kind, size and hash are found here, pictures are written anew, archives and PDFs are
looked into and refused when they hold anything that could act. Memory stays flat whatever the size.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import stat
import threading
import unicodedata
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import filetype
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageFile, ImageOps
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from yimen.lib import sealed_files
from yimen.lib.errors import DomainError

CHUNK = 64 * 1024
LONGEST_NAME = 255  # bytes, as file systems have it

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ofd": "application/ofd",  # GB/T 33190, what electronic certificates and invoices come as
}
# Shown in the browser; everything else is only handed over to be kept.
SHOWN = frozenset({"pdf", "jpg", "png"})
SUFFIXES = {"jpeg": "jpg", "jpe": "jpg"}

FAULTS: Mapping[str, Promise] = {
    "empty": _("这个文件是空的，请重新选一次。"),
    "too_large": _("这个文件太大了，请压缩、拍小一点，或者分成几个再传。"),
    "kind": _("只收 PDF、照片（JPG、PNG）、Word（docx）、Excel（xlsx）和 OFD。请换成这几种，拍照也行。"),
    "suffix": _("文件名的后缀和里面的内容对不上。请用原来的软件另存一次再传，或者拍照上传。"),
    "broken": _("这个文件打不开，可能没有传完整，请重新传一次。"),
    "pixels": _("这张图片的尺寸太大，请用手机直接拍，或者缩小以后再传。"),
    "mixed": _("这个文件里还夹着别的内容，为了安全不能收。请另存一份，或者拍照上传。"),
    "locked": _("这个文件加了密码，我们打不开。请去掉密码再传。"),
    "acting": _("这个 PDF 里有会自动运行的内容或附件，为了安全不能收。请“打印成 PDF”再传。"),
    "complex": _("这个文件里的东西太多了，没法检查。请“打印成 PDF”再传，或者分成几个。"),
    "macro": _("这个文件里有宏或者嵌入的程序，为了安全不能收。请另存为不带宏的文件，或者“打印成 PDF”再传。"),
    "paths": _("这个文件里面的结构不正常，为了安全不能收。请用原来的软件另存一次。"),
    "unpacked": _("这个文件解开以后太大了，不能收。请把里面的图片压缩，或者“打印成 PDF”再传。"),
    "nested": _("这个文件里又套着压缩包，不能收。请把里面的文件拿出来一个一个传。"),
    "outside": _("这个文件会去连别处的内容，为了安全不能收。请“打印成 PDF”再传。"),
    "virus": _("杀毒检查认为这个文件有害，没有收。请换一台电脑重新生成，或者拍照上传。"),
    "scanner": _("现在没法做杀毒检查，所以先不收文件。您填的都在，请过一会儿再传。"),
}

# Sizes of what may be inside, in bytes, entries, objects and pixels.
MOST_ENTRIES = 3_000
MOST_UNPACKED = 120_000_000
MOST_TIMES_PACKED = 200
SMALL_UNPACKED = 5_000_000  # so much may be packed however tightly
MOST_OBJECTS = 60_000
MOST_PIXELS = 24_000_000
MOST_PIXELS_ASKED = 200_000_000
KEPT_PIXELS = 16_000_000

# Pictures and PDFs take memory while they are looked at: so many at a time in one process.
_looking = threading.BoundedSemaphore(2)


class Refused(DomainError):
    """The file cannot be taken; fault is its key in FAULTS."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        super().__init__(str(FAULTS[fault]))


@dataclass(frozen=True)
class Found:
    """What a file was found to be: kind (a key of MEDIA_TYPES), size in bytes and SHA-256 of what is kept."""

    kind: str
    size: int
    sha256: str


def clean_name(name: str) -> str:
    """Return the last part of a file name as people may read it: no folders, no invisible marks, 255 bytes at most."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(one for one in last if unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}).strip(" .")
    stem, dot, suffix = seen.rpartition(".")
    if not dot or len(suffix) > 8:
        stem, dot, suffix = seen, "", ""
    room = LONGEST_NAME - len((dot + suffix).encode())
    return (stem.encode()[:room].decode(errors="ignore") + dot + suffix) or "file"


def inspect(path: Path, name: str, *, scanner: str = "") -> Found:
    """
    Return what the file at `path` is; a picture there is written anew first. Raises Refused.

    name: as its owner called it, only its suffix counts. scanner: address of a clamd ("host:port" or a socket's
    path); when it is given and does not answer, nothing is taken.
    """
    if path.stat().st_size == 0:
        raise Refused("empty")
    kind = _kind_of(path)
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix and SUFFIXES.get(suffix, suffix) != kind:
        raise Refused("suffix" if SUFFIXES.get(suffix, suffix) in MEDIA_TYPES else "kind")
    if scanner:
        scan(path, scanner)
    with _looking:
        if kind in {"jpg", "png"}:
            _write_anew(path, kind)
        elif kind == "pdf":
            _look_into_pdf(path)
        else:
            _look_into_archive(path, kind)
    return Found(kind, path.stat().st_size, hash_of(path))


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind_of(path: Path) -> str:
    """Return the kind by the first bytes and, for archives, by what is inside; Refused for anything not on the list."""
    with path.open("rb") as file:
        head = file.read(8192)
    guess = filetype.guess(head)
    found = guess.extension if guess else ""
    if found in {"pdf", "jpg", "png"}:
        magic = {"pdf": b"%PDF-", "jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}[found]
        if not head.startswith(magic):
            raise Refused("mixed")
        return str(found)
    if head.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            raise Refused("broken") from None
        if "[Content_Types].xml" in names and "word/document.xml" in names:
            return "docx"
        if "[Content_Types].xml" in names and "xl/workbook.xml" in names:
            return "xlsx"
        if "OFD.xml" in names:
            return "ofd"
    raise Refused("kind")


# Pictures


def _write_anew(path: Path, kind: str) -> None:
    """Read the picture and write only its pixels: what was hidden behind or inside it does not come along."""
    new = path.with_name(path.name + ".new")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=["JPEG" if kind == "jpg" else "PNG"]) as picture:
                asked = picture.width * picture.height
                is_heavy = kind == "png" or bool(picture.info.get("progressive"))
                if asked > (MOST_PIXELS if is_heavy else MOST_PIXELS_ASKED):
                    raise Refused("pixels")
                if kind == "jpg" and asked > KEPT_PIXELS:
                    # JPEG can be read at a half, a quarter or an eighth without ever being in memory whole.
                    part = next(n for n in (2, 4, 8) if asked <= KEPT_PIXELS * n * n)
                    picture.draft(None, (picture.width // part, picture.height // part))
                picture.load()
                turned = ImageOps.exif_transpose(picture)
                modes = {"RGB", "L"} if kind == "jpg" else {"1", "L", "LA", "P", "RGB", "RGBA"}
                plain = turned if turned.mode in modes else turned.convert("RGB")
                # Comments, places and cameras stay behind; a see-through colour is part of the picture.
                plain.info = {key: value for key, value in plain.info.items() if key == "transparency"}
                plain.save(new, "JPEG" if kind == "jpg" else "PNG", **({"quality": 88} if kind == "jpg" else {}))
        os.replace(new, path)
    except Refused:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, EOFError, MemoryError):
        raise Refused("broken") from None
    finally:
        new.unlink(missing_ok=True)


ImageFile.LOAD_TRUNCATED_IMAGES = False
Image.MAX_IMAGE_PIXELS = None  # judged above, before anything is read

# PDF

_ACTS = frozenset({"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/RichMediaExecute", "/Rendition"})
_PARTS = frozenset({"/JS", "/JavaScript", "/EmbeddedFiles", "/EmbeddedFile", "/RichMedia", "/XFA", "/AA", "/EF"})
_TAIL = 66_000


def _look_into_pdf(path: Path) -> None:
    """Refuse a PDF that begins or ends as something else, or holds anything that acts or carries other files."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024).lower()
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    end = tail.rfind(b"%%EOF")
    if end < 0:
        raise Refused("broken")
    if tail[end + 5 :].strip(b"\r\n\t \x00") or b"PK\x05\x06" in tail or b"<script" in head or b"<html" in head:
        raise Refused("mixed")
    try:
        with path.open("rb") as file:
            reader = PdfReader(file, strict=False)
            if reader.is_encrypted:
                raise Refused("locked")
            _walk_pdf(reader)
            if not reader.pages:
                raise Refused("broken")
    except Refused:
        raise
    except RecursionError:
        raise Refused("complex") from None
    except Exception:  # whatever a parser trips over: nobody has looked into it, so it is not taken
        raise Refused("broken") from None


def _walk_pdf(reader: PdfReader) -> None:
    """Look at every object that can be reached from the trailer."""
    waiting: list[Any] = [reader.trailer]
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, IndirectObject):
            key = (one.idnum, one.generation)
            if key in seen:
                continue
            seen.add(key)
            one = one.get_object()
        count += 1
        if count > MOST_OBJECTS * 10 or len(seen) > MOST_OBJECTS:
            raise Refused("complex")
        if isinstance(one, DictionaryObject):
            names = set(one.keys())
            kinds = {str(one.raw_get(name)) for name in ("/S", "/Type", "/Subtype") if name in names}
            if names & _PARTS or kinds & _ACTS or kinds & {"/EmbeddedFile", "/RichMedia", "/FileAttachment"}:
                raise Refused("acting")
            waiting.extend(one.raw_get(name) for name in names)
        elif isinstance(one, ArrayObject):
            waiting.extend(list.__iter__(one))


# Archives: docx, xlsx, ofd

_NESTED = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b\x08", b"MZ", b"\x7fELF", b"\xd0\xcf\x11\xe0")
_NESTED_NAMES = re.compile(r"\.(zip|jar|rar|7z|gz|docx|docm|xlsx|xlsm|exe|dll|bat|cmd|js|vbs|ps1|sh|scr|lnk)$", re.I)
_MACROS = re.compile(r"(^|/)(vbaproject\.bin|vbadata\.xml|activex/|embeddings/|macrosheets/|customui/)", re.I)
_OUTSIDE = re.compile(rb"(attachedTemplate|oleObject|externalLink|/frame|subDocument|/image)\"", re.I)


def _look_into_archive(path: Path, kind: str) -> None:
    """Refuse an archive with odd paths, other archives or programs, macros, references outside, or too much in it."""
    packed = path.stat().st_size
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if archive.comment:
                raise Refused("mixed")
            if len(entries) > MOST_ENTRIES:
                raise Refused("unpacked")
            total = sum(entry.file_size for entry in entries)
            if total > MOST_UNPACKED or (total > SMALL_UNPACKED and total > packed * MOST_TIMES_PACKED):
                raise Refused("unpacked")
            if len({entry.filename.lower() for entry in entries}) < len(entries):
                raise Refused("paths")
            for entry in entries:
                _check_entry(archive, entry)
    except Refused:
        raise
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError):
        raise Refused("broken") from None
    except Exception as error:  # zlib, lzma: damaged inside
        if type(error).__module__ not in {"zlib", "lzma", "_lzma"}:
            raise
        raise Refused("broken") from None


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ":" in name or ".." in parts or "\x00" in name or "\\" in name:
        raise Refused("paths")
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)):
        raise Refused("paths")
    if entry.flag_bits & 0x1:
        raise Refused("locked")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Refused("broken")
    if _MACROS.search(name):
        raise Refused("macro")
    if _NESTED_NAMES.search(name):
        raise Refused("nested")
    is_xml = name.lower().endswith((".xml", ".rels"))
    is_rels = name.lower().endswith(".rels")
    count, before = 0, b""
    with archive.open(entry) as inside:
        while piece := inside.read(CHUNK):
            if not count and piece.startswith(_NESTED):
                raise Refused("nested")
            count += len(piece)
            if count > entry.file_size:
                raise Refused("unpacked")
            if is_xml:
                text = (before + piece).replace(b"\x00", b"")
                if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                    raise Refused("paths")
                if name == "[Content_Types].xml" and b"macroenabled" in text.lower():
                    raise Refused("macro")
                if is_rels and b'TargetMode="External"' in text and _OUTSIDE.search(text):
                    raise Refused("outside")
                before = piece[-256:] if not is_rels else (before + piece)[-CHUNK:]


# The virus scanner

_ANSWER_SECONDS = 30


def scan(path: Path, address: str) -> None:
    """Ask the clamd at `address` about a file; Refused("virus"), or Refused("scanner") when it cannot say."""
    try:
        with _connect(address) as line, path.open("rb") as file:
            line.sendall(b"zINSTREAM\0")
            while piece := file.read(CHUNK):
                line.sendall(len(piece).to_bytes(4, "big") + piece)
            line.sendall(b"\0\0\0\0")
            answer = b""
            while not answer.endswith(b"\0") and (more := line.recv(1024)):
                answer += more
    except OSError:
        raise Refused("scanner") from None
    said = answer.rstrip(b"\0\n").decode(errors="replace")
    if said.endswith(" FOUND"):
        raise Refused("virus")
    if not said.endswith(": OK"):
        raise Refused("scanner")


def _connect(address: str) -> socket.socket:
    if "/" in address:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(_ANSWER_SECONDS)
        line.connect(address)
        return line
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS)


# Where files lie


class WrongOffset(DomainError):
    """A piece does not begin where the last one ended; at: how many bytes are here."""

    def __init__(self, at: int) -> None:
        self.at = at
        super().__init__(str(_("这一段接不上，请从已经收到的地方接着传。")))


@dataclass(frozen=True)
class Store:
    """
    A folder of files, each under its own id, sealed (lib.sealed_files). A file is whole and on the disk before anybody
    writes down that it is there (lesson 7): finish() returns after the file and its folder are synced. Only what is
    still coming lies open, as `.part`, until it was looked into. Sizes and hashes are of the plain bytes.
    """

    root: Path

    def path(self, pk: UUID) -> Path:
        return self.root / pk.hex[-2:] / pk.hex

    def coming(self, pk: UUID) -> Path:
        return self.path(pk).with_suffix(".part")

    def add(self, pk: UUID, offset: int, pieces: Iterator[bytes] | IO[bytes], *, most: int) -> int:
        """
        Write pieces from `offset` on and return how many bytes are here then; synced. What lay behind is cut off.

        Raises WrongOffset beyond the end of what is here, Refused("too_large") past `most` bytes in all.
        """
        path = self.coming(pk)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "r+b") as file:
            here = file.seek(0, os.SEEK_END)
            if offset > here:
                raise WrongOffset(here)
            file.truncate(offset)
            file.seek(offset)
            total = offset
            for piece in pieces if isinstance(pieces, Iterator) else iter(lambda: pieces.read(CHUNK), b""):
                total += len(piece)
                if total > most:
                    file.truncate(offset)
                    raise Refused("too_large")
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
        return total

    def finish(self, pk: UUID, name: str, *, scanner: str = "") -> Found:
        """Look into what came and keep it under its id. Raises Refused; the file then still lies there as coming."""
        part, path = self.coming(pk), self.path(pk)
        if not part.exists() and path.exists():  # finished before, and the row was lost
            with sealed_files.open_file(path) as file, part.open("wb") as back:
                shutil.copyfileobj(file, back, CHUNK)
        found = inspect(part, name, scanner=scanner)
        with part.open("rb") as file:
            self._put(path, file)
        part.unlink()
        return found

    def _put(self, path: Path, source: IO[bytes]) -> None:
        """Write `source` sealed to `path`, all of it or nothing."""
        new = path.with_suffix(".sealed")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as target:
            sealed_files.seal_file(source, target)
            target.flush()
            os.fsync(target.fileno())
        os.replace(new, path)
        _sync_folder(path.parent)

    def is_behind(self, pk: UUID) -> bool:
        """Tell whether a file lies here plain, or sealed with an older key or cipher."""
        path = self.path(pk)
        return path.exists() and not sealed_files.is_current(path)

    def reseal(self, pk: UUID) -> bool:
        """Seal a file anew that lies here plain or under an older key; False when there is nothing to do."""
        path = self.path(pk)
        if not self.is_behind(pk):
            return False
        with self.open(pk) as file:
            self._put(path, file)
        return True

    def link(self, pk: UUID, other: UUID) -> None:
        """Let the file of `other` also lie under `pk`: whoever removes one leaves the other."""
        path = self.path(pk)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.link(self.path(other), path)
        _sync_folder(path.parent)

    def open(self, pk: UUID) -> IO[bytes]:
        """Return the file as it was handed in, open for reading as a stream."""
        return sealed_files.open_file(self.path(pk))

    def remove(self, pk: UUID) -> None:
        """Remove what there is of a file; none is none."""
        part = self.coming(pk)
        for path in (self.path(pk), part, part.with_name(part.name + ".new"), part.with_suffix(".sealed")):
            path.unlink(missing_ok=True)

    def ids(self) -> Iterator[tuple[UUID, float]]:
        """Yield every id with a file here, coming or whole, and when it was last written (seconds since 1970)."""
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            for path in folder.iterdir():
                name = path.name.partition(".")[0]
                if re.fullmatch(r"[0-9a-f]{32}", name):
                    yield UUID(name), path.stat().st_mtime


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
