"""
一件事: the order of a bundle's items, what is brought once for all of them, what is asked once (HALL-13).

Pure functions over plain parts; the items themselves are looked up by queries.bundles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules.merging import same_name
from yimen.lib.text import listed

MOST_ITEMS = 20
# The stricter comes first.
_NECESSITIES = ("required", "gap_allowed", "optional")


@dataclass(frozen=True)
class Line:
    """One material of an item, as far as a bundle cares."""

    position: int
    name: str
    necessity: str = "required"
    copies: int = 1
    is_shared: bool = False


@dataclass(frozen=True)
class Part:
    """One item of a bundle; after and feeds as in BundleItem. is_offered: it has a published version."""

    key: str
    name: str
    after: tuple[str, ...] = ()
    feeds: Mapping[str, str] = field(default_factory=dict)
    is_optional: bool = False
    materials: tuple[Line, ...] = ()
    is_offered: bool = True


@dataclass(frozen=True)
class Bring:
    """One line of what to bring for the whole matter. key: same for the same paper; parts: who wants it."""

    key: str
    name: str
    parts: tuple[str, ...]
    necessity: str = "required"
    copies: int = 1
    is_shared: bool = False


def faults(parts: Sequence[Part]) -> list[str]:
    """Return one sentence for everything that keeps these parts from being published."""
    found: list[str] = []
    known = {part.key: part for part in parts}
    if len(parts) < 2:
        found.append(_("一件事至少要有两个事项。"))
    if len(parts) > MOST_ITEMS:
        found.append(_("一件事最多 %(most)d 个事项。") % {"most": MOST_ITEMS})
    if parts and all(part.is_optional for part in parts):
        found.append(_("不能每一项都可以不办，至少有一项是一定要办的。"))
    for part in parts:
        if not part.is_offered:
            found.append(_("“%(name)s”还没有发布，先发布这个事项。") % {"name": part.name})
        if strange := [key for key in part.after if key not in known]:
            found.append(
                _("“%(name)s”写了在 %(keys)s 之后，可是这件事里没有。") % {"name": part.name, "keys": listed(strange)}
            )
    if looped := _looped(parts):
        names = listed(_("“%(name)s”") % {"name": known[key].name} for key in looped)
        found.append(_("%(names)s互相等着，谁也不能先办。请去掉一个“之后”。") % {"names": names})
        return found
    for part in parts:
        for other, position in part.feeds.items():
            found.extend(_feed_faults(part, other, str(position), known))
    return found


def _feed_faults(part: Part, other: str, position: str, known: Mapping[str, Part]) -> Iterable[str]:
    target = known.get(other)
    if target is None:
        yield _("“%(name)s”的结果要给 %(other)s 用，可是这件事里没有。") % {"name": part.name, "other": other}
        return
    if part.key not in _before(other, known):
        yield _("“%(other)s”要用“%(name)s”的结果，就要排在它之后。") % {"name": part.name, "other": target.name}
    if not any(str(line.position) == position for line in target.materials):
        yield _("“%(other)s”的材料清单里没有第 %(n)s 样。") % {"other": target.name, "n": position}


def _before(key: str, known: Mapping[str, Part]) -> set[str]:
    """Everything that is granted before `key` begins."""
    found: set[str] = set()
    waiting = list(known[key].after)
    while waiting:
        one = waiting.pop()
        if one in known and one not in found:
            found.add(one)
            waiting.extend(known[one].after)
    return found


def _looped(parts: Sequence[Part]) -> list[str]:
    known = {part.key: part for part in parts}
    return [part.key for part in parts if part.key in _before(part.key, known)]


def stages(parts: Sequence[Part]) -> list[list[Part]]:
    """Return the parts in the order they are done: those of one stage at once, each stage after the one before."""
    known = {part.key for part in parts}
    waits = {part.key: {key for key in part.after if key in known} for part in parts}
    left, found = list(parts), []
    while left:
        ready = [part for part in left if not waits[part.key]]
        if not ready:  # a circle: faults() has said so
            found.append(left)
            break
        found.append(ready)
        done = {part.key for part in ready}
        left = [part for part in left if part.key not in done]
        for part in left:
            waits[part.key] -= done
    return found


def chosen_parts(parts: Sequence[Part], keys: Collection[str]) -> list[Part]:
    """
    Return the parts somebody does: those that are not optional and the optional ones he named, in order.

    Who waits for one that is left out waits for what that one would have waited for; what it would have fed is brought.
    """
    known = {part.key: part for part in parts}
    taken = {part.key for part in parts if not part.is_optional or part.key in keys}

    def really(key: str, seen: frozenset[str] = frozenset()) -> dict[str, None]:
        names: dict[str, None] = {}
        for other in known[key].after:
            if other in taken:
                names[other] = None
            elif other in known and other not in seen:
                names |= really(other, seen | {other})
        return names

    return [
        replace(
            part,
            after=tuple(really(part.key)),
            feeds={key: position for key, position in part.feeds.items() if key in taken},
        )
        for stage in stages(parts)
        for part in stage
        if part.key in taken
    ]


def fed(parts: Sequence[Part]) -> dict[tuple[str, int], str]:
    """Return which material of which part comes from whose result: {(part, position): feeding part}."""
    return {(other, int(position)): part.key for part in parts for other, position in part.feeds.items()}


def to_bring(parts: Sequence[Part]) -> list[Bring]:
    """Return what is brought for these parts: each paper once, with the stricter need, without what is fed."""
    given = fed(parts)
    lines: dict[str, Bring] = {}
    for part in parts:
        for line in part.materials:
            if (part.key, line.position) in given:
                continue
            key = same_name(line.name)
            here = Bring(key, line.name, (part.key,), line.necessity, line.copies, line.is_shared)
            lines[key] = _both(lines[key], here) if key in lines else here
    return list(lines.values())


def _both(one: Bring, other: Bring) -> Bring:
    return Bring(
        one.key,
        one.name,
        tuple(dict.fromkeys((*one.parts, *other.parts))),
        min(one.necessity, other.necessity, key=_NECESSITIES.index),
        max(one.copies, other.copies),
        one.is_shared or other.is_shared,
    )


# The forms: asked once


@dataclass(frozen=True)
class Asked:
    """The forms of several parts as one. forms: by part; without: fields taken from the applicant everywhere."""

    merged: form_rules.Merged
    forms: Mapping[str, Sequence[form_rules.Form]]
    without: frozenset[str]


def asked_once(forms: Mapping[str, Sequence[form_rules.Form]]) -> Asked:
    """Return the forms of all parts as one; what they share is asked once."""
    named = _named(forms)
    together = form_rules.merge_forms(named)
    # What one form takes from the applicant and another one asks is asked: the other keeps its own answer.
    asked = {
        one.name
        for form in named
        for one in form_rules.fields_of(form.schema)
        if not one.prefill.startswith("applicant.")
    }
    return Asked(together, forms, frozenset(form_rules.by_reference(together.schema) - asked))


def _named(forms: Mapping[str, Sequence[form_rules.Form]]) -> list[form_rules.Form]:
    """Forms of different parts may have one key."""
    return [replace(form, key=f"{part}/{form.key}") for part, of in forms.items() for form in of]


def values_of_parts(asked: Asked, values: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the answers for each form of each part, as cases.receive() takes them: {part: {form: {field: value}}}."""
    split = form_rules.split_values(values, _named(asked.forms))
    return {part: {form.key: split[f"{part}/{form.key}"] for form in of} for part, of in asked.forms.items() if of}
