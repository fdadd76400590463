"""
The front of a web process: /events goes to the live updates (async), all else to Django in threads.

Only whole requests reach a thread, and a thread never waits for a reader: a slow sender or reader costs a connection,
not one of the few threads (assurance lesson 2, REL-16).
"""

import asyncio
import contextlib
import contextvars
import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, cast

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
# As App, but what was sent is there already.
Pages = Callable[[MutableMapping[str, Any], BinaryIO, Send], Awaitable[None]]

AT_ONCE = 256 * 1024  # an answer up to this length leaves its thread in one piece
IN_MEMORY = 512 * 1024  # a longer body waits on disk
SEND_SECONDS = 60  # a reader that takes nothing for so long has gone
STEADY = 8_000  # bytes a second: whoever sends so fast is waited for, a photo over a poor line takes minutes
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
    Let a request through to `pages` when its body is whole.

    seconds: time for the body to arrive, one more for each STEADY bytes that came, else 408.
    max_bytes: longest body, else 413; before reading when Content-Length says so.
    most: requests inside `pages` at a time, else 503 with Retry-After.
    """

    def __init__(self, pages: Pages, *, seconds: float, max_bytes: int, most: int) -> None:
        self.pages = pages
        self.seconds = seconds
        self.max_bytes = max_bytes
        self.most = most
        self.inside = 0
        self.held_bytes = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        # X_Forwarded_For and X-Forwarded-For would become one variable in WSGI
        scope["headers"] = headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        if refused := self._refused(headers):
            return await refuse(send, refused)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            size = 0
            try:
                try:
                    async with asyncio.timeout(self.seconds) as limit:
                        until, more = limit.when() or 0.0, True
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
                            limit.reschedule(until + size / STEADY)
                            more = message.get("more_body", False)
                except TimeoutError:
                    return await refuse(send, 408)
                if self.inside >= self.most:
                    return await refuse(send, 503)
                body.seek(0)
                await self._pass(scope, cast(BinaryIO, body), send)
            finally:
                self.held_bytes -= size
        return None

    def _refused(self, headers: list[tuple[bytes, bytes]]) -> int:
        """What the headers alone are refused with, 0 for nothing. Two lengths or two hosts are two opinions."""
        lengths = [value for name, value in headers if name == b"content-length"]
        if len(lengths) > 1 or any(not value.isdigit() for value in lengths):
            return 400
        if sum(name == b"host" for name, _value in headers) > 1:
            return 400
        return 413 if lengths and int(lengths[0]) > self.max_bytes else 0

    async def _pass(self, scope: MutableMapping[str, Any], body: BinaryIO, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        self.inside += 1
        try:
            # the reader has gone: uvicorn closes the connection
            with contextlib.suppress(TimeoutError):
                await self.pages(scope, body, send_in_time)
        finally:
            self.inside -= 1


class Threads:
    """
    Let one of `workers` threads call a WSGI application.

    An answer comes back in one piece: every hand-over from thread to thread costs more than most of Django's
    middlewares. A long one comes in several, and the thread never waits for whoever reads it.
    """

    def __init__(self, app: Any, workers: int) -> None:
        self.app = app
        self.executor = ThreadPoolExecutor(workers, thread_name_prefix="pages")

    async def __call__(self, scope: MutableMapping[str, Any], body: BinaryIO, send: Send) -> None:
        pieces: asyncio.Queue[list[Message] | BaseException] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def hand_over(piece: list[Message] | BaseException) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        self.executor.submit(contextvars.Context().run, self._work, environ_of(scope, body), hand_over)
        more, wrong = True, None
        while more:
            piece = await pieces.get()
            if isinstance(piece, BaseException):
                raise wrong or piece
            for message in piece:
                more = message.get("more_body", True)
                try:
                    if wrong is None:
                        await send(message)
                except Exception as error:  # the thread is at work till its last piece, heard or not
                    wrong = error
        if wrong is not None:
            raise wrong

    def _work(self, environ: dict[str, Any], hand_over: Callable[[list[Message] | BaseException], object]) -> None:
        messages: list[Message] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            head = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers]
            messages.append({"type": "http.response.start", "status": int(status[:3]), "headers": head})

        try:
            answer = self.app(environ, start)
            try:
                chunks, size = list[bytes](), 0
                for chunk in answer:
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > AT_ONCE:
                        messages.append({"type": "http.response.body", "body": b"".join(chunks), "more_body": True})
                        hand_over(messages)
                        messages, chunks, size = [], [], 0
            finally:
                answer.close()
            messages.append({"type": "http.response.body", "body": b"".join(chunks), "more_body": False})
            hand_over(messages)
        except BaseException as error:
            hand_over(error)


def environ_of(scope: MutableMapping[str, Any], body: BinaryIO) -> dict[str, Any]:
    """Return what WSGI calls the environment of a request."""
    host, port = scope.get("server") or ("localhost", 80)
    client, client_port = scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        variable = name.decode("latin-1").upper().replace("-", "_")
        if variable not in {"CONTENT_LENGTH", "CONTENT_TYPE"}:
            variable = f"HTTP_{variable}"
        text = value.decode("latin-1")
        environ[variable] = f"{environ[variable]},{text}" if variable in environ else text
    return environ


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
