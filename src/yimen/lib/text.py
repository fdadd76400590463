"""Chinese text for searching (one spelling; the tokens a GIN index on an array holds), and lists of names to read."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from django.utils.translation import pgettext

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
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
