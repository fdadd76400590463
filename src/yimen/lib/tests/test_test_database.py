"""The tests' own database: who owns it, and that a test leaves nothing behind."""

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction


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
