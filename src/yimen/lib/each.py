"""Jobs that go through many things: one that fails keeps no other waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
log = logging.getLogger("yimen.jobs")


def one_by_one(things: Iterable[T], act: Callable[[T], object], *, what: str) -> int:
    """
    Do `act` to each of `things`, each in a transaction of its own, and return how many answered something true.

    what: named in the log with the thing where one fails; only the kind of an error is logged, texts may name people.
    Raises what happened once the database is gone: nothing of the rest would work either.
    """
    count = 0
    for thing in things:
        try:
            count += bool(act(thing))
        except Exception as error:
            if is_cut_off():
                raise
            log.error("%s %s: %s", what, thing, type(error).__name__)
    return count


def is_cut_off() -> bool:
    """Tell whether the connection to the database is lost; asked where an error was caught."""
    return connection.connection is None or connection.connection.closed
