"""
Waits as every page, kiosk, screen and the API say them: a range in words, or that it cannot be said.

    forecast = waits.of_hall(hall, now)          # a few seconds old at most, the same object for all who ask
    waits.range_words(forecast.series.get(series_id))    # 大约 10–20 分钟
    waits.range_words(waits.of_ticket(ticket, now))

In templates: {% load waits %} {{ forecast.series|get:wait.series_id|range_words }}.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from yimen.hall.models import Ticket
from yimen.insight import forecasts
from yimen.insight.forecasts import Range

of_hall = forecasts.of_hall
latest = forecasts.latest


def of_ticket(ticket: Ticket, at: datetime) -> Range | None:
    """
    Return when a waiting ticket will be called; None when it does not wait, or nobody can say.

    Whoever took his number after the forecast was made is told what was said to those who ask.
    """
    if ticket.status != Ticket.Status.WAITING:
        return None
    found = of_hall(ticket.hall, at)
    return found.tickets[ticket.pk] if ticket.pk in found.tickets else found.series.get(ticket.series_id)


def range_words(found: Range | None) -> str:
    """大约 10–20 分钟; 10 分钟以内; 1 分钟以内; 暂时说不准. Half of all waits lie in it."""
    if found is None:
        return _("暂时说不准")
    low, high = found.likely
    if low == 0:
        return _("%(high)s 分钟以内") % {"high": max(high, 1)}
    if low == high:
        return _("大约 %(minutes)s 分钟") % {"minutes": low}
    return _("大约 %(low)s–%(high)s 分钟") % {"low": low, "high": high}


def sure_words(found: Range | None) -> str:
    """十次有九次在 5–35 分钟之间; nothing when nobody can say."""
    if found is None:
        return ""
    low, high = found.almost_sure
    if low == 0:
        return _("十次有九次在 %(high)s 分钟以内") % {"high": max(high, 1)}
    return _("十次有九次在 %(low)s–%(high)s 分钟之间") % {"low": low, "high": high}


def short(found: Range | None) -> str:
    """10–20 or 2 (minutes, at most) where a column's head says what it is; empty when nobody can say."""
    if found is None:
        return ""
    low, high = found.likely
    high = max(high, 1)
    return str(high) if low in (0, high) else f"{low}–{high}"


def as_json(found: Range | None) -> dict[str, Any] | None:
    """Whole minutes for programs: likely (half of all waits) and almost_sure (nine in ten), each [from, to]."""
    return {"likely": list(found.likely), "almost_sure": list(found.almost_sure)} if found else None
