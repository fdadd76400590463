"""
Telling the screens that something has changed in a hall: after the commit, many acts in one message.

NOTIFY inside the act's transaction would let one commit in the whole database wait for the next, disk and all
(PostgreSQL holds one lock from there to the end of the commit), so a thread of each process sends it afterwards. What a
process that is killed in between did not send, the screens find by themselves within a second (web.live).
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from django.db import transaction

from yimen.lib.postgres.address import address

CHANNEL = "yimen_hall"
GAP_SECONDS = 0.02  # acts within it share a message
IDLE_SECONDS = 5.0  # then the connection is given back
TRIES = 3

logger = logging.getLogger("yimen.hall")


def tell(hall_id: UUID) -> None:
    """The screens of the hall look again once this has been committed."""
    transaction.on_commit(partial(_teller.tell, str(hall_id)), robust=True)


def send(halls: set[str]) -> None:
    """Send now what waits in this process, as a program that ends does."""
    with psycopg.connect(**address(), autocommit=True, connect_timeout=3, options=_OPTIONS) as connection:
        connection.execute(_NOTIFY, [CHANNEL, sorted(halls)])


_OPTIONS = "-c synchronous_commit=off"  # nothing is stored that could be lost
_NOTIFY = "SELECT pg_notify(%s, hall) FROM unnest(%s::text[]) AS hall"


class Teller:
    """The thread and its connection; both are there only while there is something to tell."""

    def __init__(self) -> None:
        self._something = threading.Condition()
        self._halls: set[str] = set()
        self._thread: threading.Thread | None = None

    def tell(self, hall_id: str) -> None:
        with self._something:
            self._halls.add(hall_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hall news", daemon=True)
                self._thread.start()
            self._something.notify()

    def flush(self) -> None:
        with self._something:
            halls, self._halls = self._halls, set()
        if halls:
            try:
                send(halls)
            except psycopg.Error as error:
                logger.warning("The screens were not told: %s", type(error).__name__)

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        there: dict[str, Any] = {}
        try:
            while halls := self._next():
                for _try in range(TRIES):
                    try:
                        if connection is None or there != address():
                            there = address()
                            connection = _connected(connection, there)
                        connection.execute(_NOTIFY, [CHANNEL, sorted(halls)])
                        break
                    except psycopg.Error as error:
                        logger.info("The screens could not be told: %s", type(error).__name__)
                        _close(connection)
                        connection = None
                        time.sleep(GAP_SECONDS)
                time.sleep(GAP_SECONDS)
        finally:
            _close(connection)

    def _next(self) -> set[str]:
        """Wait for halls to tell of; none after IDLE_SECONDS, and then this thread is not asked again."""
        with self._something:
            if not self._halls:
                self._something.wait(IDLE_SECONDS)
            halls, self._halls = self._halls, set()
            if not halls:
                self._thread = None
            return halls


def _connected(before: psycopg.Connection[Any] | None, there: dict[str, Any]) -> psycopg.Connection[Any]:
    _close(before)
    return psycopg.connect(**there, autocommit=True, connect_timeout=3, options=_OPTIONS, application_name="yimen-news")


def _close(connection: psycopg.Connection[Any] | None) -> None:
    if connection is not None:
        connection.close()


_teller = Teller()
atexit.register(_teller.flush)
os.register_at_fork(after_in_child=_teller.__init__)  # type: ignore[misc]  # its thread stays with the parent
