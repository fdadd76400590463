"""
How fast tickets are taken and called: through the actions, and the same SQL raw beside it.

Both run in the same database in turns, so that a busy machine slows both. Rows stay: use a database of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import connections
from django.utils.timezone import localdate

from yimen.bench.measure import Figure, figure
from yimen.hall import actions, rules
from yimen.hall.models import Hall, Series, Ticket, Window
from yimen.ledger import chain
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.lib.ids import uuid7
from yimen.people import actions as people
from yimen.people.models import Department, Region, Role, ServiceCenter, Staff

REGION = "990000"
# Turns between the two ways: short enough that both meet the same noise.
BLOCK = 50


def tickets(count: int, at: datetime) -> Figure:
    """Take `count` tickets through the actions and as many raw."""
    series, _window = _stage(at)
    connection = _raw_connection()

    def ours(n: int) -> None:
        actions.take_ticket(series.pk, by=PUBLIC, at=at, source=Ticket.Source.KIOSK)

    with connection:
        return _in_turns("tickets taken", count, ours, lambda n: _raw_take(connection, series, at))


def calls(count: int, at: datetime) -> Figure:
    """Call and finish `count` tickets through the actions and as many raw; only the call is timed."""
    series, window = _stage(at)
    connection = _raw_connection()
    clerk = window.staff
    assert clerk is not None
    for _n in range(2 * count):
        actions.take_ticket(series.pk, by=PUBLIC, at=at, source=Ticket.Source.KIOSK)

    def ours(n: int) -> Callable[[], Any]:
        ticket = actions.call_next(window.pk, by=clerk, at=at)
        assert ticket is not None
        return lambda: actions.finish(ticket.pk, by=clerk, at=at + timedelta(seconds=30))

    def raw(n: int) -> Callable[[], Any]:
        ticket_id = _raw_call(connection, window, clerk, at)
        return lambda: actions.finish(ticket_id, by=clerk, at=at + timedelta(seconds=30))

    with connection:
        return _in_turns("tickets called", count, ours, raw)


def _in_turns(name: str, count: int, ours: Callable[[int], Any], raw: Callable[[int], Any]) -> Figure:
    times: tuple[list[float], list[float]] = ([], [])
    for start in range(0, count, BLOCK):
        for act, seen in zip((ours, raw), times, strict=True):
            for n in range(start, min(start + BLOCK, count)):
                before = time.perf_counter()
                after = act(n)
                seen.append(time.perf_counter() - before)
                if after is not None:
                    after()
    return figure(name, 1, [sum(times[0]), *times[0]], raw_per_second=count / sum(times[1]))


def _stage(at: datetime) -> tuple[Series, Window]:
    """A hall of its own with one series, one window and a clerk at it."""
    region = Region.objects.get_or_create(code=REGION, defaults={"name": "测速区"})[0]
    tag = uuid7().hex[-8:]
    center = ServiceCenter.objects.create(
        region=region, code=f"bench-{tag}", letters=tag[:4].upper(), name="测速中心", address="", hours="", phone=""
    )
    department = Department.objects.create(region=region, code=f"bench-{tag}", name="测速部门")
    hall = Hall.objects.create(region=region, center=center, code=f"b-{tag}", name="测速大厅")
    series = Series.objects.create(region=region, hall=hall, letter="A", name="综合窗口")
    window = Window.objects.create(region=region, hall=hall, number=1, name="1 号窗口")
    window.series.add(series)
    clerk = people.open_account(
        region=region, department=department, number=tag, name="测速员", username=f"bench-{tag}", password=None,
        by=SYSTEM, at=at,
    )  # fmt: skip
    people.grant_role(clerk, Role.CLERK, by=SYSTEM, at=at)
    return series, actions.sign_in(window.pk, by=clerk, at=at)


def _raw_connection() -> psycopg.Connection:
    known = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return psycopg.connect(**{name: known[key] for name, key in names.items() if known[key]}, autocommit=True)


def _raw_append(
    cursor: psycopg.Cursor, stream: str, kind: str, actor: str, role: str, at: datetime, data: dict[str, Any]
) -> None:
    row = chain.body(REGION, stream, kind, actor, role, at, data)
    cursor.execute(
        "SELECT ledger_append(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
        [REGION, stream, kind, actor, role, at, json.dumps(data, ensure_ascii=False), row],
    )


def _raw_take(connection: psycopg.Connection, series: Series, at: datetime) -> None:
    day, ticket_id = localdate(at), uuid7()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT id, region_id, hall_id, letter, is_open FROM hall_series WHERE id = %s", [series.pk])
        cursor.fetchone()
        cursor.execute(
            "INSERT INTO hall_ticketcounter AS known (region_id, series_id, day, value, last_at)"
            " VALUES (%s, %s, %s, 1, %s) ON CONFLICT (region_id, series_id, day) DO UPDATE"
            " SET value = known.value + 1, last_at = greatest(known.last_at, excluded.last_at)"
            " RETURNING value, last_at",
            [REGION, series.pk, day, at],
        )
        found = cursor.fetchone()
        assert found is not None
        number, taken_at = found
        label = rules.label(series.letter, number)
        cursor.execute(
            "INSERT INTO hall_ticket (id, region_id, hall_id, series_id, day, number, label, status, source,"
            " phone_last_four, care, again_reason, is_priority, queue_at, taken_at, call_count)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, 'waiting', 'kiosk', '', '', '', false, %s, %s, 0)",
            [ticket_id, REGION, series.hall_id, series.pk, day, number, label, taken_at, taken_at],
        )
        data = {"series": series.letter, "label": label, "day": day.isoformat(), "window": None}
        _raw_append(cursor, f"ticket:{ticket_id}", "hall.taken", "public", "public", at, data)
        cursor.execute("SELECT pg_notify(%s, %s)", [actions.CHANNEL, str(series.hall_id)])


def _raw_call(connection: psycopg.Connection, window: Window, clerk: Staff, at: datetime) -> Any:
    day = localdate(at)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT id, staff_id FROM hall_window WHERE id = %s FOR NO KEY UPDATE", [window.pk])
        cursor.fetchone()
        cursor.execute(
            "SELECT id FROM hall_ticket WHERE region_id = %s AND window_id = %s AND status IN ('called', 'serving')",
            [REGION, window.pk],
        )
        cursor.fetchone()
        cursor.execute(actions._HEADS, [REGION, day, [], actions._DEPTH, window.pk])
        order = rules.calling_order([[rules.Head(*row) for row in cursor.fetchall()]])
        cursor.execute(
            actions._CLAIM,
            [[head.ticket_id for head in order], REGION, "waiting", "called", window.pk, clerk.pk, at, at, REGION,
             "waiting"],
        )  # fmt: skip
        found = cursor.fetchone()
        assert found is not None
        cursor.execute("SELECT label, taken_at FROM hall_ticket WHERE id = %s", found)
        ticket = cursor.fetchone()
        assert ticket is not None
        data = {"series": "A", "label": ticket[0], "day": day.isoformat(), "window": window.number}
        data["wait_seconds"] = rules.seconds_between(ticket[1], at)
        _raw_append(cursor, f"ticket:{found[0]}", "hall.called", clerk.ledger_ref, clerk.role_name, at, data)
        cursor.execute("SELECT pg_notify(%s, %s)", [actions.CHANNEL, str(window.hall_id)])
    return found[0]


def run(count: int, at: datetime) -> list[Figure]:
    """Measure both, `count` each way."""
    return [tickets(count, at), calls(count, at)]
