"""Windows a visit takes, before and after two windows became one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import localdate

from yimen.catalog.tests.factories import make_item
from yimen.hall.models import Ticket
from yimen.hall.tests.factories import make_series, make_window, serve, take
from yimen.insight import hall_measures
from yimen.people.tests.factories import NOW


@pytest.mark.capability("S0-9")
@pytest.mark.django_db
def test_windows_per_matter_fall_from_two_to_one():
    series, item = make_series(), make_item()
    first, second = make_window(series), make_window(series)
    before, after = NOW - timedelta(days=7), NOW
    for _n in range(3):
        visit = uuid4()
        for window in (first, second):
            ticket = take(series, before, item=item)
            Ticket.objects.filter(pk=ticket.pk).update(visit=visit)
            serve(window, before)
    for _n in range(2):
        take(series, after, item=item)
        serve(first, after)
    today = localdate(NOW)
    (found,) = hall_measures.windows_per_visit([series.hall], today - timedelta(days=6), today)
    assert (found.name, found.visits, found.before, found.now) == (item.name, 2, 2, 1)
    assert hall_measures.windows_per_visit([], today, today) == []
