"""Writes in a hall: taking a ticket, signing in at a window, calling and what follows a call."""

from yimen.hall.actions.calling import call_next
from yimen.hall.actions.common import (
    CHANNEL,
    OPEN,
    NotAtWindow,
    SeriesClosed,
    TicketOpen,
    WindowPaused,
    WindowTaken,
    WrongPhoneEnd,
    WrongReason,
    WrongStep,
    tell,
)
from yimen.hall.actions.pausing import pause, resume
from yimen.hall.actions.serving import finish, pass_over, recall, start
from yimen.hall.actions.tickets import link_case, put_back, take_ticket
from yimen.hall.actions.windows import sign_in, sign_out

__all__ = [
    "CHANNEL",
    "OPEN",
    "NotAtWindow",
    "SeriesClosed",
    "TicketOpen",
    "WindowPaused",
    "WindowTaken",
    "WrongPhoneEnd",
    "WrongReason",
    "WrongStep",
    "call_next",
    "finish",
    "link_case",
    "pass_over",
    "pause",
    "put_back",
    "recall",
    "resume",
    "sign_in",
    "sign_out",
    "start",
    "take_ticket",
    "tell",
]
