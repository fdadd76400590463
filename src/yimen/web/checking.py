"""核一核材料 before a ticket or a visit: the item's questions, then what he has and has not; seen at the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, QueryDict
from django.utils import timezone

from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries import guides, scenario
from yimen.catalog.queries.checklists import checklist
from yimen.catalog.rules import scenario as rules
from yimen.hall.models import Appointment, Ticket
from yimen.people.queries import main_center
from yimen.web.portal.checklist import answers_of

MOST_MATERIALS = 60


@dataclass(frozen=True)
class Check:
    """An item with the answers so far and, once they are whole, the papers he needs to bring."""

    item: ServiceItem
    version: ItemVersion
    questions: tuple[rules.Question, ...]
    walk: rules.Walk
    materials: tuple[Any, ...]

    @property
    def is_whole(self) -> bool:
        return self.walk.is_complete

    @property
    def answers(self) -> str:
        return ",".join(self.walk.chosen)


def published(region: str, code: str) -> tuple[ServiceItem, ItemVersion]:
    item = guides.guide(region, code)
    if item is None or item.published is None:
        raise Http404
    item.published.item = item
    return item, item.published


def check(region: str, code: str, asked: QueryDict) -> Check:
    """Return how far the answers in the address go; only keys of options stand there."""
    item, version = published(region, code)
    questions = scenario.questions_of(version)
    walk = rules.walk(questions, answers_of(asked.getlist("a")))
    if not walk.is_complete:
        return Check(item, version, questions, walk, ())
    found = checklist(item, version, walk.chosen, center=guides.place_of(main_center()), on=timezone.localdate())
    return Check(item, version, questions, walk, tuple(found.sheet.bring))


def kept(one: Check, missing: list[str]) -> dict[str, Any]:
    """
    Return what the ticket or the appointment keeps: edition, keys of answers, and the names of the papers he does not
    have yet. missing: places in one.materials as texts.
    """
    places = {int(text) for text in missing if text.isascii() and text.isdigit() and len(text) < 3}
    names = [str(line.name) for n, line in enumerate(one.materials) if n in places][:MOST_MATERIALS]
    return {"version": one.version.number, "answers": list(one.walk.chosen), "missing": names, "of": len(one.materials)}


def missing_of(one: Ticket | Appointment) -> list[str]:
    """Return the papers somebody said he did not have when he checked."""
    found = (one.checked or {}).get("missing", [])
    return [str(name) for name in found] if isinstance(found, list) else []


def said_of(one: Ticket | Appointment | None) -> dict[str, Any] | None:
    """Return {"missing": names, "of": how many papers} of the check that was made; None without one."""
    if one is None or not one.checked:
        return None
    return {"missing": missing_of(one), "of": one.checked.get("of", 0)}


def answers_in(one: Ticket | None) -> QueryDict:
    """Return the answers given in the check as an address would bring them."""
    found = QueryDict(mutable=True)
    answers = (one.checked or {}).get("answers", []) if one else []
    found.setlist("a", [str(name) for name in answers] if isinstance(answers, list) else [])
    return found
