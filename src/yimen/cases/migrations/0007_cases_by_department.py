from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_documents")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["region", "department", "received_at"], name="case_by_department"),
        ),
    ]
