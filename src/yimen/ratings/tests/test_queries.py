from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from yimen.hall.tests.factories import make_series, make_window
from yimen.people.tests.factories import NOW
from yimen.ratings import actions, queries
from yimen.ratings.models import Invitation, RatingLevel
from yimen.ratings.tests.factories import make_invitation

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)


def rated(window, *levels, at=NOW):
    tokens = []
    for level in levels:
        token = make_invitation(window, at).token
        if level:
            actions.rate(token, level=level, at=at)
        tokens.append(token)
    return tokens


def test_public_figures_name_every_level_and_leave_out_the_silent():
    window = make_window(make_series())
    tokens = rated(window, "very_good", "good", "fair", "bad", None)
    actions.add_reasons(tokens[3], ["waited_long"], "", at=NOW)
    found = queries.figures(window.region_id, TODAY, TODAY)
    assert list(found.counts) == RatingLevel.values
    assert (found.total, found.bad, found.rateable) == (4, 1, 5)
    assert (found.good_rate, found.active_rate) == (Decimal("75.00"), Decimal("80.00"))
    assert [(key, str(label), n) for key, label, n in queries.reasons_given(window.region_id, TODAY, TODAY)] == [
        ("waited_long", "等太久了", 1)
    ]
    assert queries.figures(window.region_id, TODAY - timedelta(days=9), TODAY - timedelta(days=1)).good_rate is None
    assert queries.figures("000000", TODAY, TODAY).total == 0


def test_windows_are_listed_in_order_of_their_number(django_assert_num_queries):
    series = make_series()
    first, second = make_window(series), make_window(series)
    rated(second, "bad", "good")
    rated(first, "very_good", None)
    with django_assert_num_queries(3):
        found = queries.by_window(series.region_id, TODAY, TODAY)
    assert [(row.number, row.figures.total, row.figures.rateable) for row in found] == [(1, 1, 2), (2, 2, 2)]
    assert [row.figures.good_rate for row in found] == [Decimal(100), Decimal("50.00")]


@pytest.mark.parametrize(
    "name, start",
    [("month", (2026, 11, 1)), ("quarter", (2026, 10, 1)), ("year", (2026, 1, 1)), ("days30", (2026, 10, 20))],
)
def test_named_periods_end_today(name, start):
    assert queries.days_of(name, TODAY) == (date(*start), TODAY)
    assert name in queries.PERIODS


def test_the_page_of_a_link_needs_one_query(django_assert_num_queries):
    token = make_invitation().token
    with django_assert_num_queries(1):
        invitation = queries.invitation_for(token)
        assert queries.rating_of(invitation) is None
    actions.rate(token, level="good", at=NOW)
    assert queries.rating_of(queries.invitation_for(token)).level == "good"


def test_counting_the_invitations_of_a_period_reads_an_index():
    window = make_window(make_series())
    rated(window, "good", None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Invitation.objects.filter(region_id=window.region_id, made_at__gte=NOW, made_at__lt=NOW + timedelta(1))
    assert "invitation_by_day" in plan.explain()
