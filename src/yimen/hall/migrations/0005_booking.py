from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hall", "0004_screens")]

    operations = [
        migrations.RemoveIndex(model_name="waitlistentry", name="wait_list_order"),
        migrations.AddField(
            model_name="appointment", name="end_reason", field=models.CharField(blank=True, max_length=120)
        ),
        migrations.AddField(
            model_name="appointment",
            name="excused_at",
            field=models.DateTimeField(blank=True, help_text="not counted as a no-show from then on", null=True),
        ),
        migrations.AddField(
            model_name="appointment", name="over_limit_reason", field=models.CharField(blank=True, max_length=120)
        ),
        migrations.AddField(
            model_name="slotplan",
            name="made_until",
            field=models.DateField(blank=True, help_text="its slots are made through this day", null=True),
        ),
        migrations.AddField(
            model_name="waitlistentry", name="offers", field=models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["region", "hall", "status"], name="appointment_by_hall"),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                condition=models.Q(("status", "waiting")),
                fields=["region", "item", "offers", "made_at"],
                name="wait_list_order",
            ),
        ),
    ]
