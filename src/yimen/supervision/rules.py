"""
Which card what happened gives (SUP-2 to SUP-6): pure functions over facts, no query, no wall clock.

Source: docs/rules/supervision.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from yimen.lib.workdays import Calendar, Unit
from yimen.supervision.models import Colour, Trigger

# What each trigger's threshold is made of, with the least and the most it may be. A trigger with none is simply met.
LIMITS: Mapping[Trigger, Mapping[str, tuple[int, int]]] = {
    Trigger.NEAR_LIMIT: {"days_left": (0, 30), "percent": (1, 100)},
    Trigger.OVER_PROMISE: {"days_over": (1, 365)},
    Trigger.OVER_STATUTORY: {"days_over": (1, 365)},
    Trigger.STEP_OVERDUE: {"days_over": (1, 365)},
    Trigger.LATE_UPWARD: {"days_over": (1, 365)},
    Trigger.OFF_SYSTEM: {"days_late": (1, 365), "minutes": (0, 600)},
    Trigger.REFUSED_VALID: {},
    Trigger.NO_REASONS: {},
    Trigger.FEE_OUTSIDE: {},
    Trigger.UNLISTED_ASKED: {},
    Trigger.OTHER: {},
}
# Met by the course of time, so what is running can be tried against them beforehand.
TIMED = (
    Trigger.NEAR_LIMIT,
    Trigger.OVER_PROMISE,
    Trigger.OVER_STATUTORY,
    Trigger.STEP_OVERDUE,
    Trigger.LATE_UPWARD,
)


@dataclass(frozen=True)
class Rule:
    """One dated rule; department and item narrow it, pk is empty for a shipped one."""

    trigger: Trigger
    colour: Colour
    threshold: Mapping[str, int]
    effective_on: date = date.min
    department: UUID | None = None
    item: UUID | None = None
    is_on: bool = True
    pk: UUID | None = None

    def covers(self, department: UUID, item: UUID, day: date) -> bool:
        return self.effective_on <= day and self.department in {None, department} and self.item in {None, item}

    @property
    def rank(self) -> tuple[bool, bool, date]:
        """The higher counts: item before unit before region, then the later day."""
        return (self.item is not None, self.department is not None, self.effective_on)


# SUP-5 [GKU]: what counts until a place sets its own.
SHIPPED = (
    Rule(Trigger.NEAR_LIMIT, Colour.REMINDER, {"days_left": 1, "percent": 80}),
    Rule(Trigger.STEP_OVERDUE, Colour.YELLOW, {"days_over": 1}),
    Rule(Trigger.OVER_PROMISE, Colour.YELLOW, {"days_over": 1}),
    Rule(Trigger.OVER_PROMISE, Colour.RED, {"days_over": 3}),
    Rule(Trigger.OVER_STATUTORY, Colour.RED, {"days_over": 1}),
    Rule(Trigger.LATE_UPWARD, Colour.RED, {"days_over": 1}),
    Rule(Trigger.OFF_SYSTEM, Colour.RED, {"days_late": 1, "minutes": 10}),
    Rule(Trigger.REFUSED_VALID, Colour.RED, {}),
    Rule(Trigger.NO_REASONS, Colour.RED, {}),
    Rule(Trigger.FEE_OUTSIDE, Colour.RED, {}),
    Rule(Trigger.UNLISTED_ASKED, Colour.RED, {}),
)


class Book:
    """The rules of a region: for each trigger and colour the most particular one counts, else the shipped one."""

    def __init__(self, own: Iterable[Rule]) -> None:
        self._by_trigger: dict[Trigger, dict[Colour, list[Rule]]] = {}
        for rule in (*SHIPPED, *own):
            self._by_trigger.setdefault(rule.trigger, {}).setdefault(rule.colour, []).append(rule)
        for colours in self._by_trigger.values():
            for rules in colours.values():
                rules.sort(key=lambda rule: rule.rank, reverse=True)

    def in_force(self, trigger: Trigger, *, department: UUID, item: UUID, day: date) -> Iterator[Rule]:
        """Yield the rule of each colour that counts there on that day; one switched off hides those below it."""
        for rules in self._by_trigger.get(trigger, {}).values():
            found = next((rule for rule in rules if rule.covers(department, item, day)), None)
            if found is not None and found.is_on:
                yield found

    def widest(self, trigger: Trigger, key: str, *, default: int, most: bool) -> int:
        """Return the most (or least) any rule of the trigger says for `key`: how far a search has to look."""
        values = [
            rule.threshold[key]
            for rules in self._by_trigger.get(trigger, {}).values()
            for rule in rules
            if rule.is_on and key in rule.threshold
        ]
        return (max if most else min)(values, default=default)


@dataclass(frozen=True)
class Standing:
    """
    How a limit stands on a day, in working days.

    left: still to come, the last day among them, today not. over: past the last day, at least 1 once it has passed.
    percent: of the limit used. is_first_day: nothing has been used yet.
    """

    left: int
    over: int
    percent: int
    is_first_day: bool


def standing(started_on: date, due_on: date, limit: int, unit: str, calendar: Calendar, *, on: date) -> Standing:
    """
    Return how a limit that ends on `due_on` stands on the day `on`.

    limit, unit: as the clock has them; 0: only its days are known (a step). Days off after the last day make it late
    too, but count as one day.
    """
    if on > due_on:
        return Standing(0, max(1, calendar.count(due_on, on)), 100, False)
    left = calendar.count(on, due_on)
    if unit == Unit.WORKDAY and limit:
        used, whole = limit - left, limit
    else:
        used, whole = (on - started_on).days, (due_on - started_on).days
    percent = 100 * max(used, 0) // whole if whole > 0 else 0
    return Standing(left, 0, percent, on <= started_on)


def is_met(rule: Rule, now: Standing) -> bool:
    """
    Tell whether a limit standing so gives the rule's card (SUP-3, SUP-5).

    A reminder is for what can still be kept, and never comes on the very day a limit began.
    """
    if rule.trigger == Trigger.NEAR_LIMIT:
        if now.over or now.is_first_day:
            return False
        left, percent = rule.threshold.get("days_left", -1), rule.threshold.get("percent", 101)
        return now.left <= left or now.percent >= percent
    return now.over >= max(1, rule.threshold.get("days_over", 1))


@dataclass(frozen=True)
class Handled:
    """What is known of a case that ended: what the law forbids is looked for in it (SUP-2, LAW-29)."""

    is_declined: bool = False
    ground: str = ""
    right_organ: str = ""
    missing_count: int = 0
    is_refused: bool = False
    reasons_length: int = 0
    is_immediate: bool = False
    step_count: int = 0
    minutes: int | None = None
    days_late: int = 0


LEAST_REASON = 6
NOT_NEEDED = "not_needed"


def breaches(handled: Handled) -> list[tuple[Trigger, dict[str, int]]]:
    """
    Return the legality triggers of an ended case, each with the figures that show it.

    A complete application declined for no other reason than that "nothing is needed" is one that may have been valid;
    handled outside the system: typed in days after the act, or several steps done within minutes (both by rule).
    """
    found: list[tuple[Trigger, dict[str, int]]] = []
    if handled.is_declined and not handled.missing_count and not handled.right_organ and handled.ground == NOT_NEEDED:
        found.append((Trigger.REFUSED_VALID, {}))
    if (handled.is_refused or handled.is_declined) and handled.reasons_length < LEAST_REASON:
        found.append((Trigger.NO_REASONS, {}))
    if handled.days_late > 0:
        found.append((Trigger.OFF_SYSTEM, {"days_late": handled.days_late}))
    if handled.minutes is not None and not handled.is_immediate and handled.step_count > 1:
        found.append((Trigger.OFF_SYSTEM, {"minutes": handled.minutes}))
    return found


def is_breach(rule: Rule, figures: Mapping[str, int]) -> bool:
    """Tell whether a legality trigger with these figures gives the rule's card."""
    if "days_late" in figures:
        return figures["days_late"] >= rule.threshold.get("days_late", 1)
    if "minutes" in figures:
        return figures["minutes"] < rule.threshold.get("minutes", 0)
    return True


# -- the three persons ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """Somebody who could be named: by role and, unless it is empty, for one department. order: who comes first."""

    pk: UUID
    role: str
    department: UUID | None
    order: str


LEADER, MANAGER, APPROVER = "leader", "hall_manager", "approver"


@dataclass(frozen=True)
class Named:
    """承办人, 审核人, 批准人 (SUP-6); nobody is named twice, and a place too small leaves one empty."""

    handler: UUID | None
    reviewer: UUID | None
    approver: UUID | None


def name_three(
    people: Sequence[Person], *, department: UUID, hands: Sequence[UUID | None], otherwise: UUID | None = None
) -> Named:
    """
    Choose the three persons of a card for `department`.

    hands: who has or had it, the likeliest first. The approver is the department's own leader before the region's; the
    reviewer is the head of the window: the hall's manager, before another examiner or leader of the department. When
    nobody has it, the first examiner of the department answers for it, or else `otherwise`.
    """
    ours = sorted(
        (one for one in people if one.department in {None, department}),
        key=lambda one: (one.department is None, one.order, one.pk.hex),
    )

    def first(roles: Collection[str], taken: Collection[UUID | None], *, own: bool = False) -> UUID | None:
        return next(
            (
                one.pk
                for role in roles
                for one in ours
                if one.role == role and one.pk not in taken and (one.department is not None or not own)
            ),
            None,
        )

    handler = next((one for one in hands if one is not None), None) or first([APPROVER], []) or otherwise
    approver = first([LEADER], [handler])
    reviewer = first([MANAGER], [handler, approver]) or first([APPROVER, LEADER], [handler, approver], own=True)
    return Named(handler, reviewer, approver)


# -- what may be done with a card -------------------------------------------------------------------------------------

MOVES: Mapping[tuple[str, str], str] = {
    ("open", "answer"): "answered",
    ("upheld", "answer"): "answered",
    ("open", "appeal"): "appealed",
    ("answered", "appeal"): "appealed",
    ("appealed", "upheld"): "upheld",
    ("appealed", "lifted"): "lifted",
    ("answered", "closed"): "closed",
    ("answered", "returned"): "open",
}


def next_state(state: str, act: str) -> str | None:
    """Return the state a card comes to, None where the act has no place."""
    return MOVES.get((state, act))


# -- scores -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """Points off for each card, and the least points of the grades 优秀, 良好, 合格 (SUP-7); all set by the place."""

    yellow: int = 2
    red: int = 5
    excellent: int = 95
    good: int = 85
    passed: int = 70


GRADES = ("excellent", "good", "passed", "failed")


@dataclass(frozen=True)
class Score:
    """A unit's or a person's month: how many cards stand against it, its points and its grade."""

    reminders: int
    yellows: int
    reds: int
    points: int
    grade: str


def score(counts: Mapping[str, int], scale: Scale) -> Score:
    """Return points from 100 down to 0, and the grade; counts by colour, lifted cards left out."""
    yellow, red = counts.get(Colour.YELLOW, 0), counts.get(Colour.RED, 0)
    points = max(0, 100 - yellow * scale.yellow - red * scale.red)
    least = (scale.excellent, scale.good, scale.passed)
    grade = next((name for name, least_ in zip(GRADES, least, strict=False) if points >= least_), GRADES[-1])
    return Score(counts.get(Colour.REMINDER, 0), yellow, red, points, grade)


def ranked(scores: Iterable[tuple[Any, Score]]) -> list[tuple[int, Any, Score]]:
    """Return them best first with their places; equal points share a place, and the next place is left out."""
    ordered = sorted(scores, key=lambda one: (-one[1].points, one[1].reds, one[1].yellows, str(one[0])))
    places: list[tuple[int, Any, Score]] = []
    for position, (who, one) in enumerate(ordered, 1):
        same = places and places[-1][2].points == one.points
        places.append((places[-1][0] if same else position, who, one))
    return places
