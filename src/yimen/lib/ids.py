"""Identifiers made by the application: time-ordered UUIDs (RFC 9562 version 7)."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new UUIDv7, larger than every one this process made before."""
    global _last
    with _lock:
        stamp = max(time.time_ns() // 1_000_000 << 12, _last + 1)
        _last = stamp
    milliseconds, count = stamp >> 12, stamp & 0xFFF
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | count << 64 | 0b10 << 62
    return UUID(int=value | int.from_bytes(os.urandom(8)) & (1 << 62) - 1)
