"""What a hall's screens are told: figures and numbers only, no names."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from yimen.hall.queries import Board


def of_board(board: Board) -> dict[str, Any]:
    """Return the whole board as plain JSON."""
    return {
        "day": board.day.isoformat(),
        "calls": [{"key": call.key, "label": call.label, "window": call.window} for call in board.calls],
        "waits": [
            {"letter": wait.letter, "people": wait.waiting, "minutes": wait.minutes, "busy": wait.is_busy}
            for wait in board.waits
        ],
        "surge": surge(board),
    }


def changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return what differs: calls and surge whole, waits only the rows that changed; empty when nothing did."""
    changed = {name: new[name] for name in ("day", "calls", "surge") if new[name] != old[name]}
    rows = [row for row in new["waits"] if row not in old["waits"]]
    return changed | ({"waits": rows} if rows else {})


def surge(board: Board) -> str:
    """The sentence that warns of a long queue, or nothing."""
    busiest = board.busiest
    if busiest is None:
        return ""
    if busiest.minutes is None:
        return _("%(name)s人多，前面 %(people)s 人") % {"name": busiest.name, "people": busiest.waiting}
    return _("%(name)s人多，要等约 %(minutes)s 分钟") % {"name": busiest.name, "minutes": busiest.minutes}
