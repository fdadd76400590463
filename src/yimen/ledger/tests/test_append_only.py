import psycopg
import pytest
from psycopg import errors

from yimen.ledger.tests.helpers import append

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDDEN = [
    "UPDATE {} SET id = id",
    "DELETE FROM {}",
    "TRUNCATE {} CASCADE",
    "ALTER TABLE {} ADD COLUMN x int",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "DROP TABLE {} CASCADE",
    "CREATE TRIGGER x BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION ledger_refuse()",
    "CREATE RULE x AS ON INSERT TO {} DO INSTEAD NOTHING",
]


@pytest.fixture
def rows(server_urls):
    with psycopg.connect(server_urls.app, autocommit=True) as connection:
        append(connection, "case:1")
        connection.execute(
            "INSERT INTO ledger_seal (tx, last_id, row_count, root, chained, sealed_at) VALUES (1, 1, 1, '', '', now())"
        )
        yield connection


@pytest.mark.parametrize("table", ["ledger_event", "ledger_seal"])
def test_the_application_may_add_and_read_and_nothing_else(rows, table):
    for statement in FORBIDDEN:
        with pytest.raises(errors.InsufficientPrivilege):
            rows.execute(statement.format(table))
    assert rows.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


def test_the_application_cannot_lift_its_own_limits(rows):
    for statement in (
        "SET session_replication_role = replica",
        "SET ROLE yimen_owner",
        "ALTER FUNCTION ledger_refuse() RENAME TO x",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            rows.execute(statement)


def test_even_the_owner_is_refused_until_the_trigger_is_off(rows, owner_connection):
    for table in ("ledger_event", "ledger_seal"):
        for statement in FORBIDDEN[:3]:
            with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
                owner_connection.execute(statement.format(table))
