"""
What finds an item: the tokens stored with it and the tokens of a query.

A token in the name or in an everyday name is stored a second time behind NAME, so that SQL can weigh it more.
"""

from typing import TYPE_CHECKING

from yimen.lib import text

if TYPE_CHECKING:
    from yimen.catalog.models import ItemVersion

NAME = "="
LONGEST_QUERY = 60
# A word in the name says more than one in the department or theme, a pair of characters more than one alone.
IN_NAME, ANYWHERE = 0.7, 0.3
OF_PAIR, OF_SINGLE = 1.0, 0.7


def tokens_of(version: "ItemVersion", department: str) -> list[str]:
    """Return what ServiceItem.tokens holds for this edition."""
    names = text.bigrams(" ".join([version.name, *version.everyday_names]))
    rest = text.bigrams(" ".join([department, version.result_name, version.plain_text, *version.themes]))
    return [*(NAME + token for token in names), *dict.fromkeys([*names, *rest])]


def asked(query: str) -> list[tuple[str, float, bool]]:
    """
    Return (token, weight, whether it is more than one Chinese character) to look for; empty when there is nothing.

    Long queries are cut.
    """
    looked_for = []
    for token in text.bigrams(query[:LONGEST_QUERY]):
        is_word = len(token) > 1 or token.isascii()
        weight = OF_PAIR if is_word else OF_SINGLE
        looked_for += [(NAME + token, weight * IN_NAME, is_word), (token, weight * ANYWHERE, is_word)]
    return looked_for
