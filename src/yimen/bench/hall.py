"""
How fast tickets are issued, called and finished: through the actions, beside the same SQL sent raw, and beside plain
Django on the same tables without any duty.

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
from uuid import UUID

import psycopg
from django.db import connections, transaction
from django.db.models import F
from django.utils.timezone import localdate

from yimen.bench.measure import Figure, figure, run_apart
from yimen.hall import actions, rules
from yimen.hall.actions import calling, tickets
from yimen.hall.models import Hall, Series, Ticket, TicketCounter, Window
from yimen.ledger import chain
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.lib.ids import uuid7
from yimen.people import actions as people
from yimen.people.models import Department, Region, Role, ServiceCenter, Staff

REGION = "990000"
CLIENTS, WAITING = (1, 8, 32), (200, 2000)
WINDOWS = 200  # of a large hall, for the time one call takes
WAITS = 1900


def run(rounds: int, at: datetime) -> list[Figure]:
    """Measure cycles with as many clients and people waiting; `rounds` calls, one by one, in a hall of 200 windows."""
    seconds = max(1.0, rounds / 200)
    rows = []
    for waiting in WAITING:
        series, windows = _stage(at, windows=max(CLIENTS), waiting=waiting)
        for clients in CLIENTS:
            took = run_apart(seconds, clients, partial(_cycle, series, windows, at))
            raw = run_apart(seconds, clients, partial(_raw_cycle, series, windows, at))
            what = f"issue, call, finish ({waiting:,} waiting)"
            rows.append(figure(what, clients, took, raw_per_second=(len(raw) - 1) / raw[0]))
        rows += [_plainly(series.hall, windows, waiting, clients, seconds, at) for clients in CLIENTS]
    series, windows = _stage(at, windows=WINDOWS, waiting=max(2000, 2 * min(rounds, WAITS) + 200))
    rows += [_calls(series, windows, clients, rounds, at) for clients in (1, 8)]
    return rows


def _cycle(series: Series, windows: list[Window], at: datetime, n: int) -> Callable[[], None]:
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

    def make(n: int) -> Callable[[], float]:
        mine = windows[n::clients]
        turns = count()

        def act() -> float:
            window = mine[next(turns) % len(mine)]
            assert window.staff is not None
            start = time.perf_counter()
            ticket = actions.call_next(window.pk, by=window.staff, at=at)
            took = time.perf_counter() - start
            assert ticket is not None
            actions.finish(ticket.pk, by=window.staff, at=at)
            return took

        return act

    took = run_apart(60, clients, make, most=min(rounds, WAITS))
    return figure(f"call ({WINDOWS} windows, 2,000 waiting)", clients, took)


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


# -- plain Django: no rights, no policy, no hours, no ledger, no screens, no undo --------------------------------------


def _plainly(hall: Hall, windows: list[Window], waiting: int, clients: int, seconds: float, at: datetime) -> Figure:
    """The same cycle as whoever writes a queue for the first time writes it, in a series of its own."""
    letter = "PQR"[CLIENTS.index(clients)]
    series = Series.objects.create(region_id=REGION, hall=hall, letter=letter, name="测速")
    row: dict[str, Any] = {"region_id": REGION, "hall": hall, "series": series, "day": localdate(at)}
    TicketCounter.objects.create(region_id=REGION, series=series, day=row["day"], value=waiting)
    numbers = range(1, waiting + 1)
    there = (Ticket(**row, number=n, label=f"{letter}{n:05d}", queue_at=at, taken_at=at) for n in numbers)
    Ticket.objects.bulk_create(there, batch_size=500)
    took = run_apart(seconds, clients, partial(_plain_cycle, row, windows, at))
    return figure(f"plain Django, the same ({waiting:,} waiting)", clients, took)


def _plain_cycle(row: dict[str, Any], windows: list[Window], at: datetime, n: int) -> Callable[[], None]:
    window, clerk = windows[n], windows[n].staff
    counter = TicketCounter.objects.filter(series=row["series"], day=row["day"])
    waiting = Ticket.objects.filter(**row, status=Ticket.Status.WAITING).order_by("is_priority", "queue_at", "number")

    def act() -> None:
        with transaction.atomic():
            counter.update(value=F("value") + 1)
            number = counter.values_list("value", flat=True).get()
            label = f"{row['series'].letter}{number:05d}"
            Ticket.objects.create(**row, number=number, label=label, queue_at=at, taken_at=at)
        with transaction.atomic():
            ticket = waiting.select_for_update(skip_locked=True)[0]
            ticket.status, ticket.window, ticket.served_by, ticket.called_at = "called", window, clerk, at
            ticket.save(update_fields=["status", "window", "served_by", "called_at"])
        with transaction.atomic():
            ticket = Ticket.objects.select_for_update().get(pk=ticket.pk)
            ticket.status, ticket.finished_at = "finished", at
            ticket.save(update_fields=["status", "finished_at"])

    return act


# -- the same statements, without the platform around them ------------------------------------------------------------


def _raw_cycle(series: Series, windows: list[Window], at: datetime, n: int) -> Callable[[], None]:
    known = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    connection = psycopg.connect(
        **{name: known[key] for name, key in names.items() if known[key]}, autocommit=True, prepare_threshold=2
    )
    window, clerk = windows[n], windows[n].staff
    assert clerk is not None

    def act() -> None:
        _raw_take(connection, series, at)
        _raw_finish(connection, _raw_call(connection, window, clerk, at), window, clerk, at)

    return act


def _raw_take(connection: Any, series: Series, at: datetime) -> None:
    day = localdate(at)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT series.*, hall.* FROM hall_series AS series JOIN hall_hall AS hall ON hall.id = series.hall_id"
            " WHERE series.id = %s",
            [series.pk],
        )
        cursor.fetchone()
        ticket = Ticket(region_id=REGION, hall_id=series.hall_id, series=series, day=day, source="kiosk")
        cursor.execute(tickets.GIVE, tickets.given(ticket, PUBLIC, at))
        cursor.fetchone()


def _raw_call(connection: Any, window: Window, clerk: Staff, at: datetime) -> Any:
    with connection.transaction(), connection.cursor() as cursor:
        tried: list[UUID] = []
        while True:  # as the action does: every head seen may be somebody else's by now
            cursor.execute(calling.HEADS, [window.pk, localdate(at), tried, 8])
            ids = [UUID(head[0]) for head in cursor.fetchone()[-1]]
            values = [
                REGION, window.pk, window.number, clerk.pk, ids, ["time"] * len(ids), at, "{}", "{}", uuid7(),
                rules.LONG, clerk.ledger_ref, clerk.role_name, "{}",
            ]  # fmt: skip
            if (row := cursor.execute(calling.CLAIM, values).fetchone()) is not None:
                return row[0]
            tried += ids


def _raw_finish(connection: Any, ticket_id: Any, window: Window, clerk: Staff, at: datetime) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM hall_ticket WHERE id = %s FOR NO KEY UPDATE", [ticket_id])
        cursor.fetchone()
        changes = json.dumps({"status": "finished", "finished_at": at.isoformat()})
        data = {"series": "A", "label": "A001", "day": "", "window": window.number, "service_seconds": 0}
        row = (REGION, f"ticket:{ticket_id}", "hall.finished", clerk.ledger_ref, clerk.role_name, at)
        cursor.execute(
            "SELECT hall_move(%s, %s::jsonb, true, '{}', NULL, NULL, %s),"
            " ledger_append(%s, %s, %s, %s, %s, %s, %s, %s)",
            [ticket_id, changes, at, *row, json.dumps(data, ensure_ascii=False), chain.body(*row, data)],
        )
