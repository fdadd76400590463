"""Reads of the words search goes by: synonyms, what a query becomes, searches and questions without an answer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from yimen.catalog import lexicon
from yimen.catalog.models import Inquiry, SearchMiss, Synonym
from yimen.catalog.queries import finding
from yimen.lib import text as texts
from yimen.people.models import Region


@dataclass(frozen=True)
class Word:
    """A word and what it means here. is_own: the region's, which comes before the shipped one."""

    word: str
    means: tuple[str, ...]
    is_own: bool
    is_mutual: bool = False
    note: str = ""


@dataclass(frozen=True)
class Step:
    """One thing a query asks for, and the other ways search looks for it; a bridge between words is not shown."""

    said: str
    ways: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """Why an item was found: the name that answers, the share of the question it answers, its rank's score."""

    task_code: str
    name: str
    by_name: str
    score: float
    coverage: float

    @property
    def percent(self) -> int:
        return round(self.coverage * 100)


def words(region: Region | str, text: str = "", *, own_only: bool = False) -> list[Word]:
    """Return the words of `region` and the shipped ones, its own first; `text` narrows to words or meanings with it."""
    own = {
        row.word: Word(row.word, tuple(row.means), True, row.is_mutual, row.note)
        for row in Synonym.objects.filter(region_id=_code(region))
    }
    found = [*own.values()]
    if not own_only:
        others = [Word(word, means, False) for word, means in lexicon.shipped().items() if word not in own]
        found += sorted(others, key=lambda one: not one.means)
    part = texts.one_spelling(text)
    return [one for one in found if not part or part in one.word or any(part in mean for mean in one.means)]


def word(region: Region | str, text: str) -> Word | None:
    """Return what `text` means in `region`, its own meaning or the shipped one."""
    return next((one for one in words(region, text) if one.word == texts.one_spelling(text)), None)


def explain(text: str, region: Region | str, limit: int = 10) -> tuple[list[Step], list[Explained]]:
    """Return what a query becomes and what it finds, for the editor's test box."""
    ranked, question = finding.ranked_for(text, _code(region))
    steps = [
        Step(concept.ways[0].text, tuple(dict.fromkeys(way.text for way in concept.ways[1:])))
        for concept in question.concepts
        if not concept.is_bridge and (len(concept.ways[0].text) > 1 or len(concept.ways) > 1)
    ]
    items = finding.ServiceItem.objects.in_bulk([one.key for one in ranked[:limit]])
    hits = [
        Explained(items[one.key].task_code, items[one.key].name, one.name, one.score, one.coverage)
        for one in ranked[:limit]
        if one.key in items
    ]
    return steps, hits


def misses(region: Region | str, *, settled: bool = False) -> QuerySet[SearchMiss]:
    """Searches that found nothing, the most frequent first."""
    rows = SearchMiss.objects.filter(region_id=_code(region), settled_at__isnull=not settled)
    return rows.order_by("-count", "-last_at", "pk")


def inquiries(region: Region | str, *, state: str = Inquiry.State.OPEN) -> QuerySet[Inquiry]:
    """Questions people left, the oldest first."""
    return Inquiry.objects.filter(region_id=_code(region), state=state).select_related("closed_by")


def _code(region: Region | str) -> str:
    return region if isinstance(region, str) else region.pk
