"""
The outbox by SMS: a gateway of the place's own provider behind one HTTP call, or a file for tests and the demo.

Each message goes out under the id of its delivery: a gateway asked twice sends once. The number is looked up for the
moment of sending and kept nowhere; the text names nobody (docs/notify.md).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import ssl
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.catalog.queries import local_rule
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM
from yimen.lib.errors import DomainError
from yimen.notify.models import Delivery, OptOut
from yimen.notify.queries import MOST_TRIES

FILE, HTTP = "file", "http"
SECONDS = 10
PAUSES = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 180))
# Whoever took a message and died leaves it to another after this.
LEASE = timedelta(minutes=5)
RECEIPT_AGE = timedelta(minutes=5)
# A gateway that took a message and has not said how it went by then will not say.
NO_RECEIPT = timedelta(days=3)
# Older news is not news any more.
MOST_AGE = timedelta(days=3)
MOST_A_RUN = 500
QUIET_FROM_KEY, QUIET_UNTIL_KEY = "sms_quiet_from_hour", "sms_quiet_until_hour"
QUIET_FROM, QUIET_UNTIL = 21, 8  # [GKU] nobody is woken
DELIVERED, FAILED = "delivered", "failed"

log = logging.getLogger("yimen.notify")
# (id, phone, text) -> the answer's status; OSError and HTTPException when there is none
Send = Callable[[UUID, str, str], int]


class BadReceipt(DomainError):
    """A receipt that the gateway did not sign, or signed too long ago, or that says nothing we know."""


def is_quiet(hour: int, quiet_from: int, quiet_until: int) -> bool:
    """Tell whether nothing is sent in this hour of the day, over midnight too; the same hour twice: never quiet."""
    if quiet_from <= quiet_until:
        return quiet_from <= hour < quiet_until
    return hour >= quiet_from or hour < quiet_until


def send_due(*, at: datetime, send: Send | None = None) -> int:
    """
    Send what is due, region by region, outside the quiet hours; return how many the gateway took.

    Twice, late or by two at once: each message is claimed before it is sent, and goes out under one id.
    """
    send = send or sender()
    if send is None:
        return 0
    regions = Delivery.objects.filter(_waiting(at)).order_by().values_list("region_id", flat=True).distinct()
    taken = 0
    for region in regions:
        if is_quiet_in(region, at):
            continue
        for _n in range(MOST_A_RUN):
            delivery = _claim(region, at)
            if delivery is None:
                break
            taken += _send(delivery, send, at)
    return taken


def is_quiet_in(region: str, at: datetime) -> bool:
    """Tell whether nobody there is sent an SMS now."""
    day = localdate(at)
    return is_quiet(
        localtime(at).hour,
        int(local_rule(region, QUIET_FROM_KEY, day, default=QUIET_FROM)),
        int(local_rule(region, QUIET_UNTIL_KEY, day, default=QUIET_UNTIL)),
    )


def _waiting(at: datetime) -> Q:
    return Q(channel="outbox", done_at=None, taken_at=None, tries__lt=MOST_TRIES) & (
        Q(next_at=None) | Q(next_at__lte=at)
    )


@transaction.atomic
def _claim(region: str, at: datetime) -> Delivery | None:
    silent = OptOut.objects.filter(
        applicant=OuterRef("message__applicant"), kind=OptOut.Kind.SMS, ended_at=None
    ).values("pk")
    waiting = Delivery.objects.filter(_waiting(at), region_id=region).select_for_update(of=("self",), skip_locked=True)
    # Who wants no SMS is telephoned, and so is who has waited since before there was a gateway.
    old = Q(made_at__lt=at - MOST_AGE)
    for one in waiting.filter(Exists(silent) | old)[:MOST_A_RUN]:
        one.tries, one.note = MOST_TRIES, _("太久了，请打电话") if one.made_at < at - MOST_AGE else _("本人不要短信")
        one.save(update_fields=["tries", "note"])
    delivery = (
        waiting.exclude(Exists(silent) | old)
        .select_related("message__applicant")
        .order_by("tries", "made_at", "pk")
        .first()
    )
    if delivery is not None:
        delivery.tries, delivery.next_at = delivery.tries + 1, at + LEASE
        delivery.save(update_fields=["tries", "next_at"])
    return delivery


def _send(delivery: Delivery, send: Send, at: datetime) -> bool:
    message = delivery.message
    try:
        status, fault = send(delivery.pk, message.phone_to_call, message.text), ""
    except (OSError, http.client.HTTPException) as error:
        status, fault = 0, type(error).__name__
    if 200 <= status < 300:
        _taken(delivery, at)
        return True
    # What the gateway says it will never take is not asked again.
    is_final = 400 <= status < 500 and status not in {408, 425, 429}
    tries = MOST_TRIES if is_final else delivery.tries
    note = _("短信没发出去（%(why)s）") % {"why": status or fault}
    pause = PAUSES[min(delivery.tries, len(PAUSES)) - 1]
    Delivery.objects.filter(pk=delivery.pk, taken_at=None, done_at=None).update(
        tries=tries, next_at=at + pause, note=note if tries >= MOST_TRIES else ""
    )
    return False


@transaction.atomic
def _taken(delivery: Delivery, at: datetime) -> None:
    row = Delivery.objects.filter(pk=delivery.pk, taken_at=None, done_at=None)
    if row.update(taken_at=at, next_at=None):
        data = {"delivery": str(delivery.pk), "tries": delivery.tries}
        stream = f"message:{delivery.message_id}"
        ledger.record(stream, "notify.sms_taken", region=delivery.region_id, by=SYSTEM, at=at, data=data)


@transaction.atomic
def receipt(delivery_id: UUID, status: str, *, at: datetime, why: str = "") -> bool:
    """
    Write down what the gateway says became of a message; told again, nothing more. Tells whether it was news.

    A message that did not arrive waits for a call. status: "delivered" or "failed"; why: the gateway's code.
    """
    if status not in {DELIVERED, FAILED}:
        raise BadReceipt(_("回执只能说送到（delivered）或者没送到（failed）。"))
    delivery = Delivery.objects.select_for_update().filter(pk=delivery_id, channel="outbox").first()
    if delivery is None or delivery.done_at is not None or (delivery.taken_at is None and delivery.note):
        return False
    if status == DELIVERED:
        delivery.taken_at, delivery.done_at, delivery.is_delivered = delivery.taken_at or at, at, True
    else:
        delivery.taken_at, delivery.tries = None, MOST_TRIES
        delivery.note = _("短信没送到（%(why)s）") % {"why": why[:40] or "—"}
    delivery.save(update_fields=["taken_at", "done_at", "is_delivered", "tries", "note"])
    data = {"delivery": str(delivery.pk), "status": status}
    stream = f"message:{delivery.message_id}"
    ledger.record(stream, "notify.sms_receipt", region=delivery.region_id, by=SYSTEM, at=at, data=data)
    return True


def end_unsaid(*, at: datetime) -> int:
    """End the waiting for receipts that never came; return how many."""
    old = Delivery.objects.filter(channel="outbox", done_at=None, taken_at__lt=at - NO_RECEIPT)
    return old.update(done_at=at, note=_("短信平台没有回执"))


# Gateways


def sender() -> Send | None:
    """The gateway the settings name, None when there is none: then staff telephone."""
    return {FILE: to_file, HTTP: to_gateway}.get(settings.SMS_GATEWAY)


def to_file(pk: UUID, phone: str, text: str) -> int:
    """For the demo and tests: a line in a file of the data folder, once a message."""
    path = Path(settings.HOME) / "sms.jsonl"
    line = json.dumps({"id": str(pk), "phone": phone, "text": text}, ensure_ascii=False)
    if path.exists() and str(pk) in path.read_text(encoding="utf-8"):
        return 200
    with path.open("a", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(line + "\n")
    return 200


def to_gateway(pk: UUID, phone: str, text: str) -> int:
    """
    One POST to the gateway of the settings, signed; the same id and body every time. Redirects are not followed.

    Raises OSError, http.client.HTTPException; neither holds the number.
    """
    parts = urlsplit(settings.SMS_URL)
    body = json.dumps({"id": str(pk), "phone": phone, "text": text}, ensure_ascii=False, sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": str(pk),
        "User-Agent": "yimen",
        "Yimen-Signature": signature(body, int(time.time())),
    }
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname or "", port, timeout=SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def signature(body: bytes, moment: int) -> str:
    """Return "t=<seconds>,v1=<hex>": HMAC-SHA256 with the shared key over the seconds, a dot and the body."""
    mac = hmac.new(settings.SMS_KEY.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def check_signature(said: str, body: bytes, *, at: datetime) -> None:
    """Raise BadReceipt unless `said` signs `body`, not longer than five minutes ago, with the gateway's key."""
    fields: dict[str, Any] = dict(one.split("=", 1) for one in said.split(",") if "=" in one)
    text = fields.get("t", "")
    moment = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    is_fresh = abs(at.timestamp() - moment) <= RECEIPT_AGE.total_seconds()
    if not settings.SMS_KEY or not is_fresh or not hmac.compare_digest(said.encode(), signature(body, moment).encode()):
        raise BadReceipt(_("签名不对，回执没有收。"))
