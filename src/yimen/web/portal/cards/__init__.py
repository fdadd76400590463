"""
The cards of a citizen's case page beyond progress and documents, each from a module of its own here.

A module has `card(request, case, now) -> Card | None` and, if it acts, `urlpatterns`. It stands in MODULES; nothing
else knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
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


MODULES: list[ModuleType] = []

urlpatterns: list[Any] = [pattern for module in MODULES for pattern in getattr(module, "urlpatterns", [])]


def cards_of(request: HttpRequest, case: Case, *, now: datetime) -> list[Card]:
    """Return the cards that have something to say about this case."""
    found = (module.card(request, case, now) for module in MODULES)
    return [card for card in found if card is not None]
