"""Writes: taking a ticket, letting a passed one wait again, and which case came of it."""

from __future__ import annotations

import re
from datetime import date, datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case
from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.actions import common
from yimen.hall.actions.common import (
    OPEN,
    SeriesClosed,
    WrongPhoneEnd,
    WrongStep,
)
from yimen.hall.models import Series, Ticket
from yimen.ledger.actions import Actor
from yimen.people import access
from yimen.people.models import Applicant, Staff


@transaction.atomic
def take_ticket(
    series_id: UUID,
    *,
    by: Actor,
    at: datetime,
    source: str,
    item: ServiceItem | None = None,
    applicant: Applicant | None = None,
    phone_last_four: str = "",
) -> Ticket:
    """
    Give the next number of a series on the local day of `at`; without gaps, whoever fails gives theirs back.

    Citizens take one as ledger.PUBLIC or as themselves; staff need hall.take. The web limits how often.
    Raises Series.DoesNotExist, SeriesClosed, WrongPhoneEnd, access.NotAllowed.
    """
    series = Series.objects.get(pk=series_id)
    if isinstance(by, Staff):
        access.require(by, "hall.take", region=series.region_id)
    if phone_last_four and not re.fullmatch("[0-9]{4}", phone_last_four):
        raise WrongPhoneEnd(_("手机尾号是 4 个数字，也可以不填。"))
    if not series.is_open:
        raise SeriesClosed(_("%(name)s现在不取号。请问一下导办员，或换一类业务。") % {"name": series.name})
    day = localdate(at)
    number, taken_at = _next_number(series, day, at)
    ticket = Ticket.objects.create(
        region_id=series.region_id,
        hall_id=series.hall_id,
        series=series,
        day=day,
        number=number,
        label=rules.label(series.letter, number),
        source=source,
        item=item,
        applicant=applicant,
        phone_last_four=phone_last_four,
        queue_at=taken_at,
        taken_at=taken_at,
    )
    common.record(ticket, "hall.taken", by, at, {"source": str(source), "item": str(item.pk) if item else None})
    return ticket


def _next_number(series: Series, day: date, at: datetime) -> tuple[int, datetime]:
    """Count on under the counter's row lock; times follow the numbers even when `at` arrives out of order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hall_ticketcounter AS known (region_id, series_id, day, value, last_at)"
            " VALUES (%s, %s, %s, 1, %s)"
            " ON CONFLICT (region_id, series_id, day) DO UPDATE"
            " SET value = known.value + 1, last_at = greatest(known.last_at, excluded.last_at)"
            " RETURNING value, last_at",
            [series.region_id, series.pk, day, at],
        )
        number, last_at = cursor.fetchone()
    return number, last_at


@transaction.atomic
def put_back(ticket_id: UUID, *, by: Actor, at: datetime) -> Ticket:
    """
    Let a passed ticket wait again with the time it was taken, so that it comes next: a passed number is not lost.

    Raises WrongStep unless it is passed and of today.
    """
    ticket = common.with_names().select_for_update(of=("self",)).get(pk=ticket_id)
    access.require(by, "hall.take", region=ticket.region_id)
    if ticket.status == Ticket.Status.WAITING:
        return ticket
    if ticket.status != Ticket.Status.PASSED or ticket.day != localdate(at):
        raise WrongStep(_("只有今天过号的才能接着等，%(label)s 不是。") % {"label": ticket.label})
    ticket.status, ticket.window = Ticket.Status.WAITING, None
    ticket.save(update_fields=["status", "window"])
    common.record(ticket, "hall.put_back", by, at)
    return ticket


@transaction.atomic
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
    ticket.save(update_fields=["case"])
    common.record(ticket, "hall.linked", by, at, {"case": case.stream})
    return ticket
