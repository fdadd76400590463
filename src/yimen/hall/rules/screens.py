"""What screens may say, and how loud: pure functions."""

from __future__ import annotations

import re
from datetime import time

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PLACES = re.compile(r"\{([^{}]*)\}")
REPEATS = (1, 5)


def is_language(tag: str) -> bool:
    """Tell whether `tag` is a BCP 47 language tag such as zh-CN or yue-HK."""
    return len(tag) <= 12 and _TAG.fullmatch(tag) is not None


def is_speech(sentence: str) -> bool:
    """Tell whether a sentence can be said for every call: {label} and {window} stand in it, and no other place."""
    return set(_PLACES.findall(sentence)) == {"label", "window"} and sentence.count("{") == sentence.count("}")


def is_quiet(now: time, start: time | None, end: time | None) -> bool:
    """Tell whether `now` lies in the quiet hours from `start` until `end`, which may pass midnight."""
    if start is None or end is None or start == end:
        return False
    return start <= now < end if start < end else now >= start or now < end
