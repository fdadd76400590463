"""What the law computes about results: order of limited places, bars, renewals, fees; pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from uuid import UUID

from yimen.lib.workdays import add_months

# LAW-27: how long who deceived stays away, in months.
FALSE_MATERIALS_MONTHS, FRAUD_MONTHS = 12, 36
# LAW-19: the holder applies thirty days before expiry.
RENEW_BEFORE_DAYS = 30
MOST_AMOUNT = Decimal("9999999999.99")


@dataclass(frozen=True)
class Place:
    """A case in the queue of an item with limited numbers (LAW-20). outcome: "" while it is undecided."""

    case: UUID
    accepted_at: datetime
    number: int
    outcome: str = ""
    is_out: bool = False


def in_order(places: Iterable[Place]) -> list[Place]:
    """
    Return the queue in the order of acceptance; of two at one moment the smaller number goes first.

    A case deemed accepted counts from the day of its receipt, however late its number was given (LAW-5).
    """
    return sorted(places, key=lambda place: (place.accepted_at, place.number))


def before(places: Iterable[Place], case: UUID) -> list[Place]:
    """Return the undecided places that go before `case`; is_out: withdrawn or moved away, they wait for nothing."""
    waiting = []
    for place in in_order(places):
        if place.case == case:
            break
        if not place.outcome and not place.is_out:
            waiting.append(place)
    return waiting


# Words that refuse without saying why (LAW-17).
_EMPTY_WORDS = frozenset(
    {
        *("不予许可", "不予批准", "不予受理", "不予办理", "不同意", "不符合", "不符合条件", "不符合要求", "不符合规定"),
        *("不符合法定条件", "不符合有关规定", "不符合相关规定", "条件不符", "材料不全", "材料不齐", "材料不符合要求"),
        *("依法不予许可", "经审查", "经审查不符合条件", "经审查不予许可", "按规定不予许可", "审查不通过", "见附件"),
    }
)
_LEAST_WORDS, _LEAST_DIFFERENT = 8, 5


def says_why(reasons: str) -> bool:
    """
    Tell whether the reasons of a refusal say something its reader can act on (LAW-17): more than a few words, not the
    same ones over and over, and not only that it is refused.
    """
    words = re.sub(r"[\W_]+", "", reasons)
    lines = {re.sub(r"[\W_]+", "", line) for line in re.split(r"[\n。；;，,]", reasons)} - {""}
    return len(words) >= _LEAST_WORDS and len(set(words)) >= _LEAST_DIFFERENT and not lines <= _EMPTY_WORDS


def barred_until(from_on: date, months: int) -> date:
    """Return the last barred day: the same day so many months later (CC 202); the next one is free again."""
    return add_months(from_on, months)


def is_barred(from_on: date, until_on: date, day: date) -> bool:
    """Tell whether a bar stands on `day`; its first and its last day both count."""
    return from_on <= day <= until_on


def is_late(asked_on: date, expires_on: date) -> bool:
    """Tell whether a renewal is asked for less than thirty days before the last day of validity (LAW-19)."""
    return asked_on > expires_on - timedelta(days=RENEW_BEFORE_DAYS)


_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SUM = re.compile(rf"({_NUMBER})\s*(万)?\s*元?\s*(?:[-—–~～至到]+\s*({_NUMBER})\s*(万)?)?\s*元")
_SHARE = re.compile(r"[%‰％]|百分之|千分之|万分之")
_FREE = re.compile(r"免费|不收费|免收")


def published_sums(standard: str) -> list[tuple[Decimal, Decimal]]:
    """
    Return the amounts in yuan a published standard names, each as (least, most).

    "每证 10 元" is (10, 10), "50 至 200 元" is (50, 200). Empty when it names none, or a share of something, which this
    cannot reckon.
    """
    if _SHARE.search(standard):
        return []
    found = []
    for least, ten, most, tens in _SUM.findall(standard):
        low = Decimal(least.replace(",", "")) * (10_000 if ten or (most and tens) else 1)
        high = Decimal(most.replace(",", "")) * (10_000 if tens else 1) if most else low
        found.append((low, high))
    return found


def is_free(standard: str) -> bool:
    return bool(_FREE.search(standard)) and not published_sums(standard)


def fits_standard(amount: Decimal, quantity: Decimal, standard: str) -> bool:
    """Tell whether `amount` is `quantity` times a sum the standard names; True when it names none to compare with."""
    sums = published_sums(standard)
    if not sums:
        return not is_free(standard)
    return any(least * quantity <= amount <= most * quantity for least, most in sums)


def usual(earlier: Sequence[Decimal]) -> Decimal | None:
    """Return the median of the months before; None for fewer than three."""
    return median(earlier) if len(earlier) >= 3 else None


def jumped(amount: Decimal, earlier: Sequence[Decimal], factor: int) -> bool:
    """
    Tell whether a month's total is more than `factor` times the median of the months before it (S1-60).

    Nothing can be said after fewer than three months, or when nothing was charged in most of them.
    """
    before = usual(earlier)
    return before is not None and before > 0 and amount > before * factor
