"""Connections of the pool are used again without asking, and never after their server has ended them."""

import time

import psycopg
import pytest
from django.db import connection

from yimen.lib.postgres.base import answers, has_news


@pytest.fixture
def other():
    """A connection beside the test's own."""
    with psycopg.connect(connection.connection.info.dsn, password=connection.connection.info.password) as made:
        made.autocommit = True
        yield made


@pytest.mark.django_db
def test_an_idle_connection_has_nothing_to_say(other):
    other.execute("SELECT 1")
    assert not has_news(other) and answers(other)


@pytest.mark.django_db
def test_one_its_server_has_ended_is_noticed_and_does_not_answer(other):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [other.info.backend_pid])
    assert has_news(other) and not answers(other)


@pytest.mark.django_db
def test_a_closed_one_is_noticed(other):
    other.close()
    assert has_news(other)


@pytest.mark.django_db
def test_what_is_only_news_is_no_reason_to_throw_it_away(other):
    other.execute("LISTEN something")
    with psycopg.connect(connection.connection.info.dsn, password=connection.connection.info.password) as third:
        third.autocommit = True
        third.execute("NOTIFY something")
    deadline = time.monotonic() + 60
    while not has_news(other) and time.monotonic() < deadline:  # it comes when the server's process has its turn
        time.sleep(0.01)
    assert has_news(other) and answers(other)
