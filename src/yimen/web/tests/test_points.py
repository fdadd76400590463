"""Service points on the portal and in the workbench: the same catalogue, filtered by place."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from yimen.catalog.tests.factories import make_item
from yimen.catalog.tests.power_factories import ensure_delegation
from yimen.ledger.actions import SYSTEM
from yimen.people import points
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def center():
    return make_center()


def make_point(center, code: str = "529901101", name: str = "和畅镇便民服务中心（演示）"):
    return points.open_point(
        region=center.region, kind="town", code=code, name=name, address="和畅镇 1 号", hours="每天 9:00–17:00",
        phone="000-1", center=center, by=SYSTEM, at=timezone.now(),
    )  # fmt: skip


@pytest.mark.capability("S1-25")
def test_a_point_shows_the_same_catalogue_filtered_by_place(client: Client, center):
    organ, point, other = (
        make_department(center.region),
        make_point(center),
        make_point(center, "529901102", "南坡镇服务中心（演示）"),
    )
    here = make_item(department=organ, name="高龄津贴申领", immediate=True)
    named = make_item(department=organ, name="社会保险参保证明打印", town_code=point.code)
    elsewhere = make_item(department=organ, name="食品经营许可（新办）")
    at = timezone.now()
    ensure_delegation(here, at=at, point=point, acts=["receive", "accept", "decide"])
    ensure_delegation(elsewhere, at=at, point=other, acts=["receive"])

    listed = Page.open(client, "/points")
    assert "能办 2 件事" in listed.text and "能办 1 件事" in listed.text
    page = listed.follow(point.name)
    for said in (here.name, "在这里就能办完", named.name, "和畅镇 1 号", "每天 9:00–17:00"):
        assert said in page.text
    assert elsewhere.name not in page.text
    assert "在这里交材料" in client.get(f"/points/{other.code}").content.decode()
    # The guide is the same for all; it only adds the door of the point.
    guide = page.follow(here.name)
    assert "您挑的服务点" in guide.text and point.name in guide.text
    assert "您挑的服务点" not in client.get(f"/items/{here.task_code}").content.decode()


def test_a_delegation_that_has_ended_is_not_offered(client: Client, center):
    point, item = make_point(center), make_item(department=make_department(center.region), name="高龄津贴申领")
    today = timezone.localdate()
    ensure_delegation(
        item,
        at=timezone.now(),
        point=point,
        acts=["receive"],
        from_on=today - timedelta(9),
        until_on=today - timedelta(1),
    )
    assert item.name not in client.get(f"/points/{point.code}").content.decode()


@pytest.mark.parametrize("address", ["/points/nowhere", "/points/529901101"])
def test_a_closed_point_is_not_there(client: Client, center, address):
    points.close_point(make_point(center), by=SYSTEM, at=timezone.now())
    assert client.get(address).status_code == 404
    assert "还没有登记服务点" in client.get("/points").content.decode()


def test_more_points_cost_no_more_queries(
    client: Client, center, django_assert_num_queries, django_assert_max_num_queries
):
    organ = make_department(center.region)
    for n in range(2):
        ensure_delegation(
            make_item(department=organ),
            at=timezone.now(),
            point=make_point(center, f"p-{n}", f"点 {n}"),
            acts=["receive"],
        )
    with django_assert_max_num_queries(8) as first:
        client.get("/points")
    for n in range(2, 8):
        make_point(center, f"p-{n}", f"点 {n}")
    with django_assert_num_queries(len(first)):
        client.get("/points")


def test_the_system_administrator_adds_and_closes_a_point(center):
    client = Client()
    client.force_login(make_staff(Role.SYSTEM_ADMIN, region=center.region).user, backend=BACKEND)
    page = Page.open(client, "/workbench/places").follow("服务点").follow("加一个服务点")
    refused = page.press("加这个服务点", name="和畅镇便民服务中心（演示）", code="529901101")
    assert refused.status == 422 and "请填写地址" in refused.text
    added = refused.press("加这个服务点", address="和畅镇 1 号", phone="000-1")
    assert "加好了" in added.text and "529901101" in added.text
    assert "停用了" in added.press("停用").text
    assert not points.points_of(center.region).exists()


@pytest.mark.parametrize("role", [*Role, None])
def test_the_pages_open_for_the_system_administrator_alone(center, role):
    client = Client()
    client.force_login(make_staff(role, region=center.region).user, backend=BACKEND)
    for address in ("/workbench/points", "/workbench/points/new"):
        assert client.get(address).status_code == (200 if role == Role.SYSTEM_ADMIN else 403)
