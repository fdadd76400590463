"""
Live updates of screens: GET /events/hall/<code> and /events/screen/<code> as server-sent events.

A client first gets the whole board ("board"), then only what changes ("change"), and every two seconds the time
("beat"), so that a screen knows within five seconds when it has lost us. "away" says the database cannot be asked.

One LISTEN connection a process wakes one task a hall, which looks once for all screens of that hall, whatever they
show of it: the hall, a zone, a window, it and other halls. A client that does not read is let go; it reconnects and
gets the whole board again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import count
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone, translation

from yimen.hall import queries
from yimen.hall.actions import CHANNEL
from yimen.hall.actions.telling import CHANGED
from yimen.hall.models import Hall, Screen
from yimen.hall.queries import screens as screen_queries
from yimen.lib.postgres.address import address
from yimen.web.display import payload
from yimen.web.display.payload import Look, Spec, Standing

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

logger = logging.getLogger("yimen.live")

ADDRESS = re.compile(r"/events/(hall|screen)/([-\w]{1,20})/?")
BEAT_SECONDS = 2.0
REFRESH_SECONDS = 30.0  # minutes and midnight pass without anybody writing
GAP_SECONDS = 0.1  # a burst of calls is one look
QUEUE = 16
MOST_CLIENTS = 1000
SEND_SECONDS = 10.0
LISTEN_SECONDS = 1.0  # then ask whether the connection still lives, and whether something was written
ANSWER_SECONDS = 10.0
_NEWEST = "SELECT max(id) FROM ledger_event"
PAUSES = (0.2, 5.0)
# Two are enough: one look a hall and change, whatever the number of screens.
_threads = ThreadPoolExecutor(2, thread_name_prefix="live")


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def _beat() -> bytes:
    now = timezone.localtime()
    return _beat_at(f"{now.hour}:{now.minute:02d}")


@lru_cache(1)
def _beat_at(time: str) -> bytes:
    return _event("beat", {"time": time})


def _find(kind: str, code: str) -> Spec:
    """Return what the screen at an address shows. Raises Screen.DoesNotExist, Hall.DoesNotExist."""
    close_old_connections()
    try:
        if kind == "hall":
            return Spec(code, Screen.Layout.HALL, (queries.get_hall(code).pk,))
        return payload.spec_of(screen_queries.get_screen(code))
    finally:
        close_old_connections()


def _look(hall_id: UUID, known: Standing | None = None) -> Look:
    """known: of the last look, when nothing told that it changed. Raises Hall.DoesNotExist."""
    close_old_connections()
    try:
        hall = known.hall if known else Hall.objects.select_related("center").get(pk=hall_id)
        # A screen has no reader of its own: it speaks the centre's language.
        with translation.override(settings.LANGUAGE_CODE):
            return payload.look(hall, timezone.now(), known=known)
    finally:
        close_old_connections()


class Client:
    """One screen: what it has still to be sent. Its task has no timers of its own: the hub looks after it."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.more: asyncio.Future[None] | None = None
        self.task = asyncio.current_task()
        self.is_dropped = self.is_over = False
        self.was_told = False  # since the last beat
        self.sending_since: float | None = None

    def give(self, chunk: bytes) -> None:
        if len(self.chunks) >= QUEUE:
            self.is_dropped = True
            return self.end()
        self.chunks.append(chunk)
        self.was_told = True
        self._wake()
        return None

    def end(self, *_why: object) -> None:
        """The stream ends with what it still has to send."""
        self.is_over = True
        self._wake()

    def _wake(self) -> None:
        if self.more is not None and not self.more.done():
            self.more.set_result(None)

    async def take(self) -> bytes:
        """Wait for something to send; nothing when the stream is over."""
        if not (self.chunks or self.is_over):
            self.more = asyncio.get_running_loop().create_future()
            await self.more
        chunk = b"".join(self.chunks)
        self.chunks.clear()
        return chunk

    def is_stuck(self, now: float) -> bool:
        return self.sending_since is not None and now - self.sending_since > SEND_SECONDS


class Topic:
    """What one address shows, with the screens that watch it."""

    def __init__(self, address: tuple[str, str], spec: Spec, feeds: list[Feed]) -> None:
        self.address, self.spec, self.feeds = address, spec, feeds
        self.clients: set[Client] = set()
        self.is_away = False
        self.board = self._board()
        for feed in feeds:
            feed.topics.add(self)

    def _board(self) -> dict[str, Any]:
        with translation.override(settings.LANGUAGE_CODE):
            return payload.of_screen(self.spec, [feed.now for feed in self.feeds])

    def join(self) -> Client:
        client = Client()
        client.give(self._snapshot())
        self.clients.add(client)
        return client

    def tell(self, chunk: bytes) -> None:
        for client in self.clients:
            client.give(chunk)

    def away(self) -> None:
        if not self.is_away:
            self.is_away = True
            self.tell(_event("away", {}))

    def refresh(self) -> None:
        """One of the halls was looked at."""
        before, self.board = self.board, self._board()
        if self.is_away and all(feed.is_sure for feed in self.feeds):
            self.is_away = False
            self.tell(self._snapshot())
        elif changed := payload.changes(before, self.board):
            self.tell(_event("change", changed))

    @property
    def is_stale(self) -> bool:
        """The screen was set up anew: its page is drawn again, and asks for what it shows now."""
        mark = self.feeds[0].now.screens.get(self.spec.code, "")
        return self.address[0] == "screen" and mark != self.spec.mark

    def end(self) -> None:
        """The streams end with what they still have to send."""
        for client in self.clients:
            client.end()
        for feed in self.feeds:
            feed.topics.discard(self)

    def _snapshot(self) -> bytes:
        return _event("board", payload.snapshot(self.board, max(feed.now.at for feed in self.feeds)))


class Feed:
    """One hall, looked at once for all topics that show it."""

    def __init__(self, hub: Hub, now: Look) -> None:
        self.hub, self.hall_id, self.now = hub, now.hall_id, now
        self.topics: set[Topic] = set()
        self.dirty = asyncio.Event()
        self.is_changed = True  # what stands there may have changed too, not only who is called
        self.session = 0  # of the listener when the last look began
        # Something may have changed between our first look and now, before the listener was there.
        self.dirty.set()
        self.task = asyncio.create_task(self._follow(), name=f"live {now.hall_id}")

    @property
    def is_sure(self) -> bool:
        """What was missed while nobody listened could make the last look an old one."""
        return self.session > 0 and self.session == self.hub.session

    def away(self) -> None:
        for topic in self.topics:
            topic.away()

    async def _follow(self) -> None:
        pause = PAUSES[0]
        while True:
            try:
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self.dirty.wait()
            except TimeoutError:
                self.is_changed = True
            self.dirty.clear()
            session = self.hub.session
            known = None if self.is_changed or session != self.session else self.now.standing
            self.is_changed = False
            try:
                now = await asyncio.get_running_loop().run_in_executor(_threads, _look, self.hall_id, known)
            except Exception as error:
                logger.warning("Cannot read a hall: %s", type(error).__name__)
                self.session, self.is_changed = 0, True
                self.away()
                self.dirty.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSES[1])
                continue
            pause = PAUSES[0]
            self.now, self.session = now, session
            for topic in list(self.topics):
                topic.refresh()
                if topic.is_stale:
                    topic.tell(_event("change", {"setup": ""}))
                    self.hub.drop(topic)
            await asyncio.sleep(GAP_SECONDS)


class Hub:
    """Everything that watches, in one event loop."""

    def __init__(self) -> None:
        self.topics: dict[tuple[str, str], Topic] = {}
        self.feeds: dict[UUID, Feed] = {}
        self.opening = asyncio.Lock()
        self.listener: asyncio.Task[None] | None = None
        self.beater: asyncio.Task[None] | None = None
        self.session = 0  # which LISTEN connection is up; 0 while none is
        self._sessions = count(1)

    @property
    def is_listening(self) -> bool:
        return self.session > 0

    @property
    def client_count(self) -> int:
        return sum(len(topic.clients) for topic in self.topics.values())

    async def join(self, kind: str, code: str) -> tuple[Topic, Client]:
        """Raises Hall.DoesNotExist, Screen.DoesNotExist, or what the database says when it cannot be asked."""
        if self.listener is None or self.listener.done():
            self.listener = asyncio.create_task(self._listen(), name="live listener")
        if self.beater is None or self.beater.done():
            self.beater = asyncio.create_task(self._beats(), name="live beats")
        address = (kind, code)
        async with self.opening:
            topic = self.topics.get(address)
            if topic is None:
                topic = self.topics[address] = await self._open(address)
            return topic, topic.join()

    async def _open(self, address: tuple[str, str]) -> Topic:
        loop = asyncio.get_running_loop()
        spec = await loop.run_in_executor(_threads, _find, *address)
        looks: dict[UUID, Look] = {}
        while missing := [one for one in spec.halls if one not in self.feeds and one not in looks]:
            looks[missing[0]] = await loop.run_in_executor(_threads, _look, missing[0])
        # Nothing waits from here on: no feed ends before the topic has it.
        feeds = [self.feeds.get(one) or Feed(self, looks[one]) for one in spec.halls]
        self.feeds |= {feed.hall_id: feed for feed in feeds}
        topic = Topic(address, spec, feeds)
        if topic.is_stale:
            feeds[0].is_changed = True
            feeds[0].dirty.set()
        return topic

    def leave(self, topic: Topic, client: Client) -> None:
        topic.clients.discard(client)
        if not topic.clients:
            self.drop(topic)

    def drop(self, topic: Topic) -> None:
        """End a topic; its screens come back and find what their address shows now."""
        if self.topics.get(topic.address) is topic:
            del self.topics[topic.address]
        topic.end()
        for hall_id, feed in list(self.feeds.items()):
            if not feed.topics:
                del self.feeds[hall_id]
                feed.task.cancel()

    async def stop(self) -> None:
        """End the tasks and the streams."""
        tasks = [feed.task for feed in self.feeds.values()]
        tasks += [task for task in (self.listener, self.beater) if task]
        for topic in self.topics.values():
            topic.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.topics.clear()
        self.feeds.clear()
        self.listener = self.beater = None
        self.session = 0

    async def _beats(self) -> None:
        """The time to whoever was told nothing lately; who does not read is let go."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            beat, now = _beat(), loop.time()
            for topic in list(self.topics.values()):
                for client in list(topic.clients):
                    if client.is_stuck(now):
                        client.is_dropped = True
                        if client.task:
                            client.task.cancel()
                    elif not client.was_told:
                        client.give(beat)
                    client.was_told = False

    async def _listen(self) -> None:
        pause = PAUSES[0]
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_address(), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    pause, self.session = PAUSES[0], next(self._sessions)
                    for feed in self.feeds.values():
                        feed.dirty.set()
                    newest: Any = None
                    while True:
                        told: set[Feed | None] = set()
                        async for note in connection.notifies(timeout=LISTEN_SECONDS):
                            told.add(self._wake(note.payload))
                        async with asyncio.timeout(ANSWER_SECONDS):
                            before, newest = newest, await (await connection.execute(_NEWEST)).fetchone()
                        if newest != before:  # something was written, and whoever wrote it may have died untold
                            for feed in self.feeds.values():
                                if feed not in told:
                                    feed.dirty.set()
            except (psycopg.Error, OSError, TimeoutError) as error:
                if self.is_listening:
                    logger.warning("Lost the database: %s", type(error).__name__)
                self.session = 0
                for topic in self.topics.values():
                    topic.away()
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSES[1])

    def _wake(self, hall_id: str) -> Feed | None:
        with contextlib.suppress(ValueError):  # somebody else's news
            if feed := self.feeds.get(UUID(hall_id.removesuffix(CHANGED))):
                feed.is_changed |= hall_id.endswith(CHANGED)
                feed.dirty.set()
                return feed
        return None


def _address() -> dict[str, Any]:
    """Where the database is, for a connection outside Django's pool."""
    return {
        **address(),
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
    """ASGI: 200 with a stream that does not end, 404 for no such place, 503 when full or without the database."""
    found = ADDRESS.fullmatch(scope["path"])
    if found is None:
        return await _refuse(send, 404)
    if scope["method"] != "GET":
        return await _refuse(send, 405)
    here = hub()
    if here.client_count >= MOST_CLIENTS:
        return await _refuse(send, 503, retry=True)
    try:
        topic, client = await here.join(found[1], found[2])
    except (Hall.DoesNotExist, Screen.DoesNotExist):
        return await _refuse(send, 404)
    except Exception as error:
        logger.warning("Cannot open hall events: %s", type(error).__name__)
        return await _refuse(send, 503, retry=True)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        headers = [*_HEADERS, (b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone.add_done_callback(client.end)
        await _stream(client, gone, send)
    except TimeoutError:
        logger.info("A screen did not read and was let go")
    except asyncio.CancelledError:
        if not client.is_dropped:
            raise
        logger.info("A screen did not read and was let go")
    finally:
        gone.cancel()
        here.leave(topic, client)


async def _stream(client: Client, gone: asyncio.Task[None], send: Send) -> None:
    loop = asyncio.get_running_loop()
    chunk = b"retry: 2000\n\n" + _beat()
    while chunk and not (client.is_dropped or gone.done()):
        client.sending_since = loop.time()
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        client.sending_since = None
        chunk = await client.take()
    if not gone.done():
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
