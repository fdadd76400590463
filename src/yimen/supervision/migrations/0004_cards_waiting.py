from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("supervision", "0003_cards_stay")]

    operations = [
        migrations.AddIndex(
            model_name="card",
            index=models.Index(
                fields=[who], condition=models.Q(state__in=["open", "upheld"]), name=f"card_waits_{who}"
            ),
        )
        for who in ("handler", "reviewer", "approver")
    ]
