"""Where kiosks stand and when they were seen, printers that failed, slips printed, guides called, more minutes once."""

import django.db.models.deletion
from django.db import migrations, models

import yimen.lib.ids


def key() -> models.UUIDField:
    return models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    dependencies = [("hall", "0005_booking"), ("people", "0004_covers")]

    operations = [
        migrations.AddField("kiosk", "place", models.CharField(blank=True, default="", max_length=40), False),
        migrations.AddField("kiosk", "last_seen_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("printer", "fault", models.CharField(blank=True, default="", max_length=80), False),
        migrations.AddField("printer", "fault_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("ticket", "put_off_at", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="SlipPrint",
            fields=[
                ("id", key()),
                ("asked_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("fault", models.CharField(blank=True, max_length=80)),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.staff",
                    ),
                ),
                (
                    "printer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="slips", to="hall.printer"
                    ),
                ),
                ("region", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="people.region")),
                (
                    "ticket",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slips",
                        to="hall.ticket",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at"],
                "indexes": [models.Index(fields=["region", "ticket", "asked_at"], name="slip_by_ticket")],
            },
        ),
        migrations.CreateModel(
            name="GuideCall",
            fields=[
                ("id", key()),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.staff",
                    ),
                ),
                (
                    "hall",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="hall.hall"),
                ),
                (
                    "kiosk",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="hall.kiosk",
                    ),
                ),
                ("region", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="people.region")),
            ],
            options={
                "ordering": ["asked_at"],
                "indexes": [models.Index(fields=["region", "hall", "asked_at"], name="guide_call_by_day")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["region", "hall", "kiosk"],
                        condition=models.Q(answered_at=None),
                        name="one_open_guide_call",
                    )
                ],
            },
        ),
    ]
