"""Slow clients: hundreds of connections that hardly send or hardly read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from yimen.lib.supervise import raise_descriptor_limit

TICK = 1.0  # seconds between two bytes
ARRIVALS = 200  # a second


class Crowd:
    """
    So many of each kind in a process of their own, arriving ARRIVALS a second and holding on for `seconds`.

    Entering returns when all have arrived. held: connections made; shown_out: connections the server ended.
    """

    def __init__(self, port: int, headers: int, bodies: int, readers: int, *, seconds: float, big_path: str) -> None:
        self.arguments = [port, headers, bodies, readers, seconds, big_path]
        self.count = headers + bodies + readers
        self.seconds = seconds
        self.held = self.shown_out = self.refused = 0

    def __enter__(self) -> Crowd:
        command = [sys.executable, "-m", "yimen.faults.slow", *map(str, self.arguments)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._process.stdout.readline()
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            said, _nothing = self._process.communicate(timeout=self.seconds + 60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return
        for name, value in json.loads(said or "{}").items():
            setattr(self, name, value)


@dataclass
class Attack:
    """What runs in that process."""

    port: int
    headers: int
    bodies: int
    readers: int
    seconds: float
    big_path: str
    held: int = 0
    shown_out: int = 0
    refused: int = 0
    end: float = field(default=0.0)

    async def run(self) -> None:
        works = [self._header() for _n in range(self.headers)]
        works += [self._body() for _n in range(self.bodies)]
        works += [self._reader() for _n in range(self.readers)]
        arriving = len(works) / ARRIVALS
        self.end = time.monotonic() + arriving + self.seconds
        tasks = []
        for work in works:
            tasks.append(asyncio.ensure_future(work))
            await asyncio.sleep(1 / ARRIVALS)
        print("all there", flush=True)
        await asyncio.gather(*tasks, return_exceptions=True)
        print(json.dumps({name: getattr(self, name) for name in ("held", "shown_out", "refused")}))

    async def _connect(self, *, small: bool = False) -> socket.socket | None:
        link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        link.setblocking(False)
        if small:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", self.port)), 10)
        except (OSError, TimeoutError):
            self.refused += 1
            link.close()
            return None
        self.held += 1
        return link

    async def _header(self) -> None:
        await self._drip(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"a")

    async def _body(self) -> None:
        head = b"POST /api/v1/halls/main/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        head += b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
        await self._drip(head, b" ")

    async def _drip(self, head: bytes, drop: bytes) -> None:
        loop, end = asyncio.get_running_loop(), self.end
        while time.monotonic() < end:
            link = await self._connect()
            if link is None:
                await asyncio.sleep(TICK)
                continue
            with contextlib.closing(link):
                try:
                    await loop.sock_sendall(link, head)
                    while time.monotonic() < end:
                        try:
                            await asyncio.wait_for(loop.sock_recv(link, 1024), TICK)
                            break  # any answer is a refusal
                        except TimeoutError:
                            await loop.sock_sendall(link, drop)
                    else:
                        return
                except OSError:
                    pass
                self.shown_out += 1
                await asyncio.sleep(TICK)

    async def _reader(self) -> None:
        loop, end = asyncio.get_running_loop(), self.end
        link = await self._connect(small=True)
        if link is None:
            return
        request = f"GET {self.big_path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        with contextlib.closing(link):
            try:
                await loop.sock_sendall(link, request)
                while time.monotonic() < end:
                    await asyncio.sleep(TICK)
                    if not await asyncio.wait_for(loop.sock_recv(link, 1), TICK):
                        self.shown_out += 1
                        return
            except (OSError, TimeoutError):
                self.shown_out += 1


def answer_to(
    port: int, head: bytes, body_bytes: int, *, chunked: bool = False, seconds: float = 20
) -> tuple[int, float]:
    """Send a request of that size and return the status and the seconds until it came; 0 when cut without one."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as link:
        sent, piece = 0, b"x" * 65536
        try:
            link.sendall(head)
            link.setblocking(False)
            while sent < body_bytes and time.monotonic() - started < seconds:
                with contextlib.suppress(BlockingIOError):
                    if link.recv(1, socket.MSG_PEEK):
                        break
                try:
                    if chunked:
                        link.setblocking(True)
                        link.settimeout(seconds)
                        link.sendall(b"10000\r\n" + piece + b"\r\n")
                        link.setblocking(False)
                        sent += len(piece)
                    else:
                        sent += link.send(piece)
                except BlockingIOError:
                    time.sleep(0.001)
        except OSError:
            pass
        link.setblocking(True)
        link.settimeout(seconds)
        answer = b""
        with contextlib.suppress(OSError):
            while b"\r\n" not in answer and (data := link.recv(1024)):
                answer += data
        words = answer.split(b" ", 2)
        return (int(words[1]) if len(words) > 1 and words[1].isdigit() else 0), time.monotonic() - started


if __name__ == "__main__":
    raise_descriptor_limit()
    port, headers, bodies, readers, hold, path = sys.argv[1:]
    asyncio.run(Attack(int(port), int(headers), int(bodies), int(readers), float(hold), path).run())
