"""How a screen speaks, and what it shows besides calls."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hall", "0003_whole_hall")]

    operations = [
        migrations.AlterField(
            "screen",
            "layout",
            models.CharField(
                choices=[
                    ("hall", "大厅屏"),
                    ("zone", "分区屏"),
                    ("window", "窗口屏"),
                    ("halls", "多大厅屏"),
                    ("notices", "公告屏"),
                    ("map", "窗口分布图"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddField(
            "screen", "second_language", models.CharField(blank=True, max_length=12, default=""), False
        ),
        migrations.AddField("screen", "second_speech", models.CharField(blank=True, max_length=120, default=""), False),
        migrations.AddField("screen", "volume", models.PositiveSmallIntegerField(default=100)),
        migrations.AddField("screen", "quiet_from", models.TimeField(blank=True, null=True)),
        migrations.AddField("screen", "quiet_until", models.TimeField(blank=True, null=True)),
        migrations.AddField("screen", "quiet_volume", models.PositiveSmallIntegerField(default=30)),
        migrations.AddField("screen", "shows_openings", models.BooleanField(default=True)),
        migrations.AddField("screen", "shows_figures", models.BooleanField(default=True)),
        migrations.AlterField(
            "notice",
            "region",
            models.ForeignKey(on_delete=models.deletion.PROTECT, related_name="+", to="people.region"),
        ),
    ]
