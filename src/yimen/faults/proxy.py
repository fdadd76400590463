"""A TCP proxy in front of PostgreSQL that misbehaves on purpose: resets, delays, goes away, cuts after COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

STARTUP = {196608, 196609, 196610}  # protocol 3.0 to 3.2; other first messages ask for encryption
CHUNK = 16 * 1024


@dataclass
class Mischief:
    """
    What is wrong right now. reset: chance that a packet ends its connection instead; delay: seconds each packet
    waits; down: nobody gets through; cut: chance that a COMMIT reaches the server and its answer nobody.
    """

    reset: float = 0.0
    delay: float = 0.0
    down: bool = False
    cut: float = 0.0


class Commits:
    """Finds whole COMMIT messages in what a client sends."""

    def __init__(self) -> None:
        self.buffer = b""
        self.is_started = False

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; True when a COMMIT ended in them."""
        self.buffer += data
        found = False
        while True:
            head = 1 if self.is_started else 0
            if len(self.buffer) < head + 4:
                return found
            length = struct.unpack_from("!I", self.buffer, head)[0]
            if length < 4 or len(self.buffer) < head + length:
                return found
            message, self.buffer = self.buffer[: head + length], self.buffer[head + length :]
            if self.is_started:
                found = found or self._is_commit(message)
            elif length >= 8 and struct.unpack_from("!I", message, 4)[0] in STARTUP:
                self.is_started = True

    def _is_commit(self, message: bytes) -> bool:
        kind, body = message[:1], message[5:]
        if kind == b"Q":
            return body.rstrip(b"\0; ").strip().upper() == b"COMMIT"
        if kind == b"P":  # statement name, then its text; the Execute follows in the same packet
            return body.partition(b"\0")[2].split(b"\0")[0].rstrip(b"; ").strip().upper() == b"COMMIT"
        return False


class Proxy:
    """
    Listens on a free loopback port; `url` is the address to give to the application.

    target: a postgresql:// address with a socket folder as ?host=. faults counts what it did.
    """

    def __init__(self, target: str, *, seed: int = 1) -> None:
        parts = urlsplit(target)
        self.socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self.target = parts
        self.mischief = Mischief()
        self.faults = {"resets": 0, "cuts": 0, "delays": 0, "downs": 0}
        self.chance = random.Random(seed)
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        login = self.target.netloc.rpartition("@")[0]
        return f"postgresql://{login}@127.0.0.1:{self.port}{self.target.path}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def be(self, **mischief: Any) -> None:
        """Behave so from now on."""
        self.mischief = Mischief(**mischief)
        if self.mischief.down:
            self.faults["downs"] += 1
            self._loop.call_soon_threadsafe(self._cut_all)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._cut_all()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def _cut_all(self) -> None:
        for writer in list(self._open):
            abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mischief.down:
            return abort(writer)
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return abort(writer)
        ends = {writer, far_writer}
        self._open |= ends
        deaf = asyncio.Event()  # set: what the server says reaches nobody any more
        try:
            both: list[Coroutine[Any, Any, None]] = [
                self._up(reader, far_writer, deaf),
                self._down(far_reader, writer, deaf),
            ]
            _done, rest = await asyncio.wait(map(asyncio.ensure_future, both), return_when=asyncio.FIRST_COMPLETED)
            if deaf.is_set():
                abort(writer)
                await asyncio.sleep(0.2)  # the server works on the COMMIT meanwhile
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        finally:
            self._open -= ends
            for end in ends:
                abort(end)
        return None

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        commits = Commits()
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                is_commit = commits.feed(data)
                if not await self._may_pass():
                    return
                if is_commit and self.chance.random() < self.mischief.cut:
                    self.faults["cuts"] += 1
                    deaf.set()
                    writer.write(data)
                    await writer.drain()
                    return
                writer.write(data)
                await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if deaf.is_set():
                    continue
                if not await self._may_pass():
                    return
                writer.write(data)
                await writer.drain()

    async def _may_pass(self) -> bool:
        if self.mischief.delay:
            self.faults["delays"] += 1
            await asyncio.sleep(self.mischief.delay)
        if self.chance.random() < self.mischief.reset:
            self.faults["resets"] += 1
            return False
        return not self.mischief.down


def abort(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.transport.abort()
