"""The tests' own database: who owns it, and that a test leaves nothing behind."""

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DataError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from yimen.testing import Statements, superfluous


@pytest.mark.django_db
def test_the_application_owns_nothing():
    with connection.cursor() as cursor:
        owned = cursor.execute(
            "SELECT relname FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
        ).fetchall()
        assert owned == []
        facts = cursor.execute(
            "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    assert facts == ("yimen_app", False, False, False, False)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (x int)",
        "CREATE TEMP TABLE mine (x int)",
        "TRUNCATE django_content_type",
        "ALTER TABLE django_content_type ADD COLUMN x int",
        "SET ROLE yimen_owner",
        "COPY django_content_type TO PROGRAM 'true'",
    ],
)
def test_the_application_may_not(server_urls, statement):
    with psycopg.connect(server_urls.app) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


@pytest.mark.django_db
def test_chinese_text_has_trigrams():
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT cardinality(show_trgm('政务'))").fetchone() == (3,)


@pytest.mark.parametrize("round", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_a_committed_row_is_gone_for_the_next_test(round):
    assert not ContentType.objects.filter(app_label="left_behind").exists()
    assert ContentType.objects.exists(), "what migrations wrote stays"
    with transaction.atomic():
        ContentType.objects.create(app_label="left_behind", model="row")


def test_owner_and_superuser_are_at_hand(owner_connection, admin_connection):
    who = "SELECT current_user, current_database() LIKE 'yimen_test_%'"
    assert owner_connection.execute(who).fetchone() == ("yimen_owner", True)
    assert admin_connection.execute(who).fetchone() == ("yimen_admin", True)


def test_another_server_runs_the_quickest_tests_that_send_every_statement():
    tests = {
        "everything, slowly": (9.0, ["a", "b", "c"]),
        "a and b": (0.5, ["a", "b"]),
        "a alone": (0.4, ["a"]),
        "c": (0.1, ["c"]),
        "what is sent anyhow": (0.1, ["d"]),
    }
    assert superfluous(tests, sent=["d"]) == {"everything, slowly", "a alone", "what is sent anyhow"}
    assert superfluous({}) == set()


@given(st.dictionaries(st.text("xyz", max_size=3), st.tuples(st.floats(0, 9), st.lists(st.sampled_from("abcdefgh")))))
def test_no_statement_is_left_out(tests):
    kept = tests.keys() - superfluous(tests)
    assert {one for name in kept for one in tests[name][1]} == {one for _, sent in tests.values() for one in sent}


@pytest.mark.django_db
def test_statements_and_refusals_are_noted_however_many_values_they_have(tmp_path, monkeypatch):
    notes = Statements(tmp_path, "main")
    with connection.execute_wrapper(notes):
        for name, statement in {
            "two": "SELECT 1 WHERE 1 IN (%s, %s)",
            "three": "SELECT 1 WHERE 1 IN (%s, %s, %s)",
        }.items():
            with connection.cursor() as cursor:
                cursor.execute(statement, [1, 2, 3][: statement.count("%s")])
            notes.note(name, 0.5)
        with pytest.raises(DataError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / %s", [0])
        notes.note("refused", 0.5)
    notes.write()
    found = notes.read()
    assert found["two"] == found["three"] and len(found["two"][1]) == 1
    assert len(found["refused"][1]) > 1  # the statement, and that it was refused
