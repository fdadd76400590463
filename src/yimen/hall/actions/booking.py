"""What the acts on appointments share: their errors, locks on slots, places claimed and freed, messages."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.models import Appointment, Campaign, Slot, SlotPlan, WaitListEntry
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.dates import short_day
from yimen.lib.errors import DomainError
from yimen.notify import actions as notify
from yimen.people import access, reasons
from yimen.people.models import Staff

NAME, PHONE = "appointment.name", "appointment.phone"
# Local rules: key, and what counts until the place sets its own (docs/appointments.md).
HOLD_KEY, HOLD_MINUTES = "booking_hold_minutes", 15
OFFER_KEY, OFFER_MINUTES = "booking_offer_minutes", 30
EARLY_KEY, EARLY_MINUTES = "booking_early_minutes", 30
LATE_KEY, LATE_MINUTES = "booking_late_minutes", 15
NO_SHOWS_KEY, NO_SHOWS = "booking_no_shows", 3
NO_SHOW_DAYS_KEY, NO_SHOW_DAYS = "booking_no_show_days", 90
BLOCK_KEY, BLOCK_DAYS = "booking_block_days", 30
MOST_KEY, MOST_OPEN = "booking_most_open", 3

LONGEST_REASON = 120
# An offer that runs out puts its holder behind the others; after so many he is no longer asked.
MOST_OFFERS = 3
TAKES_PLACES = (Appointment.Status.HELD, Appointment.Status.BOOKED)


class SlotFull(DomainError):
    """No place is left for this channel."""


class NotBookable(DomainError):
    """The time is past, too near, too far, closed, or not for this item."""


class HoldLapsed(DomainError):
    """The place was kept for some minutes and then given away."""


class BookedAlready(DomainError):
    """The same person has this time, or as many bookings as one may have."""


class BookingBlocked(DomainError):
    """Too often not come; booking on the web rests for a while."""


class NotComplete(DomainError):
    """A name, a number of people or a reason is missing or cannot be."""


class AppointmentOver(DomainError):
    """The appointment is not where this act begins."""


class TooEarly(DomainError):
    """He has come long before his time."""


def new_token() -> str:
    return secrets.token_urlsafe(32)


def rule(region: str, key: str, at: datetime, default: int) -> int:
    return catalog.local_rule(region, key, localdate(at), default=default)


def phone_index(phone: str) -> bytes:
    """phone: as identity.check_phone() gives it back."""
    return crypto.blind_index(phone, PHONE)


def lock_slots(ids: Iterable[UUID]) -> dict[UUID, Slot]:
    """Lock slots in one order, so that two who move between them never wait for each other."""
    rows = Slot.objects.select_for_update(of=("self",), no_key=True).select_related("plan__hall", "plan__campaign")
    return {slot.pk: slot for slot in rows.filter(pk__in=list(ids)).order_by("pk")}


def lock_appointment(pk: UUID) -> Appointment:
    """Lock the slot first, then the appointment. Raises Appointment.DoesNotExist."""
    slot_id = Appointment.objects.values_list("slot_id", flat=True).get(pk=pk)
    slot = lock_slots([slot_id])[slot_id]
    found = Appointment.objects.select_for_update(of=("self",)).select_related("item", "applicant").get(pk=pk)
    found.slot = slot
    return found


def takes(plan: SlotPlan, item: ServiceItem) -> bool:
    """Tell whether a plan is for an item: those it names, else its campaign's, else those of its series."""
    own = list(plan.items.values_list("pk", flat=True))
    if own:
        return item.pk in own
    if plan.campaign is not None:
        return plan.campaign.items.filter(pk=item.pk).exists()
    return plan.series.items.filter(pk=item.pk).exists()


def is_running(campaign: Campaign | None, slot: Slot, at: datetime) -> bool:
    """Extra slots are there only between the campaign's days, by the day of the slot and by today (S0-2)."""
    if campaign is None:
        return True
    return (
        campaign.ended_at is None
        and campaign.from_day <= slot.day <= campaign.until_day
        and campaign.from_day <= localdate(at) <= campaign.until_day
    )


def claim(slot: Slot, party: int, channel: str, *, item: ServiceItem, at: datetime, over: bool = False) -> None:
    """
    Take places of a locked slot. over: beyond the channel's quota and the buffer, never beyond the places.

    Raises NotBookable, SlotFull, NotComplete.
    """
    plan = slot.plan
    if slot.closed_reason or not plan.is_on or not is_running(plan.campaign, slot, at):
        raise NotBookable(_("这个时间不再预约了，请换一个时间。"))
    if not takes(plan, item):
        raise NotBookable(_("这个时间不办“%(item)s”，请换一个时间。") % {"item": item.name})
    if not 1 <= party <= plan.party:
        raise NotComplete(_("一次最多约 %(n)s 个人，请改一下人数。") % {"n": plan.party})
    near = timedelta() if over else timedelta(minutes=plan.buffer_minutes)
    if slot.ends_at <= at or (not over and slot.begins_at - near <= at):
        raise NotBookable(_("这个时间太近了，约不上。请换一个晚一点的，或直接来取号。"))
    if not over and slot.day > localdate(at) + timedelta(days=plan.days_ahead):
        raise NotBookable(_("这一天还没开始预约，最早可以提前 %(n)s 天约。") % {"n": plan.days_ahead})
    lapse_holds(slot, at)
    quotas = {} if over else plan.quotas
    left = rules.left_for(channel, places=slot.places, taken=slot.taken, quotas=quotas, taken_by=slot.taken_by)
    if left < party:
        raise SlotFull(_("这个时间刚刚约满了。请换一个时间，或登记候补。"))
    slot.taken += party
    slot.taken_by = {**slot.taken_by, channel: slot.taken_by.get(channel, 0) + party}
    slot.save(update_fields=["taken", "taken_by"])


def free(slot: Slot, party: int, channel: str) -> None:
    """Give places of a locked slot back."""
    slot.taken = max(0, slot.taken - party)
    slot.taken_by = {**slot.taken_by, channel: max(0, slot.taken_by.get(channel, 0) - party)}
    slot.save(update_fields=["taken", "taken_by"])


def lapse_holds(slot: Slot, at: datetime) -> list[Appointment]:
    """Give back the places of a locked slot that were kept too long; return whose."""
    old = Appointment.objects.select_for_update(of=("self",)).filter(
        region_id=slot.region_id, slot=slot, status=Appointment.Status.HELD, hold_until__lte=at
    )
    gone = list(old.order_by("pk"))
    for one in gone:
        one.status, one.ended_at = Appointment.Status.LAPSED, at
        one.save(update_fields=["status", "ended_at"])
        free(slot, one.party, one.channel)
        record(one, "hall.hold_lapsed", ledger.SYSTEM, at)
        _offer_lapsed(one, at)
    return gone


def _offer_lapsed(one: Appointment, at: datetime) -> None:
    """Nobody answered an offer: he waits on behind the others, and after some offers no more."""
    entry = WaitListEntry.objects.select_for_update(of=("self",)).filter(offer=one).first()
    if entry is None or entry.status != WaitListEntry.Status.OFFERED:
        return
    entry.offers += 1
    is_over = entry.offers >= MOST_OFFERS
    entry.status = WaitListEntry.Status.GONE if is_over else WaitListEntry.Status.WAITING
    entry.offer = None
    entry.save(update_fields=["offers", "status", "offer"])
    record_wait(entry, "hall.offer_lapsed", ledger.SYSTEM, at, {"offers": entry.offers})


def over_reason(reason: str, by: Actor, region: str) -> str:
    """Return the reason for going beyond a limit; raises NotAllowed, NotComplete for none."""
    access.require(by, "hall.override", region=region)
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise NotComplete(_("超出限制要写明原因。"))
    return reason


def staff_of(by: Actor) -> Staff | None:
    return by if isinstance(by, Staff) else None


def said_time(slot: Slot) -> str:
    """11 月 26 日（周四） 9:30, local time."""
    begins = localtime(slot.begins_at)
    return f"{short_day(begins.date(), weekday=True)} {begins.hour}:{begins.minute:02d}"


def tell(one: Appointment, what: str, subject: str, text: str, at: datetime, *, goes_out: bool = True) -> None:
    """Send a message about an appointment, once for each `what`; to the account, or to the name and number left."""
    if one.item is None or one.phone_sealed is None:
        return
    to = None
    if one.applicant_id is None:
        name = crypto.open_sealed(bytes(one.name_sealed or b""), NAME)
        to = (name, crypto.open_sealed(bytes(one.phone_sealed), PHONE))
    news = notify.News(
        one.applicant_id, one.item, one.number or _("候补"), f"{one.stream}:{what}", subject, text, goes_out, to
    )
    notify.tell(news, on=one.slot.day, at=at)


def record(
    one: Appointment,
    kind: str,
    by: Actor,
    at: datetime,
    more: dict[str, str | int | None] | None = None,
    *,
    reason: str = "",
) -> None:
    """reason: in somebody's own words; the ledger has only its fingerprint."""
    data: dict[str, str | int | None] = {
        "number": one.number,
        "slot": str(one.slot_id),
        "item": str(one.item_id) if one.item_id else None,
        "channel": str(one.channel),
        "party": one.party,
        **(more or {}),
        **reasons.keep(one.stream, kind, reason, region=one.region_id, by=by, at=at),
    }
    ledger.record(one.stream, kind, region=one.region_id, by=by, at=at, data=data)


def record_wait(
    entry: WaitListEntry, kind: str, by: Actor, at: datetime, more: dict[str, str | int | None] | None = None
) -> None:
    data: dict[str, str | int | None] = {
        "item": str(entry.item_id),
        "from": entry.from_day.isoformat(),
        "until": entry.until_day.isoformat(),
        **(more or {}),
    }
    ledger.record(f"wait:{entry.pk}", kind, region=entry.region_id, by=by, at=at, data=data)
