"""What search reads becomes lists of numbers (Posting) in place of a GIN index on the tokens."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# What the published edition is called every day, beside the item; the numbers come with the next recount.
FILL = """
UPDATE catalog_serviceitem i SET everyday_names = v.everyday_names
FROM catalog_itemversion v WHERE v.id = i.published_id AND v.everyday_names <> '{}'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_lawful_cases"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="serviceitem", name="item_tokens"),
        migrations.DeleteModel(name="TokenCount"),
        migrations.AddField(
            model_name="serviceitem",
            name="everyday_names",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60),
                default=list,
                help_text="as published, for search",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="serviceitem", name="place", field=models.IntegerField(editable=False, null=True)
        ),
        migrations.AddIndex(model_name="serviceitem", index=models.Index(fields=["place"], name="item_by_place")),
        migrations.AddIndex(
            model_name="serviceitem",
            index=models.Index(
                condition=models.Q(("place", None), ("published__isnull", False)),
                fields=["region"],
                name="item_without_place",
            ),
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE catalog_place AS integer OWNED BY catalog_serviceitem.place",
            "DROP SEQUENCE catalog_place",
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.TextField()),
                ("items", models.IntegerField()),
                ("places", models.BinaryField()),
                ("region", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="people.region")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("region", "token"), name="posting_once")],
            },
        ),
        # Numbers do not get shorter by packing them, only slower to read.
        migrations.RunSQL(
            "ALTER TABLE catalog_posting ALTER COLUMN places SET STORAGE EXTERNAL", migrations.RunSQL.noop
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
