"""
What people say and what a catalogue calls it, as it ships with Yimen: data/synonyms.csv.

A row gives everyday words and the official words that mean the same; a row without official words lists fillers, which
say nothing about what is looked for (怎么办, 请问). A region's own synonyms (models.Synonym) come before these.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from yimen.lib import text as texts

BETWEEN = "|"
# A single character is part of too many words to be a word by itself; these are not.
LONGEST = 40
PARTICLES = frozenset("的了吗呢吧啊呀么嘛")
# Those and verbs that say nothing in a whole question, but much in a name (有限, 在职).
IN_QUESTIONS = PARTICLES | frozenset("在是有对")

# A text whose beginning names one of these is about that place.
PROVINCES = (
    *(
        "北京",
        "天津",
        "上海",
        "重庆",
        "河北",
        "山西",
        "辽宁",
        "吉林",
        "黑龙江",
        "江苏",
        "浙江",
        "安徽",
        "福建",
        "江西",
        "山东",
    ),
    *(
        "河南",
        "湖北",
        "湖南",
        "广东",
        "海南",
        "四川",
        "贵州",
        "云南",
        "陕西",
        "甘肃",
        "青海",
        "台湾",
        "内蒙古",
        "广西",
        "西藏",
    ),
    *("宁夏", "新疆", "香港", "澳门"),
)


@cache
def shipped(longest: int = 0) -> Mapping[str, tuple[str, ...]]:
    """
    Return the words of the file with what they mean, () for fillers; where a word stands twice, all of it.

    longest: leave out words with a meaning that have more characters; 0 for none.
    """
    if longest:
        return {word: means for word, means in shipped().items() if not means or len(word) <= longest}
    found: dict[str, tuple[str, ...]] = {}
    for words, means in _rows():
        for word in words:
            if means and len(word) == 1:
                continue
            found[word] = tuple(dict.fromkeys([*found.get(word, ()), *means]))
    return found


def _rows() -> Iterator[tuple[list[str], list[str]]]:
    with files("yimen.catalog").joinpath("data/synonyms.csv").open(encoding="utf-8") as file:
        for row in csv.reader(line for line in file if not line.startswith("#")):
            if row and row[0] != "word":
                yield split(row[0]), split(row[1])


def split(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(BETWEEN) if word.strip()]


@cache
def by_sound() -> Mapping[str, str]:
    """Return the shipped words by their pinyin, written as one: kaifanguan → 开饭馆."""
    found: dict[str, str] = {}
    for word, means in shipped().items():
        read = [texts.readings(character) for character in word]
        if means and all(read):
            found.setdefault("".join(one[0] for one in read), word)
    return found


def words_in(
    text: str, known: Mapping[str, tuple[str, ...]], particles: frozenset[str] = PARTICLES
) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """
    Yield `text` in pieces, each with what it means: () for a filler, None for what is not in `known`.

    The longest word counts, from the left.
    """
    longest = min(LONGEST, len(text))
    start = place = 0
    while place < len(text):
        for length in range(min(longest, len(text) - place), 0, -1):
            word = text[place : place + length]
            if word in known and (length > 1 or word in particles or text == word):
                if start < place:
                    yield text[start:place], None
                yield word, known[word]
                start = place = place + length
                break
        else:
            place += 1
    if start < len(text):
        yield text[start:], None
