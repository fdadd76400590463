"""A guide's help is rated on its own; opinions of visitors."""

import django.contrib.postgres.fields
import django.db.models.deletion
import yimen.lib.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0007_cases_by_department"),
        ("hall", "0006_kiosks"),
        ("people", "0005_work_cards"),
        ("ratings", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Opinion",
            fields=[
                (
                    "id",
                    models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("praise", "表扬"), ("suggestion", "建议"), ("complaint", "不满意")], max_length=12
                    ),
                ),
                ("text", models.TextField(blank=True, max_length=500)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("phone_sealed", models.BinaryField(blank=True, null=True)),
                ("given_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "等答复"), ("answered", "已答复"), ("settled", "不用答复")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("answer", models.CharField(blank=True, max_length=300)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-given_at", "pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="invitation",
            name="invitation_for_one_thing",
        ),
        migrations.AddField(
            model_name="invitation",
            name="help",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="invitation",
                to="hall.guidehelp",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="scope",
            field=models.CharField(
                choices=[("visit", "一次一评"), ("matter", "一事一评"), ("help", "导办一评")], max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("case__isnull", True), ("help__isnull", True), ("scope", "visit"), ("ticket__isnull", False)
                    ),
                    models.Q(
                        ("case__isnull", False), ("help__isnull", True), ("scope", "matter"), ("ticket__isnull", True)
                    ),
                    models.Q(
                        ("case__isnull", True), ("help__isnull", False), ("scope", "help"), ("ticket__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="invitation_for_one_thing",
            ),
        ),
        migrations.AddField(
            model_name="opinion",
            name="center",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="people.servicecenter"),
        ),
        migrations.AddField(
            model_name="opinion",
            name="closed_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.staff"
            ),
        ),
        migrations.AddField(
            model_name="opinion",
            name="hall",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="hall.hall"
            ),
        ),
        migrations.AddField(
            model_name="opinion",
            name="kiosk",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="hall.kiosk"
            ),
        ),
        migrations.AddField(
            model_name="opinion",
            name="region",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="people.region"),
        ),
        migrations.AddIndex(
            model_name="opinion",
            index=models.Index(fields=["region", "state", "given_at"], name="opinion_by_state"),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("state", "open")),
                    models.Q(models.Q(("state", "open"), _negated=True), models.Q(("closed_at", None), _negated=True)),
                    _connector="OR",
                ),
                name="opinion_closed_once",
            ),
        ),
    ]
