"""What tests of the ledger share; also for other packages' tests of their followers."""

import json
import time
from datetime import UTC, datetime

import psycopg
from django.db.models import Max

from yimen.ledger import chain
from yimen.ledger.actions import Nobody
from yimen.ledger.followers import horizon
from yimen.ledger.models import Event

AT = datetime(2026, 11, 18, 1, 5, 0, 123456, tzinfo=UTC)
CLERK = Nobody("staff:1", "clerk")
REGION = "500000"


def settle(seconds: float = 120) -> None:
    """
    Wait until every row can be followed and sealed.

    Other tests on the same server hold transactions open, and readers stop before the oldest of those.
    """
    newest = Event.objects.aggregate(newest=Max("tx"))["newest"] or 0
    deadline = time.monotonic() + seconds
    while horizon() <= newest:
        assert time.monotonic() < deadline, "another connection keeps its transaction open"
        time.sleep(0.01)


def append(connection: psycopg.Connection, stream: str, kind: str = "test.happened", data: dict | None = None) -> int:
    """Write a row as the platform does, over another connection."""
    data = data or {}
    row = chain.body(REGION, stream, kind, "system", "system", AT, data)
    found = connection.execute(
        "SELECT ledger_append(%s, %s, %s, 'system', 'system', %s, %s::jsonb, %s)",
        [REGION, stream, kind, AT, json.dumps(data), row],
    ).fetchone()
    assert found
    return found[0]
