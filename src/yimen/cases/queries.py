"""Reads: one case for those who may see it, a citizen's progress, open tasks, what a clock looks like."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import rules
from yimen.cases.models import Case, Clock, Notice, QueryTries, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger.models import Event
from yimen.lib import crypto
from yimen.lib.dates import short_day
from yimen.lib.errors import DomainError
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit
from yimen.people import access
from yimen.people.models import Applicant, Staff

# The column what was filled in is sealed for.
FORMS = "case.forms"
# Wrong guesses from one address in an hour before it has to wait (SEC-53).
MOST_WRONG_TRIES = 20
# LAW-4, LAW-5: told within five working days, or accepted as of the day of receipt.
NOTICE_DAYS = 5


class TooManyTries(DomainError):
    """Somebody at this address guessed wrong too often in this hour."""


def visible_to(staff: Staff) -> QuerySet[Case]:
    """
    Return the cases `staff` may see: those of the departments of his grants, or of the whole region.

    The system administrator sees none (SEC-33).
    """
    cases = Case.objects.filter(region_id=staff.region_id)
    grants = [grant for grant in staff.granted if grant.role in access.PERMISSIONS["cases.view"]]
    if not grants or not staff.user.is_active:
        return cases.none()
    if any(grant.department_id is None for grant in grants):
        return cases
    return cases.filter(department__in={grant.department_id for grant in grants})


def get_case_for(staff: Staff, number: str) -> Case | None:
    """
    Return the case with this query number; None alike when there is none and when it is not his to see.

    Besides the cases of visible_to(), those that have or had a step at a department of his (joint approval).
    """
    case = (
        Case.objects.filter(region_id=staff.region_id, query_no=number.strip().upper())
        .select_related("item", "version", "department", "center", "applicant", "received_by", "accepted_by")
        .first()
    )
    if case is None or not staff.user.is_active:
        return None
    # Asked about this one case: a list of all he may see would grow with the centre.
    viewing = access.PERMISSIONS["cases.view"]
    departments = {grant.department_id for grant in staff.granted if grant.role in viewing}
    if None in departments or case.department_id in departments:
        return case
    return case if departments and case.tasks.filter(department__in=departments).exists() else None


def find_for_citizen(number: str, last_four: str, *, asker: str, at: datetime) -> Case | None:
    """
    Return the case with this number whose applicant's phone ends so; None alike for wrong number and wrong phone.

    asker: the address asked from, stored only as a blind index. Raises TooManyTries.
    """
    key, hour = crypto.blind_index(asker, "query.asker"), at.replace(minute=0, second=0, microsecond=0)
    if not _count_try(key, hour):
        raise TooManyTries(_("试了太多次，请过一小时再查，或者拨 12345，也可以到导办台请人帮您查。"))
    wanted = re.sub(r"[\s\-－—]", "", number).upper()
    case = None
    if re.fullmatch(r"[A-Z]{1,4}\d{11}", wanted) and re.fullmatch(r"\d{4}", last_four.strip()):
        query_no = f"{wanted[:-11]}-{wanted[-11:-5]}-{wanted[-5:]}"
        found = Case.objects.select_related("item", "version", "department", "center", "applicant").filter(
            query_no=query_no
        )
        case = next((each for each in found if each.applicant.phone_ends_with(last_four.strip())), None)
    if case is not None:  # only wrong answers count
        QueryTries.objects.filter(asker=key, hour=hour, count__gt=0).update(count=F("count") - 1)
    return case


def _count_try(key: bytes, hour: datetime) -> bool:
    """Count before looking, in one statement, so that many tries at once are no more than many after each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_querytries AS known (asker, hour, count) VALUES (%s, %s, 1)"
            " ON CONFLICT (asker, hour) DO UPDATE SET count = known.count + 1 WHERE known.count < %s RETURNING count",
            [key, hour, MOST_WRONG_TRIES],
        )
        return cursor.fetchone() is not None


def forget_tries(*, at: datetime) -> int:
    """Delete the wrong guesses of more than a day ago; return how many rows."""
    return QueryTries.objects.filter(hour__lt=at - timedelta(days=1)).delete()[0]


def clock_views(case: Case, *, today: date) -> dict[str, rules.ClockView]:
    """Return how each clock of the case stands, by kind; the stored due date and this one are the same sum."""
    calendar = catalog.work_calendar()
    return {
        clock.kind: rules.clock(
            clock.started_on,
            Limit(clock.limit, Unit(clock.unit)),
            (),
            calendar,
            today=today,
            ended_on=clock.ended_on,
            started_at=started_at(clock, case),
        )
        for clock in case.clocks.all()
    }


@dataclass(frozen=True)
class TimelineRow:
    """
    One thing that happened. post: who did it, by post only; a citizen never sees a name here (S1-6).

    notice: the document given with it, if any.
    """

    at: datetime
    kind: str
    title: str
    text: str
    post: str
    notice: Notice | None = None


_TITLES = {
    "case.received": (gettext_lazy("材料收下了"), Notice.Kind.RECEIPT),
    "case.materials_noted": (gettext_lazy("材料补齐了"), None),
    "case.accepted": (gettext_lazy("已经受理"), Notice.Kind.ACCEPTANCE),
    "case.declined": (gettext_lazy("没有受理"), Notice.Kind.DECLINE),
    "case.task_done": (gettext_lazy("办完一步"), None),
    "case.decided": (gettext_lazy("有结果了"), Notice.Kind.DECISION),
    "case.delivered": (gettext_lazy("结果已送到"), None),
    "case.due_moved": (gettext_lazy("放假安排公布了，到期日重新算过"), None),
}


def timeline(case: Case) -> list[TimelineRow]:
    """Return the case's history from the ledger, newest first, in a constant number of statements."""
    events = list(Event.objects.filter(region=case.region_id, stream=case.stream).order_by("-seq"))
    notices = {notice.kind: notice for notice in case.notices.all()}
    tasks = {task.step_key: task for task in case.tasks.all()}
    staff_ids = {event.actor.removeprefix("staff:") for event in events if event.actor.startswith("staff:")}
    posts = {
        str(person.pk): person for person in Staff.objects.filter(pk__in=staff_ids).select_related("post", "department")
    }
    rows = []
    for event in events:
        if event.kind not in _TITLES or event.data.get("clock", Clock.Kind.PROMISED) != Clock.Kind.PROMISED:
            continue  # the citizen is promised one day; the other clocks move silently
        task = tasks.get(event.data.get("task", ""))
        _title, document = _TITLES[event.kind]
        rows.append(
            TimelineRow(
                at=event.at,
                kind=event.kind,
                title=_said(event, task),
                text=_detail(event, task, case),
                post=_post(posts.get(event.actor.removeprefix("staff:"))),
                notice=notices.get(document) if document else None,
            )
        )
    return rows


@dataclass(frozen=True)
class FormSheet:
    """A form as it was filled in: each field with what is read; personal values are masked."""

    title: str
    rows: list[tuple[form_rules.Field, str]]


def filled_forms(case: Case) -> dict[str, dict[str, Any]]:
    """Return what was filled in, by form key; values that stand with the applicant are not in it."""
    if case.forms_sealed is None:
        return {}
    found: dict[str, dict[str, Any]] = json.loads(crypto.open_sealed(bytes(case.forms_sealed), FORMS))
    return found


def form_sheets(case: Case) -> list[FormSheet]:
    """Return the forms of a case for those who may see it, personal values masked; [] when they came on paper."""
    filled = filled_forms(case)
    if not filled:
        return []
    applicant = case.applicant
    of_applicant = {
        "applicant.name": applicant.masked_name,
        "applicant.kind": applicant.get_kind_display(),
        "applicant.id_number": applicant.masked_id,
        "applicant.phone": applicant.masked_phone,
    }
    forms = [form for form in scenario.forms_of(case.version) if form.key in filled]
    referred = form_rules.referred(forms)
    return [
        FormSheet(
            form.title,
            [
                (field, of_applicant.get(referred[form.key].get(field.name, ""), shown))
                for field, shown in form_rules.rows_of(form.schema, filled[form.key])
            ],
        )
        for form in forms
    ]


def prefill_sources(staff: Staff, applicant: Applicant) -> dict[str, Any]:
    """
    Return what may be offered to a form of `applicant`, by field name: what he filled in in his latest case that
    `staff` may see. His own name, numbers and telephone are taken by reference (rules.forms.by_reference).
    """
    latest = visible_to(staff).filter(applicant=applicant, forms_sealed__isnull=False).order_by("-received_at").first()
    found: dict[str, Any] = {}
    for values in filled_forms(latest).values() if latest else ():
        found |= values
    return found


def answers_in_words(case: Case) -> list[tuple[str, str]]:
    """Return the questions a case was asked, each with its answer in words; [] for an item without questions."""
    if not case.chosen:
        return []
    walk = scenario_rules.walk(scenario.questions_of(case.version), case.chosen)
    return [(one.text, scenario_rules.words_of(walk, one)) for one in walk.asked]


_REVIEWS = (FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT, FlowStep.Kind.EXPERT)


def open_tasks(staff: Staff) -> QuerySet[Task]:
    """
    Return the tasks waiting for what `staff` may do, the most urgent first: reviews, visits and expert steps at the
    departments where he may review, decisions on the cases of those where he may decide. Making and delivering are
    done at the window and wait in no list.
    """
    tasks = Task.objects.filter(region_id=staff.region_id, done_at=None, case__status=Case.Status.ACCEPTED)
    mine = _at(staff, "cases.review", "department") & Q(kind__in=_REVIEWS)
    mine |= _at(staff, "cases.decide", "case__department") & Q(kind=FlowStep.Kind.DECIDE)
    return (
        tasks.filter(mine)
        .select_related("case", "case__version", "case__applicant", "department")
        .order_by("due_on", "opened_at")
    )


def _at(staff: Staff, permission: str, column: str) -> Q:
    """The rows whose department in `column` is one where `staff` holds `permission`."""
    departments = {grant.department_id for grant in staff.granted if grant.role in access.PERMISSIONS[permission]}
    return Q() if None in departments else Q(**{f"{column}__in": departments})


def overdue(region: str, *, on: date) -> QuerySet[Case]:
    """Return the accepted cases whose promised day has passed, the longest overdue first."""
    return Case.objects.filter(region_id=region, status=Case.Status.ACCEPTED, due_on__lt=on).order_by("due_on")


def due_now(clock: Clock, case: Case, calendar: Calendar, *, today: date) -> tuple[date, bool]:
    """Return when `clock` of `case` ends by this calendar, and whether that is provisional."""
    limit = Limit(clock.limit, Unit(clock.unit))
    return rules.due(clock.started_on, limit, (), calendar, today=today, started_at=started_at(clock, case))


def started_at(clock: Clock, case: Case) -> datetime | None:
    """The moment from which a limit in hours runs: acceptance, but for delivery, which counts days."""
    return None if clock.kind == Clock.Kind.DELIVERY else case.accepted_at


def cases_to_move(region: str, *, today: date) -> list[UUID]:
    """
    Return the cases with a running clock or an open task whose due date the present calendar moves (CAL-7).

    Reads only and locks nothing; actions.move_due_dates() looks at each again under its lock.
    """
    calendar, found = catalog.work_calendar(), dict[UUID, None]()
    clocks = Clock.objects.filter(region_id=region, ended_on=None).select_related("case")
    for clock in clocks.iterator(chunk_size=2000):
        if due_now(clock, clock.case, calendar, today=today) != (clock.due_on, clock.is_provisional):
            found[clock.case_id] = None
    tasks = Task.objects.filter(region_id=region, done_at=None)
    limits = {
        (version, key): days
        for version, key, days in FlowStep.objects.filter(version__case__tasks__in=tasks)
        .values_list("version_id", "key", "limit_days")
        .distinct()
    }
    for task in tasks.select_related("case").iterator(chunk_size=2000):
        days = limits.get((task.case.version_id, task.step_key))
        due_on = task.case.due_on if days is None else calendar.due(localdate(task.opened_at), days).on
        if due_on != task.due_on:
            found[task.case_id] = None
    return list(found)


def answer_due(case: Case, calendar: Calendar) -> date:
    """Return the last day on which the applicant must be told whether the case is accepted (LAW-4)."""
    return calendar.due(localdate(case.received_at), NOTICE_DAYS).on


def unanswered(region: str, *, today: date) -> list[UUID]:
    """Return the received cases whose time to be answered is over, the oldest first (LAW-5)."""
    calendar = catalog.work_calendar()
    # Working days are never fewer calendar days than that, so younger cases need no look.
    before = today - timedelta(days=NOTICE_DAYS)
    cases = Case.objects.filter(
        region_id=region, status=Case.Status.RECEIVED, received_at__lt=datetime.combine(before, time(), LOCAL_ZONE)
    ).order_by("received_at")
    return [case.pk for case in cases.iterator(chunk_size=2000) if today > answer_due(case, calendar)]


def _said(event: Event, task: Task | None) -> str:
    match event.kind:
        case "case.task_done" if task is not None:
            return _("%(step)s办完了") % {"step": task.name}
        case "case.accepted" if event.data.get("mode") == Case.AcceptMode.DEEMED:
            return _("到期没有答复，依法从收到材料那天起算受理")
        case "case.decided":
            granted = event.data.get("outcome") == Case.Outcome.GRANTED
            return _("办好了，同意您的申请") if granted else _("没有同意您的申请")
        case _:
            return str(_TITLES[event.kind][0])


def _detail(event: Event, task: Task | None, case: Case) -> str:
    match event.kind:
        case "case.accepted":
            due_on = date.fromisoformat(event.data["due_on"])
            return _("最晚 %(day)s出结果") % {"day": short_day(due_on)}
        case "case.due_moved":
            days = {key: short_day(date.fromisoformat(event.data[key])) for key in ("from", "to")}
            return _("由 %(before)s改为 %(after)s") % {"before": days["from"], "after": days["to"]}
        case "case.declined":
            return case.reasons  # the ledger cannot forget, so it holds only their SHA-256
        case "case.delivered":
            ways = {"window": _("窗口领取"), "post": _("邮寄"), "electronic": _("电子送达")}
            return str(ways.get(event.data.get("how", ""), ""))
        case _:
            return ""


def _post(person: Staff | None) -> str:
    if person is None:
        return ""
    post = person.post.name if person.post else _("工作人员")
    return f"{person.department.name} · {post}"
