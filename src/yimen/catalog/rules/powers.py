"""
Power lists, entry into the hall and delegations: pure functions over plain values.

Source: docs/rules/powers.md (ITEM-20, ITEM-22)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.dates import short_day
from yimen.lib.figures import percent
from yimen.lib.text import normalise

# What a window must be allowed to do so that nobody has to go to the unit itself as well.
FULL_ACTS = frozenset({"accept", "decide"})
# An item decided at once needs the decision at the window.
AT_ONCE_ACTS = frozenset({"decide"})
DELEGATION_WARNING_DAYS = 30
DELEGATION_WARNING_KEY = "delegation_warning_days"


# Power lists

# 行使层级 (ITEM-8).
LEVEL_NAMES: Mapping[str, str | Promise] = {
    "1": gettext_lazy("国家级"),
    "2": gettext_lazy("省级"),
    "3": gettext_lazy("市级"),
    "4": gettext_lazy("县级"),
    "5": gettext_lazy("镇（乡、街道）级"),
    "6": gettext_lazy("村（社区）级"),
    "7": gettext_lazy("分级管理"),
}


class Power(Protocol):
    """One power of one edition. basis: the legal basis, or a mark that changes with it."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def power_type(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def department(self) -> str: ...
    @property
    def basis(self) -> str: ...


P = TypeVar("P", bound=Power)


class Changed(StrEnum):
    NAME = "name"
    TYPE = "power_type"
    LEVEL = "level"
    DEPARTMENT = "department"
    BASIS = "basis"


@dataclass(frozen=True)
class Pair:
    """A power in both editions that is not the same any more; what: which parts."""

    before: Power
    after: Power
    what: tuple[Changed, ...]


@dataclass(frozen=True)
class Count:
    """How many there were and are; fewer: percent less, to one decimal, negative when there are more."""

    key: str
    before: int
    after: int

    @property
    def fewer(self) -> Decimal | None:
        return reduction(self.before, self.after)


@dataclass(frozen=True)
class Comparison:
    """Two editions side by side. removed, added, changed: by code."""

    total: Count
    removed: Sequence[Power]
    added: Sequence[Power]
    changed: Sequence[Pair]
    by_level: Sequence[Count]
    by_department: Sequence[Count]


def reduction(before: int, after: int) -> Decimal | None:
    """
    Return by how many percent `after` is less than `before`, half up to one decimal: 9300 and 3500 are 62.4.

    None when there was nothing before; negative when there are more now.
    """
    return percent(before - after, before, places=1)


def compare(before: Iterable[Power], after: Iterable[Power]) -> Comparison:
    """Compare two editions by code; codes are unique within each."""
    old, new = ({power.code: power for power in edition} for edition in (before, after))
    pairs = (Pair(old[code], new[code], _changes(old[code], new[code])) for code in sorted(old.keys() & new.keys()))
    return Comparison(
        total=Count("", len(old), len(new)),
        removed=[old[code] for code in sorted(old.keys() - new.keys())],
        added=[new[code] for code in sorted(new.keys() - old.keys())],
        changed=[pair for pair in pairs if pair.what],
        by_level=_counts("level", old, new),
        by_department=_counts("department", old, new),
    )


def _changes(before: Power, after: Power) -> tuple[Changed, ...]:
    return tuple(what for what in Changed if getattr(before, what.value) != getattr(after, what.value))


def _counts(part: str, old: Mapping[str, Power], new: Mapping[str, Power]) -> list[Count]:
    were, are = (Counter(getattr(power, part) for power in edition.values()) for edition in (old, new))
    return [Count(key, were[key], are[key]) for key in sorted(were.keys() | are.keys())]


@dataclass(frozen=True)
class Cut:
    """A power that a batch cancelled, or handed down (`to` says to whom)."""

    code: str
    name: str
    batch: int
    on: date
    document_no: str
    to: str = ""

    def said(self) -> str:
        """Return which batch did what, as people read it."""
        values = {"batch": self.batch, "day": short_day(self.on, year=True), "no": self.document_no, "to": self.to}
        if self.to:
            return _("第 %(batch)d 批已下放给%(to)s（%(day)s，%(no)s）") % values
        return _("第 %(batch)d 批已取消（%(day)s，%(no)s）") % values


def power_fault(*, needs_power: bool, code: str, is_listed: bool, has_list: bool = True, cut: Cut | None = None) -> str:
    """
    Return why an item may not be published for its power, or "" (ITEM-22).

    needs_power: False for public services; code: what the list knows the item by; is_listed: an entry with it is in
    the edition in force; cut: the batch that took the power away and that no later edition has put right.
    """
    if not needs_power:
        return ""
    if cut:
        return _("这项职权%(cut)s，不能再发布，换个名目也不行。") % {"cut": cut.said()}
    if is_listed:
        return ""
    if not has_list:
        return _("本地还没有公布权力清单，先公布清单再发布事项（优化营商环境条例第三十九条）。")
    return _("权力清单里没有 %(code)s 这一项，不能发布（优化营商环境条例第三十九条）。") % {"code": code}


def come_back(powers: Iterable[P], cuts: Iterable[Cut], *, known: Collection[str] = ()) -> list[tuple[P, Cut]]:
    """
    Return the powers that were cancelled and stand in a list again: under their code, or with the same name under a
    code that is not `known` from the edition before (ITEM-22).
    """
    by_code, by_name = {}, {}
    for cut in cuts:
        by_code[cut.code] = cut
        if not cut.to:
            by_name[_bare(cut.name)] = cut
    found = []
    for power in powers:
        back = by_code.get(power.code)
        if back is None and power.code not in known:
            back = by_name.get(_bare(power.name))
        if back:
            found.append((power, back))
    return found


def _bare(name: str) -> str:
    return normalise(name).replace(" ", "")


# Delegations


class Lent(Protocol):
    """A delegation, as far as its days go."""

    @property
    def from_on(self) -> date: ...
    @property
    def until_on(self) -> date | None: ...
    @property
    def revoked_on(self) -> date | None: ...


class Validity(StrEnum):
    COMING = "coming"
    VALID = "valid"
    ENDING = "ending"
    ENDED = "ended"
    REVOKED = "revoked"


def validity(lent: Lent, on: date, *, warning_days: int = DELEGATION_WARNING_DAYS) -> Validity:
    """
    Tell how a delegation stands on a day. The last day counts; the day of revocation does not.

    ENDING: valid, and its last day is at most `warning_days` calendar days away.
    """
    if lent.revoked_on and lent.revoked_on <= on:
        return Validity.REVOKED
    if on < lent.from_on:
        return Validity.COMING
    if lent.until_on is None:
        return Validity.VALID
    if lent.until_on < on:
        return Validity.ENDED
    return Validity.ENDING if (lent.until_on - on).days <= warning_days else Validity.VALID


def needed_acts(kinds: Collection[str]) -> frozenset[str]:
    """Return which acts a window needs for an item whose flow has steps of these kinds: accepting and deciding."""
    return FULL_ACTS & frozenset(kinds) or FULL_ACTS


def finishes_at_window(*, is_immediate: bool, acts: Collection[str]) -> bool:
    """Tell whether an item may be shown as 可当场办理: decided at once, by somebody who may decide (S0-11)."""
    return is_immediate and frozenset(acts) >= AT_ONCE_ACTS


# Entry into the hall


class EntryFault(StrEnum):
    """The four kinds of incomplete entry (S0-12), in the order in which they are told."""

    NOT_IN = "not_in"  # 应进不进
    TWO_COUNTERS = "two_counters"  # 两头受理
    NOT_DELEGATED = "not_delegated"  # 进不授权
    HALF_DELEGATED = "half_delegated"  # 权不到位


def entry_fault(
    *, should_enter: bool, is_in: bool, elsewhere: str, acts: Collection[str] | None, kinds: Collection[str]
) -> EntryFault | None:
    """
    Return what is wrong with an item's entry, the first of the four that holds; None when nothing is (ITEM-20).

    should_enter: False for an item that is excused; elsewhere: a second counter of the unit, "" none; acts: what
    valid delegations to posts in the hall cover together, None without any; kinds: kinds of its flow's steps.
    """
    if not is_in:
        return EntryFault.NOT_IN if should_enter else None
    if elsewhere.strip():
        return EntryFault.TWO_COUNTERS
    if acts is None:
        return EntryFault.NOT_DELEGATED
    if not needed_acts(kinds) <= frozenset(acts):
        return EntryFault.HALF_DELEGATED
    return None


@dataclass(frozen=True)
class Coverage:
    """How many of the assigned items are in the hall; rate: percent to two decimals, 169 of 232 is 72.84."""

    assigned: int
    entered: int

    @property
    def rate(self) -> Decimal | None:
        return percent(self.entered, self.assigned)

    @property
    def others(self) -> int:
        return self.assigned - self.entered
