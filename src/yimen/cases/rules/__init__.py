"""What the law computes about cases; pure functions."""

from yimen.cases.rules.clocks import RIBBON_CELLS, ClockView, Day, DayKind, Extension, Stop, clock, due, stopped_days
from yimen.cases.rules.numbers import case_no, query_no

__all__ = [
    "RIBBON_CELLS",
    "ClockView",
    "Day",
    "DayKind",
    "Extension",
    "Stop",
    "case_no",
    "clock",
    "due",
    "query_no",
    "stopped_days",
]
