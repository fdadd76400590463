"""
How fast tickets are issued, called and finished: through the actions, and the same SQL raw beside it.

A cycle is one ticket taken, one called and finished, so that as many wait afterwards as before. Rows stay: use a
database of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import psycopg
from django.db import connections
from django.utils.timezone import localdate

from yimen.bench.measure import Figure, figure, run_for
from yimen.hall import actions, rules
from yimen.hall.actions import calling, common, tickets
from yimen.hall.models import Hall, Series, Ticket, TicketPeriod, Window
from yimen.ledger import chain
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.lib.ids import uuid7
from yimen.people import actions as people
from yimen.people.models import Department, Region, Role, ServiceCenter, Staff

REGION = "990000"
CLIENTS, WAITING = (1, 8, 32), (200, 2000)
WINDOWS = 200  # of a large hall, for the time one call takes


def run(rounds: int, at: datetime) -> list[Figure]:
    """Measure cycles with as many clients and people waiting; `rounds` calls, one by one, in a hall of 200 windows."""
    seconds = max(1.0, rounds / 200)
    rows = []
    for waiting in WAITING:
        series, windows = _stage(at, windows=max(CLIENTS), waiting=waiting)
        for clients in CLIENTS:
            took = run_for(seconds, clients, partial(_cycle, series, windows, at))
            raw = run_for(seconds, clients, partial(_raw_cycle, series, windows, at))
            what = f"issue, call, finish ({waiting:,} waiting)"
            rows.append(figure(what, clients, took, raw_per_second=(len(raw) - 1) / raw[0]))
    series, windows = _stage(at, windows=WINDOWS, waiting=2000)
    rows += [_calls(series, windows, clients, rounds, at) for clients in (1, 8)]
    return rows


def _cycle(series: Series, windows: list[Window], at: datetime, n: int) -> Callable[[], object]:
    window, clerk = windows[n], windows[n].staff
    assert clerk is not None

    def act() -> None:
        actions.take_ticket(series.pk, by=PUBLIC, at=at, source=Ticket.Source.KIOSK)
        ticket = actions.call_next(window.pk, by=clerk, at=at)
        assert ticket is not None
        actions.finish(ticket.pk, by=clerk, at=at + timedelta(seconds=30))

    return act


def _calls(series: Series, windows: list[Window], clients: int, rounds: int, at: datetime) -> Figure:
    """Only the call is timed; the clients go from window to window."""
    took: list[float] = []
    began = time.perf_counter()

    def make(n: int) -> Callable[[], object]:
        mine = windows[n::clients]
        turns = count()

        def act() -> None:
            window = mine[next(turns) % len(mine)]
            assert window.staff is not None
            start = time.perf_counter()
            ticket = actions.call_next(window.pk, by=window.staff, at=at)
            took.append(time.perf_counter() - start)
            assert ticket is not None
            actions.finish(ticket.pk, by=window.staff, at=at)

        return act

    run_for(60, clients, make, most=min(rounds, 1900))
    return figure(f"call ({WINDOWS} windows, 2,000 waiting)", clients, [time.perf_counter() - began, *took])


def _stage(at: datetime, *, windows: int, waiting: int) -> tuple[Series, list[Window]]:
    """A hall of its own with one series, windows with a clerk each, and people who wait."""
    region = Region.objects.get_or_create(code=REGION, defaults={"name": "测速区"})[0]
    tag = uuid7().hex[-8:]
    center = ServiceCenter.objects.create(
        region=region, code=f"bench-{tag}", letters=tag[:4].upper(), name="测速中心", address="", hours="", phone=""
    )
    department = Department.objects.create(region=region, code=f"bench-{tag}", name="测速部门")
    hall = Hall.objects.create(region=region, center=center, code=f"b-{tag}", name="测速大厅", keeps_hours=False)
    series = Series.objects.create(region=region, hall=hall, letter="A", name="综合窗口")
    staffed = []
    for number in range(1, windows + 1):
        window = Window.objects.create(region=region, hall=hall, number=number, name=f"{number} 号窗口")
        window.series.add(series)
        clerk = people.open_account(
            region=region, department=department, number=f"{tag}-{number}", name="测速员",
            username=f"bench-{tag}-{number}", password=None, by=SYSTEM, at=at,
        )  # fmt: skip
        people.grant_role(clerk, Role.CLERK, by=SYSTEM, at=at)
        staffed.append(actions.sign_in(window.pk, by=clerk, at=at))
    for _n in range(waiting):
        actions.take_ticket(series.pk, by=PUBLIC, at=at, source=Ticket.Source.KIOSK)
    return series, staffed


# -- the same statements, without the platform around them ------------------------------------------------------------


def _raw_cycle(series: Series, windows: list[Window], at: datetime, n: int) -> Callable[[], object]:
    known = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    connection = psycopg.connect(**{name: known[key] for name, key in names.items() if known[key]}, autocommit=True)
    window, clerk = windows[n], windows[n].staff
    assert clerk is not None

    def act() -> None:
        _raw_take(connection, series, at)
        _raw_finish(connection, _raw_call(connection, window, clerk, at), window, clerk, at)

    return act


def _raw_append(cursor: Any, stream: str, kind: str, actor: str, role: str, at: datetime, data: dict[str, Any]) -> None:
    row = chain.body(REGION, stream, kind, actor, role, at, data)
    cursor.execute(
        "SELECT ledger_append(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
        [REGION, stream, kind, actor, role, at, json.dumps(data, ensure_ascii=False), row],
    )


def _raw_take(connection: Any, series: Series, at: datetime) -> None:
    day = localdate(at)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT series.*, hall.* FROM hall_series AS series JOIN hall_hall AS hall ON hall.id = series.hall_id"
            " WHERE series.id = %s",
            [series.pk],
        )
        cursor.fetchone()
        cursor.execute(
            "INSERT INTO hall_ticketcounter AS known (region_id, series_id, day, value, last_at)"
            " VALUES (%s, %s, %s, 1, %s) ON CONFLICT (region_id, series_id, day) DO UPDATE"
            " SET value = known.value + 1, last_at = greatest(known.last_at, excluded.last_at)"
            " RETURNING value, last_at",
            [REGION, series.pk, day, at],
        )
        number, taken_at = cursor.fetchone()
        ticket = Ticket(
            region_id=REGION, hall_id=series.hall_id, series=series, day=day, number=number,
            label=rules.label("A", number), source="kiosk", queue_at=taken_at, taken_at=taken_at,
        )  # fmt: skip
        values = [field.get_db_prep_save(getattr(ticket, field.attname), connections["default"])
                  for field in tickets._FIELDS]  # fmt: skip
        period = [uuid7(), REGION, "waiting", None, None, taken_at, common.CHANNEL, str(series.hall_id)]
        cursor.execute(tickets._INSERT, [*values, *period])
        data = {"series": "A", "label": ticket.label, "day": day.isoformat(), "window": None, "source": "kiosk"}
        _raw_append(cursor, ticket.stream, "hall.taken", "public", "public", at, data)


def _raw_call(connection: Any, window: Window, clerk: Staff, at: datetime) -> Any:
    day = localdate(at)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM hall_window WHERE id = %s FOR NO KEY UPDATE", [window.pk])
        cursor.fetchone()
        cursor.execute(*calling.heads_of(window, day, []))
        ids = [row[0] for row in cursor.fetchall()]
        values = {
            "ids": ids, "whys": ["time"] * len(ids), "region": REGION, "window": window.pk, "staff": clerk.pk, "at": at,
            "pick": "{}", "undo": "{}", "period": uuid7(), "state": TicketPeriod.State.CALLED.value,
            "long": rules.LONG, "channel": common.CHANNEL, "hall": str(window.hall_id),
        }  # fmt: skip
        found = cursor.execute(calling._CLAIM, values).fetchone()
        data = {"series": "A", "label": "A001", "day": day.isoformat(), "window": window.number, "wait_seconds": 0}
        stream = f"ticket:{found[0]}"
        _raw_append(cursor, stream, "hall.called", clerk.ledger_ref, clerk.role_name, at, data)
    return found[0]


def _raw_finish(connection: Any, ticket_id: Any, window: Window, clerk: Staff, at: datetime) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM hall_ticket WHERE id = %s FOR NO KEY UPDATE", [ticket_id])
        cursor.fetchone()
        statement = common._MOVE.replace("{columns}", "status = %(status)s, finished_at = %(at)s::timestamptz,")
        values = {
            "id": ticket_id, "region": REGION, "hall": str(window.hall_id), "at": at, "changes": True, "undo": "{}",
            "period": None, "state": None, "window": window.pk, "staff": clerk.pk, "channel": common.CHANNEL,
            "status": "finished",
        }  # fmt: skip
        cursor.execute(statement, values)
        data = {"series": "A", "label": "A001", "day": "", "window": window.number, "service_seconds": 0}
        _raw_append(cursor, f"ticket:{ticket_id}", "hall.finished", clerk.ledger_ref, clerk.role_name, at, data)
