from yimen.people import access
from yimen.people.models import Applicant, Role
from yimen.people.tests import factories


def test_the_cast_is_made_through_the_real_actions(db):
    clerk, person, firm = factories.make_staff(), factories.make_applicant(), factories.make_applicant(kind="firm")
    assert access.allowed(clerk, "cases.receive", department=clerk.department)
    assert not access.allowed(clerk, "cases.receive", department=factories.make_department())
    assert {person.kind, firm.kind} == set(Applicant.Kind.values)
    assert factories.make_center().letters != factories.make_center().letters
    assert access.allowed(factories.make_staff(Role.AUDIT_ADMIN), "ledger.read")


def test_the_outsider_may_do_nothing(db):
    assert list(access.permissions_of(factories.outsider())) == []
