"""Every keyed act has one effect: the first answer is kept and given again (REL-6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.ledger.actions import Actor
from yimen.ledger.models import Once
from yimen.lib import acts
from yimen.lib.acts import all_or_nothing
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
    The answer is written last: a repeat may run `produce` again, all of it is undone then, and what was answered the
    first time is given. So `produce` does nothing outside the database that must not happen twice.
    Raises DifferentBody when the key comes back with another `body`, KeyTooLong.
    """
    if not key:
        return produce()
    if len(key) > MOST_KEY_CHARACTERS:
        raise KeyTooLong(_("提交的编号太长了。请刷新页面再试。"))
    kept = _Key(by.ledger_ref, act, key, hashlib.sha256(body).digest())
    try:
        with all_or_nothing():
            answer = produce()
            kept.keep(answer, at)  # in one statement with what the act has noted
        return answer
    except _Known:
        return kept.answer()
    except DomainError as error:
        return _refuse(kept, error, refused, at)
    except Exception:
        # What failed only because it is done already is a repeat.
        if (known := kept.find()) is not None:
            return known
        raise


def _refuse(kept: _Key, error: DomainError, status: int, at: datetime) -> Answer:
    """Keep a refusal as the answer, after what it undid; what was answered before goes first."""
    answer = Answer(status, {"error": str(error), "code": type(error).__name__})
    try:
        with transaction.atomic():
            kept.keep(answer, at)
            if isinstance(error, TracedError):
                error.leave_trace()
        return answer
    except _Known:
        return kept.answer()


class _Known(Exception):
    """The key has an answer."""


@dataclass(frozen=True)
class _Key:
    actor: str
    act: str
    key: str
    fingerprint: bytes

    def keep(self, answer: Answer, at: datetime) -> None:
        """Store the answer; waits for another with the same key that is not committed yet. Raises _Known."""
        is_new = acts.ask(
            "INSERT INTO ledger_once (actor, act, key, body_hash, at, status, answer)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb) ON CONFLICT (actor, act, key) DO NOTHING RETURNING true",
            [
                *(self.actor, self.act, self.key, self.fingerprint, at, answer.status),
                json.dumps(answer.body, ensure_ascii=False),
            ],
        )
        if not is_new:
            raise _Known

    def find(self) -> Answer | None:
        """Return what was answered, None for nothing. Raises DifferentBody."""
        known = Once.objects.filter(actor=self.actor, act=self.act, key=self.key).first()
        if known is None or known.status is None or known.answer is None:
            return None
        if bytes(known.body_hash) != self.fingerprint:
            raise DifferentBody(_("这次提交和上次用的是同一个编号，内容却不一样。请刷新页面再试。"))
        return Answer(known.status, known.answer, is_repeat=True)

    def answer(self) -> Answer:
        found = self.find()
        assert found is not None
        return found


def forget_old(at: datetime) -> int:
    """Delete answers older than KEPT; return how many."""
    return Once.objects.filter(at__lt=at - KEPT).delete()[0]
