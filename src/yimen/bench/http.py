"""The same work through the real server, with logged-in sessions; and the pages citizens read most."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from yimen.bench.measure import Figure, figure, recording, run_for
from yimen.faults.client import Client, Reply
from yimen.faults.platform import Platform
from yimen.faults.seed import Seed, resident_id

SEARCHES = ("查房子", "开饭馆", "营业执照变更", "社保", "结婚登记怎么办", "身份证丢了")
CLIENTS = 8
_REST: tuple[tuple[str, dict[str, str]], ...] = (
    ("accept", {}),
    ("decide", {"outcome": "granted"}),
    ("deliver", {"how": "window"}),
)

_people = count(5000)


class Unexpected(Exception):
    """The server answered something else than the act's success."""


def bench(platform: Platform, seed: Seed, *, seconds: float, materials: list[str], codes: list[str]) -> list[Figure]:
    """materials: ids of the immediate item's; codes: of published items, for the guide page."""
    port, rows = platform.port, []
    for clients in (1, CLIENTS):
        took = run_for(seconds, clients, lambda n: _taker(port, seed))
        rows.append(figure("tickets issued, HTTP", clients, took))
        took = run_for(seconds, clients, lambda n: _caller(port, seed, n))
        rows.append(figure("tickets called and finished, HTTP", clients, took))
        took = run_for(seconds, clients, lambda n: _lifecycle(port, seed, n, materials))
        rows.append(figure("case lifecycles, HTTP", clients, took))
    for clients in (1, CLIENTS):
        rows.append(
            figure("guide page, HTTP", clients, run_for(seconds, clients, lambda n: _reader(port, _guides(codes))))
        )
        rows.append(figure("search, HTTP", clients, run_for(seconds, clients, lambda n: _reader(port, _searches()))))
    return rows


def render(*, seconds: float, codes: list[str]) -> list[Figure]:
    """The same pages through Django's test client in this process: no socket, no threads."""
    from django.test import Client as TestClient

    rows = []
    for what, paths in (("guide page, rendered", _guides(codes)), ("search, rendered", _searches())):
        client, numbers = TestClient(headers={"host": "127.0.0.1"}), count()

        def look(client: TestClient = client, paths: list[str] = paths, numbers: count[int] = numbers) -> None:
            response = client.get(paths[next(numbers) % len(paths)])
            if response.status_code != 200:
                raise Unexpected(f"{response.status_code} for {paths[0]}")

        look()
        rows.append(figure(what, 1, run_for(seconds, 1, lambda n, look=look: look)))  # type: ignore[misc]
    return rows


def statements(seed: Seed, materials: list[str], code: str) -> dict[str, int]:
    """Statements the database sees for each request, session and rights included."""
    from django.test import Client as TestClient

    window, session = seed.windows[-1]
    staff, public = (TestClient(headers={"host": "127.0.0.1"}) for _n in range(2))
    staff.cookies["yimen_session"] = session
    counts: dict[str, int] = {}

    def send(what: str, client: TestClient, method: str, path: str, **values: Any) -> Any:
        with recording() as sent:
            response = getattr(client, method)(path, **values)
        if response.status_code >= 400:
            raise Unexpected(f"{response.status_code} for {what}")
        counts[what] = len(sent)
        return response

    def program(what: str, client: TestClient, path: str, body: dict[str, str]) -> Any:
        values = {"content_type": "application/json", "headers": {"Idempotency-Key": uuid4().hex}}
        return send(what, client, "post", path, data=body, **values).json()

    for _twice in range(2):  # what is read once a process is not counted
        program("take a ticket", public, f"/api/v1/halls/{seed.hall}/tickets", {"series": "A"})
        ticket = program("call", staff, f"/api/v1/windows/{window}/call-next", {})["ticket"]["id"]
        program("finish", staff, f"/api/v1/windows/{window}/finish", {"ticket": ticket})
        number = next(_people)
        fields = {
            "version": seed.versions["immediate"],
            "kind": "person",
            "id_number": resident_id(number),
            "name": "王小明",
            "phone": f"139{number:08d}",
            **{f"state-{pk}": "complete" for pk in materials},
        }
        path = f"/workbench/window/receive/{seed.items['immediate']}"
        reply = send("receive", staff, "post", path, data=fields | {"_key": uuid4().hex})
        found = re.search(r"case=([A-Z0-9-]+)", reply["location"])
        assert found
        for act, values in _REST:
            send(act, staff, "post", f"/workbench/cases/{found[1]}/{act}", data=values | {"_key": uuid4().hex})
        send("window page", staff, "get", "/workbench/window")
        send("guide page", public, "get", f"/items/{code}")
        send("search", public, "get", _searches()[0])
    return counts


def _guides(codes: list[str]) -> list[str]:
    return [f"/items/{code}" for code in codes]


def _searches() -> list[str]:
    return [f"/search?q={quote(text)}" for text in SEARCHES]


def _expect(reply: Reply, *statuses: int) -> Reply:
    if reply.status not in statuses:
        raise Unexpected(f"{reply.status} instead of {statuses[0]}")
    return reply


def _reader(port: int, paths: list[str]) -> Callable[[], object]:
    client, numbers = Client(port), count()
    return lambda: _expect(client.get(paths[next(numbers) % len(paths)]), 200)


def _taker(port: int, seed: Seed) -> Callable[[], object]:
    client = Client(port)
    path = f"/api/v1/halls/{seed.hall}/tickets"
    return lambda: _expect(client.post(path, {"series": "A"}, key=uuid4().hex), 201)


def _caller(port: int, seed: Seed, n: int) -> Callable[[], None]:
    """One round: a ticket is taken so that the queue does not run dry, then called and finished."""
    window, session = seed.windows[n]
    client = Client(port, session)

    def once() -> None:
        called = _expect(client.post(f"/api/v1/windows/{window}/call-next", {}, key=uuid4().hex), 200).body["ticket"]
        if called is None:
            _taker(port, seed)()
            return
        body = {"ticket": called["id"]}
        _expect(client.post(f"/api/v1/windows/{window}/finish", body, key=uuid4().hex), 200)

    return once


def _lifecycle(port: int, seed: Seed, n: int, materials: list[str]) -> Callable[[], None]:
    """Receive for somebody new, accept, decide, deliver: the four forms a clerk sends, redirects not followed."""
    _window, session = seed.windows[n]
    client = Client(port, session)
    handed = {f"state-{pk}": "complete" for pk in materials}

    def once() -> None:
        number = next(_people)
        fields = {
            "version": seed.versions["immediate"],
            "kind": "person",
            "id_number": resident_id(number),
            "name": "王小明",
            "phone": f"139{number:08d}",
            **handed,
        }
        path = f"/workbench/window/receive/{seed.items['immediate']}"
        reply = _expect(client.submit(path, fields, key=uuid4().hex), 303)
        found = re.search(r"case=([A-Z0-9-]+)", reply.headers["location"])
        if found is None:
            raise Unexpected("no case was received")
        case = f"/workbench/cases/{found[1]}"
        for act, values in _REST:
            _expect(client.submit(f"{case}/{act}", values, key=uuid4().hex), 303)

    return once
