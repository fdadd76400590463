"""Service points: opened once, closed once, by whom may."""

import pytest

from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import access, points
from yimen.people.actions import PlaceIncomplete, PlaceTaken, WrongPlace
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_region, make_staff

pytestmark = pytest.mark.django_db


def open_point(**fields):
    said = {
        "kind": "town",
        "code": "529901101",
        "name": "和畅镇便民服务中心（演示）",
        "address": "和畅镇 1 号",
        "phone": "000-1",
    }
    return points.open_point(**({"region": make_region(), "by": SYSTEM, "at": NOW} | said | fields))


@pytest.mark.parametrize(
    "fields, error",
    [
        ({}, None),
        ({"kind": "city"}, PlaceIncomplete),
        ({"code": "和畅"}, PlaceIncomplete),
        ({"address": " "}, PlaceIncomplete),
        ({"phone": ""}, PlaceIncomplete),
    ],
    ids=["whole", "kind", "code", "address", "phone"],
)
def test_a_point_needs_what_people_look_for(fields, error):
    if error:
        with pytest.raises(error):
            open_point(**fields)
        assert not points.points_of(make_region()).exists()
    else:
        point = open_point(**fields)
        assert points.open_point_of(point.region_id, "529901101") == point
        assert Event.objects.get(kind="people.point_opened").data["code"] == "529901101"


def test_a_code_and_a_name_are_taken_once_until_closed():
    point = open_point()
    with pytest.raises(PlaceTaken):
        open_point(name="别的名字")
    with pytest.raises(PlaceTaken):
        open_point(code="529901102")
    points.close_point(point, by=SYSTEM, at=NOW)
    points.close_point(point, by=SYSTEM, at=NOW)
    assert Event.objects.filter(kind="people.point_closed").count() == 1
    assert points.open_point_of(point.region_id, point.code) is None
    assert [one.closed_on for one in points.points_of(point.region_id, is_open=False)] == [NOW.date()]
    assert open_point(code="529901102").closed_on is None


def test_only_the_system_administrator_keeps_points():
    for role in Role:
        staff = make_staff(role)
        if role == Role.SYSTEM_ADMIN:
            open_point(region=staff.region, by=staff)
        else:
            with pytest.raises(access.NotAllowed):
                open_point(region=staff.region, by=staff)


def test_a_point_belongs_to_a_centre_of_its_region():
    with pytest.raises(WrongPlace):
        open_point(center=make_center(make_region("510000", "别处")))
