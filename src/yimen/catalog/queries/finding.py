"""Search over the published items: candidates from the lists of tokens, ranked by catalog.search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakSet

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor
from psycopg.pq import Format

from yimen.catalog import search as searching
from yimen.catalog.models import ServiceItem
from yimen.lib import text as texts
from yimen.lib.ranking import Question
from yimen.people.models import Region


class Found(list[ServiceItem]):
    """
    Items in order of rank, each with `score` from 0 to 1 and `found_by`, the name that answers.

    total: all that were ranked, at most MOST_RANKED, not only this page. question: what was looked for.
    """

    total: int = 0
    question: Question = Question("", ())


# Candidates ranked: two pages of them. So many names with the words as typed are enough.
MOST_RANKED = ENOUGH = 40
# Lists of more items than this are read only for a look-up that needs them.
LONG = 30_000

# The lists as of the last recount, then what was published since and holds any of it: of one moment, so that no item
# is missed while it goes from the second to the first.
_POSTINGS = """
SELECT asked.token, p.items, CASE WHEN asked.whole AND p.items <= {long} THEN p.places END,
    NULL::uuid, NULL, NULL::text[], NULL::text[]
FROM unnest(%(tokens)s::text[], %(whole)s::bool[]) AS asked (token, whole)
JOIN catalog_posting p ON p.token = asked.token AND {listed}
UNION ALL
SELECT NULL, NULL, NULL, i.id, i.name::text, i.everyday_names::text[], i.tokens FROM catalog_serviceitem i
WHERE {since} AND i.tokens && %(tokens)s::text[]
"""
_HOW_MANY = "SELECT count(*) FROM catalog_serviceitem i WHERE {since}"
_PLACES = """
SELECT p.token, p.places FROM catalog_posting p WHERE p.token = ANY(%(tokens)s::text[]) AND {listed}
"""
_SINCE = "i.place IS NULL AND i.published_id IS NOT NULL"
_NAMES = """
SELECT i.place, i.id, i.name::text, i.everyday_names::text[] FROM catalog_serviceitem i
WHERE i.place = ANY(%(places)s::int[]) AND i.published_id IS NOT NULL
"""

_SUGGESTED = """
SELECT i.id, i.name::text, d.name::text FROM catalog_serviceitem i JOIN people_department d ON d.id = i.department_id
WHERE i.id = ANY(%(keys)s::uuid[])
"""

_SYNONYMS = """
SELECT word::text, means::text[], is_mutual FROM catalog_synonym
WHERE (region_id IS NULL OR region_id = %(region)s) AND (
    position(word IN %(text)s) > 0
    OR (is_mutual AND EXISTS (SELECT 1 FROM unnest(means) AS mean WHERE position(lower(mean) IN %(text)s) > 0))
)
ORDER BY region_id NULLS FIRST, word
"""


def search(text: str, limit: int = 20, offset: int = 0, *, region: Region | str | None = None) -> Found:
    """
    Return the published items of `region` (None: of all) that answer `text`, best first; empty when nothing comes near.

    Words of two characters find as well as long ones. The number of statements does not grow with what is found.
    """
    found = Found()
    code = region.pk if isinstance(region, Region) else region
    ranked, found.question = ranked_for(text, code)
    found.total = len(ranked)
    page = ranked[offset : offset + limit]
    items = (
        ServiceItem.objects.defer("tokens").select_related("department", "published").in_bulk([one.key for one in page])
    )
    for one in page:
        if item := items.get(one.key):
            item.score, item.found_by = one.score, one.name  # type: ignore[attr-defined]
            found.append(item)
    return found


@dataclass(frozen=True)
class Suggestion:
    """An item that what is typed so far may mean, and whose it is."""

    pk: UUID
    name: str
    department: str


def suggested(text: str, limit: int = 8, *, region: Region | str | None = None) -> list[Suggestion]:
    """Return the first items of search(), as little of each as a list under the search box shows."""
    ranked, _question = ranked_for(text, region.pk if isinstance(region, Region) else region)
    keys = [one.key for one in ranked[:limit]]
    rows = {pk: Suggestion(pk, *names) for pk, *names in _rows(_SUGGESTED, {"keys": keys})} if keys else {}
    return [rows[key] for key in keys if key in rows]


def ranked_for(text: str, region: str | None) -> tuple[list[searching.Ranked], Question]:
    """
    Return what `search` ranks, by id, and the question made of `text`.

    Words that many names hold as they were typed need no other way to say them. Where long everyday words lead
    nowhere, the short ones inside them are tried.
    """
    own = own_synonyms(text, region)
    question = searching.asked(text, own)
    ranked, question = _asked_for(question, region)
    if not ranked and question.concepts:
        shorter = searching.asked(text, own, searching.SHORT)
        if shorter != question:
            ranked, _tried = _asked_for(shorter, region)
    return ranked, question


def _asked_for(question: Question, region: str | None) -> tuple[list[searching.Ranked], Question]:
    if not question.concepts:
        return [], question
    literal = searching.literal(question)
    names = [token.removeprefix(searching.NAME) for token in literal.tokens] if literal else []
    index = _Index(region, [*question.tokens, *names], is_spelt=question.text.isascii())
    if literal:
        index.read([literal])
        if len(index.postings.holding(literal.tokens)) >= ENOUGH:
            return searching.rank(question, index.candidates([literal], ENOUGH), lambda _token: 1, ENOUGH), question
    count, frequency = index.postings.count, index.postings.frequency
    question = searching.settled(question, frequency)
    look_ups = searching.look_ups(question, frequency, count)
    index.read(look_ups)
    return searching.rank(question, index.candidates(look_ups, MOST_RANKED), frequency, count), question


class _Index:
    """The lists of one question's tokens, and the items published since they were made."""

    def __init__(self, region: str | None, tokens: list[str], *, is_spelt: bool) -> None:
        """is_spelt: in letters, so that it is looked up by its sound."""
        self._region = region
        self._listed = "p.region_id = %(region)s" if region else "true"
        self._since: list[tuple[Any, str, tuple[str, ...]]] = []
        self.postings = searching.Postings()
        asked = list(dict.fromkeys([*(searching.NAME + token for token in tokens), *tokens]))
        since = _SINCE + (" AND i.region_id = %(region)s" if region else "")
        statement = _POSTINGS.format(long=LONG, listed=self._listed, since=since)
        # Characters alone are seldom looked up, nor how a word sounds that is written here.
        whole = [
            len(token.removeprefix(searching.NAME)) > 1 and (is_spelt or not token.startswith(searching.SOUND))
            for token in asked
        ]
        for row in _rows(statement, {"tokens": [*asked, ""], "whole": [*whole, False], "region": region}):
            token, items, places, pk, name, everyday, held = row
            if token:
                self.postings.list(token, items, places)
            elif token == "":
                self.postings.count += items
            else:
                self._since.append((pk, name, tuple(everyday)))
                self.postings.hold(-len(self._since), set(held).intersection(asked))
        if self._since and not self.postings.count:
            self.postings.count = _rows(_HOW_MANY.format(since=since), {"region": region})[0][0]

    def read(self, look_ups: list[searching.LookUp]) -> None:
        """Fetch the lists the look-ups need and that are not here yet."""
        if missing := self.postings.unread(look_ups):
            values = {"tokens": list(missing), "region": self._region}
            for token, places in _rows(_PLACES.format(listed=self._listed), values):
                self.postings.read(token, places)

    def candidates(self, look_ups: list[searching.LookUp], most: int) -> list[searching.Candidate]:
        if not look_ups:
            return []
        chosen = searching.gathered(look_ups, self.postings, most)
        listed = [place for place in chosen if place > 0]
        named = {place: row for place, *row in _rows(_NAMES, {"places": listed})} if listed else {}
        for place in chosen.keys() - named.keys():
            if place < 0:
                named[place] = list(self._since[-place - 1])
        return [
            searching.Candidate(pk, name, tuple(everyday), chosen[place])
            for place, (pk, name, everyday) in named.items()
        ]


def own_synonyms(text: str, region: str | None) -> Mapping[str, tuple[str, ...]]:
    """Return the synonyms editors keep that stand in `text`; the region's come before those for all."""
    spelt = texts.one_spelling(text[: searching.LONGEST_QUERY].replace("\x00", ""))
    found: dict[str, tuple[str, ...]] = {}
    with _planned() as cursor:
        cursor.execute(_SYNONYMS, {"text": spelt, "region": region})
        for word, means, is_mutual in cursor.fetchall():
            if word in spelt:
                found[word] = tuple(means)
            if is_mutual:
                for other in map(texts.one_spelling, means):
                    if other in spelt:
                        found.setdefault(other, (word, *(one for one in means if one != other)))
    return found


_keeping_plans: WeakSet[Connection[Any]] = WeakSet()


@contextmanager
def _planned() -> Iterator[CursorWrapper]:
    """Give a cursor whose statements each connection plans once: to plan them takes as long as to run them."""
    with connection.cursor() as cursor:
        raw = connection.connection
        if raw not in _keeping_plans:
            raw.execute("SET plan_cache_mode = force_generic_plan")
            _keeping_plans.add(raw)
        raw.prepare_threshold = 0
        with Cursor(raw) as planned:
            planned.format = Format.BINARY
            cursor.cursor = planned
            try:
                yield cursor
            finally:
                raw.prepare_threshold = None


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with _planned() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
