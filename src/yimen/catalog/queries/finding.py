"""Search over the published items: candidates from the token index, ranked by catalog.search."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor

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


# Rows looked at for one look-up, and candidates ranked.
MOST_OF_ONE, MOST_RANKED = 100, 100
# So many names with the words as typed are enough.
ENOUGH = 50

_IN_REGION = "i.published_id IS NOT NULL AND i.region_id = %(region)s"
_ANYWHERE = "i.published_id IS NOT NULL"

# How many items hold each token: as kept, or counted (and cut off) where nothing is kept, because it is rare or new.
_COUNT = """
SELECT asked.token, coalesce(kept.items, (
    SELECT count(*) FROM (
        SELECT 1 FROM catalog_serviceitem i
        WHERE i.tokens && ARRAY['=' || asked.token, asked.token] AND {where} LIMIT 2000
    ) AS few
)) FROM unnest(%(tokens)s::text[]) AS asked (token)
LEFT JOIN catalog_tokencount kept ON kept.region_id = %(region)s AND kept.token = asked.token
"""
_ALL = "SELECT count(*) FROM catalog_serviceitem i WHERE {where}"

_SYNONYMS = """
SELECT word::text, means::text[], is_mutual FROM catalog_synonym
WHERE (region_id IS NULL OR region_id = %(region)s) AND (
    position(word IN %(text)s) > 0
    OR (is_mutual AND EXISTS (SELECT 1 FROM unnest(means) AS mean WHERE position(lower(mean) IN %(text)s) > 0))
)
ORDER BY region_id NULLS FIRST, word
"""

# JSON and not arrays: the planner expects the same of every question and keeps one plan. The casts let a kept plan
# outlive a change of the columns.
_CANDIDATES = """
WITH hit AS (
    SELECT i.id, i.name, i.published_id, asked.n, asked.weight
    FROM ROWS FROM (json_to_recordset(%(asked)s::json) AS (words text, weight float8))
        WITH ORDINALITY AS asked (words, weight, n)
    CROSS JOIN LATERAL (
        SELECT i.id, i.name, i.published_id FROM catalog_serviceitem i
        WHERE i.tokens @> string_to_array(asked.words, ' ') AND {where} LIMIT {most_of_one}
    ) AS i
), best AS (
    SELECT id, name, published_id, array_agg(n::int) AS hits, sum(weight) AS weight
    FROM hit GROUP BY id, name, published_id ORDER BY weight DESC, id LIMIT {most}
)
SELECT best.id, best.hits, best.name::text, v.everyday_names::text[]
FROM best JOIN catalog_itemversion v ON v.id = best.published_id
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


def ranked_for(text: str, region: str | None) -> tuple[list[searching.Ranked], Question]:
    """
    Return what `search` ranks, by id, and the question made of `text`.

    Words that many names hold as they were typed need no other way to say them. Where long everyday words lead
    nowhere, the short ones inside them are tried.
    """
    own = own_synonyms(text, region)
    question = searching.asked(text, own)
    where = _IN_REGION if region else _ANYWHERE
    if literal := searching.literal(question):
        candidates = _candidates([literal], region, where, most=ENOUGH)
        if len(candidates) >= ENOUGH:
            return searching.rank(question, candidates, lambda _token: 1, ENOUGH), question
    ranked, question = _asked_for(question, region, where)
    if not ranked and question.concepts:
        shorter = searching.asked(text, own, searching.SHORT)
        if shorter != question:
            ranked, _tried = _asked_for(shorter, region, where)
    return ranked, question


def _asked_for(question: Question, region: str | None, where: str) -> tuple[list[searching.Ranked], Question]:
    if not question.concepts:
        return [], question
    counts = _counts(question.tokens, region, where)

    def frequency(token: str) -> int:
        return counts.get(token, 0)

    question = searching.settled(question, frequency)
    look_ups = searching.look_ups(question, frequency, counts[""])
    candidates = _candidates(look_ups, region, where)
    return searching.rank(question, candidates, frequency, counts[""]), question


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


@contextmanager
def _planned() -> Iterator[CursorWrapper]:
    """Give a cursor whose statements each connection plans once: to plan them takes as long as to run them."""
    with connection.cursor() as cursor:
        raw = connection.connection
        raw.prepare_threshold = 0
        with Cursor(raw) as planned:
            cursor.cursor = planned
            try:
                yield cursor
            finally:
                raw.prepare_threshold = None


def _counts(tokens: Iterable[str], region: str | None, where: str) -> dict[str, int]:
    """Return how many items hold each token, and under "" how many there are."""
    values = {"tokens": [*tokens, ""], "region": region}
    with _planned() as cursor:
        cursor.execute(_COUNT.format(where=where), values)
        counts: dict[str, int] = dict(cursor.fetchall())
        if not counts[""]:
            cursor.execute(_ALL.format(where=where), values)
            counts[""] = cursor.fetchone()[0]
    return counts


def _candidates(
    look_ups: list[searching.LookUp], region: str | None, where: str, most: int = MOST_OF_ONE
) -> list[searching.Candidate]:
    if not look_ups:
        return []
    asked = json.dumps([{"words": " ".join(one.tokens), "weight": one.weight} for one in look_ups])
    statement = _CANDIDATES.format(where=where, most_of_one=most, most=MOST_RANKED)
    with _planned() as cursor:
        cursor.execute(statement, {"asked": asked, "region": region})
        rows = cursor.fetchall()
    held = [searching.held_by(one) for one in look_ups]
    return [
        searching.Candidate(pk, name, tuple(everyday), frozenset().union(*(held[n - 1] for n in hits)))
        for pk, hits, name, everyday in rows
    ]
