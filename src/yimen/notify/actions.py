"""Messages made, sent and dropped; who wants none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7
from yimen.notify.channels import CHANNELS
from yimen.notify.models import TO, Delivery, Message, OptOut
from yimen.people import access
from yimen.people.models import Applicant, Staff

MOST_AT_ONCE = 500


class NothingToSend(DomainError):
    """No message of these waits any more."""


@dataclass(frozen=True)
class Wish:
    """A message to be made. occasion: what it is about; it names nobody."""

    applicant: UUID
    occasion: str
    due_on: date
    subject: str
    text: str


@transaction.atomic
def propose(item: ServiceItem, wishes: Iterable[Wish], *, by: Actor, at: datetime) -> int:
    """
    Write messages that wait for somebody to send them; return how many are new.

    One for each applicant, item and occasion, however often this is asked for; none for who opted out. Raises
    access.NotAllowed.
    """
    access.require(by, "notify.send", region=item.region_id)
    wishes = list(wishes)
    ids = {wish.applicant for wish in wishes}
    region = item.region_id
    out = OptOut.objects.filter(applicant__in=ids, kind=OptOut.Kind.NOTICES, ended_at=None)
    silent = set(out.values_list("applicant_id", flat=True))
    before = Message.objects.filter(region_id=region, item=item, applicant__in=ids)
    told = set(before.values_list("applicant_id", "occasion"))
    fresh = [
        Message(
            region_id=region,
            applicant_id=wish.applicant,
            item=item,
            occasion=wish.occasion,
            due_on=wish.due_on,
            subject=wish.subject,
            text=wish.text,
            made_at=at,
        )
        for wish in wishes
        if wish.applicant not in silent and (wish.applicant, wish.occasion) not in told
    ]
    if not fresh:
        return 0
    Message.objects.bulk_create(fresh, ignore_conflicts=True)
    made = Message.objects.filter(pk__in=[message.pk for message in fresh]).count()
    data = {"count": made, "messages": [str(message.pk) for message in fresh]}
    ledger.record(f"notify:{uuid7()}", "notify.proposed", region=region, by=by, at=at, data=data)
    return made


@transaction.atomic
def send(region: str, ids: Sequence[UUID], *, by: Actor, at: datetime) -> int:
    """
    Send waiting messages through every channel and return how many. Those of applicants who opted out meanwhile are
    dropped. Raises NothingToSend, access.NotAllowed.
    """
    access.require(by, "notify.send", region=region)
    waiting = list(
        Message.objects.select_for_update()
        .filter(region_id=region, pk__in=list(ids)[:MOST_AT_ONCE], state=Message.State.WAITING)
        .order_by("pk")
    )
    if not waiting:
        raise NothingToSend(_("这几条已经有人处理过了，请刷新看看。"))
    applicants = [message.applicant_id for message in waiting if message.applicant_id]
    out = OptOut.objects.filter(applicant__in=applicants, kind=OptOut.Kind.NOTICES, ended_at=None)
    silent: set[UUID | None] = set(out.values_list("applicant_id", flat=True))
    for message in waiting:
        message.state = Message.State.DROPPED if message.applicant_id in silent else Message.State.SENT
        message.sent_at, message.sent_by = at, by if isinstance(by, Staff) else None
        if message.state == Message.State.SENT:
            for channel in CHANNELS:
                channel.take(message, at=at)
    Message.objects.bulk_update(waiting, ["state", "sent_at", "sent_by"])
    sent = [str(message.pk) for message in waiting if message.state == Message.State.SENT]
    data = {"sent": sent, "dropped": [str(one.pk) for one in waiting if str(one.pk) not in sent]}
    ledger.record(f"notify:{uuid7()}", "notify.sent", region=region, by=by, at=at, data=data)
    return len(sent)


@transaction.atomic
def drop(region: str, ids: Sequence[UUID], *, by: Actor, at: datetime) -> int:
    """Let waiting messages be; they are not proposed again. Raises NothingToSend, access.NotAllowed."""
    access.require(by, "notify.send", region=region)
    waiting = Message.objects.select_for_update().filter(region_id=region, pk__in=ids, state=Message.State.WAITING)
    pks = [message.pk for message in waiting.order_by("pk")]
    if not pks:
        raise NothingToSend(_("这几条已经有人处理过了，请刷新看看。"))
    who = by if isinstance(by, Staff) else None
    Message.objects.filter(pk__in=pks).update(state=Message.State.DROPPED, sent_at=at, sent_by=who)
    data = {"dropped": [str(pk) for pk in pks]}
    ledger.record(f"notify:{uuid7()}", "notify.dropped", region=region, by=by, at=at, data=data)
    return len(pks)


@dataclass(frozen=True)
class News:
    """
    What happened to a case of somebody's. occasion: one for each thing; goes_out: not only shown here.

    to: name and telephone of somebody without an account; then there is no applicant.
    """

    applicant: UUID | None
    item: ServiceItem
    case_no: str
    occasion: str
    subject: str
    text: str
    goes_out: bool = False
    to: tuple[str, str] | None = None


@transaction.atomic
def tell(news: News, *, on: date, at: datetime) -> Message | None:
    """
    Tell an applicant at once what happened to a case of theirs; None when this occasion was told before.

    It is shown where they read about their own cases. What the law wants told, and what asks something of them, also
    goes out by the other channels; it does so whatever they said about messages, which is about notices nobody asked
    for (docs/apply-online.md). The deliveries are the proof (S1-32).
    """
    to = json.dumps(dict(zip(("name", "phone"), news.to, strict=True)), ensure_ascii=False) if news.to else ""
    who: dict[str, Any] = {"applicant_id": news.applicant}
    message, is_new = Message.objects.get_or_create(
        region_id=news.item.region_id,
        **who,
        item=news.item,
        occasion=news.occasion,
        defaults={
            "to_sealed": crypto.seal(to, TO) if to else None,
            "due_on": on,
            "subject": news.subject,
            "text": news.text,
            "state": Message.State.SENT,
            "case_no": news.case_no,
            "made_at": at,
            "sent_at": at,
        },
    )
    if not is_new:
        return None
    for channel in CHANNELS:
        if (news.applicant is not None) if channel.is_own else news.goes_out:
            channel.take(message, at=at)
    return message


@transaction.atomic
def read(applicant: Applicant, *, at: datetime) -> int:
    """Mark everything an applicant was told as read; return how many messages were not."""
    mine = Message.objects.filter(region_id=applicant.region_id, applicant=applicant, state=Message.State.SENT)
    return mine.filter(read_at=None).update(read_at=at)


@transaction.atomic
def note_called(delivery: Delivery, *, reached: bool, by: Actor, at: datetime, note: str = "") -> Delivery:
    """Write down how a delivery of the outbox went: told by telephone, or not reached. Raises access.NotAllowed."""
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    access.require(by, "notify.send", region=delivery.region_id)
    if delivery.done_at is not None:
        return delivery
    delivery.done_at, delivery.is_delivered, delivery.note = at, reached, note.strip()[:200]
    delivery.save(update_fields=["done_at", "is_delivered", "note"])
    data = {"delivery": str(delivery.pk), "reached": reached}
    stream = f"message:{delivery.message_id}"
    ledger.record(stream, "notify.called", region=delivery.region_id, by=by, at=at, data=data)
    return delivery


@transaction.atomic
def opt_out(
    applicant: Applicant, wants_none: bool, *, by: Actor, at: datetime, kind: str = OptOut.Kind.NOTICES
) -> None:
    """
    Remember that an applicant wants no such messages, or wants them again; saying it twice changes nothing.

    kind: notices nobody asked for, or anything by SMS; what the law wants told is then told by telephone or letter.

    The applicant says so, or somebody who telephones with them. Raises access.NotAllowed for anybody else.
    """
    if by.ledger_ref != applicant.ledger_ref:
        access.require(by, "notify.send", region=applicant.region_id)
    Applicant.objects.select_for_update().get(pk=applicant.pk)
    current = OptOut.objects.filter(applicant=applicant, kind=kind, ended_at=None)
    if current.exists() == wants_none:
        return
    if wants_none:
        OptOut.objects.create(region_id=applicant.region_id, applicant=applicant, kind=kind, at=at)
        if kind == OptOut.Kind.NOTICES:
            Message.objects.filter(applicant=applicant, state=Message.State.WAITING).update(
                state=Message.State.DROPPED, sent_at=at
            )
    else:
        current.update(ended_at=at)
    data = {"applicant": str(applicant.pk), "wants_none": wants_none, "kind": str(kind)}
    stream = f"opt_out:{applicant.pk}"
    ledger.record(stream, "notify.opted_out", region=applicant.region_id, by=by, at=at, data=data)
