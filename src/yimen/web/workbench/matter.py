"""What a page shows of a case: materials, clock, tasks, documents, and what its reader may do with it now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import actions, queries, rules
from yimen.cases.models import Case, CaseMaterial, CaseMove, Clock, Notice, Task
from yimen.cases.queries import worklists
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import scenario as scenario_rules
from yimen.catalog.rules.plans import day_of_steps
from yimen.lib.workdays import Limit, Unit
from yimen.people import access
from yimen.people.models import Role, Staff
from yimen.web.templatetags.yimen import day
from yimen.web.workbench.forms import FORM, NOTE, REUSED, STATE
from yimen.web.workbench.panels import Opened, panels_of, reads

DECIDING = {FlowStep.Kind.DECIDE, FlowStep.Kind.MAKE, FlowStep.Kind.DELIVER}
CHIPS = {
    Case.Status.RECEIVED: "wait",
    Case.Status.ACCEPTED: "go",
    Case.Status.COMPLETED: "done",
    Case.Status.DELIVERED: "done",
    Case.Status.DECLINED: "off",
    Case.Status.WITHDRAWN: "off",
}


@dataclass(frozen=True)
class MaterialRow:
    """
    One line of the list with what was marked for it; state is empty while nobody has looked.

    form: original, copy or file. earlier: the same material handed in before, which may serve again; certificates:
    numbers that show the same; reused: what of these was taken.
    """

    material: ItemMaterial
    state: str = ""
    note: str = ""
    form: str = ""
    earlier: CaseMaterial | None = None
    certificates: Sequence[str] = ()
    reused: str = ""

    @property
    def forms(self) -> list[tuple[str, str]]:
        return [(form.value, str(form.label)) for form in CaseMaterial.Form]

    @property
    def form_word(self) -> str:
        return str(CaseMaterial.Form(self.form).label) if self.form in CaseMaterial.Form.values else ""

    @property
    def is_shared(self) -> bool:
        return self.material.source == ItemMaterial.Source.SHARED

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What can be marked: 后补 only where the list allows it (HALL-11), 承诺代替 only by a commitment (HALL-12)."""
        may_follow = self.material.necessity == ItemMaterial.Necessity.GAP_ALLOWED
        return [
            (state.value, str(state.label))
            for state in CaseMaterial.State
            if state not in {CaseMaterial.State.LATER, CaseMaterial.State.COMMITTED}
            or self.state == state
            or (state == CaseMaterial.State.LATER and may_follow)
        ]

    @property
    def word(self) -> str:
        return str(CaseMaterial.State(self.state).label) if self.state in CaseMaterial.State.values else ""


def material_rows(
    case: Case | None,
    version: ItemVersion,
    posted: QueryDict | None = None,
    chosen: Collection[str] = (),
    *,
    offered_on: date | None = None,
) -> list[MaterialRow]:
    """
    Return the list in order, as far as it applies, with what was just typed, else what the case holds. offered_on:
    the day on which to look what the applicant handed in before; None: do not look.
    """
    known = {row.material_id: row for row in case.materials.all()} if case else {}
    earlier = queries.earlier_materials(case, offered_on) if case and offered_on else {}
    shown = queries.certificates_for(case.applicant, offered_on) if case and offered_on else {}
    rows = []
    for material in scenario_rules.applying(version.materials.all(), case.chosen if case else chosen):
        row = known.get(material.pk)
        state, note, form = (row.state, row.note, row.form) if row else ("", "", "")
        reused = (row.certificate_no or str(row.reused_from_id or "")) if row else ""
        if posted is not None and f"{STATE}{material.pk}" in posted:
            state, note = str(posted[f"{STATE}{material.pk}"]), str(posted.get(f"{NOTE}{material.pk}", ""))
            form, reused = str(posted.get(f"{FORM}{material.pk}", "")), str(posted.get(f"{REUSED}{material.pk}", ""))
        before = earlier.get(material.name, ())
        rows.append(
            MaterialRow(
                material, state, note, form, before[0] if before else None, shown.get(material.name, ()), reused
            )
        )
    return rows


@dataclass(frozen=True)
class Acts:
    """What the reader may do with the case now."""

    accept: bool = False
    tasks: list[Task] = field(default_factory=list)
    decide: bool = False
    deliver: bool = False


def acts_for(case: Case, staff: Staff, tasks: Iterable[Task]) -> Acts:
    """Return the acts open to `staff`; the act itself judges again."""

    def may(permission: str, task: Task | None = None) -> bool:
        return access.allowed(
            staff, permission, department=task.department if task else case.department, region=case.region_id
        )

    def is_mine(task: Task) -> bool:
        return task.assignee_id is None or task.assignee_id in staff.acting_for

    waiting = [task for task in tasks if task.done_at is None]
    before = [task for task in waiting if task.kind not in DECIDING]
    deciding = "cases.decide_at_once" if case.version.is_immediate else "cases.decide"
    match case.status:
        case Case.Status.RECEIVED:
            return Acts(accept=may("cases.accept"))
        case Case.Status.ACCEPTED:
            # While it is with another unit, only that unit acts (panels/moves.py).
            is_away = any(task.step_key.startswith(CaseMove.STEP) for task in before)
            mine = [] if is_away else [task for task in before if is_mine(task) and may("cases.review", task)]
            may_decide = bool(waiting) and not before and may(deciding) and all(map(is_mine, waiting))
            return Acts(tasks=mine, decide=may_decide)
        case Case.Status.COMPLETED:
            return Acts(deliver=may("cases.deliver"))
        case _:
            return Acts()


@dataclass(frozen=True)
class Step:
    """One step of the flow as it stands: done, on (somebody has it) or to come. day: of the plan, 0 without one."""

    name: str
    state: str
    note: str = ""
    who: str = ""
    opinion: str = ""
    day: int = 0


def steps_of(case: Case, tasks: Iterable[Task]) -> list[Step]:
    """Return the flow in order with who has it now; an item without a flow shows its tasks."""
    by_key = {task.step_key: task for task in tasks}
    found = []
    steps = scenario.applying_steps(case.version.steps.all(), case.chosen)
    plan = day_of_steps(steps)
    if max(plan.values(), default=1) == 1:
        plan = {}
    for step in steps:
        task, day = by_key.pop(step.key, None), plan.get(step.key, 0)
        if task is not None:
            found.append(_step_of(task, day))
        elif step.kind == FlowStep.Kind.RECEIVE:
            found.append(Step(step.name, "done", _day(case.received_at), day=day))
        elif step.kind == FlowStep.Kind.ACCEPT and case.accepted_at:
            found.append(Step(step.name, "done", _day(case.accepted_at), day=day))
        else:
            limit = _("限 %(n)s 个工作日") % {"n": step.limit_days} if step.limit_days else ""
            found.append(Step(step.name, "next", limit, day=day))
    return found + [_step_of(task) for task in by_key.values()]


def _step_of(task: Task, day: int = 0) -> Step:
    who = f"{task.department.name} · {task.post}"
    if task.done_at:
        return Step(
            task.name, "done", f"{task.get_outcome_display()}，{_day(task.done_at)}", who, task.opinion, day=day
        )
    return Step(task.name, "on", _("最晚 %(day)s") % {"day": _day(task.due_on)}, who, day=day)


def _day(value: date | datetime) -> str:
    return day(value, "short")


def surveyors(task: Task) -> QuerySet[Staff]:
    """Return who may go on a site visit for this task (LAW-15)."""
    going = Q(grants__role__in=[Role.SURVEYOR, Role.APPROVER], grants__ended_at=None)
    there = Q(grants__department=None) | Q(grants__department=task.department)
    return (
        Staff.objects.filter(going & there, region_id=task.region_id, user__is_active=True)
        .distinct()
        .order_by("number")
    )


def previews(version: ItemVersion, *, today: date, chosen: Collection[str] = ()) -> dict[str, rules.ClockView]:
    """Return the clocks a case of `version` with these answers would run under if it were accepted today."""
    calendar = catalog.work_calendar()
    case = Case(region_id=version.item.region_id, version=version, chosen=list(chosen))
    planned = actions.clocks_for(case, today)
    return {
        clock.kind: rules.clock(today, Limit(clock.limit, Unit(clock.unit)), (), calendar, today=today)
        for clock in planned
    }


def shown(
    case: Case,
    staff: Staff,
    *,
    now: datetime,
    posted: QueryDict | None = None,
    act: str = "",
    with_history: bool = False,
) -> dict[str, Any]:
    """Return what templates need of a case; a constant number of statements. act: the act whose form came back."""
    today = localdate(now)
    queries.read_whole(case)
    opened = Opened(case, staff, now, queries.what_there_is(case, reads()), posted, act)
    tasks, notices = opened.tasks, list(case.notices.all())
    is_new = case.status == Case.Status.RECEIVED
    if is_new and not opened.has("correction"):
        case._state.fields_cache["correction"] = None  # known without a look
    rows = material_rows(case, case.version, posted, offered_on=today if is_new else None)
    has_moved = opened.has("stops") or opened.has("extension")
    clocks = queries.clock_views(case, today=today, may_have_moved=has_moved)
    acts = acts_for(case, staff, tasks)
    panels = panels_of(opened) if with_history else []
    missing = actions.missing_materials(case.materials.select_related("material")) if acts.accept else []
    return {
        "case": case,
        "status_chip": CHIPS[Case.Status(case.status)],
        "rows": rows,
        "missing": missing,
        "answer_due": queries.answer_due(case, catalog.work_calendar()) if is_new else None,
        "waits": queries.waits_for_applicant(case),
        "grounds": actions.Ground.choices if acts.accept else [],
        "is_told": acts.accept and any(notice.kind == Notice.Kind.CORRECTION for notice in notices),
        "clock": clocks.get(Clock.Kind.PROMISED),
        "statutory": clocks.get(Clock.Kind.STATUTORY),
        "delivery": clocks.get(Clock.Kind.DELIVERY),
        "acts": acts,
        "turns": [
            (task, surveyors(task) if task.kind == FlowStep.Kind.VISIT else None)
            for task in acts.tasks
            # A visit with checkpoints is finished on its own list.
            if task.kind != FlowStep.Kind.VISIT or not case.version.check_points.exists()
        ],
        "steps": steps_of(case, tasks),
        "typed": typed(posted),
        "may_reveal": access.allowed(staff, "people.reveal", region=case.region_id),
        "notices": notices,
        "entries": entries(opened) if with_history else [],
        "panels": panels,
        "kept_words": worklists.opinion_templates(staff) if acts.accept or acts.tasks or acts.decide else [],
        "may_walk": access.allowed(staff, "cases.review") or access.allowed(staff, "cases.decide"),
        "more_acts": [panel for panel in panels if panel.acts],
        "said": queries.answers_in_words(case),
        "sheets": queries.form_sheets(case),
    }


def typed(posted: QueryDict | None) -> dict[str, Any]:
    """Return what stood in the forms of a case when one came back."""
    if posted is None:
        return {}
    names = ("reasons", "right_organ", "ground", "outcome", "opinion", "how", "receiver")
    return {name: posted.get(name, "") for name in names} | {"surveyors": posted.getlist("surveyor")}


def entries(opened: Opened) -> list[dict[str, Any]]:
    """Return the timeline as components/timeline.html draws it."""
    case = opened.case
    return [
        {
            "at": row.at,
            "title": row.title,
            "detail": "，".join(part for part in (row.text, row.post) if part),
            "document": {
                "url": reverse("workbench:notice", args=[case.query_no, row.notice.pk]),
                "name": row.notice.get_kind_display(),
            }
            if row.notice
            else None,
        }
        for row in queries.timeline(case, events=opened.events, agents=opened.agents)
    ]
