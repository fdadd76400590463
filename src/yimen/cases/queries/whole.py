"""A case as its page reads it: in few statements, and none for what the case does not have."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Prefetch, prefetch_related_objects

from yimen.cases.models import Case, Notice, Task


def read_course(case: Case) -> None:
    """
    Read the steps of a case with who has and who did them, its clocks and its documents, without the facts frozen into
    these; three statements. `all()` of each costs nothing afterwards.
    """
    steps = Task.objects.select_related("department", "assignee", "done_by__post").order_by("opened_at", "name")
    papers = Notice.objects.select_related("signed").defer("data")
    prefetch_related_objects([case], Prefetch("tasks", steps), Prefetch("notices", papers), "clocks")


def read_whole(case: Case) -> None:
    """Read its course, its materials, and the flow and list of its item; six statements."""
    read_course(case)
    prefetch_related_objects([case], "materials", "version__steps", "version__materials")


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
