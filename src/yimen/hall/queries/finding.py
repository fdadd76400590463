"""Somebody at the desk who does not know his number any more: found by what he knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.timezone import localdate

from yimen.hall.models import Hall, Ticket
from yimen.hall.queries.tickets import Ahead, ahead_of, name_of
from yimen.lib import crypto, mask

# As actions.take_ticket keeps it.
ID = "applicant.id"
MOST_FOUND = 12
# Names stand sealed: so many of today's tickets are opened at most, the latest first.
MOST_OPENED = 400
_LABEL = re.compile(r"([A-Z]{1,2})0*(\d{1,4})")


@dataclass(frozen=True)
class Found:
    """A ticket of today. name: masked; together: he took it on the same visit as the ticket that was looked for."""

    ticket: Ticket
    name: str
    ahead: Ahead | None
    together: bool


def find_tickets(hall: Hall, text: str, at: datetime) -> list[Found]:
    """
    Return today's tickets of a hall by label (A27 for A027, 27 for any letter), the last four digits of the telephone,
    an identity number or a part of the name; each with the other tickets of its visit. Open ones first.
    """
    text = re.sub(r"\s+", "", text).upper()
    if not text:
        return []
    today = Ticket.objects.filter(region_id=hall.region_id, hall=hall, day=localdate(at))
    whole = today.select_related("series", "window", "item", "applicant", "only_window")
    label = _LABEL.fullmatch(text)
    if label:
        hits = list(whole.filter(label__startswith=label[1], number=int(label[2])))
        hits = [one for one in hits if one.label.rstrip("0123456789") == label[1]]
    elif text.isdecimal() and len(text) < 5:
        by_number = Q(number=int(text)) if len(text) < 4 else Q(phone_last_four=text)
        hits = list(whole.filter(by_number).order_by("-taken_at")[:MOST_FOUND])
    elif len(text) == 18 and text[:17].isdecimal():
        hits = list(whole.filter(id_index=crypto.blind_index(text, ID))[:MOST_FOUND])
    else:
        named = whole.filter(Q(name_sealed__isnull=False) | Q(applicant__isnull=False)).order_by("-taken_at")
        hits = [one for one in named[:MOST_OPENED] if text in _name(one).upper()][:MOST_FOUND]
    visits = {one.visit for one in hits if one.visit}
    seen = {one.pk for one in hits}
    beside = [one for one in whole.filter(visit__in=visits) if one.pk not in seen] if visits else []
    found = [_found(one, False) for one in hits] + [_found(one, True) for one in beside]
    done = (Ticket.Status.FINISHED, Ticket.Status.LEFT)
    return sorted(found, key=lambda one: (one.ticket.status in done, one.ticket.taken_at))


def _name(ticket: Ticket) -> str:
    return name_of(ticket) or (ticket.applicant.name if ticket.applicant else "")


def _found(ticket: Ticket, together: bool) -> Found:
    ahead = ahead_of(ticket) if ticket.status == Ticket.Status.WAITING else None
    return Found(ticket, mask.name(_name(ticket)), ahead, together)
