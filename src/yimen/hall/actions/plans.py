"""Writes: plans of slots, the slots they make, and what a change of a plan does to people booked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.hall.actions.booking import TAKES_PLACES, NotComplete
from yimen.hall.models import Appointment, Campaign, Channel, Hall, Series, Slot, SlotPlan, Window
from yimen.hall.queries.opening import openings
from yimen.hall.rules.slots import Pattern, Span, slots_of_day
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import access
from yimen.people.models import Staff

LONGEST_AHEAD = 90


class PlansClash(DomainError):
    """Another plan gives away the same minutes of the same window or person."""


@dataclass(frozen=True)
class PlanDraft:
    """What a plan shall say; see SlotPlan."""

    name: str
    series: Series
    weekdays: Collection[int]
    begins: time
    ends: time
    valid_from: date
    minutes: int = 30
    places: int = 2
    valid_until: date | None = None
    items: Sequence[ServiceItem] = ()
    window: Window | None = None
    staff: Staff | None = None
    campaign: Campaign | None = None
    quotas: dict[str, int] = field(default_factory=dict)
    buffer_minutes: int = 30
    party: int = 1
    days_ahead: int = 14
    is_on: bool = True


def pattern_of(plan: SlotPlan | PlanDraft) -> Pattern:
    """Return what a plan says, within its campaign's days if it has one."""
    first, last = plan.valid_from, plan.valid_until
    if plan.campaign is not None:
        first = max(first, plan.campaign.from_day)
        last = min(last or date.max, plan.campaign.until_day)
    return Pattern(frozenset(plan.weekdays), plan.begins, plan.ends, plan.minutes, first, last)


@transaction.atomic
def save_plan(hall: Hall, draft: PlanDraft, *, by: Actor, at: datetime, plan_id: UUID | None = None) -> SlotPlan:
    """
    Write a plan, new or changed, and make its slots; saying the same again changes nothing.

    People booked keep their places: slots the plan no longer makes take no new bookings (see effect_of for who they
    are). Raises access.NotAllowed, NotComplete, PlansClash, SlotPlan.DoesNotExist.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    _check(hall, draft)
    # Two plans for one window queue here; the second then sees the first.
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    others = SlotPlan.objects.filter(region_id=hall.region_id, hall=hall, is_on=True).select_related("campaign")
    for other in others if draft.is_on else ():
        if other.pk == plan_id:
            continue
        same = (draft.window is not None and other.window_id == draft.window.pk) or (
            draft.staff is not None and other.staff_id == draft.staff.pk
        )
        is_over = other.campaign is not None and other.campaign.ended_at is not None
        if same and not is_over and pattern_of(other).clashes(pattern_of(draft)):
            raise PlansClash(
                _("“%(name)s”已经在同一时间用了这个窗口或这个人，请错开时间，或先停用它。") % {"name": other.name}
            )
    fields = {
        name: getattr(draft, name)
        for name in (
            "series", "window", "staff", "campaign", "begins", "ends", "minutes", "places", "buffer_minutes",
            "party", "days_ahead", "valid_from", "valid_until", "is_on",
        )
    }  # fmt: skip
    fields |= {"name": draft.name.strip(), "weekdays": sorted(set(draft.weekdays)), "quotas": dict(draft.quotas)}
    plan = SlotPlan.objects.select_for_update(no_key=True).get(pk=plan_id, hall=hall) if plan_id else None
    wanted = {item.pk for item in draft.items}
    if plan is None:
        plan, changed = SlotPlan.objects.create(region_id=hall.region_id, hall=hall, **fields), sorted(fields)
    else:
        changed = [name for name, value in fields.items() if getattr(plan, name) != value]
        for name in changed:
            setattr(plan, name, fields[name])
        plan.save(update_fields=changed) if changed else None
    if set(plan.items.values_list("pk", flat=True)) != wanted:
        plan.items.set(draft.items)
        changed.append("items")
    if changed:
        data = {"name": plan.name, "changed": changed, "new": plan_id is None}
        ledger.record(f"plan:{plan.pk}", "hall.plan_saved", region=plan.region_id, by=by, at=at, data=data)
    make_slots(plan.pk, by=by, at=at)
    return plan


def _check(hall: Hall, draft: PlanDraft) -> None:
    if not draft.name.strip():
        raise NotComplete(_("请给号源计划起个名字，例如“婚姻登记，上午”。"))
    if not draft.weekdays or not set(draft.weekdays) <= set(range(1, 8)):
        raise NotComplete(_("请选星期几放号。"))
    if draft.begins >= draft.ends:
        raise NotComplete(_("结束时间要晚于开始时间。"))
    if not 5 <= draft.minutes <= 480:
        raise NotComplete(_("一个时段 5 到 480 分钟。"))
    if not 1 <= draft.places <= 500 or not 1 <= draft.party <= draft.places:
        raise NotComplete(_("每个时段 1 到 500 个名额，一次预约的人数不能比名额多。"))
    quotas = draft.quotas
    if not set(quotas) <= set(Channel.values) or any(n < 0 for n in quotas.values()):
        raise NotComplete(_("渠道的名额是 0 或以上的整数。"))
    if sum(quotas.values()) > draft.places:
        raise NotComplete(_("各渠道的名额加起来是 %(sum)s，比每个时段的 %(places)s 个还多，请改小一些。")
                          % {"sum": sum(quotas.values()), "places": draft.places})  # fmt: skip
    if not 0 <= draft.buffer_minutes <= 2880 or not 0 <= draft.days_ahead <= LONGEST_AHEAD:
        raise NotComplete(_("提前量最多 48 小时，最早可提前 %(n)s 天。") % {"n": LONGEST_AHEAD})
    if draft.valid_until is not None and draft.valid_until < draft.valid_from:
        raise NotComplete(_("最后一天不能早于第一天。"))
    here = {draft.series.hall_id, *(one.hall_id for one in (draft.window, draft.campaign) if one is not None)}
    regions = {item.region_id for item in draft.items} | ({draft.staff.region_id} if draft.staff else set())
    if here != {hall.pk} or not regions <= {hall.region_id}:
        raise NotComplete(_("队、窗口、活动、事项和人都要是这个大厅的。"))


@transaction.atomic
def make_slots(plan_id: UUID, *, by: Actor, at: datetime) -> int:
    """
    Make and mend the slots of a plan from today through its days ahead; return how many were added, changed or shut.

    Twice or late it does no harm. Slots somebody has booked stay, shut for others once the plan no longer makes them.
    """
    plan = _whole().select_for_update(of=("self",), no_key=True).get(pk=plan_id)
    first, last = localdate(at), localdate(at) + timedelta(days=plan.days_ahead)
    days = [first + timedelta(days=n) for n in range(plan.days_ahead + 1)]
    wanted = wanted_slots(plan, days)
    known = {
        slot.begins_at: slot
        for slot in Slot.objects.select_for_update(no_key=True)
        .filter(region_id=plan.region_id, plan=plan, day__range=(first, last), begins_at__gt=at)
        .order_by("pk")
    }
    counts = {"added": 0, "changed": 0, "shut": 0}
    fresh = []
    spans = {(span.begins_at, span.ends_at) for span in wanted}
    for span in wanted:
        slot = known.get(span.begins_at)
        if slot is None and span.begins_at > at:
            fresh.append(
                Slot(
                    region_id=plan.region_id, plan=plan, day=span.begins_at.astimezone(LOCAL_ZONE).date(),
                    begins_at=span.begins_at, ends_at=span.ends_at, places=plan.places,
                )
            )  # fmt: skip
        elif slot is not None:
            places = max(plan.places, slot.taken)
            if (slot.places, slot.closed_reason, slot.ends_at) != (places, "", span.ends_at):
                slot.places, slot.closed_reason, slot.ends_at = places, "", span.ends_at
                slot.save(update_fields=["places", "closed_reason", "ends_at"])
                counts["changed"] += 1
    Slot.objects.bulk_create(fresh, ignore_conflicts=True)
    counts["added"] = len(fresh)
    for slot in known.values():
        if (slot.begins_at, slot.ends_at) in spans:
            continue
        if not slot.taken and not Appointment.objects.filter(slot=slot).exists():
            slot.delete()
            counts["shut"] += 1
        elif not slot.closed_reason:
            slot.closed_reason = _("不再安排")
            slot.save(update_fields=["closed_reason"])
            counts["shut"] += 1
    if plan.made_until != last:
        plan.made_until = last
        plan.save(update_fields=["made_until"])
    if sum(counts.values()):
        data = {**counts, "through": last.isoformat()}
        ledger.record(f"plan:{plan.pk}", "hall.slots_made", region=plan.region_id, by=by, at=at, data=data)
    return sum(counts.values())


def _whole() -> QuerySet[SlotPlan]:
    return SlotPlan.objects.select_related("hall", "window", "campaign")


def wanted_slots(
    plan: SlotPlan, days: Sequence[date], *, draft: PlanDraft | None = None, shut: Sequence[Span] = ()
) -> list[Span]:
    """
    Return the slots a plan makes on these days, from hours, breaks, closures, the calendar and its neighbours.

    draft: what it shall say instead; shut: closures that are only thought of.
    """
    says = draft or plan
    if not says.is_on or (says.campaign is not None and says.campaign.ended_at is not None) or not days:
        return []
    pattern, calendar = pattern_of(says), catalog.work_calendar()
    open_on = openings(plan.hall, days, says.window)
    kept = _kept(plan, says, days)
    found: list[Span] = []
    for day in days:
        worked = 1 if day.isoweekday() > 5 and calendar.is_workday(day) else 0
        spells = [Span(span.opens_at, span.closes_at) for span in open_on[day].spans]
        found += slots_of_day(pattern, day, opening=spells, shut=shut, kept=kept, zone=LOCAL_ZONE, weekday=worked)
    return found


def _kept(plan: SlotPlan, says: SlotPlan | PlanDraft, days: Sequence[date]) -> list[Span]:
    """
    Slots other plans have made for the same window or person, and this plan's own with people whose times changed.

    Who came first keeps the time.
    """
    rows = Slot.objects.filter(region_id=plan.region_id, day__range=(days[0], days[-1]), closed_reason="")
    neighbours = rows.none()
    if says.window is not None:
        neighbours = neighbours | rows.filter(plan__window=says.window)
    if says.staff is not None:
        neighbours = neighbours | rows.filter(plan__staff=says.staff)
    found = [Span(*pair) for pair in neighbours.exclude(plan=plan).values_list("begins_at", "ends_at")]
    own = Slot.objects.filter(region_id=plan.region_id, plan=plan, day__range=(days[0], days[-1]), taken__gt=0)
    step, pattern = timedelta(minutes=says.minutes), pattern_of(says)
    for begins_at, ends_at in own.values_list("begins_at", "ends_at"):
        start = datetime.combine(begins_at.astimezone(LOCAL_ZONE).date(), pattern.begins, LOCAL_ZONE)
        if ends_at - begins_at != step or (begins_at - start) % step:
            found.append(Span(begins_at, ends_at))
    return found


@dataclass(frozen=True)
class Effect:
    """What a change does: people booked whose slot goes, slots that come and go."""

    touched: list[Appointment]
    added: int
    gone: int


def effect_of(plan: SlotPlan, draft: PlanDraft, *, at: datetime) -> Effect:
    """Return what saving `draft` over `plan` would do; nothing is written."""
    ahead = max(plan.days_ahead, draft.days_ahead)
    days = [localdate(at) + timedelta(days=n) for n in range(ahead + 1)]
    wanted = {span for span in wanted_slots(plan, days[: draft.days_ahead + 1], draft=draft) if span.begins_at > at}
    slots = Slot.objects.filter(region_id=plan.region_id, plan=plan, begins_at__gt=at, closed_reason="")
    there = {Span(slot.begins_at, slot.ends_at): slot for slot in slots}
    gone = [slot for span, slot in there.items() if span not in wanted]
    touched = booked_in(gone)
    return Effect(touched, len(wanted - set(there)), len(gone))


def booked_in(slots: Iterable[Slot]) -> list[Appointment]:
    """Return who holds or has booked a place in these slots, the earliest first."""
    return list(
        Appointment.objects.filter(slot__in=list(slots), status__in=TAKES_PLACES)
        .select_related("slot__plan__window", "item", "applicant")
        .order_by("slot__begins_at", "number")
    )
