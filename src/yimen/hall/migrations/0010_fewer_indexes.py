import django.db.models.deletion
from django.db import migrations, models


# What every change of status wrote anew and nobody reads. By their names, so that no foreign key is checked again, as
# altering the fields one by one would do.
INDEXES = {
    ("hall_ticket", "hall_id"): "1f8c4713",
    ("hall_ticket", "region_id"): "cf15fe17",
    ("hall_ticket", "series_id"): "69a2668f",
    ("hall_ticket", "served_by_id"): "d72868e5",
    ("hall_ticket", "item_id"): "1205893c",
    ("hall_ticket", "grant_id"): "52bd8edf",
    ("hall_ticket", "only_window_id"): "606460f1",
    ("hall_ticket", "skill_id"): "7ef63e23",
    ("hall_ticket", "applicant_id"): "aed31b90",
    ("hall_ticket", "case_id"): "1c020a13",
    ("hall_ticketperiod", "region_id"): "e209f33b",
    ("hall_ticketperiod", "staff_id"): "cdb80122",
    ("hall_ticketperiod", "window_id"): "c4be85f8",
}
DROP = "\n".join(
    [f"DROP INDEX IF EXISTS {table}_{column}_{mark};" for (table, column), mark in INDEXES.items()]
    + [f"DROP INDEX IF EXISTS {table}_{column}_{mark}_like;" for (table, column), mark in INDEXES.items()]
    + [
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_region_id_{mark}_fk_people_region_code;"
        for (table, column), mark in INDEXES.items()
        if column == "region_id"
    ]
)
BACK = "\n".join(
    [f"CREATE INDEX {table}_{column}_{mark} ON {table} ({column});" for (table, column), mark in INDEXES.items()]
    + [
        f"CREATE INDEX {table}_{column}_{mark}_like ON {table} ({column} varchar_pattern_ops);"
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_region_id_{mark}_fk_people_region_code"
        " FOREIGN KEY (region_id) REFERENCES people_region (code) DEFERRABLE INITIALLY DEFERRED;"
        for (table, column), mark in INDEXES.items()
        if column == "region_id"
    ]
)


class Migration(migrations.Migration):
    dependencies = [("hall", "0009_window_hours")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("applicant__isnull", False)), fields=["applicant"], name="ticket_applicant"
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(condition=models.Q(("case__isnull", False)), fields=["case"], name="ticket_case"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(condition=models.Q(("grant__isnull", False)), fields=["grant"], name="ticket_grant"),
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP, BACK)],
            [
                migrations.AlterField(
                    model_name="ticket",
                    name="applicant",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="people.applicant",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="case",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tickets",
                        to="cases.case",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="grant",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.prioritygrant",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="hall",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="hall.hall"
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="item",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="catalog.serviceitem",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="only_window",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hall.window",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="region",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="people.region",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="series",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="hall.series"
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="served_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.staff",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticket",
                    name="skill",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hall.skill",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticketperiod",
                    name="region",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="people.region",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticketperiod",
                    name="staff",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.staff",
                    ),
                ),
                migrations.AlterField(
                    model_name="ticketperiod",
                    name="window",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hall.window",
                    ),
                ),
            ],
        ),
    ]
