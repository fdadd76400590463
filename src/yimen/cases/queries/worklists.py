"""The lists people work through: their own steps, their team's, their unit's, and what waits elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from yimen.cases.models import Case, OpinionTemplate, SavedFilter, Task
from yimen.cases.queries.modes import at_departments
from yimen.cases.queries.tasks import open_tasks
from yimen.catalog.models import FlowStep
from yimen.lib.reading import Given, Question, any_of
from yimen.people.models import Staff

WEEK = timedelta(days=7)
# A list longer than this is looked through with filters, not with the eyes.
MOST_ELSEWHERE = 50
_AT_WINDOW = (FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER)
_OPINIONS = (FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT)


@dataclass(frozen=True)
class Desk:
    """
    Which open steps a list shows; an empty field does not narrow.

    whose: "" what he may do and nobody else has; "taken" what he took; "team" all at his posts, whoever has it;
    "unit" every step open at the units whose cases he may see. due: "overdue", "today" or "week".
    """

    whose: str = ""
    due: str = ""
    department: UUID | None = None
    kind: str = ""


def steps_for(staff: Staff, desk: Desk, *, today: date) -> QuerySet[Task]:
    """Return the open steps of a list, the most urgent first; those of a colleague he covers are his too (HALL-6)."""
    if desk.whose == "unit":
        tasks = (
            Task.objects.filter(at_departments(staff, "cases.view", "department"), region_id=staff.region_id)
            .filter(done_at=None, case__status=Case.Status.ACCEPTED)
            .select_related("case", "case__version", "case__applicant", "department")
            .order_by("-case__is_urgent", "due_on", "opened_at")
        )
        if not desk.kind:  # said twice, the planner takes it for fewer than there are
            tasks = tasks.exclude(kind__in=_AT_WINDOW)
    else:
        tasks = open_tasks(staff)
    own = Q(assignee__in=staff.acting_for)
    if desk.whose == "taken":
        tasks = tasks.filter(own)
    elif not desk.whose:
        tasks = tasks.filter(own | Q(assignee=None))
    if desk.department:
        tasks = tasks.filter(department=desk.department)
    if desk.kind:
        tasks = tasks.filter(kind=desk.kind)
    match desk.due:
        case "overdue":
            tasks = tasks.filter(due_on__lt=today)
        case "today":
            tasks = tasks.filter(due_on=today)
        case "week":
            tasks = tasks.filter(due_on__range=(today, today + WEEK))
    return tasks.select_related("case", "case__version", "case__applicant", "department", "assignee")


ORDER = ("-case__is_urgent", "due_on", "opened_at", "pk")


# What a line of a list shows of a step, its case and those around it; whole rows are wide.
LINE = (
    *("region", "case", "name", "kind", "post", "step_key", "opened_at", "due_on", "department", "assignee"),
    *("case__region", "case__query_no", "case__is_urgent", "case__status", "case__received_at", "case__accepted_at"),
    *("case__due_on", "case__version__name", "case__applicant__kind", "case__applicant__name"),
    *("department__name", "department__short_name", "assignee__name"),
)


def page_of(steps: QuerySet[Task], start: int, count: int) -> list[Task]:
    """
    Return some rows of a list in its order, with what LINE names; three statements.

    First those of the few cases that come before the others, then the rest by their day: no index knows both.
    """
    by_day = steps.order_by(*ORDER[1:]).values_list("pk", flat=True)
    urgent = list(by_day.filter(case__is_urgent=True)[: start + count])
    keys, skip = urgent[start:], max(start - len(urgent), 0)
    if len(keys) < count:
        keys += by_day.filter(case__is_urgent=False)[skip : skip + count - len(keys)]
    found = {task.pk: task for task in _LINES.ask(keys=keys)}
    return [found[key] for key in keys]


_LINES = Question(
    lambda: (
        Task.objects.filter(any_of("pk", Given("keys")))
        .select_related("case__version", "case__applicant", "department", "assignee")
        .only(*LINE)
    )
)


def due_counts(staff: Staff, *, today: date) -> dict[str, int]:
    """Return how many of his own steps are overdue, due today and due in the next seven days; one statement."""
    return (
        steps_for(staff, Desk(), today=today)
        .filter(due_on__lte=today + WEEK)
        .aggregate(
            overdue=Count("pk", filter=Q(due_on__lt=today)),
            today=Count("pk", filter=Q(due_on=today)),
            week=Count("pk", filter=Q(due_on__gt=today)),
        )
    )


@dataclass(frozen=True)
class Elsewhere:
    """A case of one's unit that waits for others: `given` of `asked` opinions are there. waiting: who still has it."""

    case: Case
    given: int
    asked: int
    due_on: date
    waiting: Sequence[Task] = field(default_factory=list)


def elsewhere(staff: Staff) -> list[Elsewhere]:
    """
    Return the running cases of his units that wait for a step at another unit, the most urgent first.

    At most MOST_ELSEWHERE; three statements.
    """
    away = Task.objects.filter(case=OuterRef("pk"), done_at=None).exclude(department=OuterRef("department"))
    mine = at_departments(staff, "cases.review", "department") | at_departments(staff, "cases.decide", "department")
    cases = (
        Case.objects.filter(mine, Exists(away), region_id=staff.region_id, status=Case.Status.ACCEPTED)
        .select_related("version", "applicant")
        .order_by("due_on", "pk")[:MOST_ELSEWHERE]
    )
    found = {case.pk: case for case in cases}
    if not found:
        return []
    opinions = Task.objects.filter(case__in=found, kind__in=_OPINIONS).order_by()
    counted: dict[UUID, dict[str, Any]] = {
        row["case"]: dict(row)
        for row in opinions.values("case").annotate(
            asked=Count("step_key", distinct=True), open=Count("step_key", distinct=True, filter=Q(done_at=None))
        )
    }
    waiting: dict[UUID, list[Task]] = defaultdict(list)
    open_steps = Task.objects.filter(case__in=found, done_at=None).exclude(department=F("case__department"))
    for task in open_steps.select_related("department", "assignee").order_by("due_on"):
        waiting[task.case_id].append(task)
    none = {"asked": 0, "open": 0}
    lines = []
    for pk, case in found.items():
        counts: dict[str, Any] = counted.get(pk, none)
        assert case.due_on is not None
        lines.append(Elsewhere(case, counts["asked"] - counts["open"], counts["asked"], case.due_on, waiting[pk]))
    return lines


def next_task(staff: Staff, case: Case, *, today: date) -> Task | None:
    """Return the most urgent of his own steps that belongs to another case."""
    return steps_for(staff, Desk(), today=today).exclude(case=case).first()


def saved_filters(staff: Staff, place: str) -> list[SavedFilter]:
    """Return his own lists of a place, and those his colleagues of the same unit share, by name."""
    return _FILTERS.ask(**_of(staff), place=place)


def opinion_templates(staff: Staff, *, acts: Sequence[str] = ()) -> list[OpinionTemplate]:
    """Return the words he may use, his own first, then his unit's; acts: only for these."""
    found: list[OpinionTemplate] = _OPINION_TEMPLATES.ask(**_of(staff))
    return [one for one in found if one.act in acts] if acts else found


def _of(staff: Staff) -> dict[str, Any]:
    return {"staff": staff.pk, "department": staff.department_id, "region": staff.region_id}


_REGION, _STAFF, _DEPARTMENT = Given("region"), Given("staff"), Given("department")
_FILTERS = Question(
    lambda: (
        SavedFilter.objects.filter(Q(staff=_STAFF) | Q(is_shared=True, staff__department=_DEPARTMENT))
        .filter(region_id=_REGION, place=Given("place"))
        .select_related("staff")
        .order_by("name")
    )
)
_OPINION_TEMPLATES = Question(
    lambda: OpinionTemplate.objects.filter(
        Q(staff=_STAFF) | Q(staff=None, department=_DEPARTMENT), region_id=_REGION
    ).order_by(F("staff").asc(nulls_last=True), "title")
)
