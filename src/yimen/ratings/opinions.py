"""Opinions: any visitor leaves one without login or name (S3-30); staff answer or settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.hall.models import Hall, Kiosk
from yimen.ledger import actions as ledger
from yimen.ledger.actions import PUBLIC, Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.people import access, identity
from yimen.people.models import ServiceCenter, Staff
from yimen.ratings.models import Opinion

MAX_TEXT, MAX_ANSWER, MAX_TOPICS, LEAST_REASON = 500, 300, 6, 4
_PHONE = "opinion.phone"
# What can be tapped instead of written: many who stand at a kiosk do not type.
TOPICS: Mapping[str, Promise] = {
    "waiting": gettext_lazy("等得久"),
    "guidance": gettext_lazy("指引和说明"),
    "staff": gettext_lazy("工作人员"),
    "papers": gettext_lazy("要的材料"),
    "procedure": gettext_lazy("办事流程"),
    "place": gettext_lazy("环境和设施"),
    "machine": gettext_lazy("自助机和网上"),
    "access": gettext_lazy("老人和残疾人方便"),
}


class NothingSaid(DomainError):
    """No topic and no words, too many words, or a kind there is not."""


class AlreadyClosed(DomainError):
    """Somebody answered or settled it before."""


@transaction.atomic
def leave_opinion(
    center: ServiceCenter,
    kind: str,
    text: str = "",
    *,
    at: datetime,
    topics: Sequence[str] = (),
    phone: str = "",
    hall: Hall | None = None,
    kiosk: Kiosk | None = None,
) -> Opinion:
    """
    Keep what somebody wants to say; nobody is asked who they are. phone: sealed, for an answer; may be left out.

    Raises NothingSaid, identity.InvalidIdentity.
    """
    text, chosen = text.strip(), [key for key in dict.fromkeys(topics) if key in TOPICS][:MAX_TOPICS]
    if kind not in Opinion.Kind.values:
        raise NothingSaid(_("请先选一下：表扬、建议，还是不满意。"))
    if not text and not chosen:
        raise NothingSaid(_("请点一样，或者写几个字，我们好知道说的是什么。"))
    if len(text) > MAX_TEXT or "\0" in text:
        raise NothingSaid(_("写得太长了，请不超过 %(n)s 个字。") % {"n": MAX_TEXT})
    number = identity.check_phone(phone) if phone.strip() else ""
    opinion = Opinion.objects.create(
        region_id=center.region_id,
        center=center,
        hall=hall,
        kiosk=kiosk,
        kind=kind,
        text=text,
        topics=chosen,
        phone_sealed=crypto.seal(number, _PHONE) if number else None,
        given_at=at,
    )
    # What was said is not in the ledger: people write names into it.
    _record(opinion, "opinion.left", PUBLIC, at, {"kind": str(kind), "topics": chosen, "has_phone": bool(number)})
    return opinion


@transaction.atomic
def close_opinion(opinion_id: UUID, answer: str, *, by: Staff, at: datetime) -> Opinion:
    """
    Say what was told or done; with nothing to say it is settled. The telephone is forgotten then.

    Raises AlreadyClosed, NothingSaid for too long an answer, access.NotAllowed.
    """
    opinion = Opinion.objects.select_for_update(no_key=True).get(pk=opinion_id)
    access.require(by, "ratings.opinions", region=opinion.region_id)
    answer = answer.strip()
    if len(answer) > MAX_ANSWER or "\0" in answer:
        raise NothingSaid(_("写得太长了，请不超过 %(n)s 个字。") % {"n": MAX_ANSWER})
    if opinion.state != Opinion.State.OPEN:
        raise AlreadyClosed(_("这条意见已经处理过了，请看处理结果。"))
    opinion.state = Opinion.State.ANSWERED if answer else Opinion.State.SETTLED
    opinion.answer, opinion.closed_by, opinion.closed_at, opinion.phone_sealed = answer, by, at, None
    opinion.save(update_fields=["state", "answer", "closed_by", "closed_at", "phone_sealed"])
    _record(opinion, "opinion.closed", by, at, {"state": str(opinion.state)})
    return opinion


@transaction.atomic
def phone_of(opinion_id: UUID, *, reason: str, by: Staff, at: datetime) -> str:
    """Return the telephone left for an answer, "" for none; who looked and why stands in the ledger (SEC-19)."""
    opinion = Opinion.objects.select_for_update(no_key=True).get(pk=opinion_id)
    access.require(by, "ratings.opinions", region=opinion.region_id)
    if opinion.phone_sealed is None:
        return ""
    if len(reason.strip()) < LEAST_REASON:
        raise NothingSaid(_("请写明为什么要看，至少 4 个字；这会记入台账。"))
    _record(opinion, "opinion.phone_shown", by, at, {"field": "phone", "reason": reason.strip()[:200]})
    return crypto.open_sealed(bytes(opinion.phone_sealed), _PHONE)


def opinions_for(staff: Staff, *, state: str = "") -> QuerySet[Opinion]:
    """Return the opinions of the reader's centre (the whole region without one), the newest first."""
    found = Opinion.objects.filter(region_id=staff.region_id).select_related("hall", "kiosk", "closed_by")
    if staff.center_id:
        found = found.filter(center_id=staff.center_id)
    return found.filter(state=state) if state in Opinion.State.values else found


def open_count(staff: Staff) -> int:
    return opinions_for(staff, state=Opinion.State.OPEN).order_by().aggregate(n=Count("pk"))["n"]


def _record(opinion: Opinion, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"opinion:{opinion.pk}", kind, region=opinion.region_id, by=by, at=at, data=data)
