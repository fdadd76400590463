"""One act is one transaction, also when it is part of a larger one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction

P, R = ParamSpec("P"), TypeVar("R")

_all_or_nothing: ContextVar[bool] = ContextVar("all_or_nothing", default=False)


def act(do: Callable[P, R]) -> Callable[P, R]:
    """
    Make `do` atomic, as transaction.atomic does, without a savepoint where whoever calls it undoes everything anyway
    (all_or_nothing). Somebody who wants to go on after its DomainError calls it in an atomic block of his own.
    """

    @wraps(do)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(savepoint=not _all_or_nothing.get()):
            return do(*args, **kwargs)

    return whole


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """A transaction that is undone as a whole by whatever fails in it."""
    with transaction.atomic():
        token = _all_or_nothing.set(True)
        try:
            yield
        finally:
            _all_or_nothing.reset(token)
