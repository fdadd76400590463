"""Why somebody did something, in his own words: kept sealed beside the ledger, never in it (SEC-19, SEC-44)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.people.models import StatedReason

_CONTEXT = "stated_reason.text"


def keep(stream: str, kind: str, text: str, *, region: str, by: Actor, at: datetime) -> dict[str, Any]:
    """
    Keep `text` for the ledger's row of `kind` in `stream`, within its transaction; return what that row says of it:
    where it stands, how long it is and a hash to check it by.
    """
    text = text.strip()
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
    return [Said(row.kind, crypto.open_sealed(bytes(row.text_sealed), _CONTEXT), row.by, row.at) for row in rows]
