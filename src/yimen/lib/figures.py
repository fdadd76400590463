"""Arithmetic of figures: percentages that never flatter."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

WHOLE, NONE = Decimal(100), Decimal(0)


def percent(part: int, whole: int, *, places: int = 2) -> Decimal | None:
    """
    Return part / whole in percent, half up to `places` decimals; None when there is nothing to divide by.

    100 is said only when part is whole, 0 only when part is 0: what is nearly all is 99.99, what is hardly any 0.01.
    """
    smallest = Decimal(1).scaleb(-places)
    if whole == 0:
        return None
    exact = Decimal(part) * 100 / Decimal(whole)
    if part == whole:
        return WHOLE
    if part == 0:
        return NONE
    rounded = exact.quantize(smallest, ROUND_HALF_UP)
    if part > 0 and rounded == 0:
        return smallest
    return min(rounded, WHOLE - smallest) if part < whole else rounded
