"""异地代收: where the papers were taken in, who decides, and who clocks what (HALL-17)."""

from __future__ import annotations

from yimen.web.workbench.panels.base import Opened, Panel


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if case.received_region_id is None:
        return None
    is_here = opened.staff.region_id == case.received_region_id
    return Panel(
        "elsewhere",
        "",
        facts="workbench/panels/elsewhere.html",
        context={"case": case, "is_here": is_here},
        aside=True,
    )
