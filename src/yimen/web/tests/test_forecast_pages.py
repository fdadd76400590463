"""Managers see how right the forecasts were; phones and the API say ranges."""

from datetime import timedelta

import pytest
from django.utils import timezone

from yimen.hall.tests.factories import make_hall, make_series, take
from yimen.insight.models import ForecastCheck
from yimen.people.models import Role
from yimen.people.tests.factories import make_region, make_staff

pytestmark = pytest.mark.django_db
PAGE = "/workbench/floor/forecasts"


@pytest.fixture
def hall():
    return make_hall()


def told(hall, series, count, *, right=0.5, silent=0, day=None):
    """Forecasts of `count` waits, of which a share lay in the 50 % range and nine in ten in the 90 % range."""
    now = day or timezone.now()
    for n in range(count + silent):
        ticket = take(series, now)
        said = {"p5": 60, "p25": 300, "p75": 600, "p95": 900} if n < count else {}
        waited = 400 if n < right * count else 700 if n < 0.9 * count else 2000
        ForecastCheck.objects.create(
            region_id=hall.region_id, ticket=ticket, hall=hall, series=series, day=ticket.day, at=now,
            waited=waited, **said,
        )  # fmt: skip


def manager(client, hall):
    client.force_login(make_staff(Role.HALL_MANAGER, region=hall.region, center=hall.center).user)
    return client


def test_a_manager_reads_by_day_and_series_whether_the_forecasts_are_right(client, hall):
    one, other = make_series(hall), make_series(hall, letter="B", name="不动产")
    told(hall, one, 20, silent=3)
    told(hall, other, 20)
    told(hall, other, 10, day=timezone.now() - timedelta(days=3))
    page = manager(client, hall).get(PAGE)
    text = page.content.decode()
    assert page.status_code == 200 and page.context["total"].known == 50
    assert "说中了 50%" in text and "说中了 90%" in text and "可以放心给群众看" in text
    assert [(row["share"].said, row["share"].silent) for row in page.context["series"]] == [(20, 3), (30, 0)]
    assert len(page.context["days"]) == 2
    assert client.get(PAGE, {"start": timezone.localdate().isoformat()}).context["total"].known == 40


def test_ranges_that_are_too_narrow_are_called_so_with_what_to_look_at(client, hall):
    told(hall, make_series(hall), 40, right=0.2)
    text = manager(client, hall).get(PAGE).content.decode()
    assert "偏窄" in text and "暂离" in text


def test_without_forecasts_the_page_says_when_there_will_be_some(client, hall):
    page = manager(client, hall).get(PAGE)
    assert page.status_code == 200 and "这段时间还没有记下预计" in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [{"start": "x"}, {"start": "2026-02-01", "end": "2026-01-01"}, {"start": "2020-01-01", "end": "2026-01-01"}],
    ids=["no date", "backwards", "too long"],
)  # fmt: skip
def test_a_period_that_cannot_be_is_refused_kindly(client, hall, query):
    page = manager(client, hall).get(PAGE, query)
    assert page.status_code == 400 and page.context["form"].errors


@pytest.mark.parametrize("role, status", [(Role.HALL_MANAGER, 200), (Role.LEADER, 200), (Role.CLERK, 403)])
def test_only_managers_see_it(client, hall, role, status):
    client.force_login(make_staff(role, region=hall.region, center=hall.center).user)
    assert client.get(PAGE).status_code == status


def test_another_regions_hall_is_not_there(client, hall):
    client.force_login(make_staff(Role.HALL_MANAGER, region=make_region("520000")).user)
    assert client.get(PAGE, {"hall": hall.code}).status_code == 404
