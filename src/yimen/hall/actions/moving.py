"""Writes: people booked whose time is no more, moved to the next free one together; and what that would do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall.actions import appointments, plans
from yimen.hall.models import Appointment, Hall, Slot, SlotPlan
from yimen.hall.queries.appointments import free_times, plans_for
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access

R = TypeVar("R")
_MOST_TRIED = 40


class SeenOtherwise(DomainError):
    """What the reader was shown before is no longer what would happen."""


@dataclass(frozen=True)
class Outcome:
    """moved: (as it was, as it is now); left: for whom there was no free time, or who is still filling in the form."""

    moved: list[tuple[Appointment, Appointment]]
    left: list[Appointment]

    @property
    def mark(self) -> str:
        """The same for the same people moved to the same times."""
        rows = sorted(f"{old.pk}>{new.slot_id}" for old, new in self.moved)
        rows += sorted(str(one.pk) for one in self.left)
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:32]

    def expect(self, mark: str) -> None:
        """Raises SeenOtherwise when this is not what `mark` was shown for; an empty mark was shown nothing."""
        if mark and mark != self.mark:
            raise SeenOtherwise(_("刚才又有人约了或取消了，和您看到的不一样了。请再看一遍，再存。"))


def tried(do: Callable[[], R]) -> R:
    """Return what an act would answer now: it is done and undone."""
    with transaction.atomic():
        answer = do()
        transaction.set_rollback(True)
    return answer


def lock_ahead(hall: Hall, at: datetime) -> None:
    """
    Lock the plans of a hall and then its slots to come, each in one order: whoever moves people among them waits for
    bookings, and bookings for him, but never both for each other.
    """
    same = {"region_id": hall.region_id, "hall": hall}
    plans_here = SlotPlan.objects.select_for_update(of=("self",), no_key=True).filter(**same)
    list(plans_here.order_by("pk").values_list("pk", flat=True))
    ahead = Slot.objects.select_for_update(of=("self",), no_key=True).filter(
        region_id=hall.region_id, plan__hall=hall, begins_at__gt=at
    )
    list(ahead.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def move_out(touched: Iterable[Appointment], *, reason: str, by: Actor, at: datetime) -> Outcome:
    """
    Move everybody booked here to the next free time of his item in the same hall, the earliest first; each is told
    why. Who has begun, holds a place or finds none is left as he is.
    """
    outcome = Outcome([], [])
    for one in sorted(touched, key=lambda each: (each.slot.begins_at, each.number)):
        new = _next_free(one, reason, by, at)
        if new is None:
            outcome.left.append(one)
        else:
            outcome.moved.append((one, new))
    return outcome


def _next_free(one: Appointment, reason: str, by: Actor, at: datetime) -> Appointment | None:
    if one.status != Appointment.Status.BOOKED or one.item is None or one.slot.begins_at <= at:
        return None
    open_plans = plans_for(one.item, localdate(at), hall=one.hall)
    times = [time for day in free_times(open_plans, one.channel, at) for time in day.times]
    later = [time.slot.pk for time in times if time.left >= one.party and time.slot.begins_at > one.slot.begins_at]
    for pk in later[:_MOST_TRIED]:
        try:
            with transaction.atomic():
                return appointments.move(one.pk, pk, by=by, at=at, reason=reason)
        except DomainError:  # gone meanwhile, or he has that time already
            continue
    return None


@transaction.atomic
def change_plan(
    hall: Hall, plan_id: UUID, draft: plans.PlanDraft, *, reason: str, by: Actor, at: datetime, expected: str = ""
) -> tuple[SlotPlan, Outcome]:
    """
    Write a changed plan and move who no longer fits it, together (see save_plan, move_out); nobody without a `reason`.
    Who is left keeps his place. expected: Outcome.mark of what the reader was shown. Raises SeenOtherwise, and as
    save_plan does.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    lock_ahead(hall, at)
    plan = SlotPlan.objects.select_related("hall", "campaign", "window").get(pk=plan_id, hall=hall)
    touched = plans.effect_of(plan, draft, at=at).touched
    saved = plans.save_plan(hall, draft, plan_id=plan_id, by=by, at=at)
    outcome = move_out(touched, reason=reason, by=by, at=at) if reason else Outcome([], touched)
    outcome.expect(expected)
    if outcome.moved:  # the minutes they kept are free for the plan's own slots now
        plans.make_slots(plan_id, by=by, at=at)
    return saved, outcome


def remake(hall: Hall, *, window_id: UUID | None, by: Actor, at: datetime) -> list[Appointment]:
    """
    Make the slots of a hall's plans again after its hours have changed, of one window's alone if given; return who
    is booked or holds a place where it is no longer open.
    """
    lock_ahead(hall, at)
    rows = SlotPlan.objects.filter(region_id=hall.region_id, hall=hall, is_on=True)
    if window_id is not None:
        rows = rows.filter(window=window_id)
    pks = sorted(rows.values_list("pk", flat=True))
    ahead = Slot.objects.filter(region_id=hall.region_id, plan__in=pks, begins_at__gt=at)
    shut_before = set(ahead.exclude(closed_reason="").values_list("pk", flat=True))
    for pk in pks:
        plans.make_slots(pk, by=by, at=at)
    return plans.booked_in(ahead.exclude(closed_reason="").exclude(pk__in=shut_before))
