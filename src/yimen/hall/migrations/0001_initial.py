import django.db.models.deletion
import yimen.lib.ids
import yimen.lib.schema
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0001_initial'),
        ('catalog', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        yimen.lib.schema.CreateModels(
            models=[
                migrations.CreateModel(
                    name='Hall',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('center', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='halls', to='people.servicecenter')),
                        ('code', models.SlugField(max_length=20)),
                        ('name', models.CharField(max_length=60)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'code'), name='hall_code_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Series',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('hall', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='series', to='hall.hall')),
                        ('letter', models.CharField(max_length=2)),
                        ('name', models.CharField(max_length=40)),
                        ('zone', models.CharField(blank=True, max_length=40)),
                        ('position', models.PositiveSmallIntegerField(default=0)),
                        ('is_open', models.BooleanField(default=True)),
                        ('items', models.ManyToManyField(blank=True, related_name='series', to='catalog.serviceitem')),
                    ],
                    options={
                        'ordering': ['position', 'letter'],
                        'constraints': [models.UniqueConstraint(fields=('region', 'hall', 'letter'), name='series_letter_once')],
                    },
                ),
                migrations.CreateModel(
                    name='TicketCounter',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('series', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='hall.series')),
                        ('day', models.DateField()),
                        ('value', models.PositiveIntegerField(default=0)),
                        ('last_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'series', 'day'), name='ticket_counter_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Window',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('hall', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='windows', to='hall.hall')),
                        ('number', models.PositiveSmallIntegerField()),
                        ('name', models.CharField(max_length=60)),
                        ('kind', models.CharField(choices=[('integrated', '综合窗口'), ('specialist', '专业窗口')], default='integrated', max_length=12)),
                        ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('staff', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='window', to='people.staff')),
                        ('opened_at', models.DateTimeField(blank=True, null=True)),
                        ('series', models.ManyToManyField(related_name='windows', to='hall.series')),
                    ],
                    options={
                        'ordering': ['number'],
                        'constraints': [models.UniqueConstraint(fields=('region', 'hall', 'number'), name='window_number_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Ticket',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('hall', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='hall.hall')),
                        ('series', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='hall.series')),
                        ('day', models.DateField()),
                        ('number', models.PositiveIntegerField()),
                        ('label', models.CharField(max_length=12)),
                        ('status', models.CharField(choices=[('waiting', '等候'), ('called', '已叫号'), ('serving', '办理中'), ('finished', '已办完'), ('passed', '已过号')], default='waiting', max_length=10)),
                        ('source', models.CharField(choices=[('kiosk', '自助取号机'), ('desk', '导办台'), ('web', '网上取号')], default='kiosk', max_length=10)),
                        ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='catalog.serviceitem')),
                        ('applicant', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='people.applicant')),
                        ('phone_last_four', models.CharField(blank=True, max_length=4)),
                        ('window', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='hall.window')),
                        ('served_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='cases.case')),
                        ('taken_at', models.DateTimeField()),
                        ('called_at', models.DateTimeField(blank=True, null=True)),
                        ('announced_at', models.DateTimeField(blank=True, null=True)),
                        ('call_count', models.PositiveSmallIntegerField(default=0)),
                        ('started_at', models.DateTimeField(blank=True, null=True)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['region', 'series', 'day', 'taken_at', 'number'], name='ticket_waiting'), models.Index(fields=['region', 'hall', 'day', 'announced_at'], name='ticket_announced'), models.Index(condition=models.Q(('status', 'finished')), fields=['region', 'series', 'finished_at'], name='ticket_finished')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'series', 'day', 'number'), name='ticket_number_once'), models.UniqueConstraint(condition=models.Q(('status__in', ['called', 'serving'])), fields=('region', 'window'), name='one_open_ticket_per_window')],
                    },
                ),
            ],
        ),
    ]
