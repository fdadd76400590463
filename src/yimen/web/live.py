"""
Live updates of the hall screens: GET /events/hall/<code> as server-sent events.

A client first gets the whole board ("board"), then only what changes ("change"), and every two seconds the time
("beat"), so that a screen knows within five seconds when it has lost us. "away" says the database cannot be asked.

One LISTEN connection a process wakes one task a hall, which asks once for all screens of that hall. A client that
does not read is let go; it reconnects and gets the whole board again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import close_old_connections, connections
from django.utils import timezone

from yimen.hall import queries
from yimen.hall.actions import CHANNEL
from yimen.hall.models import Hall
from yimen.web.display import payload

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

logger = logging.getLogger("yimen.live")

ADDRESS = re.compile(r"/events/hall/([-\w]{1,20})/?")
BEAT_SECONDS = 2.0
REFRESH_SECONDS = 30.0  # minutes and midnight pass without anybody writing
GAP_SECONDS = 0.1  # a burst of calls is one look
QUEUE = 16
MOST_CLIENTS = 1000
SEND_SECONDS = 10.0
LISTEN_SECONDS = 10.0  # then ask whether the connection still lives
PAUSES = (0.2, 5.0)
# Two are enough: one look a hall and change, whatever the number of screens.
_threads = ThreadPoolExecutor(2, thread_name_prefix="live")


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def _beat() -> bytes:
    now = timezone.localtime()
    return _event("beat", {"time": f"{now.hour}:{now.minute:02d}"})


def _look(code: str) -> tuple[str, dict[str, Any]]:
    """Return the hall's id and board. Raises Hall.DoesNotExist."""
    close_old_connections()
    try:
        hall = queries.get_hall(code)
        return str(hall.pk), payload.of_board(queries.board(hall, timezone.now()))
    finally:
        close_old_connections()


class Client:
    """One screen: what it has still to be sent."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE)
        self.is_dropped = False

    def give(self, chunk: bytes) -> None:
        try:
            self.queue.put_nowait(chunk)
        except asyncio.QueueFull:
            self.is_dropped = True


class Topic:
    """One hall with the screens that watch it."""

    def __init__(self, hub: Hub, code: str, hall_id: str, board: dict[str, Any]) -> None:
        self.hub, self.code, self.hall_id, self.board = hub, code, hall_id, board
        self.clients: set[Client] = set()
        self.dirty = asyncio.Event()
        self.is_away = False
        self.task = asyncio.create_task(self._follow(), name=f"live {code}")

    def join(self) -> Client:
        client = Client()
        client.give(_event("board", self.board))
        self.clients.add(client)
        return client

    def tell(self, chunk: bytes) -> None:
        for client in self.clients:
            client.give(chunk)

    def away(self) -> None:
        if not self.is_away:
            self.is_away = True
            self.tell(_event("away", {}))

    async def _follow(self) -> None:
        pause = PAUSES[0]
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self.dirty.wait()
            self.dirty.clear()
            session = self.hub.session
            try:
                _hall, board = await asyncio.get_running_loop().run_in_executor(_threads, _look, self.code)
            except Exception as error:
                logger.warning("Cannot read hall %s: %s", self.code, type(error).__name__)
                self.away()
                self.dirty.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSES[1])
                continue
            pause = PAUSES[0]
            changed = payload.changes(self.board, board)
            self.board = board
            # What was missed while nobody listened could make this board an old one.
            if self.is_away and session and session == self.hub.session:
                self.is_away = False
                self.tell(_event("board", board))
            elif changed:
                self.tell(_event("change", changed))
            await asyncio.sleep(GAP_SECONDS)


class Hub:
    """Everything that watches, in one event loop."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.opening = asyncio.Lock()
        self.listener: asyncio.Task[None] | None = None
        self.session = 0  # which LISTEN connection is up; 0 while none is
        self._sessions = count(1)

    @property
    def is_listening(self) -> bool:
        return self.session > 0

    @property
    def client_count(self) -> int:
        return sum(len(topic.clients) for topic in self.topics.values())

    async def join(self, code: str) -> tuple[Topic, Client]:
        """Raises Hall.DoesNotExist, or whatever the database says when it cannot be asked."""
        if self.listener is None or self.listener.done():
            self.listener = asyncio.create_task(self._listen(), name="live listener")
        async with self.opening:
            topic = self.topics.get(code)
            if topic is None:
                hall_id, board = await asyncio.get_running_loop().run_in_executor(_threads, _look, code)
                topic = self.topics[code] = Topic(self, code, hall_id, board)
                # Something may have changed between our look and now, before the listener was there.
                topic.dirty.set()
            return topic, topic.join()

    def leave(self, topic: Topic, client: Client) -> None:
        topic.clients.discard(client)
        if not topic.clients and self.topics.get(topic.code) is topic:
            del self.topics[topic.code]
            topic.task.cancel()

    async def stop(self) -> None:
        """End the tasks; the streams end with their next beat."""
        tasks = [topic.task for topic in self.topics.values()] + ([self.listener] if self.listener else [])
        for topic in self.topics.values():
            for client in topic.clients:
                client.is_dropped = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.topics.clear()
        self.listener, self.session = None, 0

    async def _listen(self) -> None:
        pause = PAUSES[0]
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_address(), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    pause, self.session = PAUSES[0], next(self._sessions)
                    for topic in self.topics.values():
                        topic.dirty.set()
                    while True:
                        async for note in connection.notifies(timeout=LISTEN_SECONDS):
                            self._wake(note.payload)
                        async with asyncio.timeout(LISTEN_SECONDS):
                            await connection.execute("SELECT 1")
            except (psycopg.Error, OSError, TimeoutError) as error:
                if self.is_listening:
                    logger.warning("Lost the database: %s", type(error).__name__)
                self.session = 0
                for topic in self.topics.values():
                    topic.away()
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSES[1])

    def _wake(self, hall_id: str) -> None:
        for topic in self.topics.values():
            if topic.hall_id == hall_id:
                topic.dirty.set()


def _address() -> dict[str, Any]:
    """Where the database is, for a connection outside Django's pool."""
    known = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {
        **{name: known[key] for name, key in names.items() if known[key]},
        "connect_timeout": 3,
        "application_name": "yimen-live",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
    }


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


async def _refuse(send: Send, status: int, *, retry: bool = False) -> None:
    headers = [*_HEADERS, (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")]
    if retry:
        headers.append((b"retry-after", b"3"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """ASGI: 200 with a stream that does not end, 404 for no such hall, 503 when full or without the database."""
    found = ADDRESS.fullmatch(scope["path"])
    if found is None:
        return await _refuse(send, 404)
    if scope["method"] != "GET":
        return await _refuse(send, 405)
    here = hub()
    if here.client_count >= MOST_CLIENTS:
        return await _refuse(send, 503, retry=True)
    try:
        topic, client = await here.join(found[1])
    except Hall.DoesNotExist:
        return await _refuse(send, 404)
    except Exception as error:
        logger.warning("Cannot open hall events: %s", type(error).__name__)
        return await _refuse(send, 503, retry=True)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        headers = [*_HEADERS, (b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _stream(client, gone, send)
    except TimeoutError:
        logger.info("A screen did not read and was let go")
    finally:
        gone.cancel()
        here.leave(topic, client)


async def _stream(client: Client, gone: asyncio.Task[None], send: Send) -> None:
    chunk = b"retry: 2000\n\n" + _beat()
    while not (client.is_dropped or gone.done()):
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                chunk = await client.queue.get()
        except TimeoutError:
            chunk = _beat()
    if not gone.done():
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
