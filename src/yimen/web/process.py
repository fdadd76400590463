"""
One web process of `yimen serve`.

    python -m yimen.web.process --fd LISTENING_SOCKET [--ready-fd PIPE]
"""

import argparse
import asyncio
import contextlib
import os
import socket
from typing import Any

import h11
import uvicorn
from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol

from yimen.lib import supervise

KEEP_ALIVE_SECONDS = 15
DRAIN_SECONDS = 3
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nbusy"
)


class Connection(H11Protocol):
    """HTTP/1.1 with a deadline for the headers and a cap on connections."""

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > settings.MAX_CONNECTIONS:
            transport.write(BUSY)
            transport.close()
            return
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._arm()
        else:
            self._disarm()

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
    listener = socket.socket(fileno=args.fd)
    with contextlib.suppress(KeyboardInterrupt):
        Server(configuration(application), args.ready_fd).run(sockets=[listener])


def _warm_up() -> None:
    """Import the pages before the first visitor asks for one."""
    from django.urls import get_resolver

    _ = get_resolver().url_patterns


if __name__ == "__main__":
    main()
