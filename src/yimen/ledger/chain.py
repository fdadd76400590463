"""
The hash chain and the Merkle root: pure functions, the same bytes here and in ledger_append().

A row's body is canonical JSON of everything but its place; its hash is
SHA-256(previous hash ‖ seq as 8 bytes ‖ body). The first row of a stream has 32 zero bytes before it.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from json.encoder import encode_basestring as _quote
from typing import Any

START = bytes(32)

encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(data: dict[str, Any]) -> str:
    """Return `data` as canonical JSON. Raises TypeError for data JSON would not give back unchanged."""
    _plain(data)
    return encode(data)


def stamp(at: datetime) -> str:
    """Return the time as a row's body has it. Raises TypeError for a time without zone."""
    if at.tzinfo is None:
        raise TypeError("a ledger row needs a time with its zone")
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="microseconds")


def body(region: str, stream: str, kind: str, actor: str, role: str, at: datetime, data: dict[str, Any]) -> bytes:
    """
    Return the canonical bytes of a row.

    Raises TypeError for a time without zone and for data JSON would not give back unchanged.
    """
    return body_of(region, stream, kind, actor, role, stamp(at), canonical(data))


def body_of(region: str, stream: str, kind: str, actor: str, role: str, stamped: str, data: str) -> bytes:
    """body() for a time and data already as stamp() and canonical() make them."""
    head = f"{_quote(region)},{_quote(stream)},{_quote(kind)},{_quote(actor)},{_quote(role)}"
    return f'[{head},"{stamped}",{data}]'.encode()


def digest(previous: bytes, seq: int, row: bytes) -> bytes:
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + row).digest()


class Merkle:
    """
    The Merkle root of hashes added one by one, in memory that grows with the logarithm of their count.

    Leaves and nodes are marked apart so that one cannot pose as the other; a lone hash at the end of a level
    moves up as it is.
    """

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []  # (height, root) of whole subtrees, left to right
        self.count = 0

    def add(self, leaf: bytes) -> None:
        height, node = 0, hashlib.sha256(b"\0" + leaf).digest()
        while self._peaks and self._peaks[-1][0] == height:
            node = hashlib.sha256(b"\1" + self._peaks.pop()[1] + node).digest()
            height += 1
        self._peaks.append((height, node))
        self.count += 1

    def root(self) -> bytes:
        if not self._peaks:
            return START
        node = self._peaks[-1][1]
        for _height, left in reversed(self._peaks[:-1]):
            node = hashlib.sha256(b"\1" + left + node).digest()
        return node


def merkle(hashes: Iterable[bytes]) -> bytes:
    """Return the Merkle root of `hashes`; 32 zero bytes when there are none."""
    tree = Merkle()
    for leaf in hashes:
        tree.add(leaf)
    return tree.root()


def leaf(hash_: bytes, tx: int, row_id: int, recorded_us: int) -> bytes:
    """Return what a seal takes of a row: its hash and what the database added to it (time in µs since 1970)."""
    return hash_ + tx.to_bytes(8, "big") + row_id.to_bytes(8, "big") + recorded_us.to_bytes(8, "big", signed=True)


def sealed(previous: bytes, sealed_at: datetime, tx: int, last_id: int, count: int, root: bytes) -> bytes:
    """Return a seal's `chained`: SHA-256 over the seal before it and everything it says itself."""
    place = b"".join(number.to_bytes(8, "big") for number in (tx, last_id, count))
    return hashlib.sha256(previous + stamp(sealed_at).encode() + place + root).digest()


def _plain(value: Any) -> None:
    """Floats and dates do not survive JSON unchanged, so they may not enter a hashed row."""
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"ledger data needs text keys, not {type(key).__name__}")
            _plain(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _plain(item)
    else:
        raise TypeError(f"ledger data cannot hold a {type(value).__name__}; give text, whole numbers or lists")
