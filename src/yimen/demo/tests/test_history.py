"""The days before the first start are lived through behind the page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import localdate

from yimen.demo import build, life
from yimen.hall.models import Ticket


@pytest.mark.slow
@pytest.mark.django_db
def test_the_days_before_are_lived_through_after_the_start_and_once(monkeypatch):
    monkeypatch.setattr(life, "VISITORS_A_DAY", 3)
    now = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)  # a Wednesday, 11 o'clock in Shanghai
    build.build(now - timedelta(days=60))
    life.begin(now)
    case = life.known_case()
    assert case.accepted_at and case.completed_at is None
    days: list[int] = []
    assert life.history(now, lambda done, everything: days.append(done)) == 7
    assert days == list(range(1, 9))
    lived = set(Ticket.objects.values_list("day", flat=True))
    assert len(lived) == 8  # seven working days and today
    assert max(lived) == localdate(now)
    assert Ticket.objects.filter(day__lt=localdate(now)).exclude(status__in=["finished", "passed"]).count() < 12
    case.refresh_from_db()
    assert case.completed_at is None, "the case everybody may ask for is still on its way"
    assert life.history(now + timedelta(days=3)) == 0
