"""The stream of a hall's screens, driven as a server would, against a real LISTEN connection."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from yimen.hall import actions
from yimen.hall.tests.factories import make_series, make_window, take
from yimen.people.tests.factories import NOW
from yimen.web import live
from yimen.web.display import payload

pytestmark = pytest.mark.both_databases  # LISTEN and what a broken connection says
WITH_DATABASE = pytest.mark.django_db(transaction=True)
SECONDS = 15.0  # until something that must happen is given up


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    monkeypatch.setattr(live, "PAUSES", (0.05, 0.2))


class Screen:
    """A client of the stream; stuck: it stops reading after its first bytes."""

    def __init__(self, code: str, *, path: str = "", method: str = "GET", stuck: bool = False) -> None:
        self.events: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.status, self.headers = 0, {}
        self.is_over = False
        self.stuck = stuck
        self.closed = asyncio.Event()
        scope = {"type": "http", "method": method, "path": path or f"/events/hall/{code}", "headers": []}
        self.task = asyncio.create_task(live.app(scope, self._receive, self._send))

    async def _receive(self):
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        if self.stuck and not self.events.empty():
            await asyncio.sleep(3600)
        for block in message["body"].decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in fields:
                self.events.put_nowait((fields["event"], json.loads(fields["data"])))
        self.is_over = not message.get("more_body", False)

    async def hear(self, *names: str) -> dict[str, Any]:
        """Return the data of the next event with one of these names."""
        async with asyncio.timeout(SECONDS):
            while True:
                name, data = await self.events.get()
                if name in names:
                    return data

    async def hear_call(self) -> dict[str, Any]:
        """A look may fall between the two queries of a board: the queue then changes one event before the call."""
        while "calls" not in (change := await self.hear("change")):
            pass
        return change

    async def close(self) -> None:
        self.closed.set()
        async with asyncio.timeout(SECONDS):
            await self.task


async def in_thread(act: Callable[[], Any]) -> Any:
    def run() -> Any:
        try:
            return act()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


async def listening() -> None:
    async with asyncio.timeout(SECONDS):
        while not live.hub().is_listening:
            await asyncio.sleep(0.01)


def run(scene: Callable[[], Any]) -> None:
    async def play() -> None:
        try:
            await scene()
        finally:
            await live.hub().stop()

    asyncio.run(play())


def cast():
    series = make_series()
    window = make_window(series, number=3)
    take(series), take(series)
    clerk = window.staff
    assert clerk.granted
    return series, lambda: actions.call_next(window.pk, by=clerk, at=NOW)


@WITH_DATABASE
def test_a_screen_gets_the_whole_board_and_then_only_what_changes():
    series, call = cast()

    async def scene():
        screen = Screen(series.hall.code)
        board = await screen.hear("board")
        assert board["calls"] == [] and board["waits"] == [{"letter": "A", "people": 2, "minutes": "", "busy": False}]
        assert screen.status == 200 and screen.headers[b"content-type"].startswith(b"text/event-stream")
        await listening()
        await in_thread(call)
        change = await screen.hear_call()
        assert [(one["label"], one["window"]) for one in change["calls"]] == [("A001", 3)]
        assert "surge" not in change and "day" not in change
        await screen.close()
        assert live.hub().topics == {} == live.hub().feeds

    run(scene)


@pytest.mark.slow
@WITH_DATABASE
def test_thirty_screens_cost_one_look():
    series, call = cast()

    async def scene():
        looks = 0
        original = live._look

        def counted(hall_id, known=None):
            nonlocal looks
            looks += 1
            return original(hall_id, known)

        live._look = counted
        try:
            screens = [Screen(series.hall.code) for _n in range(30)]
            for screen in screens:
                await screen.hear("board")
            await listening()
            before = -1
            while before != looks:  # the look that follows the listener's coming up is over
                before = looks
                await asyncio.sleep(0.6)
            await in_thread(call)
            for screen in screens:
                assert (await screen.hear_call())["calls"][0]["label"] == "A001"
            assert looks - before <= 2  # a slow look may fall between the two notes of a call
        finally:
            live._look = original
        for screen in screens:
            await screen.close()

    run(scene)


@WITH_DATABASE
def test_a_hall_hears_only_its_own_calls():
    series, _call = cast()
    _other, call = cast()

    async def scene():
        screen = Screen(series.hall.code)
        await screen.hear("board")
        await listening()
        await in_thread(call)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await screen.hear("change")
        await screen.close()

    run(scene)


@WITH_DATABASE
def test_screens_live_through_the_loss_of_the_database_connection(admin_connection):
    series, call = cast()

    async def scene():
        screen = Screen(series.hall.code)
        await screen.hear("board")
        await listening()
        ended = admin_connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yimen-live'"
        ).fetchall()
        assert len(ended) == 1  # one LISTEN connection a process
        await screen.hear("away")
        await screen.hear("board")
        await listening()
        await in_thread(call)
        assert (await screen.hear_call())["calls"][0]["label"] == "A001"
        await screen.close()

    run(scene)


@WITH_DATABASE
def test_what_happens_while_the_database_is_away_is_on_the_next_board(admin_connection, monkeypatch):
    series, call = cast()
    address = live._address

    def unreachable():
        raise OSError("no route to the database")

    async def scene():
        screen = Screen(series.hall.code)
        await screen.hear("board")
        await listening()
        monkeypatch.setattr(live, "_address", unreachable)
        admin_connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yimen-live'"
        )
        await screen.hear("away")
        await in_thread(call)
        monkeypatch.setattr(live, "_address", address)
        assert (await screen.hear("board"))["calls"][0]["label"] == "A001"
        await screen.close()

    run(scene)


@WITH_DATABASE
def test_a_screen_that_does_not_read_is_let_go_and_the_others_go_on(monkeypatch):
    series, call = cast()
    monkeypatch.setattr(live, "SEND_SECONDS", 0.2)

    async def scene():
        stuck, good = Screen(series.hall.code, stuck=True), Screen(series.hall.code)
        await good.hear("board")
        await listening()
        await in_thread(call)
        assert (await good.hear_call())["calls"]
        async with asyncio.timeout(SECONDS):
            await stuck.task
        assert live.hub().client_count == 1
        await good.close()

    run(scene)


def test_a_full_queue_drops_its_client():
    async def scene():
        client = live.Client()
        for _n in range(live.QUEUE):
            client.give(b"x")
        assert not client.is_dropped
        client.give(b"x")
        assert client.is_dropped

    asyncio.run(scene())


@WITH_DATABASE
def test_beats_tell_the_time(monkeypatch):
    series, _call = cast()
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.05)

    async def scene():
        screen = Screen(series.hall.code)
        assert await screen.hear("beat") == {"time": "9:05"}
        assert await screen.hear("beat") == {"time": "9:05"}
        await screen.close()

    run(scene)


@WITH_DATABASE
def test_stopping_ends_every_stream(monkeypatch):
    series, _call = cast()
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.05)

    async def scene():
        screen = Screen(series.hall.code)
        await screen.hear("board")
        await live.hub().stop()
        async with asyncio.timeout(SECONDS):
            await screen.task
        assert screen.is_over

    run(scene)


@WITH_DATABASE
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"code": "nowhere"}, 404),
        ({"code": "", "path": "/events/else"}, 404),
        ({"code": "", "path": "/events/hall/a/b"}, 404),
        ({"code": "hall", "method": "POST"}, 405),
    ],
)
def test_anything_else_is_refused(asked, status):
    async def scene():
        screen = Screen(**asked)
        await screen.task
        assert screen.status == status

    run(scene)


@WITH_DATABASE
def test_no_more_screens_than_we_can_feed(monkeypatch):
    series, _call = cast()
    monkeypatch.setattr(live, "MOST_CLIENTS", 1)

    async def scene():
        first = Screen(series.hall.code)
        await first.hear("board")
        second = Screen(series.hall.code)
        await second.task
        assert (second.status, second.headers[b"retry-after"]) == (503, b"3")
        await first.close()

    run(scene)


def test_a_change_holds_only_what_differs():
    row = {"letter": "A", "people": 1, "minutes": "", "busy": False}
    old = {"day": "2026-11-18", "calls": [], "setup": "a", "waits": [row, row | {"letter": "B"}], "surge": ""}
    assert payload.changes(old, old) == {}
    new = old | {"waits": [row | {"people": 2}, row | {"letter": "B"}], "surge": "人多"}
    assert payload.changes(old, new) == {"waits": [row | {"people": 2}], "surge": "人多"}
