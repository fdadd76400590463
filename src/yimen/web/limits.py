"""How often one address may act without logging in (SEC-53): counted in this process, forgotten in a minute."""

from __future__ import annotations

import threading
import time

MINUTE = 60.0


class Limit:
    """
    A bucket of `per_minute` for each address that refills evenly; the oldest addresses are forgotten first.

    One keyed act takes one: a repeat, also at the same moment, was counted with the first (ledger/once.py).
    """

    def __init__(self, per_minute: int, *, most_addresses: int = 10_000) -> None:
        self.per_minute = per_minute
        self.most_addresses = most_addresses
        self._left: dict[str, tuple[float, float]] = {}
        self._counted: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def allows(self, address: str, now: float | None = None, *, key: str = "") -> bool:
        """
        Take one from the bucket of `address`; False when it is empty. now: monotonic seconds.

        key: of the act asked for; one allowed in the last minute is allowed again and takes nothing. Only for acts
        that happen once for each key.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            if key and now - self._counted.get((address, key), -MINUTE) < MINUTE:
                return True
            left, seen = self._left.pop(address, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - seen) * self.per_minute / MINUTE)
            is_allowed = left >= 1
            self._left[address] = (left - 1 if is_allowed else left, now)
            if len(self._left) > self.most_addresses:
                del self._left[next(iter(self._left))]
            if is_allowed and key:
                self._counted.pop((address, key), None)
                self._counted[address, key] = now
                if len(self._counted) > self.most_addresses:
                    del self._counted[next(iter(self._counted))]
        return is_allowed
