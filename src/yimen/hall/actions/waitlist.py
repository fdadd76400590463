"""Writes: who waits for a slot, and places offered to the first of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.hall.actions import booking as common
from yimen.hall.actions.booking import AppointmentOver, BookedAlready, NotBookable, NotComplete, SlotFull, record_wait
from yimen.hall.models import Appointment, Channel, Hall, Slot, WaitListEntry
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib import crypto
from yimen.people import access, identity
from yimen.people.models import Applicant, Staff

Status = WaitListEntry.Status
NAME, PHONE = "wait.name", "wait.phone"
MOST_DAYS = 60
_TRIED = 20


@transaction.atomic
def wait(
    hall: Hall,
    item: ServiceItem,
    *,
    from_day: date,
    until_day: date,
    by: Actor,
    at: datetime,
    name: str = "",
    phone: str = "",
    applicant: Applicant | None = None,
) -> WaitListEntry:
    """
    候补: ask for a place between two days. One open wait for each number and item.

    Raises NotComplete, BookedAlready, identity.InvalidIdentity, access.NotAllowed for staff without hall.book.
    """
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=hall.region_id)
    if item.region_id != hall.region_id:
        raise NotBookable(_("这个大厅不办这件事。"))
    today = localdate(at)
    if not today <= from_day <= until_day <= today + timedelta(days=MOST_DAYS):
        raise NotComplete(_("候补的日子从今天起 %(n)s 天以内，后一天不能早于前一天。") % {"n": MOST_DAYS})
    if applicant is not None and applicant.region_id == hall.region_id:
        name = name.strip() or applicant.name
        phone = phone.strip() or crypto.open_sealed(bytes(applicant.phone_sealed), "applicant.phone")
    else:
        applicant = None
    name, phone = name.strip(), identity.check_phone(phone)
    if not name or len(name) > 60:
        raise NotComplete(_("请填写来办事的人的姓名，最多 60 个字。"))
    try:
        with transaction.atomic():
            entry = WaitListEntry.objects.create(
                region_id=hall.region_id,
                hall=hall,
                item=item,
                from_day=from_day,
                until_day=until_day,
                token=common.new_token(),
                applicant=applicant,
                name_sealed=crypto.seal(name, NAME),
                phone_sealed=crypto.seal(phone, PHONE),
                phone_index=common.phone_index(phone),
                made_at=at,
            )
    except IntegrityError as error:
        raise BookedAlready(_("这个手机号已经在候补这件事了，不用再登记。")) from error
    record_wait(entry, "hall.wait_begun", by, at)
    return entry


@transaction.atomic
def leave(entry_id: UUID, *, by: Actor, at: datetime) -> WaitListEntry:
    """Wait no longer; an open offer goes to the next one. Again changes nothing."""
    offer = WaitListEntry.objects.values_list("offer_id", flat=True).get(pk=entry_id)
    held = common.lock_appointment(offer) if offer else None
    entry = WaitListEntry.objects.select_for_update(of=("self",)).select_related("item").get(pk=entry_id)
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=entry.region_id)
    if entry.status in (Status.GONE, Status.TAKEN):
        return entry
    if entry.offer_id != offer:
        raise AppointmentOver(_("刚刚有变化，请刷新再看。"))
    entry.status, entry.offer = Status.GONE, None
    entry.save(update_fields=["status", "offer"])
    record_wait(entry, "hall.wait_left", by, at)
    if held is not None and held.status == Appointment.Status.HELD:
        held.status, held.ended_at = Appointment.Status.CANCELLED, at
        held.save(update_fields=["status", "ended_at"])
        common.record(held, "hall.cancelled", by, at)
        common.free(held.slot, held.party, held.channel)
        offer_freed(held.slot, at=at)
    return entry


def offer_freed(slot: Slot, *, at: datetime) -> Appointment | None:
    """
    Offer a place of a locked slot to the first who waits for one like it; None when nobody does or none is free.

    The place is kept for him some minutes (local rule booking_offer_minutes), so nobody can come in between.
    """
    if slot.begins_at <= at or slot.closed_reason:
        return None
    waiting = (
        WaitListEntry.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(
            region_id=slot.region_id,
            hall=slot.plan.hall_id,
            status=Status.WAITING,
            from_day__lte=slot.day,
            until_day__gte=slot.day,
        )
        .select_related("item", "applicant")
        .order_by("offers", "made_at", "pk")
    )
    for entry in waiting[:_TRIED]:
        booked = Appointment.objects.filter(
            region_id=slot.region_id, slot=slot, phone_index=entry.phone_index, status=Appointment.Status.BOOKED
        )
        if booked.exists():
            continue
        try:
            common.claim(slot, 1, Channel.WEB, item=entry.item, at=at)
        except SlotFull:
            return None
        except (NotBookable, NotComplete):
            continue
        return _offer(entry, slot, at)
    return None


def _offer(entry: WaitListEntry, slot: Slot, at: datetime) -> Appointment:
    minutes = common.rule(slot.region_id, common.OFFER_KEY, at, common.OFFER_MINUTES)
    one = Appointment.objects.create(
        region_id=slot.region_id,
        hall_id=slot.plan.hall_id,
        slot=slot,
        item=entry.item,
        token=common.new_token(),
        status=Appointment.Status.HELD,
        channel=Channel.WEB,
        applicant=entry.applicant,
        name_sealed=crypto.seal(crypto.open_sealed(bytes(entry.name_sealed), NAME), common.NAME),
        phone_sealed=crypto.seal(crypto.open_sealed(bytes(entry.phone_sealed), PHONE), common.PHONE),
        hold_until=min(at + timedelta(minutes=minutes), slot.begins_at),
        made_at=at,
    )
    entry.status, entry.offer = Status.OFFERED, one
    entry.save(update_fields=["status", "offer"])
    common.record(one, "hall.place_held", SYSTEM, at, {"over": False})
    record_wait(entry, "hall.place_offered", SYSTEM, at, {"appointment": one.stream})
    facts = {"time": common.said_time(slot), "item": entry.item.name, "minutes": minutes}
    text = _("您候补的“%(item)s”有号了：%(time)s。请在 %(minutes)s 分钟内打开候补页面确认，过时会让给下一位。") % facts
    common.tell(one, "offered", _("候补有号了"), text, at)
    return one


@transaction.atomic
def take_offer(entry_id: UUID, *, by: Actor, at: datetime) -> Appointment:
    """Book the place that was offered; again returns the same. Raises AppointmentOver when there is none any more."""
    from yimen.hall.actions import appointments

    entry = WaitListEntry.objects.select_related("applicant").get(pk=entry_id)
    if entry.offer_id is None or entry.status not in (Status.OFFERED, Status.TAKEN):
        raise AppointmentOver(_("现在没有留给您的号。有号了会马上告诉您。"))
    return appointments.book(
        entry.offer_id,
        by=by,
        at=at,
        name=crypto.open_sealed(bytes(entry.name_sealed), NAME),
        phone=crypto.open_sealed(bytes(entry.phone_sealed), PHONE),
        applicant=entry.applicant,
    )


def note_taken(one: Appointment, *, by: Actor, at: datetime) -> None:
    """The kept place of an offer has been booked."""
    entry = WaitListEntry.objects.select_for_update(of=("self",)).filter(offer=one).first()
    if entry is not None and entry.status == Status.OFFERED:
        entry.status = Status.TAKEN
        entry.save(update_fields=["status"])
        record_wait(entry, "hall.offer_taken", by, at)


@transaction.atomic
def serve(entry_id: UUID, *, at: datetime) -> bool:
    """Look for a free place for somebody who waits; end the wait once its last day is over."""
    entry = WaitListEntry.objects.select_related("item").get(pk=entry_id)
    if entry.status != Status.WAITING:
        return False
    if entry.until_day < localdate(at):
        leave(entry_id, by=SYSTEM, at=at)
        return False
    free = Slot.objects.filter(
        region_id=entry.region_id, plan__hall=entry.hall_id, plan__is_on=True, begins_at__gt=at, closed_reason="",
        day__range=(entry.from_day, entry.until_day), taken__lt=F("places"),
    )  # fmt: skip
    for pk in free.order_by("begins_at").values_list("pk", flat=True)[:50]:
        slot = common.lock_slots([pk]).get(pk)
        if (
            slot is not None
            and slot.taken < slot.places
            and common.takes(slot.plan, entry.item)
            and offer_freed(slot, at=at)
        ):
            return True
    return False
