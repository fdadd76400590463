"""Which words there are to choose from on a day, and what an export writes for them (ITEM-13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from yimen.catalog.models import DictionaryTerm
from yimen.catalog.rules.codelists import SHIPPED, Term

__all__ = ["code_of", "terms", "terms_of", "words"]


def terms_of(kinds: Collection[str], on: date) -> dict[str, dict[str, Term]]:
    """Return for each kind its terms in force on the day `on`, by key, in order: shipped ones first. One query."""
    found = {kind: {term.key: term for term in SHIPPED.get(kind, ())} for kind in kinds}
    rows = DictionaryTerm.objects.filter(kind__in=kinds, effective_on__lte=on).order_by("effective_on", "code", "pk")
    for row in rows:
        found[row.kind][row.key] = Term(row.key, row.code, row.label)
    return found


def terms(kind: str, on: date) -> list[Term]:
    return list(terms_of([kind], on)[kind].values())


def words(kind: str, on: date) -> list[str]:
    """Return our own words of a kind, for forms and checks."""
    return [term.key for term in terms(kind, on)]


def code_of(kind: str, key: str, on: date) -> str:
    """Return the code an export of the day `on` writes for our word `key`, or "" when none is known."""
    rows = DictionaryTerm.objects.filter(kind=kind, key=key, effective_on__lte=on).order_by("-effective_on")
    if (code := rows.values_list("code", flat=True).first()) is not None:
        return code
    return next((term.code for term in SHIPPED.get(kind, ()) if term.key == key), "")
