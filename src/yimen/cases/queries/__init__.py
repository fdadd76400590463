"""Reads: one case for those who may see it, a citizen's progress, open tasks, what a clock looks like."""

from yimen.cases.queries.clocks import (
    NOTICE_DAYS,
    answer_due,
    cases_to_move,
    clock_views,
    due_now,
    overdue,
    started_at,
    unanswered,
)
from yimen.cases.queries.finding import (
    MOST_WRONG_TRIES,
    TooManyTries,
    find_for_citizen,
    forget_tries,
    get_case_for,
    visible_to,
)
from yimen.cases.queries.forms import FORMS, FormSheet, answers_in_words, filled_forms, form_sheets, prefill_sources
from yimen.cases.queries.history import TimelineRow, timeline
from yimen.cases.queries.tasks import open_tasks

__all__ = [
    "FORMS",
    "MOST_WRONG_TRIES",
    "NOTICE_DAYS",
    "FormSheet",
    "TimelineRow",
    "TooManyTries",
    "answer_due",
    "answers_in_words",
    "cases_to_move",
    "clock_views",
    "due_now",
    "filled_forms",
    "find_for_citizen",
    "forget_tries",
    "form_sheets",
    "get_case_for",
    "open_tasks",
    "overdue",
    "prefill_sources",
    "started_at",
    "timeline",
    "unanswered",
    "visible_to",
]
