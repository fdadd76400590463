"""A window that looks open but calls nobody: for how long it is not counted on."""

from __future__ import annotations

from collections.abc import Iterable

# So long a window may let somebody wait whom it could call: a break between two people, no absence.
GRACE = 60.0


def still_away(free_since: float, waits: Iterable[tuple[float, float]]) -> float:
    """
    Return in how many seconds a free window will call again; 0 while it has let nobody wait.

    All in seconds from now. free_since: since when it could have called. waits: of everybody it calls, since when and
    until when he waited; until 0 whoever still does. Whoever has been away for ten minutes without saying so is
    expected to be away for ten more.

    Source: docs/forecast.md
    """
    missed = (max(came, free_since) for came, until in waits if until - max(came, free_since) > GRACE)
    return -min(missed, default=0.0)
