"""Figures as the report shows them."""

from decimal import Decimal

from django import template

from yimen.insight.rules import percent_text

register = template.Library()


@register.filter
def percent(value: Decimal | None) -> str:
    """99.77 %, 100 %, or — when there is nothing to divide by."""
    return percent_text(value)
