"""How far promises stay below the law's limits (S1-50), and what a change of limits saves (S1-55)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from yimen.lib.figures import percent
from yimen.lib.workdays import Limit, Unit


def comparable(promised: Limit | None, statutory: Limit | None) -> bool:
    """
    Tell whether the two can be divided: both are set, the law's is not 0, and their units are the same.

    A promise of 0 (即办件) compares with any unit; nothing else is converted, as days off differ from year to year.
    """
    if promised is None or statutory is None or statutory.number == 0:
        return False
    return promised.unit == statutory.unit or promised.number == 0


def compression_rate(promised: Limit | None, statutory: Limit | None) -> Decimal | None:
    """
    Return 压缩率, 1 − promised / statutory, in percent with two decimals; None where they cannot be compared.

    Below 0 where the promise is longer than the law allows (LAW-26).

    Source: docs/rules/figures.md
    """
    if promised is None or statutory is None or not comparable(promised, statutory):
        return None
    return percent(statutory.number - promised.number, statutory.number)


@dataclass(frozen=True)
class Compression:
    """
    Of many items. item_count: those that can be compared; day_count: those of them with a legal limit in working days.

    promised_days, statutory_days: sums of working days over those. skipped_count: the others, without either limit
    or in different units.
    """

    item_count: int = 0
    day_count: int = 0
    promised_days: int = 0
    statutory_days: int = 0
    skipped_count: int = 0
    shares: Fraction = Fraction(0)

    @property
    def total_rate(self) -> Decimal | None:
        """1 − Σ promised / Σ statutory: of all working days given, the share not used; long limits weigh more."""
        return percent(self.statutory_days - self.promised_days, self.statutory_days)

    @property
    def mean_rate(self) -> Decimal | None:
        """The mean of the items' own rates: every item weighs the same."""
        if not self.item_count:
            return None
        share = 1 - self.shares / self.item_count
        return percent(share.numerator, share.denominator)

    @property
    def saved_days(self) -> int:
        return self.statutory_days - self.promised_days


def compression(pairs: Iterable[tuple[Limit | None, Limit | None]]) -> Compression:
    """Return the figures of many (promised, statutory) together."""
    items = days = promised_days = statutory_days = skipped = 0
    shares = Fraction(0)
    for promised, statutory in pairs:
        if promised is None or statutory is None or not comparable(promised, statutory):
            skipped += 1
            continue
        items += 1
        shares += Fraction(promised.number, statutory.number)
        if statutory.unit == Unit.WORKDAY:
            days += 1
            promised_days += promised.number
            statutory_days += statutory.number
    return Compression(items, days, promised_days, statutory_days, skipped, shares)


def saved(before: Limit | None, after: Limit | None) -> int | None:
    """
    Return how much shorter `after` is, in their common unit; None where either is missing or the units differ.

    15 working days that became 3 save 12 (S1-55); below 0 when it became longer.
    """
    if before is None or after is None:
        return None
    if before.unit != after.unit and before.number and after.number:
        return None
    return before.number - after.number
