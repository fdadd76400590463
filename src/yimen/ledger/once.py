"""Every keyed act has one effect: the first answer is kept and given again (REL-6)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from yimen.ledger.actions import Actor
from yimen.ledger.models import Once
from yimen.lib.errors import DomainError, TracedError

KEPT = timedelta(hours=48)
MOST_KEY_CHARACTERS = 80


class DifferentBody(DomainError):
    """The key was used before for something else."""


class KeyTooLong(DomainError):
    """The key is longer than MOST_KEY_CHARACTERS; cutting it could make two keys one."""


@dataclass(frozen=True)
class Answer:
    """status: an HTTP status; body: plain JSON; is_repeat: the act was done before, nothing happened now."""

    status: int
    body: dict[str, Any]
    is_repeat: bool = False


def once(
    act: str, key: str, *, by: Actor, at: datetime, body: bytes, produce: Callable[[], Answer], refused: int = 409
) -> Answer:
    """
    Run `produce` the first time (by, act, key) is seen, and return its answer every time.

    The answer is stored in the transaction of the act, so both exist or neither does. A DomainError undoes
    the act and is itself the answer (`refused`), except for an empty key, which means "not keyed".
    Raises DifferentBody when the key comes back with another `body`, KeyTooLong.
    """
    if not key:
        return produce()
    if len(key) > MOST_KEY_CHARACTERS:
        raise KeyTooLong(_("提交的编号太长了。请刷新页面再试。"))
    fingerprint = hashlib.sha256(body).digest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A second request with the same key waits here until the first has committed or failed.
            cursor.execute(
                "INSERT INTO ledger_once (actor, act, key, body_hash, at) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (actor, act, key) DO NOTHING",
                [by.ledger_ref, act, key, fingerprint, at],
            )
            is_first = cursor.rowcount == 1
        row = Once.objects.filter(actor=by.ledger_ref, act=act, key=key)
        if not is_first:
            known = row.get()
            if bytes(known.body_hash) != fingerprint:
                raise DifferentBody(_("这次提交和上次用的是同一个编号，内容却不一样。请刷新页面再试。"))
            assert known.status is not None and known.answer is not None
            return Answer(known.status, known.answer, is_repeat=True)
        try:
            with transaction.atomic():
                answer = produce()
        except DomainError as error:
            answer = Answer(refused, {"error": str(error), "code": type(error).__name__})
            if isinstance(error, TracedError):
                error.leave_trace()
        row.update(status=answer.status, answer=answer.body)
        return answer


def forget_old(at: datetime) -> int:
    """Delete answers older than KEPT; return how many."""
    return Once.objects.filter(at__lt=at - KEPT).delete()[0]
