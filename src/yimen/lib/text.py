"""Chinese text for searching (one spelling; the tokens a GIN index on an array holds), and lists of names to read."""

import os
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, pairwise, product, repeat

from django.utils.translation import pgettext

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TWO_HAN = re.compile(f"[\\W_]*([{_HAN}]{{2}})")
_HAN_RUN_OR_WORD = re.compile(f"([{_HAN}]+)|[^\\W_{_HAN}]+")


def listed(names: Iterable[str]) -> str:
    """Return the names in one line, as the reader's language puts them: 甲、乙, or A, B."""
    return pgettext("between two of a list", "、").join(names)


def normalise(text: str) -> str:
    """Return `text` in one spelling: half-width, lower case, punctuation as single spaces, none at the ends."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return re.sub(r"[\W_]+", " ", folded).strip()


def bigrams(text: str) -> list[str]:
    """
    Return the tokens of `text`, each once, in order: every Chinese character, every two that stand together, and
    whole words of letters or digits.

    An array of them contains (`@>`) the tokens of any query whose words all occur, down to a single character.
    """
    return _tokens(text, singles=True)


def query_tokens(text: str) -> list[str]:
    """Return the fewest tokens that find `text` among `bigrams`: a character stands alone only where it has no pair."""
    return _tokens(text, singles=False)


def _tokens(text: str, *, singles: bool) -> list[str]:
    tokens: dict[str, None] = {}
    for run in _HAN_RUN_OR_WORD.finditer(normalise(text)):
        found = run[0]
        if not run[1]:
            tokens[found] = None
            continue
        if singles or len(found) == 1:
            tokens |= dict.fromkeys(found)
        tokens |= dict.fromkeys(map("".join, pairwise(found)))
    return list(tokens)


@cache
def _to_simplified() -> dict[int, str]:
    """Return OpenCC's table of traditional characters (the first of several simplified ones)."""
    table = files("opencc").joinpath("dictionary/TSCharacters.txt").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if "\t" in line)
    return {ord(old): new.split()[0] for old, new in rows if len(old) == 1}


def one_spelling(text: str) -> str:
    """Return `text` normalised, traditional characters as simplified ones."""
    return normalise(text).translate(_to_simplified())


def all_tokens(text: str) -> list[str]:
    """Return the tokens of normalised `text` as `bigrams` does, but as often as they stand in it."""
    tokens: list[str] = []
    for run in _HAN_RUN_OR_WORD.finditer(text):
        found = run[0]
        if run[1]:
            tokens += found
            tokens += map("".join, pairwise(found))
        else:
            tokens.append(found)
    return tokens


def han_runs(text: str) -> list[str]:
    """Return the stretches of Chinese characters in `text`."""
    return [run[1] for run in _HAN_RUN_OR_WORD.finditer(text) if run[1]]


# Pinyin, without tones. Readings come from pypinyin's table of characters; its table of phrases would cost half a
# second at every start, so the characters with two common readings are named here.
_TWO_READINGS = {
    "行": ("xing", "hang"), "重": ("zhong", "chong"), "会": ("hui", "kuai"), "长": ("chang", "zhang"),
    "乐": ("le", "yue"), "调": ("tiao", "diao"), "传": ("chuan", "zhuan"), "藏": ("cang", "zang"),
    "校": ("xiao", "jiao"), "降": ("jiang", "xiang"), "参": ("can", "shen"), "弹": ("dan", "tan"),
    "率": ("lv", "shuai"), "朝": ("chao", "zhao"), "曾": ("zeng", "ceng"), "解": ("jie", "xie"),
    "大": ("da", "dai"), "度": ("du", "duo"), "省": ("sheng", "xing"), "数": ("shu", "shuo"),
}  # fmt: skip


@cache
def _readings() -> dict[int, str]:
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    from pypinyin.constants import PINYIN_DICT

    return PINYIN_DICT


@cache
def readings(character: str) -> tuple[str, ...]:
    """Return how a Chinese character is read, without tones (ü is v): 行 → xing, hang; nothing for other characters."""
    if found := _TWO_READINGS.get(character):
        return found
    marked = _readings().get(ord(character), "").split(",")[0]
    plain = unicodedata.normalize("NFD", marked.replace("ü", "v"))
    plain = re.sub("u\u0308", "v", plain)
    read = "".join(letter for letter in plain if letter.isascii() and letter.isalpha())
    return (read,) if read else ()


@cache
def _syllables() -> frozenset[str]:
    """Every syllable that some common character has."""
    return frozenset(read for code in range(0x4E00, 0x9FA6) for read in readings(chr(code)))


def spelt(letters: str, most: int = 4) -> list[list[str]]:
    """
    Return the ways to read `letters` (a–z) as whole syllables of pinyin, the fewest syllables first, at most `most`.

    xian → [xian], [xi, an]; nothing for what is no pinyin.
    """
    ways: list[list[list[str]]] = [[[]]]
    known = _syllables()
    for end in range(1, len(letters) + 1):
        here = [
            [*way, letters[start:end]]
            for start in range(max(0, end - 6), end)
            if letters[start:end] in known
            for way in ways[start]
        ]
        ways.append(sorted(here, key=len)[:most])
    return ways[-1] if letters else []


def begun(letters: str) -> list[list[str]]:
    """
    Return spelt() of `letters` without the syllable somebody is still typing: shipinj → [shi, pin].

    Nothing when fewer than two whole syllables stand before it, or when no syllable begins like the rest.
    """
    for end in range(len(letters) - 1, max(len(letters) - 6, 2), -1):
        rest = letters[end:]
        if any(syllable.startswith(rest) for syllable in _syllables()):
            ways = [way for way in spelt(letters[:end]) if len(way) > 1]
            if ways:
                return ways
    return []


def sounds(text: str, pair_mark: str, initials_mark: str) -> list[str]:
    """
    Return tokens for how the Chinese of normalised `text` sounds: each two syllables, and the first letters of three.

    食品经营 → ~shi'pin, ~pin'jing, ~jing'ying; ^spj, ^pjy, with "~" and "^" for the marks.
    """
    tokens: dict[str, None] = {}
    for run in han_runs(text):
        tokens |= dict.fromkeys(chain.from_iterable(map(_two_sounds, repeat(pair_mark), run, run[1:])))
        tokens |= dict.fromkeys(chain.from_iterable(map(_three_letters, repeat(initials_mark), run, run[1:], run[2:])))
    return list(tokens)


def beginnings(titles: Iterable[str], initials_mark: str) -> list[str]:
    """Return a token for the first letters of the first two Chinese characters of each title: 食品经营许可 → ^sp."""
    tokens: dict[str, None] = {}
    for title in titles:
        if run := _TWO_HAN.match(title):
            tokens |= dict.fromkeys(_two_letters(initials_mark, run[1]))
    return list(tokens)


def initials(text: str) -> list[frozenset[str]]:
    """Return the first letters that each Chinese character of normalised `text` may have; others stand as they are."""
    return [_initials(character) for character in text if character != " "]


@lru_cache(1 << 13)
def _initials(character: str) -> frozenset[str]:
    return frozenset(read[0] for read in readings(character)) or frozenset(character)


@lru_cache(1 << 13)
def _two_letters(mark: str, two: str) -> tuple[str, ...]:
    left, right = map(readings, one_spelling(two))
    return tuple(mark + a[0] + b[0] for a in left for b in right)


@lru_cache(1 << 15)
def _two_sounds(mark: str, left: str, right: str) -> tuple[str, ...]:
    return tuple(f"{mark}{a}'{b}" for a in readings(left) for b in readings(right))


@lru_cache(1 << 15)
def _three_letters(mark: str, *three: str) -> tuple[str, ...]:
    return tuple(mark + "".join(read[0] for read in way) for way in product(*map(readings, three)))
