"""What the law computes about cases; pure functions."""

from yimen.cases.rules.clocks import RIBBON_CELLS, ClockView, Day, DayKind, Stop, clock, due
from yimen.cases.rules.numbers import case_no, query_no

__all__ = [
    "RIBBON_CELLS",
    "ClockView",
    "Day",
    "DayKind",
    "Stop",
    "case_no",
    "clock",
    "due",
    "query_no",
]
