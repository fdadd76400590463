"""
The hash chain and the Merkle root: pure functions, the same bytes here and in ledger_append().

A row's body is canonical JSON of everything but its place; its hash is
SHA-256(previous hash ‖ seq as 8 bytes ‖ body). The first row of a stream has 32 zero bytes before it.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

START = bytes(32)


def body(region: str, stream: str, kind: str, actor: str, role: str, at: datetime, data: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a row. Raises TypeError for data JSON would not give back unchanged."""
    _plain(data)
    row = [region, stream, kind, actor, role, at.astimezone(UTC).isoformat(timespec="microseconds"), data]
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(previous: bytes, seq: int, row: bytes) -> bytes:
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + row).digest()


def merkle(hashes: Iterable[bytes]) -> bytes:
    """Return the Merkle root; leaves and nodes are marked apart so that one cannot pose as the other."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in hashes]
    if not level:
        return START
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def _plain(value: Any) -> None:
    """Floats and dates do not survive JSON unchanged, so they may not enter a hashed row."""
    match value:
        case None | bool() | str() | int():
            return
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise TypeError(f"ledger data needs text keys, not {type(key).__name__}")
                _plain(item)
        case list() | tuple():
            for item in value:
                _plain(item)
        case _:
            raise TypeError(f"ledger data cannot hold a {type(value).__name__}; give text, whole numbers or lists")
