"""Reads: the work calendar, local rules, items as citizens and editors see them, search."""

from yimen.catalog.queries.calendar import (
    announced_years,
    calendar_days,
    calendar_year,
    local_rule,
    local_rules,
    work_calendar,
)
from yimen.catalog.queries.finding import Found, Suggestion, search, suggested
from yimen.catalog.queries.items import (
    PROMISED_DEFAULT_DAYS,
    Choice,
    editable_items,
    item_for,
    items_by_department,
    promise_of,
    published_item,
    service_objects,
    themes,
    working_edition,
)

__all__ = [
    "PROMISED_DEFAULT_DAYS",
    "Choice",
    "Found",
    "Suggestion",
    "announced_years",
    "calendar_days",
    "calendar_year",
    "editable_items",
    "item_for",
    "items_by_department",
    "local_rule",
    "local_rules",
    "promise_of",
    "published_item",
    "search",
    "service_objects",
    "suggested",
    "themes",
    "work_calendar",
    "working_edition",
]
