"""
One act on many cases or steps at once: each in its own transaction, with its own ledger row and its own answer.

What one refuses leaves the others alone. The same form sent again does nothing again: every row remembers what it
said (REL-6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import queries
from yimen.cases.actions.assigning import hand_task, take_task
from yimen.cases.actions.deciding import deliver
from yimen.cases.actions.steps import complete_task
from yimen.cases.models import Case, Task
from yimen.ledger.models import Once
from yimen.ledger.once import Answer, once
from yimen.lib.errors import DomainError
from yimen.people.models import Staff

MOST = 100


class BulkAct(models.TextChoices):
    TAKE = "take", gettext_lazy("领到我名下")
    HAND = "hand", gettext_lazy("转给同事")
    PASS = "pass", gettext_lazy("审查：符合要求")
    DELIVER = "deliver", gettext_lazy("记下送达")


# What the rows of each act are; the others are cases.
OF_TASKS = frozenset({BulkAct.TAKE, BulkAct.HAND, BulkAct.PASS})


class BadBulk(DomainError):
    """Nothing was chosen, too much, or an act nobody knows."""


class Gone(DomainError):
    """What was chosen is not there for this person."""


@dataclass(frozen=True)
class Line:
    """One row's answer. number: the case's; is_done: it was done, else text says why not."""

    number: str
    name: str
    is_done: bool
    text: str


def preview(act: str, ids: Iterable[UUID], *, by: Staff, at: datetime, said: Mapping[str, Any]) -> list[Line]:
    """Return what run() would answer now: every row is tried and undone. Raises BadBulk."""
    lines = []
    for pk in _checked(act, ids):
        number, name = "", ""
        try:
            with transaction.atomic():
                number, name = _named(act, pk, by)
                _do(act, pk, by, at, said)
                transaction.set_rollback(True)
            lines.append(Line(number, name, True, _("可以办。")))
        except DomainError as error:
            lines.append(Line(number, name, False, str(error)))
    return lines


def run(
    act: str, ids: Iterable[UUID], *, key: str, body: bytes, by: Staff, at: datetime, said: Mapping[str, Any]
) -> str:
    """
    Do `act` to each of `ids` and return the mark under which results() finds the answers.

    key, body: of the form, as for once(). said: what the act needs besides, "opinion", "to", "reason" or "how". Not to
    be called in a transaction. Raises BadBulk, and DifferentBody before anything is done.
    """
    chosen = _checked(act, ids)
    mark = hashlib.sha256(key.encode()).hexdigest()[:32]
    once("cases.bulk", key, by=by, at=at, body=body, produce=lambda: Answer(303, {"mark": mark}))
    for place, pk in enumerate(chosen):
        once(_act(mark), str(pk), by=by, at=at, body=body, produce=_one(place, act, pk, by, at, said))
    return mark


def _one(place: int, act: str, pk: UUID, by: Staff, at: datetime, said: Mapping[str, Any]) -> Callable[[], Answer]:
    def produce() -> Answer:
        number, name = _named(act, pk, by)
        told = {"place": place, "number": number, "name": name}
        try:
            with transaction.atomic():
                _do(act, pk, by, at, said)
        except DomainError as error:
            return Answer(409, told | {"text": str(error)})
        return Answer(303, told | {"text": str(BulkAct(act).label)})

    return produce


def results(mark: str, *, by: Staff) -> list[Line]:
    """Return the answers to one of his own runs, in the order of the form; none when they are forgotten."""
    rows = Once.objects.filter(actor=by.ledger_ref, act=_act(mark), answer__isnull=False)
    told = [(row.answer or {}) | {"is_done": row.status == 303} for row in rows]
    found = sorted(told, key=lambda one: one.get("place", 0))
    return [
        Line(one.get("number", ""), one.get("name", ""), one["is_done"], one.get("text", "") or one.get("error", ""))
        for one in found
    ]


def _act(mark: str) -> str:
    return f"cases.bulk:{mark}"


def _checked(act: str, ids: Iterable[UUID]) -> Sequence[UUID]:
    chosen = list(dict.fromkeys(ids))
    if act not in BulkAct.values:
        raise BadBulk(_("请选择要做什么。"))
    if not chosen:
        raise BadBulk(_("还没有选中哪一件。请在列表里打勾。"))
    if len(chosen) > MOST:
        raise BadBulk(_("一次最多办 %(n)s 件，请少选一些。") % {"n": MOST})
    return chosen


def _named(act: str, pk: UUID, by: Staff) -> tuple[str, str]:
    """The number and name of a row, if it is his to see."""
    tasks = Task.objects.filter(pk=pk) if act in OF_TASKS else Task.objects.none()
    of_case = Case.objects.filter(pk__in=tasks.values("case")) if act in OF_TASKS else Case.objects.filter(pk=pk)
    number = of_case.values_list("query_no", flat=True).first()
    case = queries.get_case_for(by, number) if number else None
    if case is None:
        raise Gone(_("这一件找不到，或者不归您看。"))
    return case.query_no, case.version.name


def _do(act: str, pk: UUID, by: Staff, at: datetime, said: Mapping[str, Any]) -> None:
    match BulkAct(act):
        case BulkAct.TAKE:
            take_task(pk, by=by, at=at)
        case BulkAct.HAND:
            hand_task(pk, said.get("to"), reason=str(said.get("reason", "")), by=by, at=at)
        case BulkAct.PASS:
            complete_task(pk, outcome=Task.Outcome.PASSED, opinion=str(said.get("opinion", "")), by=by, at=at)
        case BulkAct.DELIVER:
            deliver(pk, how=str(said.get("how", "")), by=by, at=at)
