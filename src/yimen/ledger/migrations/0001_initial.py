import django.db.models.deletion
import django.db.models.functions.datetime
import yimen.ledger.models
import yimen.lib.schema
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        yimen.lib.schema.CreateModels(
            models=[
                migrations.CreateModel(
                    name='Follower',
                    fields=[
                        ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                        ('tx', models.BigIntegerField(default=0)),
                        ('last_id', models.BigIntegerField(default=0)),
                        ('failures', models.PositiveIntegerField(default=0)),
                        ('failing_id', models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name='Event',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('region', models.CharField(max_length=12)),
                        ('stream', models.CharField(max_length=160)),
                        ('seq', models.PositiveIntegerField()),
                        ('kind', models.CharField(max_length=60)),
                        ('actor', models.CharField(max_length=80)),
                        ('role', models.CharField(blank=True, max_length=40)),
                        ('at', models.DateTimeField()),
                        ('data', models.JSONField(default=dict)),
                        ('previous', models.BinaryField()),
                        ('hash', models.BinaryField()),
                        ('tx', models.BigIntegerField(db_default=yimen.ledger.models.TransactionId())),
                        ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        'indexes': [models.Index(fields=['tx', 'id'], name='event_position'), models.Index(fields=['region', 'kind', 'at'], name='event_by_kind')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'stream', 'seq'), name='event_once_in_stream')],
                    },
                ),
                migrations.CreateModel(
                    name='Once',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('actor', models.CharField(max_length=80)),
                        ('act', models.CharField(max_length=60)),
                        ('key', models.CharField(max_length=80)),
                        ('body_hash', models.BinaryField()),
                        ('status', models.PositiveSmallIntegerField(null=True)),
                        ('answer', models.JSONField(null=True)),
                        ('at', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['at'], name='once_by_age')],
                        'constraints': [models.UniqueConstraint(fields=('actor', 'act', 'key'), name='once_per_key')],
                    },
                ),
                migrations.CreateModel(
                    name='Seal',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('tx', models.BigIntegerField()),
                        ('last_id', models.BigIntegerField()),
                        ('row_count', models.PositiveIntegerField()),
                        ('root', models.BinaryField()),
                        ('chained', models.BinaryField()),
                        ('sealed_at', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['tx', 'last_id'], name='seal_position')],
                    },
                ),
                migrations.CreateModel(
                    name='Unhandled',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('follower', models.CharField(max_length=60)),
                        ('event', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='ledger.event')),
                        ('error', models.CharField(max_length=200)),
                        ('at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('follower', 'event'), name='unhandled_once')],
                    },
                ),
            ],
        ),
    ]
