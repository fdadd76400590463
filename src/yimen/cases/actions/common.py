"""What every act on a case needs: its lock, its state, its numbers, its ledger row, its document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import documents, queries
from yimen.cases.models import Case, CaseMaterial, CaseMove, Correction, Notice, Recusal, Task
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import acts
from yimen.lib.acts import forget, is_all_or_nothing, remember, remembered
from yimen.lib.errors import DomainError
from yimen.lib.reading import Given, Question
from yimen.lib.text import listed
from yimen.people.models import Staff

LEAST_REASON = 6
MOVED = gettext_lazy("这件现在转给别的部门在办，办完退回来才能接着办。")


class WrongStep(DomainError):
    """The case is no longer, or not yet, where this act belongs."""


class Recused(DomainError):
    """Somebody with an interest in the case does not handle it (SUP-11)."""


class ReasonsMissing(DomainError):
    """Whoever refuses says why (LAW-3, LAW-17)."""


_COUNT = (
    "INSERT INTO cases_counter (region_id, name, day, value) VALUES (%s, %s, %s, 1)"
    " ON CONFLICT (region_id, name, day) DO UPDATE SET value = cases_counter.value + 1 RETURNING value"
)


def next_number(region: str, name: str, day: date) -> int:
    """Return the next number of `name` on `day`; the row lock makes numbers gap-free, rollbacks included."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [region, name, day])
        return int(cursor.fetchone()[0])


def next_numbers(region: str, first: str, second: str, day: date) -> tuple[int, int]:
    """Return the next numbers of two names, as next_number() does, in one statement; rows are locked in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_counter (region_id, name, day, value) VALUES (%s, %s, %s, 1), (%s, %s, %s, 1)"
            " ON CONFLICT (region_id, name, day) DO UPDATE SET value = cases_counter.value + 1 RETURNING name, value",
            [value for name in sorted((first, second)) for value in (region, name, day)],
        )
        found = dict(cursor.fetchall())
    return found[first], found[second]


def give(
    case: Case, kind: Notice.Kind, *, by: Actor, at: datetime, letter: documents.Letter | None = None, **facts: Any
) -> Notice:
    """Number and keep a document; who signs is the organ, so only its facts are stored. letter: see documents.issue."""
    notice, words = documents.made(case, kind, at=at, letter=letter, **facts)
    counted = [case.region_id, f"notice:{kind}:{case.center.letters}", date(localdate(at).year, 1, 1)]
    acts.add_numbered(notice, "number", _COUNT, counted, words)
    return notice


def record(case: Case, kind: str, *, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    """
    The heads every case row carries, so that figures can be counted from the ledger alone.

    Every act ends here, so here nobody who stands aside gets any further: raises Recused, which undoes the act.
    """
    refuse_recused(case, [by])
    heads = {"item": case.item.task_code, "department": str(case.department_id), "case_type": case.case_type}
    ledger.note(case.stream, kind, region=case.region_id, by=by, at=at, data=heads | data)


def unsaid(text: str, name: str) -> dict[str, Any]:
    """
    Return what the ledger keeps of words typed by hand: that they were there, how long, and a hash to check them by.

    They may name somebody, and the ledger cannot forget.
    """
    return {f"{name}_length": len(text), f"{name}_sha256": sha256(text.encode()).hexdigest()} if text else {}


def _to_lock() -> QuerySet[Case]:
    aside = Recusal.objects.filter(case=OuterRef("pk"), is_granted=True).values("staff")
    return (
        Case.objects.select_for_update(of=("self",))
        .select_related("item", "version", "department", "center", "applicant", "region", "renewal")
        .annotate(**{"recused": ArraySubquery(aside)})  # noqa: PIE804 - the model declares it
    )


_BY_ID = Question(lambda: _to_lock().filter(pk=Given("case")))
_BY_NUMBER = Question(lambda: _to_lock().filter(region_id=Given("region"), query_no=Given("number")))
_BY_TASK = Question(lambda: _to_lock().filter(tasks=Given("task")))


def locked(case_id: UUID) -> Case:
    """Return the case, locked till the end of the transaction; once more only if take() has not locked it for this."""
    taken = taken_case(case_id)
    if taken is not None:
        return taken
    found: list[Case] = _BY_ID.ask(case=case_id)
    if not found:
        raise Case.DoesNotExist
    return found[0]


def locked_with(task_id: UUID) -> Case:
    """Return the case a step is of, as locked() does: one take() has locked, though the step may not be of it."""
    taken = taken_case(None)
    if taken is not None:
        return taken
    found: list[Case] = _BY_TASK.ask(task=task_id)
    if not found:
        raise Task.DoesNotExist
    return found[0]


def take(staff: Staff, number: str) -> Case | None:
    """
    Return the case with this number for the act that follows; None alike when there is none and when it is not his to
    see. Inside all_or_nothing() a case of his own departments is locked already, and the act does not read it again.
    """
    if is_all_or_nothing():
        found: list[Case] = _BY_NUMBER.ask(region=staff.region_id, number=number.strip().upper())
        if found and queries.is_of_his(staff, found[0]):
            remember(_TAKEN, found[0])
            return found[0]
    return queries.get_case_for(staff, number)


_TAKEN = "the case that is locked"


def taken_case(case_id: UUID | None) -> Case | None:
    """Return the case take() locked, once; an act after that reads it anew. case_id: None for whichever it is."""
    found: Case | None = remembered(_TAKEN)
    if found is None or case_id not in (None, found.pk):
        return None
    forget(_TAKEN)
    return found


def refuse_recused(case: Case, people: Iterable[Actor]) -> None:
    """Raise Recused when one of them stands aside from this case (SUP-11); unlocked cases cost a query."""
    staff = [one for one in people if isinstance(one, Staff)]
    if not staff:
        return
    if "recused" not in case.__dict__:
        case.recused = list(Recusal.objects.filter(case=case, is_granted=True).values_list("staff", flat=True))
    if away := [one.name for one in staff if one.pk in case.recused]:
        raise Recused(_("%(names)s已经回避这件，请换别人。") % {"names": listed(away)})


def expect_not_moved(case: Case) -> None:
    """Raise WrongStep while the case is with another unit."""
    if case.tasks.filter(done_at=None, step_key__startswith=CaseMove.STEP).exists():
        raise WrongStep(MOVED)


def expect(case: Case, status: Case.Status) -> None:
    if case.status != status:
        raise WrongStep(
            _("这件现在是“%(status)s”，这一步做不了。请刷新看最新进度。") % {"status": case.get_status_display()}
        )


def checked_reasons(text: str) -> str:
    if len(text.strip()) < LEAST_REASON:
        raise ReasonsMissing(_("请写明理由，至少 %(n)s 个字，让申请人看得懂、知道下一步怎么办。") % {"n": LEAST_REASON})
    return text.strip()


def note_visit(case: Case, day: date) -> bool:
    """
    Count `day` as one on which somebody had to come to a hall for this case; a day counts once (S2-11, S2-22).

    Call it before the case is saved anyway, with "visit_days" among its fields. True when that changed something.
    """
    if day in case.visit_days:
        return False
    case.visit_days = sorted([*case.visit_days, day])
    return True


_ENOUGH = frozenset({CaseMaterial.State.COMPLETE, CaseMaterial.State.LATER, CaseMaterial.State.COMMITTED})


def put_right(correction: Correction, rows: Iterable[CaseMaterial], at: datetime) -> bool:
    """Tick off the lines of a correction whose material is there now; return whether all of it is."""
    there = {row.pk for row in rows if row.state in _ENOUGH}
    correction.lines.filter(done_at=None, material__in=there).update(done_at=at)
    correction.lines.filter(done_at__isnull=False).exclude(material__in=there).update(done_at=None)
    if correction.lines.filter(done_at=None).exists():
        return False
    correction.answered_at = at
    correction.save(update_fields=["answered_at"])
    return True
