"""How long a verb can be taken back: pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta

SECONDS = 60


def is_in_time(done_at: datetime, at: datetime) -> bool:
    """Tell whether what was done at `done_at` may still be undone; the 60th second still counts."""
    return done_at - timedelta(seconds=SECONDS) <= at <= done_at + timedelta(seconds=SECONDS)
