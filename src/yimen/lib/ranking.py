"""
How well a text answers a question: BM25 over characters and character pairs, with other ways to say a word.

One scoring for everything that is searched. Services bring their candidates from the database, `Shelf` holds a few
thousand other texts in memory; both weigh a `Question` once and `rate` it against each text. No dictionary of words
is needed: single characters and pairs find the infixes that word segmentation misses.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from yimen.lib import text as texts

_SENTENCE = re.compile(r"(?<=[。；！？;!?])|\s{2,}")
# A character alone says little beside a pair; a way to say it that was looked up is worth a little less than the word.
OF_SINGLE, OF_PAIR = 0.3, 1.0
K1, B = 1.2, 0.75
# How much of the score depends on the part of the question that is answered at all.
COVER = 0.5
OF_UNKNOWN = 0.6
# How far the ways to say one thing are made even: 0 by what their words weigh, 1 all alike.
EVEN = 0.5


@dataclass(frozen=True)
class Way:
    """One way to say a thing: its tokens with their weights."""

    text: str
    tokens: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Concept:
    """
    One thing that is asked for, said in one of `ways`; a text is given the one it answers best.

    is_bridge: a pair across two words, which may raise a text and is never missed.
    """

    ways: tuple[Way, ...]
    is_bridge: bool = False


@dataclass(frozen=True)
class Question:
    """What somebody typed, in one spelling, and what it asks for."""

    text: str
    concepts: tuple[Concept, ...]

    @property
    def tokens(self) -> list[str]:
        """Every token of every way, each once."""
        return list(
            dict.fromkeys(token for concept in self.concepts for way in concept.ways for token, _weight in way.tokens)
        )


Part = tuple[float, tuple[tuple[float, tuple[tuple[str, float], ...]], ...]]


@dataclass(frozen=True)
class Weighed:
    """A question with the rarity of its tokens: per concept its mass and its ways as (token, value) lists."""

    parts: tuple[Part, ...]
    mass: float


def plain_concepts(text: str) -> list[Concept]:
    """Return a concept for each character and each pair of `text`, each once."""
    return [Concept((Way(token, ((token, weight_of(token)),)),)) for token in texts.bigrams(text)]


def weight_of(token: str) -> float:
    return OF_SINGLE if len(token) == 1 and not token.isascii() else OF_PAIR


def rarity(holding: int, count: int) -> float:
    """Return the inverse document frequency of a token that `holding` of `count` texts have; never negative."""
    return math.log(1 + (max(count, holding) - holding + 0.5) / (holding + 0.5))


def weigh(question: Question, frequency: Callable[[str], int], count: int) -> Weighed:
    """
    Return the question with what each token is worth among `count` texts.

    A concept weighs as much as the heaviest of its ways that any text uses; one that no text uses weighs as its own
    words would, so that a question about something else is not answered.
    """
    parts = []
    total = 0.0
    for concept in question.concepts:
        ways = []
        known = unknown = 0.0
        for n, way in enumerate(concept.ways):
            held = [(token, weight, frequency(token)) for token, weight in way.tokens]
            values = tuple((token, weight * rarity(times, count)) for token, weight, times in held)
            mass = sum(value for _token, value in values)
            if any(times for token, _weight, times in held if weight_of(token) == OF_PAIR or len(held) == 1):
                known = max(known, mass)
            if n == 0:
                unknown = mass
            ways.append((mass, values))
        # Two characters that never stand together here may just be the end of one word and the beginning of the next.
        mass = known or unknown * OF_UNKNOWN
        if concept.is_bridge:
            mass = 0.0
        total += mass
        parts.append((mass, tuple(ways)))
    return Weighed(tuple(parts), total)


def rate(weighed: Weighed, impact: Callable[[str], float]) -> tuple[float, float]:
    """
    Return (score, coverage from 0 to 1) of a text; impact: a token's weight in it, 0 where it is missing.
    """
    return _shared_out(*_reached(weighed.parts, impact), weighed.mass)


def _shared_out(score: float, covered: float, mass: float) -> tuple[float, float]:
    coverage = covered / mass if mass else 0.0
    return score * (1 - COVER + COVER * coverage), coverage


def _reached(parts: Iterable[Part], impact: Callable[[str], float]) -> tuple[float, float]:
    score = covered = 0.0
    for mass, ways in parts:
        best = share = 0.0
        for whole, tokens in ways:
            reached = there = 0.0
            for token, value in tokens:
                if found := impact(token):
                    reached += value * found
                    there += value
            # A long way to say it is not worth more than a short one in full.
            if reached and (reached := reached * (mass / whole) ** EVEN if mass else reached) > best:
                best = reached
            if whole and there / whole > share:
                share = there / whole
        score += best
        covered += mass * share
    return score, covered


def saturated(times: float, length_ratio: float, k1: float = K1, b: float = B) -> float:
    """Return BM25's weight of a token that stands `times` in a text of `length_ratio` times the usual length."""
    return times * (k1 + 1) / (times + k1 * (1 - b + b * length_ratio)) if times else 0.0


@dataclass(frozen=True)
class Hit:
    """A text that was found. passage: its part that answers best; coverage: share of the question it answers."""

    key: str
    score: float
    coverage: float
    passage: str


class Shelf:
    """
    Texts held in memory and ranked: notices, policies, answers; a few thousand of any length.

    Long texts are also rated passage by passage, because an answer stands in one place.
    """

    # A passage is two stretches of whole sentences, each of about so many characters.
    STRETCH = 60
    OF_PASSAGE, PASSAGE_K1 = 0.6, 0.5
    # What a place named in the first characters adds, as a share of the question's mass.
    BEGINNING, OF_PLACE = 60, 0.05
    # Passages are looked at in this many of the best texts.
    LOOKED_AT = 50

    def __init__(self, documents: Iterable[tuple[str, str, str]], places: Iterable[str] = ()) -> None:
        """documents: (key, title, text); keys are unique. places: names that say where a text beginning so holds."""
        self._places = tuple(places)
        self._sentences: dict[str, list[str]] = {}
        self._texts: dict[str, str] = {}
        self._times: dict[str, dict[str, int]] = defaultdict(dict)
        for key, title, text in documents:
            self._texts[key] = whole = texts.one_spelling(f"{title} {text}")
            self._sentences[key] = _stretches(f"{title}。{text}" if title else text, self.STRETCH)
            for token, times in Counter(texts.all_tokens(whole)).items():
                self._times[token][key] = times
        usual = sum(map(len, self._texts.values())) / max(1, len(self._texts)) or 1.0
        self._ratios = {key: len(text) / usual for key, text in self._texts.items()}
        self._passages: dict[str, list[tuple[str, Counter[str]]]] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def search(self, question: Question, limit: int = 10) -> list[Hit]:
        """Return the texts that answer `question`, best first."""
        weighed = weigh(question, lambda token: len(self._times.get(token, ())), len(self))
        asked_of = [place for place in self._places if place in question.text]
        rated = self._rated(weighed)
        rated.sort(key=lambda one: (-one[0], one[2]))
        hits = []
        for score, coverage, key in rated[: max(limit, self.LOOKED_AT)]:
            best, passage = max(
                (rate(weighed, partial(_passage_impact, times))[0], text) for text, times in self._passages_of(key)
            )
            share = 1 - COVER + COVER * coverage
            there = sum(place in self._texts[key][: self.BEGINNING] for place in asked_of)
            score += self.OF_PASSAGE * best * share + self.OF_PLACE * there * weighed.mass * share
            hits.append(Hit(key, score, coverage, passage))
        return sorted(hits, key=lambda hit: (-hit.score, hit.key))[:limit]

    def _rated(self, weighed: Weighed) -> list[tuple[float, float, str]]:
        """Return (score, coverage, key) of every text that holds a token; plain tokens go through their own lists."""
        scores: dict[str, float] = defaultdict(float)
        covered: dict[str, float] = defaultdict(float)
        others: list[Part] = []
        impacts: dict[str, dict[str, float]] = defaultdict(dict)
        for part in weighed.parts:
            mass, ways = part
            if len(ways) > 1 or len(ways[0][1]) > 1:
                others.append(part)
                for token in {token for _whole, tokens in ways for token, _value in tokens}:
                    for key, times in self._times.get(token, {}).items():
                        impacts[key][token] = saturated(times, self._ratios[key])
                continue
            token, value = ways[0][1][0]
            for key, times in self._times.get(token, {}).items():
                scores[key] += value * saturated(times, self._ratios[key])
                covered[key] += mass
        for key, found in impacts.items():
            score, share = _reached(others, partial(_looked_up, found))
            scores[key] += score
            covered[key] += share
        return [(*_shared_out(score, covered[key], weighed.mass), key) for key, score in scores.items()]

    def _passages_of(self, key: str) -> list[tuple[str, Counter[str]]]:
        if key not in self._passages:
            parts = self._sentences[key]
            pairs = [first + second for first, second in zip(parts, [*parts[1:], ""], strict=True)]
            self._passages[key] = [(part, Counter(texts.all_tokens(texts.one_spelling(part)))) for part in pairs]
        return self._passages[key]


def _stretches(text: str, least: int) -> list[str]:
    """Cut `text` at the ends of sentences into pieces of about `least` characters."""
    found: list[str] = []
    piece = ""
    for sentence in _SENTENCE.split(text):
        if piece and len(piece) + len(sentence) > least:
            found.append(piece)
            piece = ""
        piece += sentence
    return [*found, piece] if piece or not found else found


def _looked_up(found: dict[str, float], token: str) -> float:
    return found.get(token, 0.0)


def _passage_impact(times: Counter[str], token: str) -> float:
    return saturated(times[token], 1.0, Shelf.PASSAGE_K1, 0.0) if token in times else 0.0
