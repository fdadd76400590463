"""Look-ups templates of screens and halls need."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def of(values: Mapping[Any, Any], key: Any) -> Any:
    """Return what `values` has for `key`, nothing when it has nothing."""
    return values.get(key)
