"""
The front: /events to the live updates (async), all else to Django in threads.

Only whole requests reach a thread, and a thread never waits for a reader: a slow sender or reader costs a connection,
not one of the few threads (assurance lesson 2, REL-16).
"""

import asyncio
import contextlib
import importlib
import importlib.util
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings

from yimen.web.wsgi import application as django_application

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

CHUNK = 64 * 1024
IN_MEMORY = 512 * 1024  # a longer body waits on disk
SEND_SECONDS = 60  # a reader that takes nothing for so long has gone
WAITING_PER_THREAD = 16  # more requests than this in line: say so instead of letting them wait
HELD_BODIES = 40  # of the largest size, all together

TEXTS = {
    400: "请求有误。 Bad request.",
    408: "提交的内容没有及时到达，请重试。 The request took too long to arrive.",
    413: "提交的内容太大。 The request is too large.",
    503: "现在访问的人太多，请稍候再试。 Busy, please try again in a moment.",
}


async def refuse(send: Send, status: int) -> None:
    """Answer without asking Django, and close the connection."""
    body = TEXTS[status].encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if status in {408, 503}:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Gate:
    """
    Let a request through to `app` when its body is whole.

    seconds: time for the body to arrive, else 408.
    max_bytes: longest body, else 413; before reading when Content-Length says so.
    most: requests inside `app` at a time, else 503 with Retry-After.
    """

    def __init__(self, app: App, *, seconds: float, max_bytes: int, most: int) -> None:
        self.app = app
        self.seconds = seconds
        self.max_bytes = max_bytes
        self.most = most
        self.inside = 0
        self.held_bytes = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        # X_Forwarded_For and X-Forwarded-For would become one variable in WSGI
        scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if any(not value.isdigit() for value in lengths):
            return await refuse(send, 400)
        if any(int(value) > self.max_bytes for value in lengths):
            return await refuse(send, 413)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            size = 0
            try:
                try:
                    async with asyncio.timeout(self.seconds):
                        more = True
                        while more:
                            message = await receive()
                            if message["type"] == "http.disconnect":
                                return None
                            chunk = message.get("body", b"")
                            size += len(chunk)
                            self.held_bytes += len(chunk)
                            if size > self.max_bytes:
                                return await refuse(send, 413)
                            if self.held_bytes > HELD_BODIES * self.max_bytes:
                                return await refuse(send, 503)
                            body.write(chunk)
                            more = message.get("more_body", False)
                except TimeoutError:
                    return await refuse(send, 408)
                if self.inside >= self.most:
                    return await refuse(send, 503)
                body.seek(0)
                await self._pass(scope, body, size, send)
            finally:
                self.held_bytes -= size
        return None

    async def _pass(self, scope: MutableMapping[str, Any], body: Any, size: int, send: Send) -> None:
        left = size

        async def replay() -> Message:
            nonlocal left
            chunk = body.read(CHUNK)
            left -= len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": left > 0}

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        self.inside += 1
        try:
            # the reader has gone: uvicorn closes the connection
            with contextlib.suppress(TimeoutError):
                await self.app(scope, replay, send_in_time)
        finally:
            self.inside -= 1


class Router:
    """Send /events to the live updates, all else to Django."""

    def __init__(self, pages: App, live: App | None) -> None:
        self.pages = pages
        self.live = live

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        app = self.live if self.live and scope["path"].startswith("/events/") else self.pages
        await app(scope, receive, send)


def live_app() -> App | None:
    if importlib.util.find_spec("yimen.web.live") is None:
        return None
    app: App = importlib.import_module("yimen.web.live").app
    return app


# send_queue_size 0: the thread hands over its whole answer at once, however slowly it is read
django_in_threads: Any = WSGIMiddleware(cast(Any, django_application), workers=settings.WEB_THREADS, send_queue_size=0)
application = Router(
    Gate(
        django_in_threads,
        seconds=settings.BODY_SECONDS,
        max_bytes=settings.BODY_MAX_BYTES,
        most=settings.WEB_THREADS * (1 + WAITING_PER_THREAD),
    ),
    live_app(),
)
