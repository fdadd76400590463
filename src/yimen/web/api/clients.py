"""Who calls: a department's system by its key. And where it wants to be told: its webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import ConfigDict, Field, StringConstraints

from yimen.exchange import clients, webhooks
from yimen.exchange.models import ApiClient, Webhook
from yimen.ledger.once import Answer, once
from yimen.web.api import refusals
from yimen.web.kiosk.views import address_of
from yimen.web.limits import Limit

calls_limit = Limit(settings.API_CALLS_PER_MINUTE)
strangers_limit = Limit(60)


class TooManyCalls(Exception):
    """429: this client, or this address with keys that are none, asks too often."""


class ClientKey(HttpBearer):
    """The key of a department's system; what its account may do, it may."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiClient | None:
        client = clients.client_by_key(token, at=timezone.now())
        if not (calls_limit.allows(str(client.pk)) if client else strangers_limit.allows(address_of(request))):
            raise TooManyCalls
        return client


KEY = Annotated[str, StringConstraints(min_length=8, max_length=80, pattern=r"^[\x21-\x7e]+$")]
Key = Annotated[KEY, Header(alias="Idempotency-Key", description="the same key and body give the same answer")]


class Strict(Schema):
    """What is sent: nothing that is not named here."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Problem(Schema):
    """error: for people; code: for programs."""

    error: str
    code: str


REFUSALS = {
    400: Problem,
    401: Problem,
    403: Problem,
    404: Problem,
    409: Problem,
    422: Problem,
    429: Problem,
    503: Problem,
}


def client_of(request: HttpRequest) -> ApiClient:
    client: ApiClient = request.auth  # type: ignore[attr-defined]
    return client


def keyed(
    request: HttpRequest, act: str, key: str, produce: Callable[[], dict[str, Any]], *, status: int = 200
) -> HttpResponse | Status[Any]:
    """Do the act once for this account, act and key; a repeat gets the same answer, another body 422."""
    text = f"{request.get_full_path()}\n".encode() + request.body
    # Keyed with our secret, so that what is stored says nothing about what was sent.
    body = hmac.digest(settings.SECRET_KEY.encode(), text, hashlib.sha256)
    by = client_of(request).staff
    answer = once(act, key, by=by, at=timezone.now(), body=body, produce=lambda: Answer(status, produce()))
    if answer.status != status:
        return refusals.answer(str(answer.body["code"]), str(answer.body["error"]))
    return Status(status, answer.body)


router = Router(tags=["webhooks"], auth=ClientKey())


class WebhookIn(Strict):
    """kinds: what to be told about, none for everything."""

    url: str = Field(min_length=10, max_length=300)
    kinds: list[Annotated[str, StringConstraints(max_length=60)]] = Field([], max_length=len(webhooks.KINDS))


class WebhookOut(Schema):
    """failures: in a row; paused_at: after too many, until it is resumed."""

    id: UUID
    url: str
    kinds: list[str]
    made_at: datetime
    paused_at: datetime | None
    ended_at: datetime | None
    failures: int


class WebhooksOut(Schema):
    webhooks: list[WebhookOut]


class SecretOut(Schema):
    secret: str


class DeliveryOut(Schema):
    id: UUID
    event: int
    kind: str
    made_at: datetime
    done_at: datetime | None
    next_at: datetime
    tries: int
    status: int | None
    error: str


class DeliveriesOut(Schema):
    deliveries: list[DeliveryOut]


def _shown(webhook: Webhook) -> dict[str, Any]:
    return WebhookOut.from_orm(webhook).model_dump(mode="json")


def _own(request: HttpRequest, pk: UUID) -> Webhook:
    return Webhook.objects.get(pk=pk, client=client_of(request))


@router.post("/webhooks", response={201: WebhookOut, **REFUSALS}, summary="Register where to be told")
def webhook_register(request: HttpRequest, wanted: WebhookIn, key: Key) -> Any:
    """Its secret comes from the call below. Only https and public addresses."""
    client = client_of(request)

    def produce() -> dict[str, Any]:
        return _shown(webhooks.register(client, wanted.url, wanted.kinds, by=client.staff, at=timezone.now()))

    return keyed(request, "api.webhook_register", key, produce, status=201)


@router.get("/webhooks", response={200: WebhooksOut, **REFUSALS}, summary="The webhooks of this client")
def webhook_list(request: HttpRequest) -> Any:
    return {"webhooks": webhooks.webhooks_of(client_of(request))}


@router.post("/webhooks/{webhook_id}/secret", response={200: SecretOut, **REFUSALS}, summary="A new signing secret")
def webhook_secret(request: HttpRequest, webhook_id: UUID) -> Any:
    """The secret before ends at once. Takes no key: an answer kept would keep the secret."""
    webhook = _own(request, webhook_id)
    return {"secret": webhooks.rotate(webhook.pk, by=client_of(request).staff, at=timezone.now())}


@router.post("/webhooks/{webhook_id}/resume", response={200: WebhookOut, **REFUSALS}, summary="Send again")
def webhook_resume(request: HttpRequest, webhook_id: UUID, key: Key) -> Any:
    by = client_of(request).staff
    webhook = _own(request, webhook_id)
    resume = webhooks.resume
    return keyed(request, "api.webhook_resume", key, lambda: _shown(resume(webhook.pk, by=by, at=timezone.now())))


@router.post("/webhooks/{webhook_id}/end", response={200: WebhookOut, **REFUSALS}, summary="Send no more")
def webhook_end(request: HttpRequest, webhook_id: UUID, key: Key) -> Any:
    by = client_of(request).staff
    webhook = _own(request, webhook_id)
    return keyed(request, "api.webhook_end", key, lambda: _shown(webhooks.end(webhook.pk, by=by, at=timezone.now())))


@router.get(
    "/webhooks/{webhook_id}/deliveries", response={200: DeliveriesOut, **REFUSALS}, summary="The newest 100 messages"
)
def webhook_deliveries(request: HttpRequest, webhook_id: UUID) -> Any:
    rows = _own(request, webhook_id).deliveries.order_by("-made_at", "-pk")[:100]
    return {
        "deliveries": [
            {field: getattr(row, field) for field in DeliveryOut.model_fields if field != "event"}
            | {"event": row.event_id}
            for row in rows
        ]
    }
