"""Writes: guides on duty, their help, and calls for one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall.models import GuideCall, GuideDuty, GuideHelp, Hall, Kiosk, Ticket
from yimen.ledger import actions as ledger
from yimen.ledger.actions import PUBLIC, Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

NOTE_MAX = 120


class NotAHelp(DomainError):
    """Not one of the kinds of help, or of another hall."""


class BadDuty(DomainError):
    """A duty that does not last, overlaps another of the same person, or of somebody of another region."""


@transaction.atomic
def put_on_duty(
    hall: Hall, staff: Staff, *, from_at: datetime, until_at: datetime, by: Actor, at: datetime, place: str = ""
) -> GuideDuty:
    """
    Put somebody on the roster of guides. Raises BadDuty, access.NotAllowed.

    The hall's row is locked, so that two rosters at once do not put a person in two places.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    if staff.region_id != hall.region_id:
        raise BadDuty(_("这位同事不在本地区，请另选一位。"))
    if until_at <= from_at or (until_at - from_at).total_seconds() > 16 * 3600:
        raise BadDuty(_("结束要晚于开始，一班最长 16 小时。请改一下时间。"))
    Staff.objects.select_for_update(no_key=True).get(pk=staff.pk)
    clash = GuideDuty.objects.filter(
        region_id=hall.region_id, staff=staff, from_at__lt=until_at, until_at__gt=from_at
    ).first()
    if clash is not None:
        raise BadDuty(_("%(name)s这段时间已经排了班，请换一个时间或换一位。") % {"name": staff.name})
    duty = GuideDuty.objects.create(
        region_id=hall.region_id, hall=hall, staff=staff, place=place.strip()[:40], from_at=from_at, until_at=until_at
    )
    data = {"staff": str(staff.pk), "from": from_at.isoformat(), "until": until_at.isoformat(), "place": duty.place}
    ledger.record(f"guide_duty:{duty.pk}", "hall.guide_duty", region=hall.region_id, by=by, at=at, data=data)
    return duty


@transaction.atomic
def take_off_duty(duty_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take a duty that has not begun off the roster; a begun one ends now. Raises access.NotAllowed."""
    duty = GuideDuty.objects.select_for_update().get(pk=duty_id)
    access.require(by, "hall.manage", region=duty.region_id)
    if duty.until_at <= at:
        return
    ledger.record(
        f"guide_duty:{duty.pk}", "hall.guide_duty_ended", region=duty.region_id, by=by, at=at,
        data={"staff": str(duty.staff_id), "begun": duty.from_at < at},
    )  # fmt: skip
    if duty.from_at < at:
        duty.until_at = at
        duty.save(update_fields=["until_at"])
    else:
        duty.delete()


@transaction.atomic
def note_help(
    hall: Hall, kind: str, *, by: Staff, at: datetime, ticket: Ticket | None = None, note: str = ""
) -> GuideHelp:
    """
    Note what a guide did for somebody (S0-27); no names. Raises NotAHelp, access.NotAllowed.
    """
    access.require(by, "hall.guide", region=hall.region_id)
    if kind not in GuideHelp.Kind.values or (ticket is not None and ticket.hall_id != hall.pk):
        raise NotAHelp(_("请从列出的几种帮助里选一种，号要是本大厅的。"))
    help_ = GuideHelp.objects.create(
        region_id=hall.region_id, hall=hall, staff=by, ticket=ticket, kind=kind, note=note.strip()[:NOTE_MAX], at=at
    )
    data = {"kind": str(kind), "hall": str(hall.pk), "ticket": str(ticket.pk) if ticket else None}
    ledger.record(f"guide_help:{help_.pk}", "hall.helped", region=hall.region_id, by=by, at=at, data=data)
    return help_


@transaction.atomic
def call_guide(hall: Hall, *, at: datetime, kiosk: Kiosk | None = None) -> GuideCall:
    """Ask a guide to come; while one is asked for at the same place, that call counts."""
    # Two taps queue here; the second then finds the first one's call.
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    waiting = GuideCall.objects.filter(region_id=hall.region_id, hall=hall, kiosk=kiosk, answered_at=None)
    if (there := waiting.first()) is not None:
        return there
    call = GuideCall.objects.create(region_id=hall.region_id, hall=hall, kiosk=kiosk, asked_at=at)
    data = {"hall": str(hall.pk), "kiosk": kiosk.code if kiosk else None}
    ledger.record(f"guide_call:{call.pk}", "hall.guide_called", region=hall.region_id, by=PUBLIC, at=at, data=data)
    return call


@transaction.atomic
def answer_call(call_id: UUID, *, by: Staff, at: datetime) -> GuideCall:
    """Say "I am going"; whoever says it second learns who went. Raises access.NotAllowed."""
    call = GuideCall.objects.select_for_update(no_key=True).get(pk=call_id)
    access.require(by, "hall.guide", region=call.region_id)
    if call.answered_at is None:
        call.answered_by, call.answered_at = by, at
        call.save(update_fields=["answered_by", "answered_at"])
        ledger.record(
            f"guide_call:{call.pk}", "hall.guide_went", region=call.region_id, by=by, at=at,
            data={"seconds": int((at - call.asked_at).total_seconds())},
        )  # fmt: skip
    return call
