"""
The cards of a case's page beyond the plain course of things, each from a module of its own here.

A module has `panel(opened) -> Panel | None`, the pages of its acts and their `urlpatterns`, and in READS the relations
of Case it reads when the case has any (opened.has). It stands in MODULES; nothing else knows it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from yimen.web.workbench.panels.base import Opened, Panel

# By name: a card's acts lead back to the page it stands on, so they are loaded once that is there.
MODULES: tuple[str, ...] = (
    "visit",
    "hearing",
    "gap",
    "commitment",
    "joint",
    "moves",
    "back",
    "messages",
    "certificate",
    "fees",
    "quota",
    "correction",
    "clocks",
    "withdraw",
    "archive",
    "assign",
    "priority",
    "agent",
    "helpers",
    "recusal",
    "conformity",
    "cards",
    "elsewhere",
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


def panels_of(opened: Opened) -> list[Panel]:
    """Return the cards that have something to say or to do for this reader, in the order of MODULES."""
    found = (module.panel(opened) for module in modules())
    return [panel for panel in found if panel is not None]


__all__ = ["MODULES", "Opened", "Panel", "modules", "panels_of", "reads", "urlpatterns"]
