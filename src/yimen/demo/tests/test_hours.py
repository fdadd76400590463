"""The demo's hall has hours, one window its own, and whoever tries it at night can sign in."""

from datetime import timedelta

import pytest

from yimen.demo import hours
from yimen.hall import queries
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.people.tests.factories import NOW


@pytest.mark.django_db
def test_the_hall_has_hours_and_window_seven_its_own():
    hall = make_hall()
    window = make_window(make_series(hall), staffed=False, number=hours.OWN_HOURS)
    hours.build(hall, NOW)
    hall.refresh_from_db()
    day, saturday = NOW.date(), NOW.date() + timedelta(days=3)
    assert not hall.keeps_hours
    assert [len(queries.opening_on(hall, day, one).spans) for one in (None, window)] == [1, 2]
    assert [span.extended for span in queries.opening_on(hall, saturday).spans] == [True]
