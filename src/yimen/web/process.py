"""
One web process of `yimen serve`.

    python -m yimen.web.process --fd LISTENING_SOCKET [--ready-fd PIPE]
"""

import argparse
import asyncio
import contextlib
import gc
import os
import socket
from typing import Any

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from yimen.lib import supervise

KEEP_ALIVE_SECONDS = 15
DRAIN_SECONDS = 3
MOST_HEAD_BYTES = 64 * 1024
MOST_IN_LINE = 32  # requests of one connection sent before the first is answered


def _refusal(status: str, text: bytes, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *more, "Connection: close", "Content-Type: text/plain; charset=utf-8"]
    return "\r\n".join([*lines, f"Content-Length: {len(text)}", "", ""]).encode() + text


BUSY = _refusal("503 Service Unavailable", b"busy", "Retry-After: 2")
TOO_LONG = _refusal("431 Request Header Fields Too Large", b"too long")


class Connection(HttpToolsProtocol):
    """
    HTTP/1.1 with a deadline for the head of a request, a longest head, no trailers, a short line of requests sent
    ahead, and a cap on connections.
    """

    deadline: asyncio.TimerHandle | None = None
    is_head = False
    # What came since the last whole head or piece of a body.
    idle_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > settings.MAX_CONNECTIONS:
            transport.write(BUSY)
            transport.close()
            return
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.idle_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.idle_bytes > MOST_HEAD_BYTES:
            self.transport.write(TOO_LONG)
            self.transport.close()
        elif self.cycle is None or self.cycle.response_complete:
            self._arm()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.is_head:  # a trailer would join the headers of a request that is under way
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._disarm()
        self.is_head, self.idle_bytes = False, 0
        super().on_headers_complete()
        if len(self.pipeline) > MOST_IN_LINE:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        self.idle_bytes = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """What came whole before the nonsense is answered first."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return super().send_400_response(msg)
        self.cycle.keep_alive = False
        return None

    def _unsupported_upgrade_warning(self) -> None:
        self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        if self.deadline is None:
            self.deadline = self.loop.call_later(settings.BODY_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready_fd: int | None) -> None:
        super().__init__(config)
        self.ready_fd = ready_fd

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.ready_fd is not None:
            os.write(self.ready_fd, b"1")
            os.close(self.ready_fd)


def configuration(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,  # addresses may carry what people searched for
        log_config=None,
        server_header=False,
        # a header anybody can write must not say who is calling, unless our own proxy wrote it
        proxy_headers=bool(settings.TRUSTED_PROXIES),
        forwarded_allow_ips=settings.TRUSTED_PROXIES or None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        backlog=1024,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    args = parser.parse_args()
    supervise.die_with_parent()
    supervise.raise_descriptor_limit()

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yimen.settings")
    from yimen.web.asgi import application

    _warm_up()
    settle_memory()
    listener = socket.socket(fileno=args.fd)
    with contextlib.suppress(KeyboardInterrupt):
        Server(configuration(application), args.ready_fd).run(sockets=[listener])


def _warm_up() -> None:
    """Import the pages before the first visitor asks for one."""
    from django.urls import get_resolver

    _ = get_resolver().url_patterns


def settle_memory() -> None:
    """
    Let the garbage collector forget what stays for good, and look less often: an act makes some thousand objects and
    leaves nearly none in a ring.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


if __name__ == "__main__":
    main()
