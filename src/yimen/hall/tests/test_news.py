"""The screens are told after the commit, by a thread of its own."""

import psycopg
import pytest
from django.db import transaction

from yimen.hall import news
from yimen.hall.tests.factories import make_series, take
from yimen.lib.postgres.address import address

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard():
    """Listen; what was heard until nothing more came."""
    with psycopg.connect(**address(), autocommit=True) as connection:
        connection.execute(f"LISTEN {news.CHANNEL}")

        def hear(most, seconds=20.0):
            return [note.payload for note in connection.notifies(timeout=seconds, stop_after=most)]

        yield hear


def test_what_is_committed_is_told(heard):
    series = make_series()
    take(series)
    assert heard(1) == [str(series.hall_id)]


def test_what_is_undone_is_not_told(heard):
    series, other = make_series(), make_series()
    with pytest.raises(RuntimeError), transaction.atomic():
        take(series)
        raise RuntimeError
    take(other)
    assert heard(1) == [str(other.hall_id)]


def test_many_acts_share_a_message(heard, monkeypatch):
    monkeypatch.setattr(news, "GAP_SECONDS", 0.5)
    series = make_series()
    for _n in range(12):
        take(series)
    assert 1 <= len(heard(12, 3.0)) <= 8


def test_a_program_that_ends_tells_what_is_left(heard, monkeypatch):
    teller = news.Teller()
    series = make_series()
    teller._halls.add(str(series.hall_id))
    teller.flush()
    assert heard(1) == [str(series.hall_id)]
    assert not teller._halls


def test_a_lost_connection_is_made_anew(heard, admin_connection):
    series = make_series()
    take(series)
    assert heard(1)
    admin_connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'yimen-news' AND datname = current_database()"
    )
    take(series)
    assert heard(1) == [str(series.hall_id)]
