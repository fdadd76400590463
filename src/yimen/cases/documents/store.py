"""
The folder of documents: signed PDFs and archives below HOME/documents.

A file is on the disk, with its folder's entry, before the row that names it is committed (assurance lesson 7).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings

log = logging.getLogger("yimen.cases")


def root() -> Path:
    """Return the folder everything lies below."""
    return Path(settings.HOME) / "documents"


def path_of(relative: str) -> Path:
    """Return where a stored file lies. Raises ValueError for a path that leads out of the folder."""
    path = (root() / relative).resolve()
    if not path.is_relative_to(root().resolve()):
        raise ValueError(f"{relative} lies outside the folder of documents.")
    return path


@contextlib.contextmanager
def writing(relative: str) -> Iterator[IO[bytes]]:
    """Give a file to write; when the block ends well it stands under its name, whole and on the disk."""
    path = path_of(relative)
    _make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def write(relative: str, content: bytes) -> None:
    """Store `content` under this path, over what was there."""
    with writing(relative) as file:
        file.write(content)


def read(relative: str, *, sha256: str) -> bytes | None:
    """Return a stored file; None, and a line in the log, when it is gone or is not what was stored."""
    try:
        content = path_of(relative).read_bytes()
    except (OSError, ValueError):
        log.error("stored document %s is missing", relative)
        return None
    if hashlib.sha256(content).hexdigest() != sha256:
        log.error("stored document %s is not what was stored", relative)
        return None
    return content


def remove(relative: str) -> None:
    """Remove a stored file for good; nothing happens when it is gone already."""
    path = path_of(relative)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        _sync_folder(path.parent)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_folder(folder: Path) -> None:
    missing = [folder, *folder.parents]
    for one in reversed([each for each in missing if not each.exists()]):
        with contextlib.suppress(FileExistsError):
            one.mkdir(mode=0o700)
        _sync_folder(one.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
