"""
A package that proves itself: a zip of files, a manifest with the SHA-256 of each, and a check that needs nothing else.

The same entries give the same bytes: names in order, one date for all, nothing compressed. Files are read and written
in pieces, so memory does not grow with them.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any
from zlib import crc32

MANIFEST = "manifest.json"
PIECE = 1 << 20
# What a manifest may be, so that a doctored package cannot fill the memory of whoever checks it.
LARGEST_MANIFEST = 64 << 20
# Beyond it a zip needs other heads; a case may hold far less (settings.UPLOAD_TOTAL_BYTES).
MOST_BYTES = 4_000_000_000


# Bytes, the file they lie in, or what opens them.
Content = bytes | Path | Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Entry:
    """One file of a package: its name in it, and its bytes or where they are. about: plain JSON for the manifest."""

    name: str
    content: Content
    about: dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """The first thing wrong with a package; entry: the name of the file it is about, "" for the package itself."""

    entry: str
    what: str


def write(target: IO[bytes], entries: Iterable[Entry], head: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """
    Write a package and return its manifest. head: plain JSON that stands in the manifest; at: the date of its files.

    Entries are written in the order given, the manifest last; a name may come once. Raises ValueError for names that
    lead elsewhere and for more than MOST_BYTES.
    """
    listed: list[dict[str, Any]] = []
    directory, offset = b"", 0
    known: set[str] = {MANIFEST}
    for entry in entries:
        if not _is_plain(entry.name) or entry.name in known:
            raise ValueError(f"{entry.name!r} cannot be the name of an entry.")
        known.add(entry.name)
        size, crc, digest = measured(entry.content)
        local = _local(entry.name, size, crc, at)
        target.write(local)
        for piece in _pieces(entry.content):
            target.write(piece)
        directory += _central(entry.name, size, crc, at, offset)
        offset += len(local) + size
        if offset > MOST_BYTES:
            raise ValueError("The package would be larger than MOST_BYTES.")
        listed.append(entry.about | {"name": entry.name, "size": size, "sha256": digest})
    manifest = head | {"packed_at": at.isoformat(), "entries": listed}
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
    target.write(_local(MANIFEST, len(text), crc32(text), at) + text)
    directory += _central(MANIFEST, len(text), crc32(text), at, offset)
    target.write(directory + _end(len(listed) + 1, len(directory), offset + 30 + len(MANIFEST) + len(text)))
    return manifest


def measured(content: Content) -> tuple[int, int, str]:
    """Return the size, CRC-32 and SHA-256 of an entry's bytes."""
    return _measured(_pieces(content))


def _measured(pieces: Iterable[bytes]) -> tuple[int, int, str]:
    size, crc, digest = 0, 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        crc = crc32(piece, crc)
        digest.update(piece)
    return size, crc, digest.hexdigest()


# The parts of a zip (PKWARE APPNOTE 4.3): names in UTF-8, nothing compressed, no extra fields, version 2.0, Unix.
def _common(name: str, size: int, crc: int, at: datetime) -> bytes:
    day = (max(at.year, 1980) - 1980) << 9 | at.month << 5 | at.day
    clock = at.hour << 11 | at.minute << 5 | at.second // 2
    return struct.pack("<HHHHHLLLHH", 20, 0x800, 0, clock, day, crc, size, size, len(name.encode()), 0)


def _local(name: str, size: int, crc: int, at: datetime) -> bytes:
    return b"PK\x03\x04" + _common(name, size, crc, at) + name.encode()


def _central(name: str, size: int, crc: int, at: datetime, offset: int) -> bytes:
    mode = 0o100444 << 16
    head = b"PK\x01\x02" + struct.pack("<H", 0x314) + _common(name, size, crc, at)
    return head + struct.pack("<HHHLL", 0, 0, 0, mode, offset) + name.encode()


def _end(count: int, size: int, offset: int) -> bytes:
    return b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, size, offset, 0)


def _pieces(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") if isinstance(content, Path) else content() as file:
        while piece := file.read(PIECE):
            yield piece


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and "\\" not in name and "\0" not in name and all(part not in {"", ".", ".."} for part in parts)


Check = Callable[[str, Callable[[], bytes], dict[str, Any]], str | None]


def verify(path: Path, more: Check | None = None) -> tuple[dict[str, Any], Fault | None]:
    """
    Return the manifest and the first fault, None when every byte is as it was packed. The manifest is {} if unreadable.

    more: asked for each entry in order with its name, a function that reads it whole and its line in the manifest;
    returns what is wrong, or None.
    """
    try:
        return _verify(path, more)
    except Exception as error:  # whatever a doctored file makes the reader do, it is not believed
        return {}, Fault("", f"unreadable: {type(error).__name__}")


def _verify(path: Path, more: Check | None) -> tuple[dict[str, Any], Fault | None]:
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        if names.count(MANIFEST) != 1:
            return {}, Fault(MANIFEST, "missing")
        if package.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
            return {}, Fault(MANIFEST, "too large")
        text = package.read(MANIFEST)
    manifest = json.loads(text)
    at, lines = datetime.fromisoformat(manifest["packed_at"]), list(manifest["entries"])
    known = {line["name"] for line in lines} | {MANIFEST}
    for name in names:
        if name not in known or names.count(name) > 1:
            return manifest, Fault(name, "not in the manifest" if name not in known else "twice")
    if missing := next((line["name"] for line in lines if line["name"] not in names), None):
        return manifest, Fault(missing, "missing")
    # What was packed is packed again, in thought: the file must be that, byte for byte.
    directory, offset = b"", 0
    with path.open("rb") as file:
        for line in lines:
            name, size = line["name"], line["size"]
            start = offset + 30 + len(name.encode())
            file.seek(start)
            found, crc, digest = _measured(_next(file, size))
            if found != size or digest != line["sha256"]:
                return manifest, Fault(name, "changed")
            local = _local(name, size, crc, at)
            file.seek(offset)
            if file.read(len(local)) != local:
                return manifest, Fault(name, "head changed")
            if more and (said := more(name, partial(_read, file, start, size), line)):
                return manifest, Fault(name, said)
            directory += _central(name, size, crc, at, offset)
            offset = start + size
        tail = _local(MANIFEST, len(text), crc32(text), at) + text
        directory += _central(MANIFEST, len(text), crc32(text), at, offset)
        tail += directory + _end(len(lines) + 1, len(directory), offset + len(tail))
        file.seek(offset)
        if file.read(len(tail) + 1) != tail:
            return manifest, Fault(MANIFEST, "changed")
    return manifest, None


def _next(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(size, PIECE))):
        size -= len(piece)
        yield piece


def _read(file: IO[bytes], start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
