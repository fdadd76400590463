import django.db.models.deletion
import yimen.lib.ids
import yimen.lib.schema
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('people', '0001_initial'),
    ]

    operations = [
        yimen.lib.schema.CreateModels(
            models=[
                migrations.CreateModel(
                    name='ImportedLog',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('name', models.CharField(max_length=80, unique=True)),
                        ('sha256', models.CharField(max_length=64, unique=True)),
                        ('case_count', models.PositiveIntegerField()),
                        ('event_count', models.PositiveIntegerField()),
                        ('activity_count', models.PositiveIntegerField()),
                        ('first_at', models.DateTimeField()),
                        ('last_at', models.DateTimeField()),
                        ('imported_at', models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name='WaitingImport',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('name', models.CharField(max_length=120)),
                        ('content', models.BinaryField(default=bytes)),
                        ('headings', models.JSONField(default=list)),
                        ('mapping', models.JSONField(default=dict)),
                        ('department', models.CharField(blank=True, max_length=120)),
                        ('source', models.CharField(blank=True, max_length=40)),
                        ('mode', models.CharField(max_length=10)),
                        ('report', models.JSONField(default=dict)),
                        ('sent_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('sent_at', models.DateTimeField()),
                        ('taken_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('taken_at', models.DateTimeField(blank=True, null=True)),
                        ('dropped_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', '-sent_at'], name='imports_by_region')],
                    },
                ),
            ],
        ),
    ]
