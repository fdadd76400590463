"""The tables: the migrations make what the models say, and what is added at once is added once."""

from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import AddConstraint, AddField, AddIndex, AlterField, CreateModel, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from yimen.lib.schema import AtOnce, grouped

KEY = ("id", models.AutoField(primary_key=True))


def many_adds() -> list[Operation]:
    """What the autodetector writes for two tables that point at each other and one more column of an old table."""
    to_b = models.ForeignKey("ledger.SchemaTestB", models.CASCADE, related_name="+")
    to_a = models.ForeignKey("ledger.SchemaTestA", models.CASCADE, related_name="+")
    return [
        CreateModel("SchemaTestA", [KEY]),
        CreateModel("SchemaTestB", [KEY, ("a", to_a)]),
        AddField("schematesta", "b", to_b),
        AddConstraint("schematesta", models.UniqueConstraint(fields=["b"], name="schema_test_once")),
        AddIndex("schematestb", models.Index(fields=["a"], name="schema_test_by_a")),
        AddField("schematestold", "b", to_b.clone()),
        AddIndex("schematestold", models.Index(fields=["b"], name="schema_test_by_b")),
    ]


@dataclass
class Outcome:
    state: ProjectState
    statements: list[str]


def outcome(operations: list[Operation]) -> Outcome:
    state = ProjectState()
    CreateModel("SchemaTestOld", [KEY]).state_forwards("ledger", state)
    assert state.apps.get_models()  # rendered, as in a run of many migrations
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        for operation in operations:
            before = state.clone()
            operation.state_forwards("ledger", state)
            operation.database_forwards("ledger", editor, before, state)
    return Outcome(state, editor.collected_sql)


@pytest.mark.django_db
def test_no_model_changed_without_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_at_once_or_one_by_one_leads_to_the_same():
    one_by_one, at_once = outcome(many_adds()), outcome(list(grouped(many_adds())))
    assert at_once.state == one_by_one.state
    everything = "\n".join(at_once.statements)
    assert everything.count("CREATE TABLE") == 2
    for name in ("schema_test_once", "schema_test_by_a", "schema_test_by_b"):
        assert everything.count(name) == 1
    assert everything.count("REFERENCES") == "\n".join(one_by_one.statements).count("REFERENCES") == 3
    assert len([line for line in at_once.statements if line.startswith('ALTER TABLE "ledger_schematesta"')]) == 1, (
        "its column came with the table; only the foreign key is left"
    )


def test_only_what_adds_is_put_together_and_order_stays():
    sql, alter = RunSQL("SELECT 1"), AlterField("schematesta", "b", models.TextField())
    first, second = many_adds(), many_adds()
    found = list(grouped([*first, sql, *second, alter, KEYLESS]))
    assert [type(one) for one in found] == [AtOnce, RunSQL, AtOnce, AtOnce, AtOnce]
    assert [one.operations for one in found if isinstance(one, AtOnce)] == [first, second, [alter], [KEYLESS]]


KEYLESS = AddField("schematesta", "alone", models.TextField())
