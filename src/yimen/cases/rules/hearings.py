"""听证 (LAW-16; LAL 46 to 48): the days of a hearing and what may be done when. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from yimen.lib.workdays import Calendar

# Working days to ask for it and to hold it; natural days between the notice and the hearing.
ASK_DAYS, HOLD_DAYS, NOTICE_DAYS = 5, 20, 7

TOLD, WAIVED, ASKED, CALLED, HELD = "told", "waived", "asked", "called", "held"


def ask_by(told_on: date, calendar: Calendar) -> date:
    """Return the last day on which the hearing may be asked for."""
    return calendar.due(told_on, ASK_DAYS).on


def hold_by(asked_on: date, calendar: Calendar) -> date:
    """Return the last day on which the organ must hold it."""
    return calendar.due(asked_on, HOLD_DAYS).on


def earliest(called_on: date) -> date:
    """Return the first day on which it may be held when the notice is given on `called_on`."""
    return called_on + timedelta(days=NOTICE_DAYS)


def last_call(hold_by_on: date) -> date:
    """Return the last day on which the notice can be given so that the hearing is still held in time."""
    return hold_by_on - timedelta(days=NOTICE_DAYS)


def keeps_back(status: str, ask_by_on: date, today: date) -> bool:
    """
    Tell whether no decision may be made yet: while it may still be asked for, and from the asking until it was held.
    """
    match status:
        case "told":
            return today <= ask_by_on
        case "asked" | "called":
            return True
        case _:
            return False
