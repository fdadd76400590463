"""An outside database server is refused in words when it cannot do the work."""

import types

import psycopg
import pytest

from yimen.lib import external


def test_a_good_server_has_no_problems(admin_connection):
    assert external.problems(admin_connection) == []


def test_a_server_without_trigrams_is_refused(admin_connection, server_urls):
    admin_connection.execute("DROP EXTENSION pg_trgm CASCADE")
    with pytest.raises(external.ServerUnusable, match="pg_trgm"):
        external.require_usable(server_urls.app)


def test_a_locale_that_knows_no_chinese_is_refused(admin_connection, server_urls):
    admin_connection.execute("DROP DATABASE IF EXISTS locale_c")
    admin_connection.execute("CREATE DATABASE locale_c TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'")
    try:
        with psycopg.connect(server_urls.for_database("locale_c").admin, autocommit=True) as session:
            session.execute("CREATE EXTENSION pg_trgm")
            assert any("C.UTF-8" in problem for problem in external.problems(session))
    finally:
        admin_connection.execute("DROP DATABASE locale_c")


def test_an_old_server_is_refused(admin_connection):
    old = types.SimpleNamespace(
        info=types.SimpleNamespace(server_version=140011), execute=lambda query: admin_connection.execute(query)
    )
    assert "14" in external.problems(old)[0]
