"""Writes: the work calendar, dated local rules, and items from draft to published and withdrawn."""

from yimen.catalog.actions.basic import BadBasic, add_basic, change_basic
from yimen.catalog.actions.calendar import (
    NATION,
    AnnouncedDay,
    BadCalendar,
    MovedDay,
    YearChange,
    announce_year,
    load_official_calendar,
    set_calendar_day,
)
from yimen.catalog.actions.common import CODE_SCHEME, LEAST_REASON
from yimen.catalog.actions.dictionaries import BadTerm, set_term
from yimen.catalog.actions.drafts import FIELDS, BadDraft, FaqDraft, FeeDraft, MaterialDraft, StepDraft
from yimen.catalog.actions.editions import ChangedMeanwhile, Opinion, editors_of, mark_of, opinions_of
from yimen.catalog.actions.items import CodeTaken, WaitsForItsDay, create_item, save_draft
from yimen.catalog.actions.local_rules import set_local_rule
from yimen.catalog.actions.publishing import (
    DayChanges,
    NotADraft,
    NotReady,
    SameHand,
    publish,
    publish_faults,
    put_in_force,
    take_back,
    withdraw,
)
from yimen.catalog.actions.reviews import NoReview, ask_review, give_opinion, outstanding
from yimen.catalog.actions.shared import BadSharing, set_shared_document

__all__ = [
    "CODE_SCHEME",
    "FIELDS",
    "LEAST_REASON",
    "NATION",
    "AnnouncedDay",
    "BadBasic",
    "BadCalendar",
    "BadDraft",
    "BadSharing",
    "BadTerm",
    "ChangedMeanwhile",
    "CodeTaken",
    "DayChanges",
    "FaqDraft",
    "FeeDraft",
    "MaterialDraft",
    "MovedDay",
    "NoReview",
    "NotADraft",
    "NotReady",
    "Opinion",
    "SameHand",
    "StepDraft",
    "WaitsForItsDay",
    "YearChange",
    "add_basic",
    "announce_year",
    "ask_review",
    "change_basic",
    "create_item",
    "editors_of",
    "give_opinion",
    "load_official_calendar",
    "mark_of",
    "opinions_of",
    "outstanding",
    "publish",
    "publish_faults",
    "put_in_force",
    "save_draft",
    "set_calendar_day",
    "set_local_rule",
    "set_shared_document",
    "set_term",
    "take_back",
    "withdraw",
]
