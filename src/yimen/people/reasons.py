"""Why somebody did something, in his own words: kept sealed beside the ledger, never in it (SEC-19, SEC-44)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from yimen.ledger.actions import Actor
from yimen.ledger.models import Event
from yimen.lib import crypto
from yimen.people.models import StatedReason

_CONTEXT = "stated_reason.text"


def keep(stream: str, kind: str, text: str, *, region: str | None, by: Actor, at: datetime) -> dict[str, Any]:
    """
    Keep `text` for the ledger's row of `kind` in `stream`, within its transaction; return what that row says of it:
    where it stands, how long it is and a hash to check it by. Nothing is kept, and {} returned, when nothing was said.

    region: None for what belongs to no one place, as the work calendar does.
    """
    text = text.strip()
    if not text:
        return {}
    row = StatedReason.objects.create(
        region_id=region, stream=stream, kind=kind, text_sealed=crypto.seal(text, _CONTEXT), by=by.ledger_ref, at=at
    )
    return {
        "reason": str(row.pk),
        "reason_length": len(text),
        "reason_sha256": sha256(f"{row.pk}:{text}".encode()).hexdigest(),
    }


@dataclass(frozen=True)
class Said:
    """What was said. kind: of the ledger's row; by: its actor."""

    kind: str
    text: str
    by: str
    at: datetime


def said_in(stream: str, kind: str = "") -> list[Said]:
    """Return what was said in `stream`, the latest first. Whether somebody may read it is for the caller."""
    rows = StatedReason.objects.filter(stream=stream, **({"kind": kind} if kind else {})).order_by("-at")
    return [_said(row) for row in rows]


@dataclass(frozen=True)
class Told:
    """A row of the ledger and what was said with it. data: of the row."""

    stream: str
    data: dict[str, Any]
    said: Said


def told_in(streams: Iterable[str], kind: str, *, region: str) -> list[Told]:
    """Return the ledger's rows of `kind` in `streams` that something was said with, the earliest first."""
    rows = Event.objects.filter(region=region, stream__in=list(streams), kind=kind, data__has_key="reason_sha256")
    events = list(rows.order_by("pk"))
    kept = StatedReason.objects.in_bulk([event.data["reason"] for event in events])
    said = {str(pk): _said(row) for pk, row in kept.items()}
    return [
        Told(event.stream, event.data, said[event.data["reason"]]) for event in events if event.data["reason"] in said
    ]


def _said(row: StatedReason) -> Said:
    return Said(row.kind, crypto.open_sealed(bytes(row.text_sealed), _CONTEXT), row.by, row.at)
