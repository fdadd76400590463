"""A catalogue in memory for tests of the engine, searched as queries.finding does it; and how well a ranking is."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from yimen.catalog import search
from yimen.catalog.models import ItemVersion

DATA = Path(__file__).parent / "data"


class Catalogue:
    """rows: (code, name, everyday names, department)."""

    def __init__(self, rows: Iterable[tuple[str, str, tuple[str, ...], str]]) -> None:
        self.rows = {code: (name, everyday) for code, name, everyday, _department in rows}
        self.holding: dict[str, set[str]] = defaultdict(set)
        for code, name, everyday, department in rows:
            version = ItemVersion(name=name, everyday_names=[*everyday], themes=[])
            for token in search.tokens_of(version, department):
                self.holding[token.removeprefix(search.NAME)].add(code)
        self.frequency = Counter({token: len(codes) for token, codes in self.holding.items()})

    def codes(self, query: str, synonyms: Mapping[str, tuple[str, ...]] | None = None) -> list[str]:
        question = search.settled(search.asked(query, synonyms), self.frequency.__getitem__)
        holds: dict[str, set[str]] = defaultdict(set)
        for token in question.tokens:
            for code in self.holding.get(token, ()):
                holds[code].add(token)
        candidates = [search.Candidate(code, *self.rows[code], frozenset(held)) for code, held in holds.items()]
        return [one.key for one in search.rank(question, candidates, self.frequency.__getitem__, len(self.rows))]

    def names(self, query: str, synonyms: Mapping[str, tuple[str, ...]] | None = None) -> list[str]:
        return [self.rows[code][0] for code in self.codes(query, synonyms)]


def city() -> tuple[Catalogue, list[tuple[str, dict[str, int]]]]:
    """An invented city's catalogue and everyday questions, each with the items that answer it: 2 direct, 1 related."""
    rows: list[tuple[str, str, tuple[str, ...], str]] = []
    for line in (DATA / "city_items.txt").read_text("utf-8").splitlines():
        department, _, names = line.partition(":")
        rows += [(name, name, (), f"示例市{department}") for name in names.split("|")]
    asked = []
    for line in (DATA / "city_queries.txt").read_text("utf-8").splitlines():
        query, _, answers = line.partition("\t")
        graded = [answer.partition("=") for answer in answers.split()]
        asked.append((query, {name: int(grade or 2) for name, _sign, grade in graded}))
    return Catalogue(rows), asked


def ndcg(ranked: list[str], relevant: Mapping[str, int], most: int = 10) -> float:
    """nDCG@10 with gain 2^grade - 1."""

    def gained(grades: Iterable[int]) -> float:
        return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))

    best = gained(sorted(relevant.values(), reverse=True)[:most])
    return gained(relevant.get(code, 0) for code in ranked[:most]) / best


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]
