from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_querytries")]

    operations = [
        migrations.AddField(
            model_name="case",
            name="accept_mode",
            field=models.CharField(
                blank=True,
                choices=[("decided", "已作出受理"), ("deemed", "逾期未告知，视为受理")],
                default="",
                max_length=8,
            ),
            preserve_default=False,
        ),
        # The release before this one still inserts without the column while it is replaced (REL-13).
        migrations.RunSQL(
            "ALTER TABLE cases_case ALTER COLUMN accept_mode SET DEFAULT ''",
            "ALTER TABLE cases_case ALTER COLUMN accept_mode DROP DEFAULT",
        ),
        migrations.RunSQL(
            "UPDATE cases_case SET accept_mode = 'decided' WHERE accepted_at IS NOT NULL", migrations.RunSQL.noop
        ),
    ]
