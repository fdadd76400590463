"""What the law says about the life of a certificate; pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from yimen.certificates.models import Certificate
from yimen.lib.workdays import add_months

State = Certificate.State
# What may follow what (LAL 49, 50, 69, 70). 注销 closes what was withdrawn, revoked, taken away or has expired.
_NEXT: dict[str, frozenset[str]] = {
    State.VALID: frozenset(
        {State.REPLACED, State.WITHDRAWN, State.REVOKED, State.TAKEN_AWAY, State.CANCELLED, State.LOST}
    ),
    State.LOST: frozenset(
        {State.VALID, State.REPLACED, State.WITHDRAWN, State.REVOKED, State.TAKEN_AWAY, State.CANCELLED}
    ),
    State.EXPIRED: frozenset({State.REPLACED, State.REVOKED, State.CANCELLED}),
    State.WITHDRAWN: frozenset({State.CANCELLED}),
    State.REVOKED: frozenset({State.CANCELLED}),
    State.TAKEN_AWAY: frozenset({State.CANCELLED}),
    State.REPLACED: frozenset(),
    State.CANCELLED: frozenset(),
}
_IN_FORCE = frozenset({State.VALID, State.LOST})


def may_follow(now: str, then: str) -> bool:
    """Tell whether a certificate in the state `now` can come into the state `then` by an act."""
    return then in _NEXT[now]


def state_on(
    valid_from: date, valid_until: date | None, changes: Iterable[tuple[str, date]], day: date
) -> Certificate.State | None:
    """
    Return the state of a certificate on `day`; None while it is not yet in force (LAW-28, CERT-9).

    changes: (state, first day) in the order of their days, those of one day as they were written. One that cannot
    follow what was before has no effect. valid_until: the last day, None for ever.
    """
    if day < valid_from:
        return None
    state = State.VALID
    for then, from_on in changes:
        if from_on > day:
            continue
        has_run_out = state in _IN_FORCE and valid_until is not None and valid_until < from_on
        if may_follow(State.EXPIRED if has_run_out else state, then):
            state = State(then)
    return State.EXPIRED if state in _IN_FORCE and valid_until is not None and valid_until < day else state


def renewed_until(valid_from: date, valid_until: date) -> date:
    """
    Return the last day of a renewal of the same span, which begins the day after `valid_until` (LAW-19).

    A span of whole months stays one: 2025-03-01 … 2026-02-28 is followed by … 2027-02-28; any other keeps its days.
    """
    begins = valid_until + timedelta(days=1)
    months = (begins.year - valid_from.year) * 12 + begins.month - valid_from.month
    if months and add_months(valid_from, months) == begins:
        return add_months(begins, months) - timedelta(days=1)
    return valid_until + (begins - valid_from)
