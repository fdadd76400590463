"""Calling order, labels and waits: pure functions."""

from yimen.hall.rules.calling import (
    LONG,
    Head,
    Pick,
    Policy,
    Why,
    choices,
    few_left,
    in_order,
    pick,
    policy_of,
    ran,
    strict,
)
from yimen.hall.rules.labels import label, ranges
from yimen.hall.rules.slots import Arrival, Pattern, Span, arrival, blocked_through, left_for, merged, slots_of_day
from yimen.hall.rules.waiting import BUSY_MINUTES, BUSY_PEOPLE, NEARLY, estimate_minutes, is_busy, seconds_between

__all__ = [
    "BUSY_MINUTES",
    "BUSY_PEOPLE",
    "LONG",
    "NEARLY",
    "Arrival",
    "Head",
    "Pattern",
    "Pick",
    "Policy",
    "Span",
    "Why",
    "arrival",
    "blocked_through",
    "choices",
    "estimate_minutes",
    "few_left",
    "in_order",
    "is_busy",
    "label",
    "left_for",
    "merged",
    "pick",
    "policy_of",
    "ran",
    "ranges",
    "seconds_between",
    "slots_of_day",
    "strict",
]
