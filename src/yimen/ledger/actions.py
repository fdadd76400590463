"""Writing the ledger: one row per act, in the act's own transaction."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connection

from yimen.ledger import chain
from yimen.lib import acts
from yimen.lib.errors import DomainError


class Actor(Protocol):
    """Whoever acts: `ledger_ref` is stored, never a name."""

    @property
    def ledger_ref(self) -> str: ...

    @property
    def role_name(self) -> str: ...


@dataclass(frozen=True)
class Nobody:
    """An actor without an account."""

    ledger_ref: str
    role_name: str = ""


SYSTEM = Nobody("system", "system")
PUBLIC = Nobody("public", "public")


class NotInTransaction(DomainError):
    """A ledger row outside a transaction could stand without its act."""


def record(stream: str, kind: str, *, region: str, by: Actor, at: datetime, data: dict[str, Any] | None = None) -> int:
    """
    Add the next row of `stream` and return its id.

    Call it inside the act's transaction, after locking what the act changes: two writers of one stream
    then queue on that lock; without it the second fails on the unique (region, stream, seq).
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_APPEND}", _values(stream, kind, region, by, at, data or {}))
        return int(cursor.fetchone()[0])


def note(stream: str, kind: str, *, region: str, by: Actor, at: datetime, data: dict[str, Any] | None = None) -> None:
    """As record(), together with everything else the act writes (lib.acts)."""
    acts.tell(_APPEND, _values(stream, kind, region, by, at, data or {}))


_APPEND = "ledger_append(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)"


def _values(stream: str, kind: str, region: str, by: Actor, at: datetime, data: dict[str, Any]) -> list[Any]:
    if not connection.in_atomic_block:
        raise NotInTransaction("ledger.record() belongs inside the transaction of the act it records")
    row = chain.body(region, stream, kind, by.ledger_ref, by.role_name, at, data)
    return [region, stream, kind, by.ledger_ref, by.role_name, at, json.dumps(data, ensure_ascii=False), row]
