"""Writes: taking a ticket, letting a passed one wait again, giving one back, and which case came of it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case
from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.actions import common
from yimen.hall.actions.common import (
    OPEN,
    AlreadyWaiting,
    SeriesClosed,
    SeriesFull,
    WrongCare,
    WrongPhoneEnd,
    WrongStep,
)
from yimen.hall.models import Appointment, Series, Skill, Ticket, TicketPeriod
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.acts import act
from yimen.lib.ids import uuid7
from yimen.lib.reading import Given, Question
from yimen.people import access, identity
from yimen.people.models import Applicant, Staff

NAME, ID = "ticket.name", "applicant.id"


@act
def take_ticket(
    series_id: UUID,
    *,
    by: Actor,
    at: datetime,
    source: str,
    item: ServiceItem | None = None,
    applicant: Applicant | None = None,
    phone_last_four: str = "",
    care: str = "",
    id_number: str = "",
    name: str = "",
    checked: dict[str, Any] | None = None,
    again_reason: str = "",
    visit: UUID | None = None,
    appointment: Appointment | None = None,
    queue_at: datetime | None = None,
) -> Ticket:
    """
    Give the next number of a series on the local day of `at`; without gaps, whoever fails gives theirs back.

    care: of Ticket.Care; comes first where the hall has set so. id_number: checked, then kept as a blind index alone;
    one waiting ticket per person and series. name: sealed, for calling by name. checked: answers and missing papers of
    the check before. again_reason: why a second visit was needed (S3-18). visit: the visit it belongs to.
    appointment: it stands with the slot's time, or with queue_at, and has priority from then until the slot is over.
    Citizens take one as ledger.PUBLIC or as themselves; staff need hall.take. The web limits how often.
    Raises Series.DoesNotExist, SeriesClosed, SeriesFull, AlreadyWaiting, WrongCare, WrongPhoneEnd,
    identity.InvalidIdentity, access.NotAllowed.
    """
    series = _series(series_id)
    if isinstance(by, Staff):
        access.require(by, "hall.take", region=series.region_id)
    if phone_last_four and not re.fullmatch("[0-9]{4}", phone_last_four):
        raise WrongPhoneEnd(_("手机尾号是 4 个数字，也可以不填。"))
    if care and care not in Ticket.Care.values:
        raise WrongCare(_("没有这种照顾，请从列表里选，也可以不选。"))
    if not series.is_open:
        raise SeriesClosed(_("%(name)s现在不取号。请问一下导办员，或换一类业务。") % {"name": series.name})
    day = localdate(at)
    ticket = Ticket(
        region_id=series.region_id,
        hall_id=series.hall_id,
        series=series,
        day=day,
        source=source,
        item=item,
        applicant=applicant,
        phone_last_four=phone_last_four,
        care=care,
        is_priority=care in series.hall.care_first,
        skill=Skill.objects.filter(items=item).order_by("name").first() if item else None,
        name_sealed=crypto.seal(name.strip()[:60], NAME) if name.strip() else None,
        checked=checked,
        again_reason=again_reason.strip()[:120],
        visit=visit,
    )
    if id_number.strip():
        number = id_number.strip().upper()
        identity.check_resident_id(number, today=day)
        ticket.id_index = crypto.blind_index(number, ID)
    elif applicant is not None and applicant.kind == Applicant.Kind.PERSON:
        ticket.id_index = bytes(applicant.id_index)
    if appointment is not None:
        ticket.queue_at = queue_at or max(appointment.slot.begins_at, at)
        ticket.is_priority = ticket.is_priority or at <= appointment.slot.ends_at
    return give(ticket, by, at)


_SERIES = Question(lambda: Series.objects.select_related("hall").filter(pk=Given("series")))


def _series(series_id: UUID) -> Series:
    for series in _SERIES.ask(series=series_id):
        return cast(Series, series)
    raise Series.DoesNotExist


def give(ticket: Ticket, by: Actor, at: datetime, *, capped: bool = True) -> Ticket:
    """Number a prepared ticket and put it into its queue, or where it says. capped: the daily cap counts."""
    series = ticket.series
    if not capped:
        series.daily_cap = None
    if ticket.id_index is not None:
        _refuse_second(ticket)
    if ticket.id_index is None:
        _insert(ticket, by, at)
    else:
        try:
            with transaction.atomic():
                _insert(ticket, by, at)
        except IntegrityError:  # the same card at two kiosks in the same moment
            _refuse_second(ticket)
            raise
    common.tell(ticket.hall_id)
    common.give_work(series.hall, at)
    return ticket


def _refuse_second(ticket: Ticket) -> None:
    known = Ticket.objects.filter(
        region_id=ticket.region_id,
        series=ticket.series,
        day=ticket.day,
        id_index=ticket.id_index,
        status__in=[Ticket.Status.WAITING, Ticket.Status.HELD],
    ).first()
    if known is not None:
        raise AlreadyWaiting(
            _("您手里的 %(label)s 还在等，不用再取一个。要换一类业务，请另选一类。") % {"label": known.label}
        )


# What follows from the counter is written by hall_give().
_FIELDS = [
    field.attname for field in Ticket._meta.concrete_fields if field.attname not in {"number", "label", "taken_at"}
]
GIVE = "SELECT * FROM hall_give(%s::jsonb, %s::int, %s, %s, %s, %s::timestamptz, %s, %s, %s, %s::jsonb)"


def given(ticket: Ticket, by: Actor, at: datetime) -> list[Any]:
    """Return the values of GIVE."""
    series, state = ticket.series, common.STATES[ticket.status]
    new = {name: common.plain(value) for name in _FIELDS if (value := getattr(ticket, name)) is not None}
    data: dict[str, Any] = {
        "series": series.letter,
        "day": ticket.day.isoformat(),
        "window": ticket.window.number if ticket.window else None,
        "source": str(ticket.source),
        "item": str(ticket.item_id) if ticket.item_id else None,
    }
    if ticket.is_priority:
        data["first"] = ticket.care or "booked"
    begins = None if state == TicketPeriod.State.WAITING else ticket.started_at
    return [
        json.dumps(new, ensure_ascii=False),
        series.daily_cap,
        series.letter,
        uuid7(),
        state,
        begins,
        at,
        by.ledger_ref,
        by.role_name,
        json.dumps(data, ensure_ascii=False),
    ]


def _insert(ticket: Ticket, by: Actor, at: datetime) -> None:
    """
    Count on under the counter's row lock, and write the row, its first period and its ledger row, in one call; times
    follow the numbers even when `at` arrives out of order.

    Raises SeriesFull when the series has given all its numbers of the day.
    """
    series, row = ticket.series, None
    if series.daily_cap != 0:
        with connection.cursor() as cursor:
            cursor.execute(GIVE, given(ticket, by, at))
            row = cursor.fetchone()
    if row is None:
        raise SeriesFull(
            _("%(name)s今天的 %(cap)s 个号取完了。急事请找导办员，不急的可以预约改天来。")
            % {"name": series.name, "cap": series.daily_cap}
        )
    ticket.number, ticket.taken_at = row
    ticket.label = rules.label(series.letter, ticket.number)
    if ticket.queue_at is None:
        ticket.queue_at = ticket.taken_at
    ticket._state.adding, ticket._state.db = False, connection.alias


@act
def put_back(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    Let a passed ticket wait again with the time it was taken, so that it comes next: a passed number is not lost.

    Raises WrongStep unless it is passed and of today, and when the same person waits in the queue with another.
    """
    ticket = common.lock_ticket(ticket_id)
    access.require(by, "hall.take", region=ticket.region_id)
    if ticket.status == Ticket.Status.WAITING:
        return ticket
    if ticket.status != Ticket.Status.PASSED or ticket.day != localdate(at):
        raise WrongStep(_("只有今天过号的才能接着等，%(label)s 不是。") % {"label": ticket.label})
    common.refuse_twin(ticket)
    common.move(ticket, "put_back", by=by, at=at, status=Ticket.Status.WAITING, window_id=None)
    common.record(ticket, "hall.put_back", by, at)
    common.give_work(ticket.hall, at)
    return ticket


@act
def leave(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    取消: whoever holds a ticket gives it back, so that nobody calls in vain; its id is the right. A repeat changes
    nothing. Raises WrongStep once it has been called.
    """
    ticket = common.lock_ticket(ticket_id)
    if isinstance(by, Staff):
        access.require(by, "hall.take", region=ticket.region_id)
    if ticket.status == Ticket.Status.LEFT:
        return ticket
    if ticket.status not in {Ticket.Status.WAITING, Ticket.Status.HELD, Ticket.Status.PASSED}:
        raise WrongStep(_("%(label)s 已经叫到了，请到窗口去；不办了跟窗口说一声。") % {"label": ticket.label})
    common.move(ticket, "left", by=by, at=at, status=Ticket.Status.LEFT)
    common.record(ticket, "hall.left", by, at)
    return ticket


@act
def give_care(ticket_id: UUID, care: str, *, by: Actor, at: datetime) -> Ticket:
    """Mark a ticket that waits for special care; first where the hall has set so. Raises WrongCare, WrongStep."""
    ticket = common.lock_ticket(ticket_id)
    access.require(by, "hall.take", region=ticket.region_id)
    if care not in Ticket.Care.values:
        raise WrongCare(_("没有这种照顾，请从列表里选，也可以不选。"))
    if ticket.care == care:
        return ticket
    if ticket.status not in common.STATES:
        raise WrongStep(_("%(label)s 已经不在等了，不用再记。") % {"label": ticket.label})
    first = ticket.is_priority or care in ticket.hall.care_first
    common.move(ticket, "care", by=by, at=at, undoable=False, care=care, is_priority=first)
    common.record(ticket, "hall.care_given", by, at, {"care": care})
    return ticket


@act
def link_case(ticket_id: UUID, case: Case, *, by: Actor, at: datetime) -> Ticket:
    """Note which case came of an open ticket. Linking it again changes nothing; WrongStep for a second case."""
    ticket = common.lock_at_window(ticket_id, by)
    if ticket.case_id == case.pk:
        return ticket
    if ticket.case_id is not None:
        raise WrongStep(_("%(label)s 已经收过一件了，再办一件请另取一个号。") % {"label": ticket.label})
    if ticket.region_id != case.region_id or ticket.status not in OPEN:
        raise WrongStep(_("%(label)s 不在窗口，收件挂不上。") % {"label": ticket.label})
    ticket.case = case
    common.move(ticket, "linked", by=by, at=at, undoable=False, case_id=case.pk)
    common.record(ticket, "hall.linked", by, at, {"case": case.stream})
    return ticket
