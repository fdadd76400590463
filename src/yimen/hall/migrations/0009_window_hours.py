

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("hall", "0008_functions"),
        ("people", "0005_work_cards"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="openingtime",
            name="opening_before_closing",
        ),
        migrations.AddConstraint(
            model_name="openingtime",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closes__gt", models.F("opens")), ("closes__isnull", False), ("opens__isnull", False)),
                    models.Q(("closes", None), ("day__isnull", False), ("opens", None)),
                    models.Q(("closes", None), ("opens", None), ("window__isnull", False)),
                    _connector="OR",
                ),
                name="opening_before_closing",
            ),
        ),
    ]
