"""
What finds an item: the tokens stored with it and the tokens of a query.

A token in the name or in an everyday name is stored a second time behind NAME, so that SQL can weigh it more.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yimen.lib import text

if TYPE_CHECKING:
    from yimen.catalog.models import ItemVersion

NAME = "="
LONGEST_QUERY = 60
# What people put around the matter they mean; dropped unless nothing else is left.
_AROUND = (
    *("请问", "我想", "我要", "想要", "需要", "怎么办理", "如何办理", "怎么办", "怎么", "如何", "怎样", "哪里", "在哪"),
    *("什么", "多少钱", "可以", "能不能", "一下", "办理", "申请"),
)


def tokens_of(version: "ItemVersion", department: str) -> list[str]:
    """Return what ServiceItem.tokens holds for this edition."""
    names = text.bigrams(" ".join([version.name, *version.everyday_names]))
    rest = text.bigrams(" ".join([department, version.result_name, version.plain_text, *version.themes]))
    return [*(NAME + token for token in names), *dict.fromkeys([*names, *rest])]


def query_tokens(query: str) -> list[str]:
    """Return the tokens to look for; empty when there is nothing to look for. Long queries are cut."""
    query = text.normalise(query[:LONGEST_QUERY])
    short = query
    for word in _AROUND:
        short = short.replace(word, " ")
    return text.query_tokens(short) or text.query_tokens(query)


def marked(tokens: Iterable[str]) -> list[str]:
    return [NAME + token for token in tokens]
