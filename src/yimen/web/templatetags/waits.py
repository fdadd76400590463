"""{% load waits %}: forecasts of waits in templates; the words are those of yimen.web.waits."""

from collections.abc import Mapping
from typing import Any

from django import template

from yimen.web import waits

register = template.Library()
register.filter("range_words", waits.range_words)
register.filter("sure_words", waits.sure_words)
register.filter("range_short", waits.short)


@register.filter
def get(mapping: Mapping[Any, Any] | None, key: Any) -> Any:
    """The value of a key; None without it."""
    return mapping.get(key) if mapping else None
