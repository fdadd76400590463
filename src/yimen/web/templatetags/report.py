"""Figures as the report shows them."""

from decimal import Decimal

from django import template

from yimen.insight.catalogue_sheets import limit_text
from yimen.insight.rules import percent_text
from yimen.lib.workdays import Limit

register = template.Library()


@register.filter
def percent(value: Decimal | None) -> str:
    """99.77 %, 100 %, or — when there is nothing to divide by."""
    return percent_text(value)


@register.filter
def signed(value: Decimal) -> str:
    """+50 or −20."""
    return f"+{value:f}" if value > 0 else f"{value:f}".replace("-", "−")


@register.filter
def said_limit(limit: Limit | None) -> str:
    """15 个工作日, 当场, or nothing where there is no limit."""
    return limit_text(limit)


@register.filter
def in_minutes(seconds: float | Decimal | None) -> str:
    """Seconds as minutes with one decimal; – when there are none."""
    return "–" if seconds is None else f"{float(seconds) / 60:.1f}"
