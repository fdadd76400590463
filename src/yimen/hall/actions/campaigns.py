"""Writes: 集中办理, a season of demand with extra slots between two days (S0-2); closures and who they hit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.hall.actions import appointments, moving
from yimen.hall.actions.booking import TAKES_PLACES, NotComplete
from yimen.hall.actions.plans import make_slots
from yimen.hall.models import Appointment, Campaign, Closure, Hall, SlotPlan, Window
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.people import access, reasons

LONGEST_CAMPAIGN = 366


@transaction.atomic
def save_campaign(
    hall: Hall,
    *,
    name: str,
    items: Sequence[ServiceItem],
    from_day: date,
    until_day: date,
    by: Actor,
    at: datetime,
    text: str = "",
    campaign_id: UUID | None = None,
) -> Campaign:
    """Write a campaign, new or changed; its plans make their slots anew. Raises NotComplete, access.NotAllowed."""
    access.require(by, "hall.manage", region=hall.region_id)
    name, text = name.strip(), text.strip()
    if not name:
        raise NotComplete(_("请给活动起个名字，例如“入学查档集中办理”。"))
    if not items:
        raise NotComplete(_("请选这次集中办理的事项。"))
    if any(item.region_id != hall.region_id for item in items):
        raise NotComplete(_("这个事项不在本地区。"))
    if until_day < from_day or (until_day - from_day).days >= LONGEST_CAMPAIGN:
        raise NotComplete(_("最后一天不能早于第一天，前后最多一年。"))
    fields = {"name": name[:60], "text": text[:300], "from_day": from_day, "until_day": until_day}
    if campaign_id is None:
        found, changed = Campaign.objects.create(region_id=hall.region_id, hall=hall, **fields), sorted(fields)
    else:
        found = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id, hall=hall)
        changed = [key for key, value in fields.items() if getattr(found, key) != value]
        for key in changed:
            setattr(found, key, fields[key])
        if changed:
            found.save(update_fields=changed)
    if set(found.items.values_list("pk", flat=True)) != {item.pk for item in items}:
        found.items.set(items)
        changed.append("items")
    if changed:
        _record_campaign(found, "hall.campaign_saved", by, at)
        _make(found.plans.values_list("pk", flat=True), by, at)
    return found


@transaction.atomic
def end_campaign(campaign_id: UUID, *, by: Actor, at: datetime) -> Campaign:
    """End it before its last day: its slots take no new bookings, those booked are kept. Again changes nothing."""
    found = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    access.require(by, "hall.manage", region=found.region_id)
    if found.ended_at is None:
        found.ended_at = at
        found.save(update_fields=["ended_at"])
        _record_campaign(found, "hall.campaign_ended", by, at)
        _make(found.plans.values_list("pk", flat=True), by, at)
    return found


def _record_campaign(found: Campaign, kind: str, by: Actor, at: datetime) -> None:
    data = {"name": found.name, "from": found.from_day.isoformat(), "until": found.until_day.isoformat()}
    ledger.record(f"campaign:{found.pk}", kind, region=found.region_id, by=by, at=at, data=data)


def _make(plans: Iterable[UUID], by: Actor, at: datetime) -> None:
    for pk in sorted(plans):
        make_slots(pk, by=by, at=at)


@dataclass(frozen=True)
class Closed:
    """A closure and what became of those it hit. outcome.left: who had to be cancelled."""

    closure: Closure
    outcome: moving.Outcome

    @property
    def moved(self) -> int:
        return len(self.outcome.moved)

    @property
    def cancelled(self) -> int:
        return len(self.outcome.left)


def hit_by(hall: Hall, from_at: datetime, until_at: datetime, *, window: Window | None = None) -> list[Appointment]:
    """Return who is booked in that time, at that window or anywhere in the hall, the earliest first."""
    rows = Appointment.objects.filter(
        region_id=hall.region_id,
        hall=hall,
        status__in=TAKES_PLACES,
        slot__begins_at__lt=until_at,
        slot__ends_at__gt=from_at,
    )
    if window is not None:
        rows = rows.filter(slot__plan__window=window)
    return list(rows.select_related("slot__plan__window", "item", "applicant").order_by("slot__begins_at", "number"))


@transaction.atomic
def close(
    hall: Hall,
    *,
    from_at: datetime,
    until_at: datetime,
    reason: str,
    by: Actor,
    at: datetime,
    window: Window | None = None,
    moves: bool = True,
    expected: str = "",
) -> Closed:
    """
    停办: shut a hall or one window for a while. Bookings it hits are moved to the next free time of their item, or
    cancelled where there is none (all of them without `moves`); each is told. expected: Outcome.mark of what the reader
    was shown. Raises NotComplete, SeenOtherwise, access.NotAllowed.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    reason = reason.strip()[:80]
    if not reason:
        raise NotComplete(_("请写明为什么停办，群众看得到。"))
    if until_at <= from_at or until_at <= at:
        raise NotComplete(_("停办的结束时间要晚于开始，也要晚于现在。"))
    if (until_at - from_at).days > LONGEST_CAMPAIGN:
        raise NotComplete(_("一次停办最多一年。"))
    if window is not None and window.hall_id != hall.pk:
        raise NotComplete(_("这个窗口不在这个大厅。"))
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    moving.lock_ahead(hall, at)
    closure = Closure.objects.create(
        region_id=hall.region_id, hall=hall, window=window, from_at=from_at, until_at=until_at, reason=reason
    )
    hit = hit_by(hall, from_at, until_at, window=window)
    _make(_plans_of(hall, window), by, at)
    # Who is on his way or here already is helped by the window.
    ahead = [one for one in hit if one.slot.begins_at > at]
    outcome = moving.move_out(ahead, reason=reason, by=by, at=at) if moves else moving.Outcome([], ahead)
    outcome.expect(expected)
    for one in outcome.left:
        appointments.cancel(one.pk, by=by, at=at, reason=reason)
    data = {
        "window": window.number if window else None,
        "from": from_at.isoformat(),
        "until": until_at.isoformat(),
        "moved": len(outcome.moved),
        "cancelled": len(outcome.left),
    }
    stream, kind = f"hall:{hall.pk}", "hall.closed"
    data |= reasons.keep(stream, kind, reason, region=hall.region_id, by=by, at=at)
    ledger.record(stream, kind, region=hall.region_id, by=by, at=at, data=data)
    return Closed(closure, outcome)


@transaction.atomic
def reopen(closure_id: UUID, *, by: Actor, at: datetime) -> Closure:
    """Take a closure back from now on; its slots are there again. Again changes nothing."""
    found = (
        Closure.objects.select_for_update(of=("self",), no_key=True).select_related("hall", "window").get(pk=closure_id)
    )
    access.require(by, "hall.manage", region=found.region_id)
    if found.ended_at is None and found.until_at > at:
        found.ended_at = at
        found.save(update_fields=["ended_at"])
        data = {"closure": str(found.pk), "window": found.window.number if found.window else None}
        ledger.record(f"hall:{found.hall_id}", "hall.reopened", region=found.region_id, by=by, at=at, data=data)
        _make(_plans_of(found.hall, found.window), by, at)
    return found


def _plans_of(hall: Hall, window: Window | None) -> list[UUID]:
    rows = SlotPlan.objects.filter(region_id=hall.region_id, hall=hall, is_on=True)
    return list((rows.filter(window=window) if window else rows).values_list("pk", flat=True))
