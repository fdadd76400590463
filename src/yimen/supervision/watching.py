"""
What of the running and ended cases calls for a card. Reads only; actions.give_cards() gives them.

The clock is watched over everything that still runs, found by its partial indexes however many cases there are; what
ended is looked at when the ledger says so. Both may come late, twice or at once: an occasion gives a colour once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import DateField, ExpressionWrapper, F, IntegerField, Q, Value
from django.db.models.functions import Greatest
from django.utils.timezone import localdate

from yimen.cases import queries as cases
from yimen.cases.models import Case, CaseMaterial, Clock, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemMaterial
from yimen.ledger.models import Event
from yimen.lib.workdays import Calendar, Unit
from yimen.people.models import Region
from yimen.supervision import rules
from yimen.supervision.models import Colour, SupervisionRule, Trigger
from yimen.supervision.rules import Book, Rule, Standing

AT_ONCE = 500
# A long holiday with the weekends around it: how far working days can lie apart in calendar days.
LONGEST_REST = 12
OF_CLOCK = {
    Clock.Kind.PROMISED: Trigger.OVER_PROMISE,
    Clock.Kind.STATUTORY: Trigger.OVER_STATUTORY,
    Clock.Kind.DELIVERY: Trigger.OVER_STATUTORY,
    Clock.Kind.LOWER_REVIEW: Trigger.LATE_UPWARD,
}
T = TypeVar("T")


@dataclass(frozen=True)
class Lapse:
    """
    Something of a case that may give a card. occasion: see Card. hands: who had it, the likeliest first.

    by_actor: the ledger's name of who did it, where that is known.
    """

    occasion: str
    trigger: Trigger
    case: UUID
    department: UUID
    item: UUID
    facts: dict[str, Any] = field(default_factory=dict)
    hands: tuple[UUID | None, ...] = ()


@dataclass(frozen=True)
class Due:
    """A lapse and the rule that gives a card for it."""

    lapse: Lapse
    rule: Rule

    @property
    def colour(self) -> Colour:
        return self.rule.colour


def as_rule(row: SupervisionRule) -> Rule:
    return Rule(
        Trigger(row.trigger),
        Colour(row.colour),
        row.threshold,
        row.effective_on,
        row.department_id,
        row.item_id,
        row.is_on,
        row.pk,
    )


def book_of(region: Region | str, *more: Rule) -> Book:
    """Return the rules of the region, with those not set yet that a preview tries."""
    own = (as_rule(row) for row in SupervisionRule.objects.filter(region=region))
    return Book([*own, *more])


def batches(rows: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


# -- while history is written ------------------------------------------------------------------------------------------

_KEY = "hashtextextended('supervision:history', 0)"


@contextmanager
def held_back() -> Iterator[None]:
    """
    No card for what runs is given meanwhile: history is being written whose ends are still to come.

    Counts for this connection; when it is lost, the watch goes on.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({_KEY})")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock({_KEY})")


def is_held_back() -> bool:
    """Tell whether another connection holds the watch back now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock_shared({_KEY})")
        return not cursor.fetchone()[0]


# -- what runs ---------------------------------------------------------------------------------------------------------


def running(region: str, book: Book, *, on: date) -> Iterator[Due]:
    """
    Yield every card the running clocks and open steps of the region call for on that day, given or not.

    Rows come in batches from the server, so memory stays the same however many there are.
    """
    calendar = catalog.work_calendar()
    yield from _clocks(region, book, calendar, on)
    yield from _steps(region, book, calendar, on)


def _near(book: Book, on: date) -> Q:
    """Promised clocks that can be near their end; a wide net, the rules decide."""
    left = book.widest(Trigger.NEAR_LIMIT, "days_left", default=0, most=True)
    share = 100 - book.widest(Trigger.NEAR_LIMIT, "percent", default=100, most=False)
    days = Greatest(Value(left), F("limit") * Value(share) / Value(100) + Value(1)) * Value(2) + Value(LONGEST_REST)
    last = ExpressionWrapper(
        Value(on, output_field=DateField()) + ExpressionWrapper(days, output_field=IntegerField()),
        output_field=DateField(),
    )
    within = Q(due_on__lte=last) | ~Q(unit=Unit.WORKDAY.value)
    return Q(kind=Clock.Kind.PROMISED, due_on__gte=on, started_on__lt=on) & within


def _clocks(region: str, book: Book, calendar: Calendar, on: date) -> Iterator[Due]:
    rows = (
        Clock.objects.filter(Q(due_on__lt=on) | _near(book, on), region_id=region, ended_on=None, kind__in=OF_CLOCK)
        .values_list("kind", "started_on", "due_on", "limit", "unit", "case_id", "case__department_id", "case__item_id")
        .order_by("due_on")
    )
    for kind, started_on, due_on, limit, unit, case, department, item in rows.iterator(chunk_size=AT_ONCE):
        now = rules.standing(started_on, due_on, limit, unit, calendar, on=on)
        facts = {"due_on": due_on.isoformat(), "clock": kind}
        if now.over:
            lapse = Lapse(f"{kind}:{case}", OF_CLOCK[Clock.Kind(kind)], case, department, item, facts)
        else:
            lapse = Lapse(f"near:{case}", Trigger.NEAR_LIMIT, case, department, item, facts)
        yield from _met(lapse, now, book, on)


def _steps(region: str, book: Book, calendar: Calendar, on: date) -> Iterator[Due]:
    rows = (
        Task.objects.filter(region_id=region, done_at=None, due_on__lt=on)
        .values_list("pk", "name", "due_on", "case_id", "department_id", "case__item_id", "assignee_id")
        .order_by("due_on")
    )
    for pk, name, due_on, case, department, item, assignee in rows.iterator(chunk_size=AT_ONCE):
        now = rules.standing(due_on, due_on, 0, "", calendar, on=on)
        lapse = _step(pk, name, due_on, case, department, item, (assignee,))
        yield from _met(lapse, now, book, on)


def _step(
    pk: UUID, name: str, due_on: date, case: UUID, department: UUID, item: UUID, hands: tuple[UUID | None, ...]
) -> Lapse:
    facts = {"due_on": due_on.isoformat(), "step": name}
    return Lapse(f"step:{pk}", Trigger.STEP_OVERDUE, case, department, item, facts, hands)


def _met(lapse: Lapse, now: Standing, book: Book, on: date) -> Iterator[Due]:
    more = {"days_over": now.over} if now.over else {"days_left": now.left, "percent": now.percent}
    shown = Lapse(
        lapse.occasion, lapse.trigger, lapse.case, lapse.department, lapse.item, lapse.facts | more, lapse.hands
    )
    for rule in book.in_force(lapse.trigger, department=lapse.department, item=lapse.item, day=on):
        if rules.is_met(rule, now):
            yield Due(shown, rule)


# -- what ended, or was tried ------------------------------------------------------------------------------------------

KINDS = (
    "case.accepted",
    "case.decided",
    "case.declined",
    "case.delivered",
    "case.fee_refused",
    "case.moved",
    "case.task_done",
    "case.unlisted_material_asked",
)
TRIED = {
    "case.fee_refused": ("fee", Trigger.FEE_OUTSIDE),
    "case.unlisted_material_asked": ("unlisted", Trigger.UNLISTED_ASKED),
}
ENDS = ("case.decided", "case.delivered", "case.moved")


def of_event(event: Event, book: Book) -> list[Due]:
    """Return the cards one row of the ledger calls for; the case is read as it is now, for late readers."""
    subject, _colon, pk = event.stream.partition(":")
    if subject != "case":
        return []
    case = Case.objects.select_related("version").filter(pk=UUID(pk)).first()
    if case is None:
        return []
    actor = _staff(event.actor)
    on = localdate(event.at)
    if event.kind in TRIED:
        name, trigger = TRIED[event.kind]
        lapse = Lapse(f"{name}:{case.pk}", trigger, case.pk, case.department_id, case.item_id, {}, (actor,))
        return [Due(lapse, rule) for rule in _of(lapse, book, on) if rules.is_breach(rule, {})]
    if event.kind == "case.accepted":
        return list(_deemed(case, book, on))
    if event.kind == "case.task_done":
        return list(_steps_done(case, book))
    found = list(_ended(case, book)) if event.kind in ENDS else []
    if event.kind in {"case.decided", "case.declined"}:
        found += _breaches(case, event, actor, book, on)
        found += _steps_done(case, book)
    return found


def _staff(ref: str) -> UUID | None:
    kind, _colon, pk = ref.partition(":")
    return UUID(pk) if kind == "staff" else None


def _of(lapse: Lapse, book: Book, on: date) -> Iterator[Rule]:
    return book.in_force(lapse.trigger, department=lapse.department, item=lapse.item, day=on)


def _ended(case: Case, book: Book) -> Iterator[Due]:
    """Clocks that ended after their last day, whether or not anybody watched while they were overdue."""
    calendar = catalog.work_calendar()
    for clock in case.clocks.filter(kind__in=OF_CLOCK, ended_on__gt=F("due_on")):
        assert clock.ended_on is not None
        now = rules.standing(clock.started_on, clock.due_on, clock.limit, clock.unit, calendar, on=clock.ended_on)
        facts = {"due_on": clock.due_on.isoformat(), "clock": clock.kind}
        lapse = Lapse(
            f"{clock.kind}:{case.pk}",
            OF_CLOCK[Clock.Kind(clock.kind)],
            case.pk,
            case.department_id,
            case.item_id,
            facts,
        )
        yield from _met(lapse, now, book, clock.ended_on)


def _steps_done(case: Case, book: Book) -> Iterator[Due]:
    calendar = catalog.work_calendar()
    for task in case.tasks.exclude(done_at=None):
        assert task.done_at is not None
        on = localdate(task.done_at)
        if on <= task.due_on:
            continue
        now = rules.standing(task.due_on, task.due_on, 0, "", calendar, on=on)
        hands = (task.assignee_id, task.done_by_id)
        lapse = _step(task.pk, task.name, task.due_on, case.pk, task.department_id, case.item_id, hands)
        yield from _met(lapse, now, book, on)


def _deemed(case: Case, book: Book, on: date) -> Iterator[Due]:
    """Nobody answered within five working days, so the law accepted it (LAW-5): the first step was overdue."""
    if case.accept_mode != Case.AcceptMode.DEEMED:
        return
    calendar = catalog.work_calendar()
    due_on = cases.answer_due(case, calendar)
    now = rules.standing(due_on, due_on, 0, "", calendar, on=max(on, due_on + timedelta(days=1)))
    facts = {"due_on": due_on.isoformat(), "step": str(FlowStep.Kind.ACCEPT.label)}
    lapse = Lapse(
        f"accept:{case.pk}",
        Trigger.STEP_OVERDUE,
        case.pk,
        case.department_id,
        case.item_id,
        facts,
        (case.received_by_id,),
    )
    yield from _met(lapse, now, book, on)


def _breaches(case: Case, event: Event, actor: UUID | None, book: Book, on: date) -> list[Due]:
    found = []
    for trigger, figures in rules.breaches(handled(case, event)):
        occasion = f"{trigger}:{case.pk}"
        lapse = Lapse(occasion, trigger, case.pk, case.department_id, case.item_id, dict(figures), (actor,))
        found += [Due(lapse, rule) for rule in _of(lapse, book, on) if rules.is_breach(rule, figures)]
    return found


def handled(case: Case, event: Event) -> rules.Handled:
    """
    Return the facts of an ended case. What the platform itself did, what a demo lived through and what was brought in
    from another system is not entered afterwards.
    """
    is_declined = event.kind == "case.declined"
    missing = 0
    if is_declined:
        missing = (
            CaseMaterial.objects.filter(case=case, material__necessity=ItemMaterial.Necessity.REQUIRED)
            .exclude(material__source=ItemMaterial.Source.SHARED)
            .exclude(state__in=[CaseMaterial.State.COMPLETE, CaseMaterial.State.COMMITTED])
            .count()
        )
    # Brought in from another system (cases.bulk), it has no document of ours.
    by_hand = _staff(event.actor) is not None and not case.is_demo and case.notices.exists()
    minutes = None
    if by_hand and case.completed_at is not None:
        minutes = int((case.completed_at - case.received_at).total_seconds() // 60)
    return rules.Handled(
        is_declined=is_declined,
        ground=str(event.data.get("ground", "")),
        right_organ=str(event.data.get("right_organ") or event.data.get("right_organ_length") or ""),
        missing_count=missing,
        is_refused=case.outcome == Case.Outcome.REFUSED,
        reasons_length=len(case.reasons.strip()),
        is_immediate=case.version.is_immediate,
        step_count=case.tasks.exclude(done_by=None).count() if minutes is not None else 0,
        minutes=minutes,
        days_late=max(0, (event.recorded_at - event.at).days) if by_hand else 0,
    )
