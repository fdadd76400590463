"""A case as its page reads it: in few statements, and none for what the case does not have."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from django.db import connection

from yimen.cases.models import Case, CaseMaterial, Clock, Notice, Task
from yimen.catalog.models import FlowStep, ItemMaterial
from yimen.lib.reading import Given, Make, Together, fill

_CASE, _VERSION = Given("case"), Given("version")
_COURSE: dict[str, Make] = {
    "tasks": lambda: (
        Task.objects.filter(case=_CASE)
        .select_related("department", "assignee", "done_by__post")
        .order_by("opened_at", "name")
    ),
    "notices": lambda: Notice.objects.filter(case=_CASE).select_related("signed").defer("data"),
    "clocks": lambda: Clock.objects.filter(case=_CASE),
}
_OF_ITEM: dict[str, Make] = {
    "steps": lambda: FlowStep.objects.filter(version=_VERSION),
    "listed": lambda: ItemMaterial.objects.filter(version=_VERSION),
}
_ASK_COURSE = Together(**_COURSE)
_ASK_WHOLE = Together(**_COURSE, materials=lambda: CaseMaterial.objects.filter(case=_CASE), **_OF_ITEM)


def read_course(case: Case) -> None:
    """
    Read the steps of a case with who has and who did them, its clocks and its documents, without the facts frozen into
    these, in one statement. `all()` of each costs nothing afterwards.
    """
    found = _ASK_COURSE.ask(case=case.pk)
    for name in _COURSE:
        fill(case, name, found[name])


def read_whole(case: Case) -> None:
    """Read its course, its materials, and the flow and list of its item, in one statement."""
    found = _ASK_WHOLE.ask(case=case.pk, version=case.version_id)
    for name in (*_COURSE, "materials"):
        fill(case, name, found[name])
    fill(case.version, "steps", found["steps"])
    fill(case.version, "materials", found["listed"])


def what_there_is(case: Case, names: Collection[str]) -> frozenset[str]:
    """Return which of these relations of Case ("hearing", "agents", …) have any row for `case`; one statement."""
    asked = tuple(sorted(names))
    if not asked:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_question(asked), {"case": case.pk})
        answers = cursor.fetchone()
    return frozenset(name for name, is_there in zip(asked, answers, strict=True) if is_there)


@cache
def _question(names: tuple[str, ...]) -> str:
    parts = []
    for name in names:
        relation: Any = Case._meta.get_field(name)
        if relation.many_to_many:
            table, column = relation.field.m2m_db_table(), relation.field.m2m_reverse_name()
        else:
            table, column = relation.related_model._meta.db_table, relation.field.column
        # Not EXISTS: hoping for a first row soon, the planner may read a big table through for a case that has none.
        parts.append(f'(SELECT count(*) FROM "{table}" WHERE "{column}" = %(case)s) > 0')  # noqa: S608 - names of our own tables
    return "SELECT " + ", ".join(parts)
