"""Regions, centres and branches, departments and posts: who adds them, and what cannot be."""

import pytest

from yimen.ledger.models import Event
from yimen.people import actions, identity
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff

pytestmark = pytest.mark.django_db

CENTER = {
    "code": "east",
    "letters": "ed",
    "name": "东区分中心",
    "address": "演示路 2 号",
    "hours": "工作日 9:00 到 17:00",
    "phone": "023-00000001",
}


@pytest.fixture
def admin():
    return make_staff(Role.SYSTEM_ADMIN)


def kinds():
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_the_system_administrator_adds_a_branch_a_department_and_a_post(admin):
    region, parent = admin.region, make_center(admin.region)
    branch = actions.open_center(region=region, parent=parent, by=admin, at=NOW, **CENTER)
    assert (branch.parent, branch.letters) == (parent, "ED")
    department = actions.open_department(region=region, code="MZJ", name="民政局", by=admin, at=NOW)
    assert department.code == "mzj"
    actions.open_post(department, "受理岗", by=admin, at=NOW)
    below = actions.open_region("500101", "演示区", parent=region, by=admin, at=NOW)
    assert below.parent == region
    assert kinds()[-4:] == [
        "people.center_opened",
        "people.department_opened",
        "people.post_opened",
        "people.region_opened",
    ]


@pytest.mark.parametrize("role", [role for role in Role if role != Role.SYSTEM_ADMIN])
def test_nobody_else_does(role):
    staff = make_staff(role)
    region, department, count = staff.region, staff.department, len(kinds())
    for act in (
        lambda: actions.open_region("500101", "演示区", parent=region, by=staff, at=NOW),
        lambda: actions.open_center(region=region, by=staff, at=NOW, **CENTER),
        lambda: actions.open_department(region=region, code="mzj", name="民政局", by=staff, at=NOW),
        lambda: actions.open_post(department, "受理岗", by=staff, at=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert len(kinds()) == count


def test_nor_anybody_elsewhere_than_in_the_own_region(admin):
    other = make_region("440000", "别处")
    with pytest.raises(NotAllowed):
        actions.open_department(region=other, code="mzj", name="民政局", by=admin, at=NOW)
    with pytest.raises(NotAllowed):
        actions.open_region("440100", "别处的区", by=admin, at=NOW)
    with pytest.raises(actions.WrongPlace):
        actions.open_center(region=admin.region, parent=make_center(other), by=admin, at=NOW, **CENTER)


def test_a_code_or_name_counts_once(admin):
    region = admin.region
    actions.open_center(region=region, by=admin, at=NOW, **CENTER)
    department = make_department(region, code="mzj", name="民政局")
    actions.open_post(department, "受理岗", by=admin, at=NOW)
    count = len(kinds())
    for act in (
        lambda: actions.open_center(region=region, by=admin, at=NOW, **CENTER | {"letters": "XX"}),
        lambda: actions.open_center(region=region, by=admin, at=NOW, **CENTER | {"code": "west"}),
        lambda: actions.open_department(region=region, code="mzj", name="别的局", by=admin, at=NOW),
        lambda: actions.open_department(region=region, code="mzj2", name="民政局", by=admin, at=NOW),
        lambda: actions.open_post(department, " 受理岗 ", by=admin, at=NOW),
        lambda: actions.open_region(region.pk, "再来一次", parent=region, by=admin, at=NOW),
    ):
        with pytest.raises(actions.PlaceTaken):
            act()
    assert len(kinds()) == count


@pytest.mark.parametrize("wrong", [{"code": "东"}, {"letters": "ABCDE"}, {"letters": ""}, {"name": " "}, {"hours": ""}])
def test_a_centre_is_complete_or_not_at_all(admin, wrong):
    with pytest.raises(actions.PlaceIncomplete):
        actions.open_center(region=admin.region, by=admin, at=NOW, **CENTER | wrong)


def test_the_credit_code_of_a_department_is_checked(admin):
    with pytest.raises(identity.InvalidIdentity):
        actions.open_department(region=admin.region, code="x", name="某局", uscc="123", by=admin, at=NOW)
