"""A small HTTP client for one thread: keep-alive, cookies given once, honest about what was not answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

TOKEN = "f" * 32  # the CSRF cookie and header only have to agree


class NoAnswer(Exception):
    """Sent or not, done or not: nobody knows. Ask again with the same key."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content) if self.content else None

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


@dataclass
class Client:
    """
    session: the value of the session cookie; empty for the public. seconds: the longest wait for an answer.

    connects counts the connections made.
    """

    port: int
    session: str = ""
    seconds: float = 10.0
    connects: int = 0
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> Reply:
        """Send JSON, as a program does."""
        headers = {"Content-Type": "application/json", "X-CSRFToken": TOKEN}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.send("POST", path, json.dumps(body).encode(), headers)

    def submit(self, path: str, fields: dict[str, Any] | list[tuple[str, str]], *, key: str | None = None) -> Reply:
        """Send a form, as a browser does; redirects are not followed."""
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        pairs.append(("csrfmiddlewaretoken", TOKEN))
        if key is not None:
            pairs.append(("_key", key))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(pairs, doseq=True).encode(), headers)

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        """Raises NoAnswer when the connection ended without a whole answer."""
        cookies = {"csrftoken": TOKEN, **self.cookies}
        if self.session:
            cookies["yimen_session"] = self.session
        headers = {**headers, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        try:
            if self._connection is None:
                self.connects += 1
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
                self._connection.connect()
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from None
        given = {name.lower(): value for name, value in response.getheaders()}
        for cookie in response.msg.get_all("Set-Cookie") or ():
            name, _equals, rest = cookie.partition("=")
            if name not in {"csrftoken", "yimen_session"}:
                self.cookies[name] = rest.partition(";")[0]
        if response.will_close:
            self.close()
        return Reply(response.status, given, content)

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
