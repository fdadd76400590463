"""When a hall is open, as anybody reads it; and that nobody is told to come where no window is open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from yimen.hall import actions
from yimen.hall.rules.opening import spans_of
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.actions import SYSTEM
from yimen.people.tests.factories import NOW, make_center, make_region

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def hall():
    center = make_center(make_region())
    return make_hall(center.region, center=center, code="main")


def test_the_halls_page_says_when_it_is_open_in_the_coming_week(client, hall):
    assert 'id="hours"' not in client.get("/halls/main").content.decode()
    week = {day: spans_of("9:00-12:00 14:00-17:00") for day in range(1, 6)}
    actions.set_week(hall.pk, week, extended={6: spans_of("9:00-11:30")}, by=SYSTEM, at=NOW)
    actions.set_day(hall.pk, NOW.date() + timedelta(days=1), [], by=SYSTEM, at=NOW)
    card = client.get("/halls/main").content.decode().partition('id="hours"')[2].partition("</section>")[0]
    assert card.count("9:00–12:00") == card.count("14:00–17:00") == 4  # Wednesday, Friday, Monday, Tuesday
    assert card.count("不开") == 2 and card.count("延时服务") == 1


@pytest.mark.parametrize("path", ["/queues/main/join", "/kiosk/main/take/"])
def test_a_queue_without_a_window_is_not_called_free(client, hall, path):
    series = make_series(hall)
    type(hall).objects.update(join_code="ABC123")
    assert "窗口还没开" in client.get(path).content.decode()
    make_window(series)
    page = client.get(path).content.decode()
    assert "不用排队" in page and "窗口还没开" not in page
