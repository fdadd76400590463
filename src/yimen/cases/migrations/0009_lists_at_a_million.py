from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0008_what_was_missing")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["region", "department"],
                include=["id"],
                condition=models.Q(status="accepted"),
                name="case_open_by_unit",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["region"], condition=models.Q(status="accepted", is_urgent=True), name="case_open_urgent"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                fields=["region", "due_on", "opened_at"], condition=models.Q(done_at=None), name="task_open_by_day"
            ),
        ),
    ]
