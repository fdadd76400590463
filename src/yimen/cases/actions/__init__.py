"""
What is done with a case: receive, accept or decline, finish a step, decide, deliver.

Each is atomic, checks the right, locks the case, leaves one ledger row and the document the law wants.
"""

from yimen.cases.actions.common import ReasonsMissing, WrongStep, next_number
from yimen.cases.actions.deciding import DELIVERY_DAYS, decide, deliver
from yimen.cases.actions.moving import move_due_dates
from yimen.cases.actions.receiving import (
    Handed,
    MaterialsMissing,
    NotOffered,
    UnlistedMaterial,
    WrongForm,
    accept,
    accept_unanswered,
    clocks_for,
    decline,
    missing_materials,
    note_materials,
    receive,
)
from yimen.cases.actions.steps import DONE_BY_ACCEPTING, TooFewSurveyors, complete_task, plain_decision

__all__ = [
    "DELIVERY_DAYS",
    "DONE_BY_ACCEPTING",
    "Handed",
    "MaterialsMissing",
    "NotOffered",
    "ReasonsMissing",
    "TooFewSurveyors",
    "UnlistedMaterial",
    "WrongForm",
    "WrongStep",
    "accept",
    "accept_unanswered",
    "clocks_for",
    "complete_task",
    "decide",
    "decline",
    "deliver",
    "missing_materials",
    "move_due_dates",
    "next_number",
    "note_materials",
    "plain_decision",
    "receive",
]
