"""Flow charts on pages."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from yimen.catalog.flowchart import Chart

register = template.Library()


@register.simple_tag
def flow_svg(chart: Chart, name: str, ident: str) -> SafeString:
    """The drawing; everything in it that people typed is escaped where it is drawn."""
    return mark_safe(chart.svg(name, ident=ident))  # noqa: S308
