"""Calling order, labels and waits: pure functions."""

from yimen.hall.rules.calling import Head, Policy, calling_order, strict
from yimen.hall.rules.labels import label, ranges
from yimen.hall.rules.waiting import BUSY_MINUTES, BUSY_PEOPLE, NEARLY, estimate_minutes, is_busy, seconds_between

__all__ = [
    "BUSY_MINUTES",
    "BUSY_PEOPLE",
    "NEARLY",
    "Head",
    "Policy",
    "calling_order",
    "estimate_minutes",
    "is_busy",
    "label",
    "ranges",
    "seconds_between",
    "strict",
]
