"""
Telling departments' systems what happened to their cases: at least once, signed, to public addresses only.

A message says what happened to which case, nothing about people: whoever is told asks the API for the rest.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from yimen.exchange import clients
from yimen.exchange.models import ApiClient, Webhook, WebhookDelivery
from yimen.ledger import followers
from yimen.ledger.actions import SYSTEM, Actor
from yimen.ledger.models import Event, Follower
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.people import access

NAME = "exchange.webhooks"
# What a client can be told about; docs/api.md says what each means.
KINDS = (
    "case.accepted",
    "case.archived",
    "case.certificate_made",
    "case.correction_told",
    "case.decided",
    "case.declined",
    "case.delivered",
    "case.due_moved",
    "case.extended",
    "case.extension_asked",
    "case.extension_refused",
    "case.fee_issued",
    "case.fee_paid",
    "case.materials_noted",
    "case.message_sent",
    "case.move_received",
    "case.move_returned",
    "case.moved",
    "case.received",
    "case.revoked",
    "case.sent_back",
    "case.stop_closed",
    "case.stop_opened",
    "case.task_done",
    "case.withdrawn",
)
MOST_WEBHOOKS = 10
# After the n-th failure in a row nothing is sent for so long; the last counts for all that follow.
PAUSES = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 180, 360, 720, 1440))
MOST_FAILURES = 12
# Whoever took a message and died leaves it to another after this.
LEASE = timedelta(minutes=5)
SECONDS = 10
_CONTEXT = "exchange_webhook.secret"
_END = 2**63 - 1


class BadAddress(DomainError):
    """An address we do not send to."""


class BadWebhook(DomainError):
    """Such a webhook cannot be registered."""


@transaction.atomic
def register(client: ApiClient, url: str, kinds: Sequence[str], *, by: Actor, at: datetime) -> Webhook:
    """
    Have `client` told at `url` from now on. kinds: of KINDS, none for all. Its secret comes from rotate().

    Raises BadAddress, BadWebhook; access.NotAllowed for anybody but the client itself and who manages clients.
    """
    _require(by, client)
    ApiClient.objects.select_for_update(of=("self",)).get(pk=client.pk)
    resolve(url)
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise BadWebhook(_("没有“%(kind)s”这种通知，请看接口说明里的清单。") % {"kind": unknown[0][:60]})
    live = Webhook.objects.filter(ended_at=None)
    if live.filter(client=client).count() >= MOST_WEBHOOKS:
        raise BadWebhook(_("一个系统最多登记 %(n)s 个接收地址，请先停用不用的。") % {"n": MOST_WEBHOOKS})
    if live.filter(client=client, url=url).exists():
        raise BadWebhook(_("这个接收地址已经登记过了。"))
    if not live.exists():  # nobody was told of what lies behind
        Follower.objects.update_or_create(
            pk=NAME, defaults={"tx": followers.horizon() - 1, "last_id": _END, "failures": 0, "failing_id": 0}
        )
    webhook = Webhook.objects.create(
        region_id=client.region_id,
        client=client,
        url=url,
        kinds=sorted(set(kinds)),
        secret_sealed=crypto.seal(secrets.token_urlsafe(32), _CONTEXT),
        made_at=at,
    )
    data = {"webhook": str(webhook.pk), "host": urlsplit(url).hostname, "kinds": webhook.kinds}
    clients.record(client, "exchange.webhook_made", by=by, at=at, data=data)
    return webhook


@transaction.atomic
def rotate(webhook_id: UUID, *, by: Actor, at: datetime) -> str:
    """Give a webhook a new secret and return it, this once; the one before ends at once. Raises access.NotAllowed."""
    webhook = _locked(webhook_id, by)
    secret = secrets.token_urlsafe(32)
    webhook.secret_sealed = crypto.seal(secret, _CONTEXT)
    webhook.save(update_fields=["secret_sealed"])
    _record(webhook, "exchange.webhook_secret_rotated", by=by, at=at)
    return secret


@transaction.atomic
def end(webhook_id: UUID, *, by: Actor, at: datetime) -> Webhook:
    """Send no more; ending again changes nothing. Raises access.NotAllowed."""
    webhook = _locked(webhook_id, by)
    if webhook.ended_at is None:
        webhook.ended_at = at
        webhook.save(update_fields=["ended_at"])
        _record(webhook, "exchange.webhook_ended", by=by, at=at)
    return webhook


@transaction.atomic
def resume(webhook_id: UUID, *, by: Actor, at: datetime) -> Webhook:
    """Send again, what waited first; resuming one that runs changes nothing. Raises BadWebhook, access.NotAllowed."""
    webhook = _locked(webhook_id, by)
    if webhook.ended_at is not None:
        raise BadWebhook(_("这个接收地址已经停用了，请重新登记一个。"))
    if webhook.paused_at is not None:
        webhook.paused_at, webhook.failures = None, 0
        webhook.save(update_fields=["paused_at", "failures"])
        webhook.deliveries.filter(done_at=None).update(next_at=at)
        _record(webhook, "exchange.webhook_resumed", by=by, at=at)
    return webhook


def _require(by: Actor, client: ApiClient) -> None:
    if by.ledger_ref != client.staff.ledger_ref:
        access.require(by, "exchange.manage", region=client.region_id)


def _locked(webhook_id: UUID, by: Actor) -> Webhook:
    webhook = Webhook.objects.select_for_update(of=("self",)).select_related("client__staff").get(pk=webhook_id)
    _require(by, webhook.client)
    return webhook


def _record(webhook: Webhook, kind: str, *, by: Actor, at: datetime) -> None:
    clients.record(webhook.client, kind, by=by, at=at, data={"webhook": str(webhook.pk)})


# -- what there is to tell --------------------------------------------------------------------------------------------


def follow(*, at: datetime, limit: int = 500) -> int:
    """Read on in the ledger and write down what each webhook is to be told; return how many rows were read."""
    live = Webhook.objects.filter(ended_at=None).select_related("client__staff__user")
    webhooks = [webhook for webhook in live if clients.is_live(webhook.client, at)]
    if not webhooks:
        return 0
    return followers.follow(NAME, KINDS, lambda event: _note(event, webhooks, at), at=at, limit=limit)


def _note(event: Event, webhooks: Sequence[Webhook], at: datetime) -> None:
    if not event.stream.startswith("case:"):
        return
    pk = clients.case_id(event)
    for webhook in webhooks:
        if webhook.kinds and event.kind not in webhook.kinds:
            continue
        case = clients.visible(webhook.client.staff, {pk}).get(pk)
        if case is None:
            continue
        body = {
            "event": event.pk,
            "kind": event.kind,
            "at": event.at.isoformat(),
            "region": case.region_id,
            "number": case.query_no,
            "case_no": case.case_no,
            "item": case.item.task_code,
            "department": case.department.code,
            "outcome": case.outcome if event.kind == "case.decided" else "",
        }
        # While an address fails, what is new waits with the rest.
        waiting = webhook.deliveries.filter(done_at=None, tries__gt=0).aggregate(Max("next_at"))["next_at__max"]
        delivery = WebhookDelivery(
            region_id=webhook.region_id, webhook=webhook, event_id=event.pk, kind=event.kind, body=body, made_at=at,
            next_at=max(at, waiting or at),
        )  # fmt: skip
        WebhookDelivery.objects.bulk_create([delivery], ignore_conflicts=True)


# -- sending ----------------------------------------------------------------------------------------------------------

Send = Callable[[str, bytes, dict[str, str]], int]


def send_due(*, at: datetime, most: int = 200, send: Send | None = None) -> int:
    """
    Send what is due and return how much arrived. It may run twice at once: a row is taken by one, or after LEASE.

    An answer of 200 to 299 is an arrival. After any other, or none, all that waits for that address waits longer
    (PAUSES); after MOST_FAILURES in a row the webhook is paused, which stands in the ledger.
    """
    arrived = 0
    for _turn in range(most):
        delivery = _take(at)
        if delivery is None:
            break
        arrived += _deliver(delivery, at, send or post)
    return arrived


def _take(at: datetime) -> WebhookDelivery | None:
    with transaction.atomic():
        waiting = WebhookDelivery.objects.filter(
            done_at=None, next_at__lte=at, webhook__paused_at=None, webhook__ended_at=None
        )
        delivery = (
            waiting.select_for_update(of=("self",), skip_locked=True)
            .select_related("webhook__client__staff__user")
            .order_by("tries", "event_id")
            .first()
        )
        if delivery is not None:
            delivery.tries, delivery.next_at = min(delivery.tries + 1, 32_000), at + LEASE
            delivery.save(update_fields=["tries", "next_at"])
        return delivery


def _deliver(delivery: WebhookDelivery, at: datetime, send: Send) -> bool:
    webhook = delivery.webhook
    if not clients.is_live(webhook.client, at):  # nobody is there who might see the case
        end(webhook.pk, by=SYSTEM, at=at)
        return False
    body = json.dumps(delivery.body, ensure_ascii=False, sort_keys=True).encode()
    secret = crypto.open_sealed(webhook.secret_sealed, _CONTEXT)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "yimen",
        "Yimen-Delivery": str(delivery.pk),
        "Yimen-Signature": signature(secret, int(at.timestamp()), body),
    }
    try:
        status, error = send(webhook.url, body, headers), ""
    except (OSError, http.client.HTTPException, DomainError, ValueError) as problem:
        status, error = None, type(problem).__name__
    if status is not None and 200 <= status < 300:
        WebhookDelivery.objects.filter(pk=delivery.pk).update(done_at=at, status=status, error="")
        Webhook.objects.filter(pk=webhook.pk, failures__gt=0).update(failures=0)
        return True
    _failed(delivery, at, status=status, error=error)
    return False


def _failed(delivery: WebhookDelivery, at: datetime, *, status: int | None, error: str) -> None:
    with transaction.atomic():
        webhooks = Webhook.objects.select_for_update(of=("self",)).select_related("client")
        webhook = webhooks.get(pk=delivery.webhook_id)
        webhook.failures += 1
        if webhook.failures >= MOST_FAILURES and webhook.paused_at is None:
            webhook.paused_at = at
            _record(webhook, "exchange.webhook_paused", by=SYSTEM, at=at)
        webhook.save(update_fields=["failures", "paused_at"])
        pause = PAUSES[min(webhook.failures, len(PAUSES)) - 1]
        row = webhook.deliveries.filter(pk=delivery.pk, done_at=None)
        row.update(status=status, error=error, next_at=at + pause)
        webhook.deliveries.filter(done_at=None, next_at__lt=at + pause).update(next_at=at + pause)


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return "t=<seconds>,v1=<hex>": HMAC-SHA256 over the seconds, a dot and the body as it was sent."""
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def resolve(url: str) -> tuple[str, str, int]:
    """
    Return (host, an address of it we may connect to, port). Raises BadAddress, saying what is wrong.

    Only https, only public addresses: every address the name has is looked at, so that nobody has us knock at doors
    of our own network. Where settings.WEBHOOKS_TO_LOOPBACK is on (tests), http to this machine too.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    strange = any(ord(one) <= 32 or ord(one) == 127 for one in url) or not url.isascii() or len(url) > 300
    if strange or not host or parts.username is not None or parts.fragment or parts.scheme not in {"https", "http"}:
        raise BadAddress(_("接收地址要写完整，例如 https://hooks.example.gov.cn/yimen，最多 300 个字符。"))
    port = port or (443 if parts.scheme == "https" else 80)
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise BadAddress(_("找不到接收地址里的主机，请核对域名。")) from None
    local = settings.WEBHOOKS_TO_LOOPBACK and all(ipaddress.ip_address(one).is_loopback for one in found)
    if not local and (parts.scheme != "https" or not found or not all(_is_public(one) for one in found)):
        raise BadAddress(_("接收地址必须是 https，并且是公开的地址；不能指向本机或内部网络。"))
    return host, min(found), port


def _is_public(address: str) -> bool:
    one = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(one, ipaddress.IPv6Address):
        # IPv4 in IPv6 (mapped, 6to4, Teredo, NAT64) may lead to where IPv4 leads.
        inner = one.ipv4_mapped or one.sixtofour or (one.teredo and one.teredo[1])
        if inner or one in ipaddress.ip_network("64:ff9b::/96"):
            return False
    return one.is_global and not one.is_multicast


class _Plain(http.client.HTTPConnection):
    """Connects to the address that was looked at, whatever the name says a moment later."""

    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Secure(_Plain):
    default_port = 443

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """
    Send `body` and return the status; a redirect is a status like any other and not followed, the answer not read.

    Raises BadAddress, OSError, http.client.HTTPException.
    """
    host, address, port = resolve(url)
    parts = urlsplit(url)
    connection = (_Secure if parts.scheme == "https" else _Plain)(host, address, port)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def forget_old(*, at: datetime) -> int:
    """Delete what arrived, and what waits for an address that ended, more than 90 days ago; return how many rows."""
    old = WebhookDelivery.objects.filter(made_at__lt=at - timedelta(days=90))
    return (old.exclude(done_at=None) | old.exclude(webhook__ended_at=None)).delete()[0]


def webhooks_of(client: ApiClient) -> list[Webhook]:
    return list(client.webhooks.filter(ended_at=None).order_by("made_at"))


__all__ = [
    "KINDS",
    "MOST_FAILURES",
    "PAUSES",
    "BadAddress",
    "BadWebhook",
    "end",
    "follow",
    "forget_old",
    "post",
    "register",
    "resolve",
    "resume",
    "rotate",
    "send_due",
    "signature",
    "webhooks_of",
]
