"""How often one address may act without logging in (SEC-53): counted in this process, forgotten in a minute."""

from __future__ import annotations

import threading
import time

MINUTE = 60.0


class Limit:
    """A bucket of `per_minute` for each address that refills evenly; the oldest addresses are forgotten first."""

    def __init__(self, per_minute: int, *, most_addresses: int = 10_000) -> None:
        self.per_minute = per_minute
        self.most_addresses = most_addresses
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def allows(self, address: str, now: float | None = None) -> bool:
        """Take one from the bucket of `address`; False when it is empty. now: monotonic seconds."""
        now = time.monotonic() if now is None else now
        with self._lock:
            left, seen = self._left.pop(address, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - seen) * self.per_minute / MINUTE)
            is_allowed = left >= 1
            self._left[address] = (left - 1 if is_allowed else left, now)
            if len(self._left) > self.most_addresses:
                del self._left[next(iter(self._left))]
        return is_allowed
