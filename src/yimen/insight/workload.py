"""How much lies before whom (S2-19): open steps of each person and post, with an alarm above a level a place sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from yimen.cases.actions.assigning import permission_of
from yimen.cases.models import Case, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.insight.queries import departments_of
from yimen.lib.reading import Given, Together
from yimen.people import access
from yimen.people.models import Department, RoleGrant, Staff

# Above so many open steps a person has too much; each place sets its own, from a day on. [GKU]
ALARM, ALARM_KEY = 30, "workload_alarm"
_KINDS = (FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT, FlowStep.Kind.DECIDE)


@dataclass(frozen=True)
class Load:
    """
    What lies before one person. taken: steps he took; overdue: of those, past their day; waiting: steps nobody took
    that he may do; share: his part of them, when all who may do them take alike; alarm: taken and share are too much.
    """

    staff: Staff
    taken: int
    overdue: int
    waiting: int
    share: float
    alarm: bool

    @property
    def total(self) -> float:
        return self.taken + self.share


@dataclass(frozen=True)
class PostLoad:
    """The open steps of one post of a unit. people: who may do them; 0 means nobody can."""

    department: str
    post: str
    open: int
    overdue: int
    free: int
    people: int


@dataclass(frozen=True)
class Workload:
    """level: the alarm's, in open steps a person; people and posts with the most first."""

    level: int
    people: Sequence[Load] = field(repr=False)
    posts: Sequence[PostLoad] = field(repr=False)

    @property
    def alarms(self) -> list[Load]:
        return [load for load in self.people if load.alarm]


def workload(by: Staff, *, today: date) -> Workload:
    """
    Return the open steps by person and by post of the units whose figures `by` may see, in four statements.

    Raises access.NotAllowed.
    """
    departments = departments_of(by)
    region = by.region_id
    open_steps = Task.objects.filter(region=region, done_at=None, kind__in=_KINDS, case__status=Case.Status.ACCEPTED)
    if departments is not None:
        open_steps = open_steps.filter(department__in=departments)
    late = Q(due_on__lt=today)
    rows = list(
        open_steps.order_by()
        .values("department", "post", "kind", "assignee")
        .annotate(n=Count("pk"), late=Count("pk", filter=late))
    )
    # Joined, each step would be looked for once a unit.
    units = dict(Department.objects.filter(pk__in={row["department"] for row in rows}).values_list("pk", "name"))
    who_works = _WHO.ask(region=region)
    able = _able(who_works["grants"])
    known: dict[UUID, Staff] = {one.pk: one for one in who_works["people"]}
    level = catalog.local_rule(region, ALARM_KEY, today, default=ALARM)
    taken: dict[UUID, int] = {}
    overdue: dict[UUID, int] = {}
    waiting: dict[UUID, int] = {}
    share: dict[UUID, float] = {}
    posts: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        who = able[permission_of(Task(kind=row["kind"]))]
        may = who.get(None, set()) | who.get(row["department"], set())
        post = posts.setdefault(
            (units[row["department"]], row["post"]), {"open": 0, "overdue": 0, "free": 0, "people": set()}
        )
        post["open"] += row["n"]
        post["overdue"] += row["late"]
        post["people"] |= may
        if row["assignee"] is not None:
            taken[row["assignee"]] = taken.get(row["assignee"], 0) + row["n"]
            overdue[row["assignee"]] = overdue.get(row["assignee"], 0) + row["late"]
            continue
        post["free"] += row["n"]
        for pk in may:
            waiting[pk] = waiting.get(pk, 0) + row["n"]
            share[pk] = share.get(pk, 0) + row["n"] / len(may)
    seen = [
        Load(one, taken.get(pk, 0), overdue.get(pk, 0), waiting.get(pk, 0), round(share.get(pk, 0.0), 1),
             taken.get(pk, 0) + share.get(pk, 0) > level)
        for pk, one in known.items()
        if pk in taken or (pk in waiting and (departments is None or one.department_id in departments))
    ]  # fmt: skip
    found = [
        PostLoad(*key, post["open"], post["overdue"], post["free"], len(post["people"])) for key, post in posts.items()
    ]
    return Workload(
        level,
        sorted(seen, key=lambda load: (-load.total, load.staff.number)),
        sorted(found, key=lambda post: (-post.open, post.department, post.post)),
    )


_WHO = Together(
    people=lambda: Staff.objects.filter(region_id=Given("region"), user__is_active=True).select_related(
        "department", "post"
    ),
    grants=lambda: RoleGrant.objects.filter(staff__region=Given("region"), staff__user__is_active=True, ended_at=None),
)


def _able(grants: Iterable[RoleGrant]) -> dict[str, dict[UUID | None, set[UUID]]]:
    """Who may review and who may decide, by department (None: the whole region)."""
    found: dict[str, dict[UUID | None, set[UUID]]] = {"cases.review": {}, "cases.decide": {}}
    for grant in grants:
        for permission, by_department in found.items():
            if grant.role in access.PERMISSIONS[permission]:
                by_department.setdefault(grant.department_id, set()).add(grant.staff_id)
    return found
