"""Visits and matters that can be rated, through the real actions."""

from datetime import datetime, timedelta
from typing import Any

from yimen.cases import actions as cases
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case
from yimen.hall import actions as hall
from yimen.hall.models import Ticket
from yimen.hall.tests.factories import call, make_series, make_window, serve, take
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_staff
from yimen.ratings import actions
from yimen.ratings.models import Invitation


def make_visit(window: Any = None, at: datetime = NOW) -> Ticket:
    """A ticket taken, called and finished."""
    window = window or make_window(make_series())
    take(window.series.get(), at)
    return serve(window, at + timedelta(minutes=1))


def make_invitation(window: Any = None, at: datetime = NOW) -> Invitation:
    return actions.invite_for_visit(make_visit(window, at), at=at)


def finish(case: Case, *, at: datetime, deliver_at: datetime | None = None) -> Case:
    """Bring a received case to its decision, and to delivery when `deliver_at` is given."""
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    approver, reviewer = (make_staff(Role.APPROVER, department=case.department) for _n in range(2))
    cases.accept(case.pk, by=clerk, at=at)
    for task in case.tasks.filter(kind="review"):
        cases.complete_task(task.pk, outcome="passed", opinion="", by=reviewer, at=at)
    case = cases.decide(case.pk, outcome="granted", by=approver, at=at)
    if deliver_at:
        case = cases.deliver(case.pk, how="window", by=clerk, at=deliver_at)
    return case


def make_visit_with_case(*, immediate: bool, at: datetime = NOW) -> tuple[Ticket, Case]:
    """Somebody at a window, whose case was received and is linked with the ticket; the visit is not finished."""
    window = make_window(make_series())
    take(window.series.get(), at)
    ticket = call(window, at)
    assert ticket is not None
    hall.start(ticket.pk, by=window.staff, at=at)
    case = make_case(immediate=immediate, at=at)
    hall.link_case(ticket.pk, case, by=window.staff, at=at)
    return ticket, case
