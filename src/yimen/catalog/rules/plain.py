"""Plain language: official words, long sentences and double negatives in a text, each with its place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

# look.md: sentences of at most 25 characters on pages; a text with longer explanations gets up to this.
LONGEST_SENTENCE = 40
_ENDS = "。！？!?；;\n"
_NOT_COUNTED = re.compile(r"\s")
_DOUBLE = re.compile(
    r"(?:不得|不能|不可|不应|不会|不是|没有|未经|并非|无)[^。！？!?；;，,、\n]{0,6}?(?:不(?!同|动产|仅|但|过|久|如|少|良)|没有|未(?!来|成年)|无(?!障碍|线|人机|偿))"
    r"|(?:无不(?!良)|莫不|未必不|不无|无非|除非[^。！？!?；;\n]{1,20}?不)"
)


class Fault(StrEnum):
    """What keeps a text from being plain."""

    JARGON = "jargon"
    LONG = "long"
    DOUBLE_NEGATIVE = "double_negative"


@dataclass(frozen=True)
class Finding:
    """One thing to say more plainly: text[start:end]; `plain` is how to say it, "" when only a person can tell."""

    kind: Fault
    start: int
    end: int
    said: str
    plain: str = ""

    @property
    def place(self) -> int:
        """Which character of the text it begins with, counted from 1."""
        return self.start + 1

    @property
    def sentence(self) -> str:
        """What to tell the editor."""
        match self.kind:
            case Fault.JARGON if self.plain:
                return _("“%(word)s”是行话，换成“%(plain)s”。") % {"word": self.said, "plain": self.plain}
            case Fault.JARGON:
                return _("“%(word)s”是行话，请换个说法。") % {"word": self.said}
            case Fault.LONG:
                return _("这一句有 %(count)d 个字，分成两句：“%(start)s…”") % {
                    "count": letters(self.said), "start": self.said.strip()[:12],
                }  # fmt: skip
            case _:
                return _("“%(words)s”说了两个“不”，直接说能做什么。") % {"words": self.said}


def letters(text: str) -> int:
    """Return how many characters a reader reads; blanks do not count."""
    return len(_NOT_COUNTED.sub("", text))


def check(text: str, words: Mapping[str, str]) -> list[Finding]:
    """
    Return what is not plain in `text`, in the order of its place.

    words: official word → plain one. At one place the longest word counts, and what lies inside it does not.
    """
    found = [*_jargon(text, words), *_long(text), *_doubles(text)]
    return sorted(found, key=lambda each: (each.start, each.end, each.kind))


def explained(text: str, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return `text` in pieces, each with its plain word or "": joined, the pieces are the text again."""
    pieces, at = [], 0
    for each in _jargon(text, words):
        if each.start > at:
            pieces.append((text[at : each.start], ""))
        pieces.append((each.said, each.plain))
        at = each.end
    if at < len(text):
        pieces.append((text[at:], ""))
    return pieces


def _jargon(text: str, words: Mapping[str, str]) -> Iterator[Finding]:
    lengths = sorted({len(word) for word in words if word}, reverse=True)
    at = 0
    while at < len(text):
        for length in lengths:
            word = text[at : at + length]
            if len(word) == length and word in words:
                yield Finding(Fault.JARGON, at, at + length, word, words[word])
                at += length
                break
        else:
            at += 1


def _long(text: str) -> Iterator[Finding]:
    start = 0
    for at in range(len(text) + 1):
        if at == len(text) or text[at] in _ENDS:
            said = text[start:at]
            if letters(said) > LONGEST_SENTENCE:
                yield Finding(Fault.LONG, start, at, said)
            start = at + 1


def _doubles(text: str) -> Iterator[Finding]:
    for match in _DOUBLE.finditer(text):
        yield Finding(Fault.DOUBLE_NEGATIVE, match.start(), match.end(), match.group())
