"""Invitations follow the ledger: once a visit, once a matter, never both for the same visit."""

from datetime import timedelta

import pytest

from yimen.cases import actions as cases
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case
from yimen.hall import actions as hall
from yimen.ledger.tests.helpers import settle
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_staff
from yimen.ratings import jobs
from yimen.ratings.models import Invitation
from yimen.ratings.tests.factories import finish, make_visit, make_visit_with_case

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(days=3)


def invited():
    settle()
    while jobs.invite_new(at=LATER):
        pass
    return sorted(Invitation.objects.values_list("scope", flat=True))


def test_a_finished_visit_is_invited_once_however_often_the_job_runs():
    make_visit()
    assert invited() == ["visit"]
    assert invited() == ["visit"]


def test_an_immediate_case_at_a_window_belongs_to_its_visit():
    ticket, case = make_visit_with_case(immediate=True)
    finish(case, at=NOW, deliver_at=NOW)
    hall.finish(ticket.pk, by=ticket.served_by, at=NOW)
    assert invited() == ["visit"]
    assert Invitation.objects.get().department == case.department


def test_a_promised_case_is_rated_as_a_matter_when_it_is_handed_over_later():
    ticket, case = make_visit_with_case(immediate=False)
    hall.finish(ticket.pk, by=ticket.served_by, at=NOW)
    finish(case, at=NOW + timedelta(days=1))
    assert invited() == ["visit"]
    case.refresh_from_db()
    clerk = make_staff(Role.CLERK, department=case.department)
    cases.deliver(case.pk, how="post", by=clerk, at=NOW + timedelta(days=2))
    assert invited() == ["matter", "visit"]


@pytest.mark.parametrize("channel, wanted", [("web", ["matter"]), ("window", [])])
def test_a_matter_handled_on_line_is_rated_at_its_decision(channel, wanted):
    case = make_case()
    Case.objects.filter(pk=case.pk).update(channel=channel)
    finish(case, at=NOW)
    assert invited() == wanted


def test_a_walk_in_without_a_ticket_is_rated_as_a_matter():
    finish(make_case(immediate=True), at=NOW, deliver_at=NOW)
    assert invited() == ["matter"]
