"""Plain words beside what an editor writes."""

from typing import Any

from django import template

from yimen.catalog.queries.plain import plain_words
from yimen.catalog.rules import plain
from yimen.people.models import Staff

register = template.Library()


class Findings(list[plain.Finding]):
    """What is not plain in a text; is_empty: there was no text."""

    is_empty = False


def findings_of(text: str, region: str) -> Findings:
    """Return what is not plain in `text`, by the words of `region`; one query."""
    found = Findings(plain.check(text, plain_words(region)) if text.strip() else ())
    found.is_empty = not text.strip()
    return found


@register.simple_tag(takes_context=True)
def plain_findings(context: template.Context, text: Any) -> Findings:
    """The findings in a text, for staff of a region; nothing for anybody else."""
    staff = getattr(context["request"], "staff", None)
    return findings_of(str(text or ""), staff.region_id) if isinstance(staff, Staff) else Findings()
