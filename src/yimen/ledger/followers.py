"""Reading along with the ledger without ever skipping a row that was written earlier and committed later (REL-9)."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from yimen.ledger.models import Event, Follower, Unhandled

logger = logging.getLogger("yimen.ledger")

TRIES = 5
# The position also moves over rows of other kinds, but not for every few transactions.
STEP = 1000
_END = 2**63 - 1


def horizon() -> int:
    """Return the number of the oldest transaction still running: every row below it is there for all to see."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def follow(
    name: str,
    kinds: Collection[str],
    handle: Callable[[Event], None],
    *,
    at: datetime,
    limit: int = 500,
    region: str | None = None,
) -> int:
    """
    Give `handle` the next rows of these kinds (empty: all), in order of position, and return how many it took.

    What `handle` writes to the database is committed together with the position, so it happens once for each row.
    Only one process follows under one name (and region) at a time; others get 0 at once. A row that `handle`
    raises for is tried again by the next calls, TRIES times in all, then kept in Unhandled, and the rest goes on.
    """
    key = f"{name}@{region}" if region else name
    if not Follower.objects.filter(pk=key).exists():
        Follower.objects.bulk_create([Follower(name=key)], ignore_conflicts=True)
    with transaction.atomic(durable=True):
        follower = Follower.objects.select_for_update(skip_locked=True).filter(pk=key).first()
        if follower is None:
            return 0
        before = horizon()
        events = _after(follower, before, kinds, region, limit)
        handled = 0
        for event in events:
            error = _try(handle, event)
            if error and not _give_up(follower, event, error, at):
                break
            follower.tx, follower.last_id = event.tx, event.pk
            follower.failures = follower.failing_id = 0
            handled += not error
        else:
            if len(events) < limit and before - follower.tx > STEP:
                follower.tx, follower.last_id = before - 1, _END
        follower.save(update_fields=["tx", "last_id", "failures", "failing_id"])
        return handled


def behind(name: str, kinds: Collection[str], *, region: str | None = None) -> int:
    """Return how many rows of these kinds `name` has not handled yet, those of running transactions left out."""
    follower = Follower.objects.filter(pk=f"{name}@{region}" if region else name).first() or Follower()
    where, values = _where(follower, horizon(), kinds, region)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ledger_event WHERE {where}", values)  # noqa: S608 - our constants
        return int(cursor.fetchone()[0])


def _where(follower: Follower, before: int, kinds: Collection[str], region: str | None) -> tuple[str, list[Any]]:
    where = "(tx, id) > (%s, %s) AND tx < %s"
    values: list[Any] = [follower.tx, follower.last_id, before]
    if kinds:
        where, values = f"{where} AND kind = ANY(%s)", [*values, sorted(kinds)]
    if region:
        where, values = f"{where} AND region = %s", [*values, region]
    return where, values


def _after(follower: Follower, before: int, kinds: Collection[str], region: str | None, limit: int) -> list[Event]:
    where, values = _where(follower, before, kinds, region)
    query = f"SELECT * FROM ledger_event WHERE {where} ORDER BY tx, id LIMIT %s"  # noqa: S608 - our constants
    return list(Event.objects.raw(query, [*values, limit]))


def _try(handle: Callable[[Event], None], event: Event) -> Exception | None:
    try:
        with transaction.atomic():
            handle(event)
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise
        return error
    return None


def _give_up(follower: Follower, event: Event, error: Exception, at: datetime) -> bool:
    """Count the failure; after the last try keep the row aside, with the kind of error only: texts may name people."""
    follower.failures = follower.failures + 1 if follower.failing_id == event.pk else 1
    follower.failing_id = event.pk
    what = type(error).__name__
    logger.warning("follower %s failed on row %s (%s), try %s", follower.name, event.pk, what, follower.failures)
    if follower.failures < TRIES:
        return False
    Unhandled.objects.get_or_create(follower=follower.name, event=event, defaults={"error": what, "at": at})
    return True
