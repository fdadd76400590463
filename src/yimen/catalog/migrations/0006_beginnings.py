"""What is published is found by two first letters, too: those of how its names begin."""

from django.db import migrations

from yimen.lib import text

FEW = 2000
# One item of each place without a number: the hourly recount lists that place afresh.
AGAIN = """
UPDATE catalog_serviceitem SET place = NULL WHERE id IN (
    SELECT DISTINCT ON (region_id) id FROM catalog_serviceitem WHERE published_id IS NOT NULL ORDER BY region_id, id
)
"""


def add(apps, schema_editor):
    with schema_editor.connection.cursor() as rows, schema_editor.connection.cursor() as cursor:
        rows.execute("SELECT id, name, everyday_names FROM catalog_serviceitem WHERE published_id IS NOT NULL")
        while some := rows.fetchmany(FEW):
            begun = [(text.beginnings([name, *others], "^"), pk) for pk, name, others in some]
            cursor.executemany("UPDATE catalog_serviceitem SET tokens = tokens || %s::text[] WHERE id = %s", begun)
        cursor.execute(AGAIN)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_search_places")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop, elidable=True)]
