"""Identifiers made by the application: time-ordered UUIDs (RFC 9562 version 7) and codes people type."""

import os
import secrets
import threading
import time
from datetime import datetime
from uuid import UUID

# Crockford's base 32: no I, L, O, U, so nothing is misread or spells a word.
CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110", " -")

# The first digit after the time: two bits are the variant's.
_VARIANT = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}

_lock = threading.Lock()
_last = 0


def uuid7(at: datetime | None = None) -> UUID:
    """
    Return a new UUIDv7, larger than every one this process made before.

    at: an aware moment the id shall carry instead, for history loaded in bulk; such ids sort by that moment, in no
    order within one millisecond.
    """
    global _last
    if at is None:
        with _lock:
            # 12 bits count within a millisecond; when they run over, the next millisecond is lent.
            stamp = max(time.time_ns() // 1_000_000 << 12, _last + 1)
            _last = stamp
    else:
        if at.tzinfo is None:
            raise ValueError("at must say its time zone")
        stamp = int(at.timestamp() * 1000) << 12 | secrets.randbits(12)
    return _uuid(stamp, os.urandom(8))


def uuid7s(count: int) -> list[str]:
    """
    Return as many as uuid7() would one by one, in order, as text: for rows that are written as text, since a UUID each
    takes longer to make and to print than the rest of a row.
    """
    global _last
    with _lock:
        first = max(time.time_ns() // 1_000_000 << 12, _last + 1)
        _last = first + count - 1
    chance = os.urandom(8 * count).hex()
    texts = []
    for n in range(count):
        stamp, rest = f"{first + n:015x}", chance[16 * n : 16 * n + 16]
        texts.append(f"{stamp[:8]}-{stamp[8:12]}-7{stamp[12:]}-{_VARIANT[rest[0]]}{rest[1:4]}-{rest[4:]}")
    return texts


def _uuid(stamp: int, chance: bytes) -> UUID:
    milliseconds, count = stamp >> 12, stamp & 0xFFF
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | count << 64 | 0b10 << 62
    return UUID(int=value | int.from_bytes(chance) & (1 << 62) - 1)


def short_code(length: int) -> str:
    """Return a random code of `length` characters, 5 bits each, that nobody can guess or misread; a check code."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))


def read_code(text: str) -> str:
    """Return a typed code in its stored spelling: upper case, no spaces or dashes, I and L as 1, O as 0."""
    return text.upper().translate(_MISREAD)
