"""What the work card at a window says (HALL-20)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0004_covers")]

    operations = [
        migrations.AddField("post", "promise", models.CharField(blank=True, max_length=120, default=""), False),
        migrations.AddField(
            "servicecenter",
            "complaint_way",
            models.CharField(default="12345", help_text="how to complain of somebody here", max_length=80),
        ),
    ]
