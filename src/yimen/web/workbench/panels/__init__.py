"""
The cards of a case's page beyond the plain course of things, each from a module of its own here.

A module has `panel(opened) -> Panel | None`, the pages of its acts and their `urlpatterns`. It stands in MODULES;
nothing else knows it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from yimen.web.workbench.panels.base import Opened, Panel

MODULES: list[ModuleType] = []

urlpatterns: list[Any] = [pattern for module in MODULES for pattern in getattr(module, "urlpatterns", [])]


def panels_of(opened: Opened) -> list[Panel]:
    """Return the cards that have something to say or to do for this reader, in the order of MODULES."""
    found = (module.panel(opened) for module in MODULES)
    return [panel for panel in found if panel is not None]


__all__ = ["MODULES", "Opened", "Panel", "panels_of", "urlpatterns"]
