"""Halls, their windows and queues, appointments, what stands there, and what managers watch."""

from yimen.hall.models.appointments import Appointment, Campaign, Channel, Slot, SlotPlan, WaitListEntry
from yimen.hall.models.managing import GuideCall, GuideDuty, GuideHelp, HallAlarm
from yimen.hall.models.places import (
    Closure,
    Facility,
    Hall,
    HallZone,
    OpeningTime,
    Series,
    Window,
    WindowPause,
    WindowSession,
)
from yimen.hall.models.screens import Kiosk, Notice, Printer, Screen, SlipPrint
from yimen.hall.models.tickets import Skill, StaffSkill, Ticket, TicketCounter, TicketPeriod

__all__ = [
    "Appointment",
    "Campaign",
    "Channel",
    "Closure",
    "Facility",
    "GuideCall",
    "GuideDuty",
    "GuideHelp",
    "Hall",
    "HallAlarm",
    "HallZone",
    "Kiosk",
    "Notice",
    "OpeningTime",
    "Printer",
    "Screen",
    "Series",
    "Skill",
    "SlipPrint",
    "Slot",
    "SlotPlan",
    "StaffSkill",
    "Ticket",
    "TicketCounter",
    "TicketPeriod",
    "WaitListEntry",
    "Window",
    "WindowPause",
    "WindowSession",
]
