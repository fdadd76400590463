"""Agents, priority, teams, experts, guidance, recusals, and whether what was done is what is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases.models import (
    AgentService,
    Case,
    CaseTeam,
    Expert,
    ExpertRequest,
    Guidance,
    PriorityGrant,
    Recusal,
    Task,
    TeamMember,
)
from yimen.cases.queries.finding import visible_to
from yimen.cases.rules import conformity
from yimen.catalog.models import FlowStep
from yimen.catalog.queries import scenario
from yimen.ledger.models import Event
from yimen.lib import mask
from yimen.lib.reading import Given, Question
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Post, PostCover, Staff

# -- agents -----------------------------------------------------------------------------------------------------------

# What the applicant's side does, or receives: with an agent it is the agent who does it.
APPLICANTS_ACTS = frozenset(
    {
        "case.received",
        "case.materials_noted",
        "case.gap_made_up",
        "case.committed",
        "case.hearing_asked",
        "case.hearing_waived",
        "case.renewal_asked",
        "case.fee_paid",
        "case.withdrawn",
        "case.delivered",
        "case.agent_acted",
    }
)


# What an agent does for the applicant; a closed list, because the ledger keeps it for good.
AGENT_ACTS = {
    "form": gettext_lazy("代填表格"),
    "materials": gettext_lazy("代交材料"),
    "copy": gettext_lazy("代跑其他部门取材料"),
    "follow": gettext_lazy("代查进度、代答询问"),
    "visit": gettext_lazy("陪同现场核查"),
    "fetch": gettext_lazy("代领结果"),
}


def agents_of(case: Case) -> list[AgentService]:
    """Return who acts and acted for the applicant, the present one first."""
    return sorted(case.agents.select_related("staff__department"), key=lambda agent: agent.consented_at, reverse=True)


def is_acting(agent: AgentService, at: datetime) -> bool:
    """Tell whether somebody could act for the applicant at that moment; the last day counts whole."""
    return (
        agent.consented_at <= at
        and (agent.ended_at is None or at < agent.ended_at)
        and (agent.valid_until is None or localdate(at) <= agent.valid_until)
    )


def agent_word(agents: Iterable[AgentService], event: Event) -> str:
    """
    Return by which agent an act of a case was done, "" when by none: what the applicant's side does while somebody
    acts for it, and whatever the helper himself does. A citizen sees no full name (S1-6).
    """
    for agent in agents:
        by_helper = agent.staff is not None and event.actor == agent.staff.ledger_ref
        if not is_acting(agent, event.at) or not (by_helper or event.kind in APPLICANTS_ACTS):
            continue
        if agent.staff is not None:
            return _("由帮办代办员（工号 %(number)s）代办") % {"number": agent.staff.number}
        return _("由代理人%(name)s代办") % {"name": mask.name(agent.name)}
    return ""


# -- priority ---------------------------------------------------------------------------------------------------------


def priorities(region: str) -> QuerySet[PriorityGrant]:
    """Return what was asked to come first, the latest first."""
    people = ("asked_by__department", "approved_by__department", "case__version", "case__department")
    return PriorityGrant.objects.filter(region_id=region).select_related(*people).order_by("-asked_at")


def priorities_waiting(region: str) -> QuerySet[PriorityGrant]:
    return priorities(region).filter(approved_at=None, refused_at=None).order_by("asked_at")


def ticket_priorities(region: str, tickets: Collection[UUID]) -> dict[UUID, PriorityGrant]:
    """Return the approved or waiting priority of each of these tickets; one statement, none without tickets."""
    if not tickets:
        return {}
    found = priorities(region).filter(ticket__in=tickets, refused_at=None, ended_at=None)
    return {grant.ticket: grant for grant in found if grant.ticket}


# -- guidance ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GuidedMonth:
    """month: its first day. firms: different names; fee: the sum, which the database keeps at 0."""

    month: date
    times: int
    firms: int
    on_site: int
    became_cases: int
    fee: int


def guidances(region: str, *, since: date | None = None, until: date | None = None) -> QuerySet[Guidance]:
    """Return what was advised in these days (both included), the latest first."""
    found = Guidance.objects.filter(region_id=region).select_related("item__published", "by__department", "case")
    if since:
        found = found.filter(at__gte=datetime.combine(since, time(), LOCAL_ZONE))
    if until:
        found = found.filter(at__lt=datetime.combine(until + timedelta(days=1), time(), LOCAL_ZONE))
    return found.order_by("-at")


def free_guidances(case: Case, before: datetime) -> list[Guidance]:
    """Return the latest ten that were given for the item of `case` before then and belong to no case yet."""
    return _FREE_GUIDANCES.ask(region=case.region_id, item=case.item_id, before=before)


_FREE_GUIDANCES = Question(
    lambda: (
        Guidance.objects.filter(region_id=Given("region"), item=Given("item"), case=None, at__lte=Given("before"))
        .select_related("by")
        .order_by("-at")[:10]
    )
)


def guided_months(region: str, *, since: date, until: date) -> list[GuidedMonth]:
    """Return the count of guided firms by month, the latest first (S4-12); one statement."""
    rows = (
        guidances(region, since=since, until=until)
        .order_by()
        .annotate(month=TruncMonth("at", tzinfo=LOCAL_ZONE))
        .values("month")
        .annotate(
            times=Count("pk"),
            firms=Count("who", distinct=True),
            on_site=Count("pk", filter=Q(is_on_site=True)),
            became_cases=Count("case", distinct=True),
            fee=Sum("fee"),
        )
        .order_by("-month")
    )
    return [
        GuidedMonth(
            localdate(row["month"], LOCAL_ZONE),
            row["times"],
            row["firms"],
            row["on_site"],
            row["became_cases"],
            int(row["fee"]),
        )
        for row in rows
    ]


# -- teams and experts ------------------------------------------------------------------------------------------------


def _with_members() -> Prefetch[str]:
    return Prefetch("members", TeamMember.objects.select_related("staff__department").order_by("joined_at"))


def teams_of(case: Case) -> list[CaseTeam]:
    """Return the teams that follow or followed a case, with everybody who is or was in them."""
    return list(case.teams.prefetch_related(_with_members()).order_by("-formed_at"))


def teams(region: str) -> QuerySet[CaseTeam]:
    """Return the teams with their people and cases, those at work first."""
    cases = Prefetch("cases", Case.objects.select_related("version", "department").order_by("received_at"))
    found = CaseTeam.objects.filter(region_id=region).prefetch_related(_with_members(), cases)
    return found.order_by("ended_at", "-formed_at")


def experts(region: str, *, text: str = "") -> QuerySet[Expert]:
    """Return who can be asked, by a word of name, organisation or field."""
    found = Expert.objects.filter(region_id=region, is_active=True)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(organisation__icontains=text) | Q(fields__icontains=text))
    return found.order_by("organisation", "name")


def experts_for(case: Case) -> list[Expert]:
    """Return the directory, those first whose fields stand in the item's name or words."""
    words = " ".join([case.version.name, *case.version.everyday_names, *case.version.themes])
    return sorted(experts(case.region_id), key=lambda one: not any(word in words for word in one.fields))


def expert_requests(case: Case) -> list[ExpertRequest]:
    return list(case.expert_requests.select_related("expert", "asked_by", "noted_by").order_by("-asked_at"))


# -- recusal ----------------------------------------------------------------------------------------------------------


def recusals_of(case: Case) -> list[Recusal]:
    return list(case.recusals.select_related("staff__department", "decided_by").order_by("asked_at"))


def recused_cases(staff: Staff) -> QuerySet[Recusal]:
    """Return the cases this person does not handle, as ids for a condition."""
    return Recusal.objects.filter(staff=staff, is_granted=True).values("case")  # type: ignore[return-value]


# -- conformity -------------------------------------------------------------------------------------------------------

MOST_COMPARED = 500
_OVER = (Case.Status.COMPLETED, Case.Status.DELIVERED)
_GIVEN = (FlowStep.Kind.RECEIVE, FlowStep.Kind.ACCEPT)
_AFTER = (FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER)


@dataclass(frozen=True)
class Deviating:
    """A case with what was done otherwise than written; steps: names by key."""

    case: Case
    found: Sequence[conformity.Deviation]
    steps: dict[str, str]


@dataclass
class ItemConformity:
    """The cases of one item compared, those that deviate, and how often in which way."""

    name: str
    department: str
    compared: int = 0
    cases: list[Deviating] = field(default_factory=list)
    kinds: Counter[conformity.Kind] = field(default_factory=Counter)


def conformity_of(cases: Sequence[Case], *, today: date, events: Iterable[Event] | None = None) -> list[Deviating]:
    """
    Compare each case with its own edition of the flow; when and in which round steps ended is read from the ledger.

    A post counts only where the step's department has one of that name: a flow may name posts nobody set up. Four
    statements whatever the number; fewer for a case that was read whole. events: of these cases, when they are read.
    """
    tasks = _tasks(cases)
    ended = _ended(cases, events)
    posts = set(
        Post.objects.filter(
            department__in={task.department_id for rows in tasks.values() for task in rows}
        ).values_list("department", "name")
    )
    flows: dict[UUID, list[FlowStep]] = defaultdict(list)
    if is_whole(cases):
        flows |= {case.version_id: list(case.version.steps.all()) for case in cases}
    else:
        for step in FlowStep.objects.filter(version__in={case.version_id for case in cases}).order_by("position"):
            flows[step.version_id].append(step)
    compared = []
    for case in cases:
        steps = [
            step for step in scenario.applying_steps(flows[case.version_id], case.chosen) if step.kind not in _GIVEN
        ]
        mine = [task for task in tasks[case.pk] if not _is_overtaken(task)]
        ended_steps = {task.step_key for task in mine if task.done_at}
        is_over = case.status in _OVER
        written = [
            conformity.Written(
                step.key,
                tuple(step.after),
                step.post if (step.department_id or case.department_id, step.post) in posts else "",
            )
            for step in steps
            if step.kind not in _AFTER or step.key in ended_steps or case.status == Case.Status.DELIVERED
        ]
        done = [
            _done(task, ended.get((case.stream, task.step_key, task.round)))
            for task in mine
            if task.done_at or case.status == Case.Status.ACCEPTED
        ]
        found = conformity.deviations(written, done, is_over=is_over, today=today)
        if any(one.kind == conformity.Kind.POST for one in found):
            found = _without_covered(found, written, mine)
        compared.append(Deviating(case, found, {step.key: step.name for step in steps}))
    return compared


def _without_covered(
    found: Iterable[conformity.Deviation], written: Iterable[conformity.Written], tasks: Iterable[Task]
) -> list[conformity.Deviation]:
    """Leave out steps done by the B post while it stood in for the post that is written (AB角, HALL-6)."""
    posts = {step.key: step.post for step in written}
    done = {(task.step_key, task.round): task for task in tasks}

    def is_covered(one: conformity.Deviation) -> bool:
        task = done.get((one.key, one.round))
        if one.kind != conformity.Kind.POST or task is None or task.done_by_id is None or task.done_at is None:
            return False
        covers = PostCover.objects.filter(stand_in=task.done_by_id, from_at__lte=task.done_at)
        covers = covers.filter(Q(until_at=None) | Q(until_at__gte=task.done_at))
        return covers.filter(primary__post__name=posts[one.key]).exists()

    return [one for one in found if not is_covered(one)]


def is_whole(cases: Iterable[Case]) -> bool:
    """Tell whether each of them went through whole.read_whole()."""
    return all("tasks" in getattr(case, "_prefetched_objects_cache", {}) for case in cases)


def _tasks(cases: Sequence[Case]) -> dict[UUID, list[Task]]:
    if is_whole(cases):
        return {case.pk: sorted(case.tasks.all(), key=lambda task: (task.round, task.opened_at)) for case in cases}
    found: dict[UUID, list[Task]] = defaultdict(list)
    rows = Task.objects.filter(case__in=[case.pk for case in cases]).select_related("done_by__post")
    for task in rows.order_by("round", "opened_at"):
        found[task.case_id].append(task)
    return found


def _ended(cases: Sequence[Case], events: Iterable[Event] | None) -> dict[tuple[str, str, int], datetime]:
    if events is None:
        events = Event.objects.filter(
            region__in={case.region_id for case in cases},
            stream__in=[case.stream for case in cases],
            kind="case.task_done",
        )
    return {
        (one.stream, one.data.get("task", ""), one.data.get("round", 1)): one.at
        for one in events
        if one.kind == "case.task_done"
    }


def _is_overtaken(task: Task) -> bool:
    """Closed by a step that was sent back, not done by anybody."""
    return task.done_at is not None and task.done_by_id is None and not task.outcome


def _done(task: Task, told: datetime | None) -> conformity.Done:
    at = told or task.done_at
    post = task.done_by.post.name if task.done_by and task.done_by.post else ""
    return conformity.Done(
        task.step_key, task.round, task.opened_at, task.due_on, at, localdate(at) if at else None, post
    )


def conformity_by_item(staff: Staff, *, since: date, until: date, today: date) -> list[ItemConformity]:
    """
    Compare the cases `staff` may see that were decided in these days, the latest MOST_COMPARED; the items with the
    most deviating cases first.
    """
    cases = (
        visible_to(staff)
        .filter(
            completed_at__gte=datetime.combine(since, time(), LOCAL_ZONE),
            completed_at__lt=datetime.combine(until + timedelta(days=1), time(), LOCAL_ZONE),
        )
        .select_related("version", "department")
        .order_by("-completed_at")[:MOST_COMPARED]
    )
    items: dict[UUID, ItemConformity] = {}
    for one in conformity_of(list(cases), today=today):
        item = items.setdefault(one.case.item_id, ItemConformity(one.case.version.name, one.case.department.name))
        item.compared += 1
        if one.found:
            item.cases.append(one)
            item.kinds.update({deviation.kind for deviation in one.found})
    return sorted(items.values(), key=lambda item: (-len(item.cases), item.name))
