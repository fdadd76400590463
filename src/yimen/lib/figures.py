"""Arithmetic of figures: percentages that never flatter."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

HUNDREDTH = Decimal("0.01")
WHOLE, NONE = Decimal(100), Decimal(0)


def percent(part: int, whole: int) -> Decimal | None:
    """
    Return part / whole in percent, half up to two decimals; None when there is nothing to divide by.

    100 is said only when part is whole, 0 only when part is 0: what is nearly all is 99.99, what is hardly any 0.01.
    """
    if whole == 0:
        return None
    exact = Decimal(part) * 100 / Decimal(whole)
    if part == whole:
        return WHOLE
    if part == 0:
        return NONE
    rounded = exact.quantize(HUNDREDTH, ROUND_HALF_UP)
    if part > 0 and rounded == 0:
        return HUNDREDTH
    return min(rounded, WHOLE - HUNDREDTH) if part < whole else rounded
