"""Clocks as they stand, what the calendar moves, what is late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils.timezone import localdate

from yimen.cases import rules
from yimen.cases.models import Case, Clock, ClockStop, Extension, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.lib.reading import Given, Question, any_of
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit

# LAW-4, LAW-5: told within five working days, or accepted as of the day of receipt.
NOTICE_DAYS = 5
# The one step of an item that came without a flow (actions.plain_decision).
PLAIN = "decide"
# Which clocks stop (LAW-12) and which may be lengthened (LAW-8, LAW-9); delivery counts its ten days through.
STOPPING = frozenset({Clock.Kind.PROMISED, Clock.Kind.STATUTORY, Clock.Kind.LOWER_REVIEW})
LENGTHENED = frozenset({Clock.Kind.PROMISED, Clock.Kind.STATUTORY})


@dataclass(frozen=True)
class Pauses:
    """What moves a case's clocks: its stops in order, and its extension once approved."""

    stops: Sequence[rules.Stop] = ()
    extension: rules.Extension | None = None

    @property
    def is_stopped(self) -> bool:
        return any(stop.is_open for stop in self.stops)


NONE = Pauses()


def pauses_of(case: Case) -> Pauses:
    """Return what moves the clocks of `case`, in two small queries; promised_views() does it for a list."""
    extension = Extension.objects.filter(case=case.pk).select_related("notice").first()
    return Pauses([_stop(row) for row in case.stops.select_related("notice")], _extension(extension))


def _stop(row: ClockStop) -> rules.Stop:
    ground, number = str(row.get_ground_display()), row.notice.number
    if row.ended_on is None:
        return rules.Stop.running(row.started_on, row.needed_days, ground, number)
    return rules.Stop(row.started_on, row.ended_on, ground, number)


def _extension(row: Extension | None) -> rules.Extension | None:
    if row is None or row.approved_at is None:
        return None
    return rules.Extension(row.days, localdate(row.approved_at), row.notice.number if row.notice else "")


def pauses_by_case(region: str) -> Mapping[UUID, Pauses]:
    """Return what moves the clocks of the region's running cases, by case; cases that have nothing are not in it."""
    return _pauses(Q(region_id=region, case__status=Case.Status.ACCEPTED))


def _pauses(which: Q) -> Mapping[UUID, Pauses]:
    stops, extensions = defaultdict(list), {}
    for row in ClockStop.objects.filter(which).select_related("notice"):
        stops[row.case_id].append(_stop(row))
    for one in Extension.objects.filter(which, approved_at__isnull=False).select_related("notice"):
        extensions[one.case_id] = _extension(one)
    return {pk: Pauses(stops.get(pk, ()), extensions.get(pk)) for pk in {*stops, *extensions}}


def due_of(clock: Clock, case: Case, calendar: Calendar, pauses: Pauses = NONE) -> tuple[date, bool]:
    """Return when `clock` of `case` ends by this calendar, and whether that is provisional; never asks the time."""
    return rules.due(
        clock.started_on,
        Limit(clock.limit, Unit(clock.unit)),
        pauses.stops if clock.kind in STOPPING else (),
        calendar,
        started_at=started_at(clock, case),
        extension=pauses.extension if clock.kind in LENGTHENED else None,
    )


def clock_view(clock: Clock, case: Case, calendar: Calendar, *, today: date, pauses: Pauses = NONE) -> rules.ClockView:
    """Return how `clock` stands; the stored due date and this one are the same sum."""
    limit, began = Limit(clock.limit, Unit(clock.unit)), started_at(clock, case)
    if began and limit.unit is not Unit.HOUR:
        began = datetime.combine(localdate(began), time(), LOCAL_ZONE)  # only the day counts
    return _view(
        clock.started_on,
        limit,
        tuple(pauses.stops) if clock.kind in STOPPING else (),
        calendar,
        today=today,
        ended_on=clock.ended_on if clock.ended_on and clock.ended_on <= today else None,
        started_at=began,
        extension=pauses.extension if clock.kind in LENGTHENED else None,
    )


# The cases of a list began on few days under few limits: what is the same is summed up, and drawn, once.
_view = lru_cache(maxsize=1000)(rules.clock)


def clock_views(case: Case, *, today: date, may_have_moved: bool = True) -> dict[str, rules.ClockView]:
    """
    Return how each clock of the case stands, by kind; stops and extension are only read where they moved one.

    may_have_moved: False when it is known that the case has neither.
    """
    calendar, clocks = catalog.work_calendar(), list(case.clocks.all())
    has_moved = may_have_moved and any(
        due_of(clock, case, calendar) != (clock.due_on, clock.is_provisional) for clock in clocks
    )
    pauses = pauses_of(case) if has_moved else NONE
    return {clock.kind: clock_view(clock, case, calendar, today=today, pauses=pauses) for clock in clocks}


def promised_views(cases: Iterable[Case], *, today: date) -> dict[UUID, rules.ClockView]:
    """
    Return how the promised clock of each case stands, by case, for lists: one to three statements however many.

    Reads "clocks" from what is prefetched. Cases that are not accepted yet are not in it.
    """
    calendar = catalog.work_calendar()
    by_id = {case.pk: case for case in cases}
    there = [clock for case in by_id.values() if _has(case, "clocks") for clock in case.clocks.all()]
    if not all(_has(case, "clocks") for case in by_id.values()):
        there = _PROMISED.ask(cases=list(by_id))
    clocks = [(clock, by_id[clock.case_id]) for clock in there if clock.kind == Clock.Kind.PROMISED]
    moved = [case.pk for clock, case in clocks if due_of(clock, case, calendar) != (clock.due_on, clock.is_provisional)]
    pauses = _pauses(Q(case__in=moved)) if moved else {}
    return {
        case.pk: clock_view(clock, case, calendar, today=today, pauses=pauses.get(case.pk, NONE))
        for clock, case in clocks
    }


_PROMISED = Question(lambda: Clock.objects.filter(any_of("case_id", Given("cases")), kind=Clock.Kind.PROMISED))


def _has(case: Case, name: str) -> bool:
    return name in getattr(case, "_prefetched_objects_cache", {})


def overdue(region: str, *, on: date) -> QuerySet[Case]:
    """Return the accepted cases whose promised day has passed, the longest overdue first."""
    return Case.objects.filter(region_id=region, status=Case.Status.ACCEPTED, due_on__lt=on).order_by("due_on")


def stopped(region: str) -> QuerySet[ClockStop]:
    """Return the stops that run now, the oldest first: for lists of what waits for an expert, a test, a hearing."""
    return (
        ClockStop.objects.filter(region_id=region, ended_on=None, case__status=Case.Status.ACCEPTED)
        .select_related("case__version", "case__department", "case__applicant", "notice")
        .order_by("started_on")
    )


def extensions_asked(region: str) -> QuerySet[Extension]:
    """Return the extensions of running cases that wait for an answer, the case first due first."""
    return (
        Extension.objects.filter(region_id=region, approved_at=None, refused_at=None, case__status=Case.Status.ACCEPTED)
        .select_related("case__version", "case__department", "case__applicant")
        .order_by("case__due_on")
    )


def started_at(clock: Clock, case: Case) -> datetime | None:
    """The moment from which a limit in hours runs: acceptance; delivery and lower review count from their own day."""
    return case.accepted_at if clock.kind in LENGTHENED else None


def cases_to_move(region: str) -> list[UUID]:
    """
    Return the cases with a running clock or an open task whose due date the present calendar moves (CAL-7).

    Reads only and locks nothing; actions.move_due_dates() looks at each again under its lock.
    """
    calendar, found = catalog.work_calendar(), dict[UUID, None]()
    pauses = pauses_by_case(region)
    clocks = Clock.objects.filter(region_id=region, ended_on=None).select_related("case")
    for clock in clocks.iterator(chunk_size=2000):
        due = due_of(clock, clock.case, calendar, pauses.get(clock.case_id, NONE))
        if due != (clock.due_on, clock.is_provisional):
            found[clock.case_id] = None
    tasks = Task.objects.filter(region_id=region, done_at=None)
    limits = {
        (version, key): days
        for version, key, days in FlowStep.objects.filter(version__case__tasks__in=tasks)
        .values_list("version_id", "key", "limit_days")
        .distinct()
    }
    for task in tasks.select_related("case").iterator(chunk_size=2000):
        key = (task.case.version_id, task.step_key)
        if key not in limits and task.step_key != PLAIN:
            continue  # not of the flow: handed on to another unit with a day of its own
        days = limits.get(key)
        stops = pauses.get(task.case_id, NONE).stops
        due_on = task.case.due_on if days is None else task_due_on(localdate(task.opened_at), days, calendar, stops)
        if due_on != task.due_on:
            found[task.case_id] = None
    return list(found)


def task_due_on(opened_on: date, days: int, calendar: Calendar, stops: Sequence[rules.Stop] = ()) -> date:
    """Return the last day of a step's own limit in working days; days stopped are not counted."""
    return rules.due(opened_on, Limit(days), stops, calendar)[0]


def answer_due(case: Case, calendar: Calendar) -> date:
    """
    Return the last day on which the applicant must be told whether the case is accepted (LAW-4): five working days
    after receipt or, once everything a correction asked for is there, after that day.
    """
    return calendar.due(localdate(answer_from(case)), NOTICE_DAYS).on


def answer_from(case: Case) -> datetime:
    """Return when what can be judged was handed in: at receipt, or when the last missing material came."""
    correction = getattr(case, "correction", None)
    return correction.answered_at if correction and correction.answered_at else case.received_at


def waits_for_applicant(case: Case) -> bool:
    """Tell whether a correction was asked for that is not answered yet: nobody's five days run then (LAW-14)."""
    if case.status != Case.Status.RECEIVED:
        return False
    correction = getattr(case, "correction", None)
    return correction is not None and correction.answered_at is None


def unanswered(region: str, *, today: date) -> list[UUID]:
    """
    Return the received cases whose time to be answered is over, the oldest first (LAW-5); not those that wait for
    what a correction asked the applicant for.
    """
    calendar = catalog.work_calendar()
    # Working days are never fewer calendar days than that, so younger cases need no look.
    before = datetime.combine(today - timedelta(days=NOTICE_DAYS), time(), LOCAL_ZONE)
    cases = (
        Case.objects.filter(region_id=region, status=Case.Status.RECEIVED, received_at__lt=before)
        .filter(Q(correction=None) | Q(correction__answered_at__lt=before))
        .select_related("correction")
        .order_by(F("received_at"))
    )
    return [case.pk for case in cases.iterator(chunk_size=2000) if today > answer_due(case, calendar)]
