"""The flow chart on paper (S1-22): an A4 sheet with the drawing and, as a table, post, authority, step and limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import translation
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.catalog import flowchart
from yimen.catalog.flowchart import ChartStep
from yimen.catalog.models import ItemVersion
from yimen.lib import pdf
from yimen.lib.dates import long_day

# What a page has for the drawing, in points; below the least scale nobody can read it, so it goes on.
ROOM, LEAST, GOOD = (504.0, 668.0), 0.52, 0.62


def flow_pdf(version: ItemVersion, steps: Sequence[ChartStep], *, at: datetime) -> bytes:
    """
    Return the chart of an edition, its item and department loaded, as PDF/A, A4, in Chinese like all formal papers.

    Raises rules.BrokenFlow for a flow that cannot be drawn.
    """
    with translation.override("zh-hans"):
        chart = flowchart.chart(steps)
        item = version.item
        is_in_force = version.published_at is not None
        facts = [
            {
                "number": str(fact.number),
                "name": fact.name,
                "who": fact.who,
                "authority": fact.authority,
                "limit": fact.limit,
                "order": fact.condition + fact.order,
            }
            for fact in chart.facts
        ]
        data = {
            "issued_at": localtime(at).isoformat(),
            "name": version.name,
            "organ": item.department.name,
            "code": item.task_code,
            "edition": (_("第 %(number)d 版") if is_in_force else _("第 %(number)d 版（草稿）"))
            % {"number": version.number},
            "date": long_day(localdate(at)),
            "summary": chart.summary(),
            "parts": _parts(chart, version.name),
            "steps": facts,
        }
    return pdf.render("catalog/typst/flow.typ", data)


def _parts(chart: flowchart.Chart, name: str) -> list[dict[str, object]]:
    """Return the drawing as images with the width each is printed at, in points."""
    wide, high = ROOM
    scale = min(0.8, wide / chart.width, high / chart.height)
    if scale < LEAST and chart.height > chart.width:
        scale = min(GOOD, wide / chart.width)
    cuts = chart.parts(high / scale + 0.5)
    return [{"svg": chart.svg(name, part=part), "width": chart.width * scale} for part in cuts]
