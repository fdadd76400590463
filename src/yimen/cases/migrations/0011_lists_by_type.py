from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0010_bundles_on_line")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["region", "case_type", "received_at"], name="case_by_type"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                fields=["region", "department", "due_on"],
                include=["case", "kind", "post", "assignee"],
                condition=models.Q(done_at=None),
                name="task_open_by_unit",
            ),
        ),
        migrations.RemoveIndex(model_name="task", name="task_open_by_due"),
    ]
