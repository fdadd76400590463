"""One desk receives and accepts for all units of the hall (一窗受理)."""

import pytest

from yimen.cases import actions
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.capability("S1-26")
def test_desk_staff_accept_for_every_resident_unit():
    units = [make_department(name=f"演示{n}局", is_resident=True) for n in "甲乙丙丁戊"]
    region, center = units[0].region, make_center(units[0].region)
    desk = make_staff(Role.CLERK, department=units[0], for_region=True)
    own = make_staff(Role.CLERK, department=units[0])
    applicant = make_applicant(region=region)

    def take_in(unit, clerk) -> Case:
        version = make_version(department=unit)
        handed = {row.pk: Handed("complete") for row in version.materials.all()}
        case = actions.receive(version, applicant, center=center, materials=handed, by=clerk, at=NOW)
        return actions.accept(case.pk, by=clerk, at=NOW)

    for unit in units:
        case = take_in(unit, desk)
        assert (case.status, case.accepted_by, case.department) == (Case.Status.ACCEPTED, desk, unit)
    assert take_in(units[0], own).status == Case.Status.ACCEPTED
    with pytest.raises(NotAllowed, match="演示乙局"):
        take_in(units[1], own)
    assert Case.objects.filter(department=units[1]).count() == 1
