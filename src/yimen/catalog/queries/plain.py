"""Official words and how to say them: what is shipped, and what a place has added, changed or switched off."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.db.models import F, Q

from yimen.catalog.models import JargonWord
from yimen.people.models import Region

_SHIPPED = Path(__file__).resolve().parents[1] / "data" / "jargon.csv"


@cache
def shipped_words() -> Mapping[str, str]:
    """Return the official words that come with the platform, each with its plain one."""
    with _SHIPPED.open(encoding="utf-8", newline="") as rows:
        return {row["word"]: row["plain"] for row in csv.DictReader(rows)}


def own_words(region: Region | str) -> list[JargonWord]:
    """Return what a place has said itself, by word; an empty `plain` switches a shipped word off."""
    code = region if isinstance(region, str) else region.pk
    return list(JargonWord.objects.filter(region_id=code).order_by("word"))


def plain_words(region: Region | str) -> dict[str, str]:
    """Return official word → plain one as they hold in `region`; one query."""
    code = region if isinstance(region, str) else region.pk
    rows = JargonWord.objects.filter(Q(region=None) | Q(region_id=code)).order_by(F("region").asc(nulls_first=True))
    words = {**shipped_words(), **dict(rows.values_list("word", "plain"))}
    return {word: plain for word, plain in words.items() if plain}
