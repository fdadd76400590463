"""Clocks as they stand, what the calendar moves, what is late."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils.timezone import localdate

from yimen.cases import rules
from yimen.cases.models import Case, Clock, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit

# LAW-4, LAW-5: told within five working days, or accepted as of the day of receipt.
NOTICE_DAYS = 5


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
