"""Load the official days that ship with Yimen into the editable work calendar."""

from typing import Any

from django.db import migrations

from yimen.catalog import calendar_data


def load(apps: Any, schema_editor: Any) -> None:
    day, year = apps.get_model("catalog", "CalendarDay"), apps.get_model("catalog", "CalendarYear")
    year.objects.bulk_create(
        [year(year=known.year, notice=" ".join(known.notices)[:200]) for known in calendar_data.years()]
    )
    day.objects.bulk_create(
        [
            day(on=official.date, is_workday=official.is_workday, name=official.name, notice=str(official.notice))
            for official in calendar_data.read()
        ]
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
