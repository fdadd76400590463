"""联合审批: what each unit does, by when, and how many opinions are in (S1-21, S1-30)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.web.workbench.panels.base import Opened, Panel


def panel(opened: Opened) -> Panel | None:
    """Says nothing unless two or more units give an opinion; reads nothing besides the tasks of the page."""
    units = queries.unit_steps(opened.tasks)
    if not units:
        return None
    return Panel(
        "joint",
        _("联合审批"),
        facts="workbench/panels/joint.html",
        context={
            "units": [(unit, unit.is_late(opened.today)) for unit in units],
            "received": sum(unit.done_at is not None for unit in units),
            "case": opened.case,
        },
    )
