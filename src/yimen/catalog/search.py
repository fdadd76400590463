"""
What finds an item: the tokens stored with it, the question made of what was typed, and the order of what was found.

Tokens are characters and character pairs, because segmentation misses two-character words inside longer ones. Those of
the names are marked NAME; how they sound is stored as pairs of syllables and as first letters, for pinyin and for
words heard rather than read. Pure functions; the rows come from queries.finding.
"""

from __future__ import annotations

import heapq
import operator
import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from yimen.catalog import lexicon
from yimen.lib import ranking
from yimen.lib import text as texts
from yimen.lib.ranking import Concept, Question, Way

if TYPE_CHECKING:
    from yimen.catalog.models import ItemVersion, ServiceItem

NAME, SOUND, INITIALS = "=", "~", "^"
LONGEST_QUERY, MOST_LOOK_UPS, SHORT = 120, 40, 3
# Ways of the two weightiest words that are looked up together; items that hold a token which may be looked up outside
# of names; items that hold one which is looked up alone only when nothing weighs more: a hundred of them say nothing.
MOST_TOGETHER, RARE, COMMON = 3, 500, 3000
# New items taken from one look-up.
MOST_OF_ONE = 500
# What a synonym, a word that sounds alike and first letters are worth beside the word itself.
OF_MEANING, PER_MEANING, LEAST_MEANING = 0.9, 0.04, 0.7
OF_SOUND, OF_INITIALS = 0.6, 0.5
# A token elsewhere in the guide beside one in a name; a name's usual length; how much length counts.
OF_REST, USUAL_LENGTH, LENGTH_COUNTS = 0.25, 16, 0.35
# The words as typed, standing in the name, at its beginning, or being all of it; shares of what can be reached.
PHRASE, BEGINS, WHOLE = 0.25, 0.05, 0.2
# Acts that change, end or only show what somebody has: nobody means them who does not say so.
UNASKED = re.compile(
    "注销|作废|撤销|终止|中止|变更|更正|补发|补办|补领|补证|换发|换证|换领|遗失|延续|延期|再次|迁出|迁入|注册后|异议|复核|"
    "查询|公示|公布|公告|结果|表彰|奖励|咨询|指南|须知|下载|名录|名单|统计|新闻|培训班|会议"
)
OF_UNASKED = 0.85
# One letter in so many may be of a word the name does not have.
LOOSE = 6
# Words that stand in a name as they were typed come before any sum of their parts.
WHOLE_RUN = 100.0
# The least share of the question that an item must answer.
LEAST = 0.3
# Words without weight between a verb and what is opened, bought, kept: 开个小饭馆, 买了一辆新车.
_LIGHT = re.compile(
    r"([开办养做搞弄装买卖修租建盖挂换])(?:了|一)?(?:[个家间辆台套块条只点]|一下)(?:小|大|新)?(?=[^\W\d_])"
)
_INNER = re.compile(r"[（(]([^（()）]{4,})[)）]")


# What tokens_of() reads of an edition.
SEARCHED = ("name", "everyday_names", "result_name", "plain_text", "themes")


def tokens_of(version: ItemVersion, department: str) -> list[str]:
    """Return what ServiceItem.tokens holds for this edition."""
    names = texts.one_spelling(" ".join([version.name, *version.everyday_names]))
    in_names = dict.fromkeys(texts.all_tokens(names))
    rest = set[str]().union(*map(_pairs_of, (department, version.result_name, *version.themes)))
    if version.plain_text:
        rest |= _pairs_of.__wrapped__(version.plain_text)
    return [
        *map(NAME.__add__, in_names),
        *rest.difference(in_names),
        *texts.sounds(names, SOUND, INITIALS),
        *texts.beginnings([version.name, *version.everyday_names], INITIALS),
    ]


@lru_cache(4096)
def _pairs_of(text: str) -> frozenset[str]:
    """Return the tokens of more than one sign; remembered, because thousands of items name the same few."""
    return frozenset(token for token in texts.query_tokens(texts.one_spelling(text)) if len(token) > 1)


# What index() sets.
INDEXED = ("tokens", "everyday_names", "place")


def index(item: ServiceItem, version: ItemVersion, department: str) -> None:
    """Let `item` be found as what `version` says; the caller saves the columns INDEXED."""
    item.tokens, item.everyday_names, item.place = tokens_of(version, department), [*version.everyday_names], None


# The question


def asked(query: str, synonyms: Mapping[str, tuple[str, ...]] | None = None, longest: int = 0) -> Question:
    """
    Return what `query` asks for: its words, and for each word other ways to say it.

    synonyms: the region's own, which come before the shipped ones; () makes a word a filler. longest: only shipped
    words of at most so many characters, 0 for all. Long queries are cut.
    """
    text = texts.one_spelling(query[:LONGEST_QUERY].replace("\x00", ""))
    known = {**lexicon.shipped(longest), **(synonyms or {})} if synonyms else lexicon.shipped(longest)
    if len(text) <= SHORT:
        # Two or three characters may be cut out of a name, 的 and all.
        known = {word: means for word, means in known.items() if word not in lexicon.PARTICLES}
    pieces = [piece for run in _LIGHT.sub(r"\1", text).split() for piece in [*lexicon.words_in(run, known), (" ", ())]]
    if not text:
        return Question("", ())
    if all(means == () for _word, means in pieces):
        pieces = [(text, None)]
    concepts: list[Concept] = []
    said = before = ""
    for word, means in pieces:
        if means == ():
            before = ""
            said += " "
            continue
        said += word
        if before and word[0] > "\x7f" and before > "\x7f":
            concepts.append(Concept((_way(before + word[0], pairs_only=True),), is_bridge=True))
        before = word[-1]
        if means:
            concepts.append(Concept((_way(word), *_meanings(word, means))))
        else:
            concepts += _plain(word)
    if concepts and re.fullmatch("[a-z ]+", text):
        concepts = [Concept((_way(run), *_by_letters("".join(run.split()), known))) for run in _runs(text)]
    return Question(" ".join(said.split()), tuple(dict.fromkeys(concepts)))


def _runs(letters: str) -> list[str]:
    """
    Return `letters` in the runs that mean something each: shi pin and sp jy are one, school meals two.

    A run with a space in it is read as one word of pinyin or first letters, and as words of another language.
    """
    words = letters.split()
    are_syllables = all(len(way[0]) == 1 for way in map(texts.spelt, words) if way)
    if are_syllables and all(texts.spelt(word) or len(word) <= SHORT for word in words):
        return [" ".join(words)]
    return words


def about(query: str) -> Question:
    """Return what a whole question about other texts (policies, answers) asks for: its words without the fillers."""
    text = texts.one_spelling(query.replace("\x00", ""))
    known = {**lexicon.shipped(1), **dict.fromkeys(lexicon.IN_QUESTIONS, ())}
    pieces = [piece for run in text.split() for piece in lexicon.words_in(run, known, lexicon.IN_QUESTIONS)]
    said = " ".join(word for word, means in pieces if means is None) or text
    return Question(said, tuple(ranking.plain_concepts(said)))


def _way(text: str, worth: float = 1.0, *, pairs_only: bool = False) -> Way:
    tokens = texts.query_tokens(text) if pairs_only else texts.bigrams(text)
    return Way(text, tuple((token, worth * ranking.weight_of(token)) for token in tokens))


def _meanings(word: str, means: Iterable[str]) -> Iterator[Way]:
    """The nearest meaning comes first and counts most."""
    for n, other in enumerate(other for other in means if other != word):
        yield _way(texts.one_spelling(other), max(LEAST_MEANING, OF_MEANING - n * PER_MEANING))


def _plain(text: str) -> list[Concept]:
    """Each character and pair of a word we know nothing about; a pair may also be one that sounds alike."""
    concepts = []
    for token in texts.bigrams(text):
        ways = [_way(token, pairs_only=True)]
        if len(token) == 2 and not token.isascii():
            ways += [Way(token, ((sound, OF_SOUND),)) for sound in texts.sounds(token, SOUND, INITIALS)]
        concepts.append(Concept(tuple(ways)))
    return concepts


def _by_letters(letters: str, known: Mapping[str, tuple[str, ...]]) -> list[Way]:
    """Return what letters may stand for: a word spelt in pinyin, or the first letters of one."""
    ways = []
    if word := lexicon.by_sound().get(letters):
        ways += [_way(texts.one_spelling(other)) for other in (word, *known.get(word, ()))]
    for syllables in [*texts.spelt(letters), *texts.begun(letters)[:2]]:
        pairs = [f"{SOUND}{a}'{b}" for a, b in pairwise(syllables)]
        if pairs:
            ways.append(Way(letters, tuple((pair, 1.0) for pair in pairs)))
    if len(letters) == 2:  # how a name begins
        ways.append(Way(letters, ((INITIALS + letters, OF_INITIALS),)))
    if 3 <= len(letters) <= 12:
        threes = [INITIALS + letters[n : n + 3] for n in range(len(letters) - 2)]
        ways.append(Way(letters, tuple((three, OF_INITIALS) for three in threes)))
    return ways


def literal(question: Question) -> LookUp | None:
    """Return the look-up of names that hold every word as it was typed; None when a character stands alone."""
    tokens = texts.query_tokens(question.text)
    if not tokens or any(len(word) == 1 and not word.isascii() for word in tokens):
        return None
    return LookUp(tuple(NAME + token for token in tokens), WHOLE_RUN)


def settled(question: Question, frequency: Callable[[str], int]) -> Question:
    """Return `question` without the sounds of pairs that are written in the catalogue as they were typed."""
    concepts = []
    for concept in question.concepts:
        first, *others = concept.ways
        heard = others and all(other.tokens[0][0].startswith(SOUND) for other in others)
        if heard and len(first.text) == 2 and any(frequency(token) for token, _weight in first.tokens):
            concept = Concept((first,), concept.is_bridge)
        ways = [way for way in map(partial(_known_letters, frequency), concept.ways) if way.tokens]
        concepts.append(Concept(tuple(ways), concept.is_bridge))
    return Question(question.text, tuple(concepts))


def _known_letters(frequency: Callable[[str], int], way: Way) -> Way:
    """First letters are often typed in another order than the name has them: those that no name has are left out."""
    if not way.tokens[0][0].startswith(INITIALS):
        return way
    return Way(way.text, tuple((token, weight) for token, weight in way.tokens if frequency(token)))


@dataclass(frozen=True)
class LookUp:
    """Tokens that an item must all hold to be looked at, and how much that is worth."""

    tokens: tuple[str, ...]
    weight: float


def look_ups(question: Question, frequency: Callable[[str], int], count: int) -> list[LookUp]:
    """
    Return what to look up in the index, the most telling first: each way to say a thing whole, and pairs alone.

    Characters alone are looked up only for words that are not written here: one may be wrong or two swapped.
    """
    found: dict[tuple[str, ...], float] = {}
    named: list[tuple[float, list[tuple[str, ...]]]] = []
    for concept in question.concepts:
        said: dict[tuple[str, ...], float] = {}
        for way in concept.ways:
            worth = sum(weight * ranking.rarity(frequency(token), count) for token, weight in way.tokens)
            tokens = [token for token, _weight in way.tokens]
            if tokens[0][0] in (SOUND, INITIALS):
                found.setdefault(tuple(tokens), worth)
                if tokens[0][0] == INITIALS:
                    found |= {(token,): worth / len(tokens) for token in tokens if (token,) not in found}
                continue
            pairs = [token for token in tokens if len(token) > 1 or token.isascii()]
            if pairs or len(question.concepts) == 1:
                said.setdefault(tuple(NAME + token for token in pairs or tokens), worth)
                if len(pairs) == 1 and frequency(pairs[0]) <= RARE:
                    found.setdefault((pairs[0],), worth * OF_REST)
        said = {tokens: worth for tokens, worth in said.items() if _are_there(tokens, frequency)}
        found = said | found
        if said and not concept.is_bridge:
            named.append((max(said.values()), [*said][:MOST_TOGETHER]))
    # Common words are looked up together: alone, too many items hold them for the right one to be among the first.
    named.sort(key=lambda one: -one[0])
    if len(named) > 1:
        (a, first), (b, second) = named[:2]
        found |= {tuple(dict.fromkeys((*one, *other))): a + b for one in first for other in second}
    runs = question.text.split()
    for run in runs:
        tokens = [NAME + token for token in texts.query_tokens(run)]
        if len(runs) > 1 and len(run) == 1:
            continue
        if _are_there(tokens, frequency):
            whole = sum(ranking.rarity(frequency(token.removeprefix(NAME)), count) for token in tokens)
            found[tuple(tokens)] = whole if len(runs) > 1 else WHOLE_RUN
        elif len(run) > 2:
            found.setdefault(tuple(NAME + token for token in texts.bigrams(run) if len(token) == 1), 1.0)
    looked = [LookUp(tokens, weight) for tokens, weight in found.items() if _are_there(tokens, frequency)]
    looked.sort(key=lambda one: -one.weight)
    telling = [
        one for one in looked[1:] if len(one.tokens) > 1 or frequency(one.tokens[0].removeprefix(NAME)) <= COMMON
    ]
    return [*looked[:1], *telling][:MOST_LOOK_UPS]


def _are_there(tokens: Collection[str], frequency: Callable[[str], int]) -> bool:
    return bool(tokens) and all(frequency(token.removeprefix(NAME)) for token in tokens)


def held_by(look_up: LookUp) -> frozenset[str]:
    """Return the tokens an item found by `look_up` holds somewhere, without the mark of names."""
    tokens = [token.removeprefix(NAME) for token in look_up.tokens]
    return frozenset(tokens).union(*(token for token in tokens if token[0] > "\x7f"))


# Which items


def packed(places: array[int]) -> bytes:
    """Return numbers as Posting.places keeps them."""
    return places.tobytes()


class Postings:
    """
    What one search knows of its tokens: how many items hold each, and their numbers.

    Numbers of long lists may be missing until somebody needs them (`unread`).
    """

    def __init__(self) -> None:
        self.count = 0
        self._times: Counter[str] = Counter()
        self._places: dict[str, array[int]] = {}
        self._unread: set[str] = set()

    def list(self, token: str, items: int, places: bytes | None) -> None:
        """Note how many items hold `token`, and which, None when that was not asked for."""
        self._times[token.removeprefix(NAME)] += items
        if places is None:
            self._unread.add(token)
        else:
            self._places.setdefault(token, array("i")).frombytes(places)

    def read(self, token: str, places: bytes) -> None:
        """Add the numbers of a list that was unread."""
        self._unread.discard(token)
        self._places.setdefault(token, array("i")).frombytes(places)

    def hold(self, place: int, tokens: Iterable[str]) -> None:
        """Note an item that is in no list, under a number of the caller's."""
        for token in tokens:
            self._times[token.removeprefix(NAME)] += 1
            self._places.setdefault(token, array("i")).append(place)

    def frequency(self, token: str) -> int:
        """How many items hold `token`, in a name or elsewhere."""
        return self._times[token]

    def unread(self, look_ups: Iterable[LookUp]) -> set[str]:
        """Return the tokens of the look-ups whose numbers are missing."""
        return self._unread.intersection(token for one in look_ups for token in one.tokens)

    def holding(self, tokens: Iterable[str]) -> set[int]:
        """Return the numbers of the items that hold all the tokens."""
        fewest, *others = sorted((self._places.get(token, _NOBODY) for token in tokens), key=len)
        return set(fewest).intersection(*others) if others else set(fewest)


_NOBODY: array[int] = array("i")


def gathered(look_ups: list[LookUp], postings: Postings, most: int) -> dict[int, frozenset[str]]:
    """
    Return the items that weigh most by the look-ups that find them, at most `most`, each with what it holds.

    Of one look-up, MOST_OF_ONE items are taken that none before found: they are alike, and the next one tells them
    apart.
    """
    weights: dict[int, float] = {}
    found = [postings.holding(one.tokens) for one in look_ups]
    for one, places in zip(look_ups, found, strict=True):
        for place in places & weights.keys():
            weights[place] += one.weight
        new = places.difference(weights) if weights else places
        weights |= dict.fromkeys(sorted(new)[:MOST_OF_ONE], one.weight)
    held = [held_by(one) for one in look_ups]
    best = heapq.nsmallest(most, weights, key=lambda place: (-weights[place], place))
    return {
        place: frozenset().union(*(tokens for tokens, places in zip(held, found, strict=True) if place in places))
        for place in best
    }


# The order


@dataclass(frozen=True)
class Candidate:
    """An item that may be meant: its name and everyday names, and the tokens of the question it holds anywhere."""

    key: Any
    name: str
    everyday_names: tuple[str, ...]
    holds: frozenset[str]


@dataclass(frozen=True)
class Ranked:
    """score: 0 to 1; name: the name that answers, the official one or an everyday one."""

    key: Any
    score: float
    coverage: float
    name: str


def rank(
    question: Question, candidates: Iterable[Candidate], frequency: Callable[[str], int], count: int
) -> list[Ranked]:
    """Return the candidates that answer enough of `question`, best first."""
    weighed = ranking.weigh(question, frequency, count)
    if not weighed.mass:
        return []
    meant = {act for concept in question.concepts for way in concept.ways for act in UNASKED.findall(way.text)}
    reachable = weighed.mass * (ranking.K1 + 1)
    spelt = {
        token: way.text
        for concept in question.concepts
        for way in concept.ways
        for token, _weight in way.tokens
        if token.startswith(INITIALS)
    }
    found = []
    for candidate in candidates:
        best = max(
            (
                _rated(question.text, weighed, meant, title, candidate.holds - _misread(spelt, candidate, title))
                for title in _titles(candidate)
            ),
            key=lambda one: one[0],
        )
        score, coverage, name = best
        if coverage >= LEAST:
            found.append(Ranked(candidate.key, min(1.0, score / reachable), coverage, name))
    return sorted(found, key=lambda one: (-one.score, one.key))


def _misread(spelt: Mapping[str, str], candidate: Candidate, title: str) -> set[str]:
    """Return the first letters `candidate` holds that do not read as `title`: a long name has any three by chance."""
    held = candidate.holds & spelt.keys()
    if not held:
        return set()
    there = texts.initials(texts.one_spelling(title))
    return {token for token in held if not _is_read(spelt[token], there)}


def _is_read(letters: str, there: list[frozenset[str]]) -> bool:
    """Two letters begin the name; more stand in it in runs of two and three, in any order, but for one in LOOSE."""
    if len(letters) == 2:
        return len(there) > 1 and all(map(operator.contains, there, letters))
    runs = {run for n in (2, 3) for run in zip(*(there[k:] for k in range(n)), strict=False)}
    left = [0]
    for end in range(1, len(letters) + 1):
        left.append(left[-1] + 1)
        for n in (2, 3):
            part = letters[end - n : end] if end >= n else ""
            if part and any(all(map(operator.contains, run, part)) for run in runs if len(run) == n):
                left[end] = min(left[end], left[end - n])
    return left[-1] <= len(letters) // LOOSE


def _titles(candidate: Candidate) -> list[str]:
    return [candidate.name, *candidate.everyday_names, *_INNER.findall(candidate.name)]


def _rated(
    asked_text: str, weighed: ranking.Weighed, meant: set[str], title: str, holds: frozenset[str]
) -> tuple[float, float, str]:
    words = texts.one_spelling(title)
    ratio = len(words) / USUAL_LENGTH

    def impact(token: str) -> float:
        times = words.count(token) + (OF_REST if token in holds else 0.0)
        return ranking.saturated(times, ratio, b=LENGTH_COUNTS) if times else 0.0

    score, coverage = ranking.rate(weighed, impact)
    if asked_text and asked_text in words:
        share = PHRASE + BEGINS * words.startswith(asked_text) + WHOLE * (asked_text == words)
        score += share * weighed.mass * (ranking.K1 + 1)
    if not meant.issuperset(UNASKED.findall(words)):
        score *= OF_UNASKED
    return score, coverage, title
