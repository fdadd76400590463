"""
The cards of a citizen's case page beyond progress and documents, each from a module of its own here.

A module has `card(request, case, now) -> Card | None` and, if it acts, `urlpatterns`. One that names relations of Case
in READS is asked only about cases that have some of them. It stands in MODULES; nothing else knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.http import HttpRequest

from yimen.cases.models import Case


@dataclass(frozen=True)
class Card:
    """One card: its template reads `c`, which is `context`. aside: in the narrow column."""

    key: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    aside: bool = False


# By name: a card's acts lead back to the page it stands on, so they are loaded once that is there.
MODULES: tuple[str, ...] = (
    "visit",
    "hearing",
    "gap",
    "joint",
    "moves",
    "fees",
    "certificate",
    "correction",
    "answer",
    "messages",
    "withdraw",
    "recusal",
    "elsewhere",
    "clocks",
)


@cache
def modules() -> tuple[ModuleType, ...]:
    return tuple(import_module(f"{__name__}.{name}") for name in MODULES)


def urlpatterns() -> list[Any]:
    """Return the addresses of all cards' acts."""
    return [pattern for module in modules() for pattern in getattr(module, "urlpatterns", [])]


@cache
def reads() -> frozenset[str]:
    """Return the relations of Case the cards ask about."""
    return frozenset(name for module in modules() for name in getattr(module, "READS", ()))


def cards_of(request: HttpRequest, case: Case, there: frozenset[str], *, now: datetime) -> list[Card]:
    """Return the cards that have something to say about this case. there: which relations have any row for it."""
    asked = [module for module in modules() if not hasattr(module, "READS") or there.intersection(module.READS)]
    found = (module.card(request, case, now) for module in asked)
    return [card for card in found if card is not None]
