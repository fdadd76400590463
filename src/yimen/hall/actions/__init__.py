"""Writes in a hall: taking a ticket, signing in at a window, calling and what follows a call."""

from yimen.hall.actions.by_itself import fill
from yimen.hall.actions.calling import call_back, call_chosen, call_next
from yimen.hall.actions.common import (
    OPEN,
    AlreadyWaiting,
    NotAtWindow,
    NothingToUndo,
    NotOpenYet,
    SeriesClosed,
    SeriesFull,
    TicketOpen,
    WindowPaused,
    WindowTaken,
    WrongCare,
    WrongPhoneEnd,
    WrongReason,
    WrongStep,
    tell,
)
from yimen.hall.actions.granting import end_priority, prioritize
from yimen.hall.actions.hours import set_day, set_week, set_window_week
from yimen.hall.actions.pausing import pause, resume
from yimen.hall.actions.policies import WrongSetting, end_skill, give_skill, set_limits, set_policy, set_skill
from yimen.hall.actions.serving import finish, hold, next_matter, pass_over, recall, start, transfer
from yimen.hall.actions.tickets import give_care, leave, link_case, put_back, take_ticket
from yimen.hall.actions.undoing import undo
from yimen.hall.actions.windows import sign_in, sign_out
from yimen.hall.news import CHANNEL

__all__ = [
    "CHANNEL",
    "OPEN",
    "AlreadyWaiting",
    "NotAtWindow",
    "NotOpenYet",
    "NothingToUndo",
    "SeriesClosed",
    "SeriesFull",
    "TicketOpen",
    "WindowPaused",
    "WindowTaken",
    "WrongCare",
    "WrongPhoneEnd",
    "WrongReason",
    "WrongSetting",
    "WrongStep",
    "call_back",
    "call_chosen",
    "call_next",
    "end_priority",
    "end_skill",
    "fill",
    "finish",
    "give_care",
    "give_skill",
    "hold",
    "leave",
    "link_case",
    "next_matter",
    "pass_over",
    "pause",
    "prioritize",
    "put_back",
    "recall",
    "resume",
    "set_day",
    "set_limits",
    "set_policy",
    "set_skill",
    "set_week",
    "set_window_week",
    "sign_in",
    "sign_out",
    "start",
    "take_ticket",
    "tell",
    "transfer",
    "undo",
]
