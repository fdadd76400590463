"""
Files sealed on the disk with the keys of sealed fields (SEC-44): in chunks, so that large ones are read as a stream.

A sealed file is: MAGIC, a format version naming the cipher and a key id (both as in lib.crypto), 16 random bytes, then
chunks of CHUNK plain bytes, each as the cipher writes it. Each file has a key of its own, derived from the master key
and those bytes; each chunk is bound to the head, to its place and to being the last or not, so a file that was changed,
cut off, or put together from others does not open.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from yimen.lib import crypto

MAGIC = b"YMSEALED"
HEAD = len(MAGIC) + 1 + crypto.KEY_ID_BYTES + 16
CHUNK = 64 * 1024


def seal_file(source: IO[bytes], target: IO[bytes]) -> None:
    """Write what `source` holds from here on to `target`, sealed with the first key."""
    key = crypto.key_for_new_file()
    head = MAGIC + key.head
    target.write(head)
    place, piece = 0, source.read(CHUNK)
    while True:
        after = source.read(CHUNK) if len(piece) == CHUNK else b""
        target.write(key.seal(piece, _bound(head, place, is_last=not after)))
        if not after:
            return
        place, piece = place + 1, after


def open_file(path: Path) -> IO[bytes]:
    """
    Open a file for reading as it was before it was sealed; one that never was, as it is.

    Reading raises crypto.SealBroken where it was changed. Raises FileNotFoundError, crypto.SealBroken for a key that
    is not here.
    """
    file = path.open("rb")
    try:
        head = file.read(HEAD)
        if not head.startswith(MAGIC):
            file.seek(0)
            return file
        return io.BufferedReader(_Opened(file, head), CHUNK)
    except BaseException:
        file.close()
        raise


def is_current(path: Path) -> bool:
    """Tell whether a file is sealed with today's cipher and first key."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return head.startswith(MAGIC) and crypto.is_current(head[len(MAGIC) :])


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the plain bytes of a file, chunk by chunk."""
    with open_file(path) as file:
        while piece := file.read(CHUNK):
            yield piece


def _bound(head: bytes, place: int, *, is_last: bool) -> bytes:
    return head + place.to_bytes(8, "big") + bytes([is_last])


class _Opened(io.RawIOBase):
    """The plain bytes of a sealed file, opened chunk by chunk as they are read."""

    def __init__(self, file: IO[bytes], head: bytes) -> None:
        self._file, self._head = file, head
        self._key = crypto.key_of_file(head[len(MAGIC) :])
        self._stored = CHUNK + self._key.overhead
        body = os.fstat(file.fileno()).st_size - HEAD
        self._count = -(-body // self._stored)
        self._size = body - self._count * self._key.overhead
        if self._count < 1 or self._size < 0:
            raise crypto.SealBroken("a sealed file was cut off")
        self._at, self._known, self._piece = 0, -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        place, begin = divmod(self._at, CHUNK)
        if self._at >= self._size:
            # An empty file, too, proves that it is whole.
            self._chunk(self._count - 1)
            return 0
        piece = self._chunk(place)[begin : begin + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _chunk(self, place: int) -> bytes:
        if place != self._known:
            self._file.seek(HEAD + place * self._stored)
            sealed = self._file.read(self._stored)
            bound = _bound(self._head, place, is_last=place == self._count - 1)
            self._piece, self._known = self._key.open(sealed, bound), place
        return self._piece

    def close(self) -> None:
        self._file.close()
        super().close()
