"""Search over the published items."""

from __future__ import annotations

from django.db import connection

from yimen.catalog import search as searching
from yimen.catalog.models import (
    ServiceItem,
)
from yimen.people.models import Region


class Found(list[ServiceItem]):
    """Items in order of rank, each with `score` from 0 to 1; `total` counts all that match, not only this page."""

    total: int = 0


# OFFSET 0 keeps each token's look-up apart, so that it comes from the GIN index whatever the planner believes about
# the rest. A rare token says more than a common one. `share` is how much of the query's weight an item answers.
_SEARCH = """
WITH size AS (
    SELECT count(*)::float8 AS n FROM catalog_serviceitem WHERE published_id IS NOT NULL
), asked AS (
    SELECT * FROM unnest(%(tokens)s::text[], %(weights)s::float8[], %(words)s::bool[]) AS a (token, part, is_word)
), hit AS MATERIALIZED (
    SELECT i.id, length(i.name) AS letters, asked.token, asked.part, asked.is_word,
           count(*) OVER (PARTITION BY asked.token) AS items
    FROM asked CROSS JOIN LATERAL (
        SELECT id, name, region_id, published_id FROM catalog_serviceitem WHERE tokens @> ARRAY[asked.token] OFFSET 0
    ) AS i
    WHERE i.published_id IS NOT NULL AND (%(region)s::text IS NULL OR i.region_id = %(region)s)
), weight AS (
    SELECT asked.token, asked.part * ln(1 + size.n / (0.5 + coalesce(max(hit.items), 0))) AS value
    FROM size, asked LEFT JOIN hit ON hit.token = asked.token GROUP BY asked.token, asked.part, size.n
), ranked AS (
    SELECT hit.id, max(hit.letters) AS letters, bool_or(hit.is_word) AS has_word,
           sum(weight.value) / (SELECT sum(value) FROM weight) AS share
    FROM hit JOIN weight ON weight.token = hit.token GROUP BY hit.id
)
SELECT id, share, count(*) OVER () FROM ranked
WHERE share >= CASE WHEN has_word THEN %(least)s ELSE %(least_singles)s END
ORDER BY share / (1 + letters * %(per_letter)s) DESC, id LIMIT %(limit)s OFFSET %(offset)s
"""
LEAST, LEAST_SINGLES, PER_LETTER = 0.1, 0.2, 0.005


def search(text: str, limit: int = 20, offset: int = 0, *, region: Region | str | None = None) -> Found:
    """
    Return the published items of `region` (None: of all) that answer `text`, best first; empty when nothing comes near.

    Two queries and the items' editions and departments; words of two characters find as well as long ones.
    """
    found = Found()
    asked = searching.asked(text)
    if not asked:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            _SEARCH,
            {
                "region": region.pk if isinstance(region, Region) else region,
                "tokens": [token for token, _weight, _is_word in asked],
                "weights": [weight for _token, weight, _is_word in asked],
                "words": [is_word for _token, _weight, is_word in asked],
                "least": LEAST,
                "least_singles": LEAST_SINGLES,
                "per_letter": PER_LETTER,
                "limit": limit,
                "offset": offset,
            },
        )
        rows = cursor.fetchall()
    items = ServiceItem.objects.select_related("department", "published").in_bulk([row[0] for row in rows])
    for pk, share, total in rows:
        if item := items.get(pk):
            item.score = min(1.0, share)  # type: ignore[attr-defined]
            found.append(item)
        found.total = total
    return found
