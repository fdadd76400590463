"""The tables: the migrations make what the models say, and CreateModels makes it like CreateModel."""

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter

from yimen.lib.schema import CreateModels

KEY = ("id", models.AutoField(primary_key=True))


def operation() -> CreateModels:
    to_b = models.ForeignKey("ledger.SchemaTestB", models.CASCADE, related_name="+")
    to_a = models.ForeignKey("ledger.SchemaTestA", models.CASCADE, related_name="+")
    one = models.UniqueConstraint(fields=["b"], name="schema_test_once")
    return CreateModels(
        models=[
            CreateModel("SchemaTestA", [KEY, ("b", to_b)], {"constraints": [one]}),
            CreateModel("SchemaTestB", [KEY, ("a", to_a)]),
        ]
    )


@pytest.mark.django_db
def test_no_model_changed_without_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_tables_that_point_at_each_other_are_made_at_once():
    before, after = ProjectState(), ProjectState()
    assert not before.apps.get_models()
    after.apps  # noqa: B018 (rendered: what is added must show all the same)
    create = operation()
    create.state_forwards("ledger", after)
    assert {model.__name__ for model in after.apps.get_models()} == {"SchemaTestA", "SchemaTestB"}
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        create.database_forwards("ledger", editor, before, after)
    made = "\n".join(editor.collected_sql)
    assert made.count("CREATE TABLE") == made.count("FOREIGN KEY") == 2
    assert "schema_test_once" in made
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        create.database_backwards("ledger", editor, after, before)
    assert [line.split()[2] for line in editor.collected_sql] == ['"ledger_schematestb"', '"ledger_schematesta"']


def test_a_migration_file_can_hold_it():
    text, imports = OperationWriter(operation()).serialize()
    assert text.lstrip().startswith("yimen.lib.schema.CreateModels(")
    assert text.count("migrations.CreateModel(") == 2
    assert "import yimen.lib.schema" in imports
