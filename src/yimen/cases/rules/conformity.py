"""写我所做、做我所写: the steps done beside the flow as it is written (S3-37). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    SKIPPED = "skipped"
    ORDER = "order"
    LATE = "late"
    BACK = "back"
    POST = "post"


@dataclass(frozen=True)
class Written:
    """A step as the flow defines it. post: who does it, empty when nobody in particular."""

    key: str
    after: tuple[str, ...] = ()
    post: str = ""


@dataclass(frozen=True)
class Done:
    """
    One round of a step as it was done. done_at, done_on: None while open. post: of whoever did it, "" when unknown.
    """

    key: str
    round: int
    opened_at: datetime
    due_on: date
    done_at: datetime | None = None
    done_on: date | None = None
    post: str = ""


@dataclass(frozen=True)
class Deviation:
    """key, round: the step. days: how many calendar days late. other: the step it came before, or who did it."""

    kind: Kind
    key: str
    round: int = 1
    days: int = 0
    other: str = ""


def deviations(written: Sequence[Written], done: Iterable[Done], *, is_over: bool, today: date) -> list[Deviation]:
    """
    Return where what was done differs from what is written, in the order of the flow.

    is_over: the case is decided, so that a step without an end was skipped. done: any order; steps that stand in no
    flow are not judged. An order is broken when a step ended before the step it waits for ended in the same round or,
    where that step was not done again, in its last round before.
    """
    rounds: dict[str, list[Done]] = {}
    for one in sorted(done, key=lambda one: one.round):
        rounds.setdefault(one.key, []).append(one)
    found: list[Deviation] = []
    for step in written:
        mine = rounds.get(step.key, [])
        if is_over and not any(one.done_at for one in mine):
            found.append(Deviation(Kind.SKIPPED, step.key))
            continue
        for one in mine:
            if one.round > 1 and one is not mine[0]:
                found.append(Deviation(Kind.BACK, step.key, one.round))
            for before in step.after:
                if one.done_at and _too_early(one.done_at, one.round, rounds.get(before, [])):
                    found.append(Deviation(Kind.ORDER, step.key, one.round, other=before))
            over = ((one.done_on or today) - one.due_on).days
            if over > 0:
                found.append(Deviation(Kind.LATE, step.key, one.round, days=over))
            if one.done_at and step.post and one.post and one.post != step.post:
                found.append(Deviation(Kind.POST, step.key, one.round, other=one.post))
    return found


def _too_early(at: datetime, round: int, before: Sequence[Done]) -> bool:
    """Whether the step waited for was there and had not ended by `at`."""
    upto = [one for one in before if one.round <= round]
    if not upto:
        return False  # skipped, or done by acceptance: said elsewhere
    ended = upto[-1].done_at
    return ended is None or ended > at
