"""Writes: a place kept, booked, changed, cancelled; arriving, not coming."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.actions import booking as common
from yimen.hall.actions import tickets, waitlist
from yimen.hall.actions.booking import (
    AppointmentOver,
    BookedAlready,
    BookingBlocked,
    HoldLapsed,
    NotBookable,
    NotComplete,
    TooEarly,
    record,
)
from yimen.hall.models import Appointment, Channel, Hall, Ticket
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib import crypto
from yimen.people import access, identity
from yimen.people.models import Applicant, Staff

Status = Appointment.Status
# Channels of citizens themselves; too many no-shows block these (docs/appointments.md).
OWN_CHANNELS = (Channel.WEB, Channel.API, Channel.KIOSK)
EXCUSED = "hall.no_shows_excused"
_TRIES = 6


@transaction.atomic
def hold(
    slot_id: UUID,
    *,
    item: ServiceItem,
    channel: str,
    by: Actor,
    at: datetime,
    party: int = 1,
    over: str = "",
    hall: Hall | None = None,
) -> Appointment:
    """
    Keep places of a slot for some minutes (local rule booking_hold_minutes) while the form is filled in.

    over: why staff go beyond the channel's quota or the buffer; never beyond the places. hall: where it must be.
    Raises SlotFull, NotBookable, NotComplete, access.NotAllowed.
    """
    slot = common.lock_slots([slot_id]).get(slot_id)
    if slot is None or (
        hall is not None and slot.plan.hall_id != hall.pk
    ):  # its plan has changed since the page was made
        raise NotBookable(_("这个时间不再预约了，请换一个时间。"))
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=slot.region_id)
    elif channel not in OWN_CHANNELS and by is not SYSTEM:
        raise NotBookable(_("这个渠道要由工作人员来约。"))
    reason = common.over_reason(over, by, slot.region_id) if over else ""
    for _each in common.lapse_holds(slot, at):
        waitlist.offer_freed(slot, at=at)  # who waits comes before who looks in now
    common.claim(slot, party, channel, item=item, at=at, over=bool(over))
    minutes = common.rule(slot.region_id, common.HOLD_KEY, at, common.HOLD_MINUTES)
    one = Appointment.objects.create(
        region_id=slot.region_id,
        hall_id=slot.plan.hall_id,
        slot=slot,
        item=item,
        token=common.new_token(),
        status=Status.HELD,
        channel=channel,
        party=party,
        hold_until=at + timedelta(minutes=minutes),
        made_at=at,
        over_limit_by=common.staff_of(by) if over else None,
        over_limit_reason=reason,
    )
    record(one, "hall.place_held", by, at, {"over": bool(reason)}, reason=reason)
    return one


@transaction.atomic
def book(
    appointment_id: UUID,
    *,
    by: Actor,
    at: datetime,
    name: str = "",
    phone: str = "",
    applicant: Applicant | None = None,
    note: str = "",
    over: str = "",
) -> Appointment:
    """
    Make a kept place an appointment with a number. Booking again returns it as it is.

    applicant: whose name and phone are taken where none are given. over: why staff let somebody in who is blocked
    for not coming. Raises HoldLapsed, BookedAlready, BookingBlocked, NotComplete, identity.InvalidIdentity.
    """
    one = common.lock_appointment(appointment_id)
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=one.region_id)
    if one.status == Status.BOOKED:
        return one
    if one.status == Status.LAPSED:
        raise HoldLapsed(_("这个名额留了一会儿没有填完，已经放出去了。请重新选一个时间。"))
    if one.status != Status.HELD:
        raise AppointmentOver(_("这次预约已经结束了，请重新选一个时间。"))
    if applicant is not None and applicant.region_id == one.region_id:
        name = name.strip() or applicant.name
        phone = phone.strip() or crypto.open_sealed(bytes(applicant.phone_sealed), "applicant.phone")
        one.applicant = applicant
    name, phone = name.strip(), identity.check_phone(phone)
    if not name or len(name) > 60:
        raise NotComplete(_("请填写来办事的人的姓名，最多 60 个字。"))
    index = common.phone_index(phone)
    _one_at_a_time(index)
    if over:
        one.over_limit_reason, one.over_limit_by = common.over_reason(over, by, one.region_id), common.staff_of(by)
    else:
        _may_book(one, index, by, at)
    if Appointment.objects.filter(
        region_id=one.region_id, slot=one.slot, phone_index=index, status=Status.BOOKED
    ).exists():
        raise BookedAlready(_("这个手机号已经约了这个时间，不用再约。"))
    one.name_sealed, one.phone_sealed = crypto.seal(name, common.NAME), crypto.seal(phone, common.PHONE)
    one.phone_index, one.note = index, note.strip()[:120]
    one.status, one.booked_at, one.hold_until = Status.BOOKED, at, None
    fields = ["applicant", "name_sealed", "phone_sealed", "phone_index", "note", "status", "booked_at", "hold_until"]
    fields += ["over_limit_by", "over_limit_reason"]
    _save_numbered(one, fields)
    waitlist.note_taken(one, by=by, at=at)
    record(one, "hall.booked", by, at, {"over": bool(one.over_limit_reason)}, reason=one.over_limit_reason)
    text = _("%(time)s，%(item)s，预约号 %(number)s。") % _facts(one)
    common.tell(one, "booked", _("预约好了"), text, at, goes_out=False)
    return one


@transaction.atomic
def keep_check(appointment_id: UUID, checked: dict[str, Any], *, by: Actor, at: datetime) -> Appointment:
    """
    Keep what somebody said of his papers while he booked; it goes with his ticket to the window. checked: as
    Ticket.checked. Again replaces what was said. Raises AppointmentOver once he has come, or it ended.
    """
    one = common.lock_appointment(appointment_id)
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=one.region_id)
    if one.status not in common.TAKES_PLACES:
        raise AppointmentOver(_("这次预约%(state)s，材料到窗口再看。") % {"state": one.get_status_display()})
    one.checked = checked
    one.save(update_fields=["checked"])
    record(one, "hall.papers_checked", by, at, {"missing": len(checked["missing"]), "of": checked["of"]})
    return one


def _save_numbered(one: Appointment, fields: list[str]) -> None:
    for left in range(_TRIES, 0, -1):
        one.number = f"{secrets.randbelow(90_000_000) + 10_000_000}"
        try:
            with transaction.atomic():
                one.save(update_fields=[*fields, "number"])
                return
        except IntegrityError as error:
            if "appointment_number_once" not in str(error):
                raise BookedAlready(_("这个手机号已经约了这个时间，不用再约。")) from error
            if left == 1:
                raise


def _one_at_a_time(index: bytes) -> None:
    """Bookings of one telephone number queue here: how many it has is counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 42))", [index.hex()])


def _may_book(one: Appointment, index: bytes, by: Actor, at: datetime) -> None:
    region, today = one.region_id, localdate(at)
    if one.channel in OWN_CHANNELS:
        through = blocked_through(region, index, at)
        if through is not None:
            raise BookingBlocked(
                _("这个手机号约了几次没有来，%(day)s之前不能网上预约。可以打电话或到大厅预约，也可以直接来取号。")
                % {"day": common.short_day(through + timedelta(days=1))}
            )
    most = common.rule(region, common.MOST_KEY, at, common.MOST_OPEN)
    open_ones = Appointment.objects.filter(
        region_id=region, phone_index=index, status=Status.BOOKED, slot__day__gte=today
    ).exclude(pk=one.pk)
    if open_ones.count() >= most:
        raise BookedAlready(_("这个手机号已经有 %(n)s 个预约没办，办完或取消一个再约。") % {"n": most})


def blocked_through(region: str, index: bytes, at: datetime) -> date | None:
    """Return the last day without web booking for a telephone number; None when it may book."""
    missed = Appointment.objects.filter(
        region_id=region, phone_index=index, status=Status.NO_SHOW, excused_at=None
    ).values_list("slot__day", flat=True)
    return rules.blocked_through(
        missed,
        localdate(at),
        times=common.rule(region, common.NO_SHOWS_KEY, at, common.NO_SHOWS),
        within=common.rule(region, common.NO_SHOW_DAYS_KEY, at, common.NO_SHOW_DAYS),
        block=common.rule(region, common.BLOCK_KEY, at, common.BLOCK_DAYS),
    )


@transaction.atomic
def cancel(appointment_id: UUID, *, by: Actor, at: datetime, reason: str = "") -> Appointment:
    """
    Give a place back; whoever waits is offered it at once. Cancelling again changes nothing.

    Citizens come by the token of their page; staff need hall.book. Raises AppointmentOver once it ended,
    for citizens once it has begun.
    """
    one = common.lock_appointment(appointment_id)
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=one.region_id)
    if one.status in (Status.CANCELLED, Status.LAPSED):
        return one
    if one.status not in common.TAKES_PLACES:
        raise AppointmentOver(_("这次预约已经%(state)s，不能取消了。") % {"state": one.get_status_display()})
    is_late = one.status == Status.BOOKED and one.slot.begins_at <= at
    if is_late and not isinstance(by, Staff) and by is not SYSTEM:
        raise AppointmentOver(_("约的时间已经到了，网上取消不了。来得及就请来签到，来不了请打电话说一声。"))
    one.status, one.ended_at, one.end_reason = Status.CANCELLED, at, reason.strip()[: common.LONGEST_REASON]
    one.save(update_fields=["status", "ended_at", "end_reason"])
    record(one, "hall.cancelled", by, at, reason=one.end_reason)
    common.free(one.slot, one.party, one.channel)
    if isinstance(by, Staff) or by is SYSTEM:
        text = _("您 %(time)s 的预约取消了。%(reason)s") % {**_facts(one), "reason": one.end_reason}
        common.tell(one, "cancelled", _("预约取消了"), text, at)
    waitlist.offer_freed(one.slot, at=at)
    return one


@transaction.atomic
def move(
    appointment_id: UUID, slot_id: UUID, *, by: Actor, at: datetime, over: str = "", reason: str = ""
) -> Appointment:
    """
    Change the time: the new place is taken and the old one freed together, or nothing happens.

    The number stays, with -2, -3 behind it. A repeat with the same slot returns the new one. Raises as hold() does,
    and AppointmentOver unless it is booked and its time has not begun.
    """
    old_slot = Appointment.objects.values_list("slot_id", flat=True).get(pk=appointment_id)
    slots = common.lock_slots({old_slot, slot_id})
    if slot_id not in slots:
        raise NotBookable(_("这个时间不再预约了，请换一个时间。"))
    old = common.lock_appointment(appointment_id)
    if isinstance(by, Staff):
        access.require(by, "hall.book", region=old.region_id)
    if old.status == Status.MOVED and old.moved_to is not None and old.moved_to.slot_id == slot_id:
        return old.moved_to
    if old.status != Status.BOOKED or old.item is None:
        raise AppointmentOver(_("这次预约不能改期了，请重新约一个。"))
    if old_slot == slot_id:
        return old
    if old.slot.ends_at <= at:
        raise AppointmentOver(_("约的时间已经过了，请重新约一个。"))
    if slots[slot_id].plan.hall_id != old.hall_id:
        raise NotBookable(_("改期只能在同一个大厅里改，换大厅请重新约。"))
    over_reason = common.over_reason(over, by, old.region_id) if over else ""
    common.claim(slots[slot_id], old.party, old.channel, item=old.item, at=at, over=bool(over))
    new = Appointment(
        region_id=old.region_id, hall_id=old.hall_id, slot=slots[slot_id], item=old.item,
        number=_next_number(old.number), token=common.new_token(), status=Status.BOOKED, channel=old.channel,
        party=old.party, applicant=old.applicant,
        name_sealed=old.name_sealed, phone_sealed=old.phone_sealed, phone_index=old.phone_index, note=old.note,
        checked=old.checked, made_at=at, booked_at=at, over_limit_reason=over_reason,
        over_limit_by=common.staff_of(by) if over else None,
    )  # fmt: skip
    old.status, old.ended_at, old.end_reason = Status.MOVED, at, reason.strip()[: common.LONGEST_REASON]
    old.save(update_fields=["status", "ended_at", "end_reason"])
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError as error:
        raise BookedAlready(_("这个手机号已经约了这个时间，不用再约。")) from error
    old.moved_to = new
    old.save(update_fields=["moved_to"])
    record(old, "hall.moved", by, at, {"to": str(new.pk)}, reason=old.end_reason)
    record(new, "hall.booked", by, at, {"from": str(old.pk), "over": bool(over_reason)}, reason=over_reason)
    if isinstance(by, Staff) or by is SYSTEM:
        text = _("您的预约改到 %(time)s，%(item)s，预约号 %(number)s。%(reason)s")
        common.tell(new, "moved", _("预约改了时间"), text % {**_facts(new), "reason": old.end_reason}, at)
    slot = slots[old_slot]
    common.free(slot, old.party, old.channel)
    waitlist.offer_freed(slot, at=at)
    return new


def _next_number(number: str) -> str:
    base, _dash, count = number.partition("-")
    return f"{base}-{int(count or 1) + 1}"


@transaction.atomic
def check_in(appointment_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    He is here: give him a number that stands in the queue with the slot's time; late ones stand with their own.

    How early and how late: local rules booking_early_minutes and booking_late_minutes. Again returns the same ticket.
    Raises TooEarly, AppointmentOver on another day or after it ended, tickets' refusals.
    """
    one = common.lock_appointment(appointment_id)
    if isinstance(by, Staff):
        access.require(by, "hall.take", region=one.region_id)
    if one.ticket is not None:
        return one.ticket
    if one.status != Status.BOOKED:
        raise AppointmentOver(
            _("这次预约%(state)s，请取一个普通号，或找导办员。") % {"state": one.get_status_display()}
        )
    if one.slot.day != localdate(at):
        raise AppointmentOver(_("您约的是 %(time)s，请那天再来签到。") % _facts(one))
    early = common.rule(one.region_id, common.EARLY_KEY, at, common.EARLY_MINUTES)
    late = common.rule(one.region_id, common.LATE_KEY, at, common.LATE_MINUTES)
    how = rules.arrival(one.slot.begins_at, at, early_minutes=early, late_minutes=late)
    if how is rules.Arrival.EARLY:
        when = localtime(one.slot.begins_at - timedelta(minutes=early))
        raise TooEarly(_("您来早了，%(at)s 以后再签到，号给您留着。") % {"at": f"{when.hour}:{when.minute:02d}"})
    phone = crypto.open_sealed(bytes(one.phone_sealed), common.PHONE) if one.phone_sealed else ""
    in_time = how is rules.Arrival.ON_TIME
    ticket = tickets.take_ticket(
        one.slot.plan.series_id,
        by=by,
        at=at,
        source=Ticket.Source.APPOINTMENT,
        item=one.item,
        applicant=one.applicant,
        phone_last_four=phone[-4:],
        checked=one.checked,
        appointment=one if in_time else None,
        queue_at=one.slot.begins_at if in_time else None,
    )
    _bind(ticket, one)
    one.status, one.ticket = Status.ARRIVED, ticket
    one.save(update_fields=["status", "ticket"])
    record(one, "hall.arrived", by, at, {"ticket": ticket.stream, "how": how.value})
    return ticket


def _bind(ticket: Ticket, one: Appointment) -> None:
    """To the window he booked, where somebody sits there; else whoever calls the series takes him."""
    window = one.slot.plan.window
    if window is not None and window.staff_id is not None and ticket.status == Ticket.Status.WAITING:
        ticket.only_window = window
        ticket.save(update_fields=["only_window"])


@transaction.atomic
def note_no_show(appointment_id: UUID, *, by: Actor, at: datetime) -> Appointment:
    """未到: only once he may no longer come. Again changes nothing. Raises AppointmentOver, TooEarly."""
    one = common.lock_appointment(appointment_id)
    access.require(by, "hall.book", region=one.region_id)
    if one.status == Status.NO_SHOW:
        return one
    if one.status != Status.BOOKED:
        raise AppointmentOver(_("这次预约%(state)s，不用记未到。") % {"state": one.get_status_display()})
    late = common.rule(one.region_id, common.LATE_KEY, at, common.LATE_MINUTES)
    if at <= max(one.slot.ends_at, one.slot.begins_at + timedelta(minutes=late)):
        raise TooEarly(_("他的时间还没过，等一等再记未到。"))
    one.status, one.ended_at = Status.NO_SHOW, at
    one.save(update_fields=["status", "ended_at"])
    record(one, "hall.no_show", by, at)
    return one


@transaction.atomic
def excuse(appointment_id: UUID, *, reason: str, by: Actor, at: datetime) -> int:
    """Lift the block: none of this number's no-shows counts from now on. Return how many; NotComplete for no reason."""
    one = common.lock_appointment(appointment_id)
    reason = common.over_reason(reason or " ", by, one.region_id)
    rows = Appointment.objects.filter(
        region_id=one.region_id, phone_index=one.phone_index, status=Status.NO_SHOW, excused_at=None
    )
    count = rows.update(excused_at=at)
    if count:
        record(one, EXCUSED, by, at, {"count": count}, reason=reason)
    return count


@transaction.atomic
def note_served(ticket_id: UUID, *, at: datetime) -> bool:
    """The ticket of an appointment is finished: so is the appointment. Again changes nothing."""
    pk = Appointment.objects.filter(ticket=ticket_id, status=Status.ARRIVED).values_list("pk", flat=True).first()
    if pk is None:
        return False
    one = common.lock_appointment(pk)
    if one.status != Status.ARRIVED:
        return False
    one.status, one.ended_at = Status.SERVED, at
    one.save(update_fields=["status", "ended_at"])
    record(one, "hall.appointment_served", SYSTEM, at)
    return True


@transaction.atomic
def lapse(appointment_id: UUID, *, at: datetime) -> bool:
    """A place kept too long is given back, and offered to whoever waits."""
    one = common.lock_appointment(appointment_id)
    gone = common.lapse_holds(one.slot, at)
    for _each in gone:
        waitlist.offer_freed(one.slot, at=at)
    return bool(gone)


@transaction.atomic
def remind(appointment_id: UUID, *, at: datetime) -> bool:
    """Tell him the day before, and on the day; once each, whatever is asked twice."""
    one = common.lock_appointment(appointment_id)
    days = (one.slot.day - localdate(at)).days
    if one.status != Status.BOOKED or days not in (0, 1) or one.slot.begins_at <= at:
        return False
    if one.reminded_at is not None and localdate(one.reminded_at) == localdate(at):
        return False
    if one.booked_at is not None and localdate(one.booked_at) == localdate(at):
        return False  # he has just chosen it
    word = _("今天") if days == 0 else _("明天")
    text = _("%(word)s %(time)s，%(item)s，预约号 %(number)s。来不了请取消，让给别人。") % {**_facts(one), "word": word}
    common.tell(one, f"remind-{days}", _("别忘了您的预约"), text, at)
    one.reminded_at = at
    one.save(update_fields=["reminded_at"])
    record(one, "hall.reminded", SYSTEM, at, {"days": days})
    return True


def _facts(one: Appointment) -> dict[str, str]:
    return {"time": common.said_time(one.slot), "item": one.item.name if one.item else "", "number": one.number}
