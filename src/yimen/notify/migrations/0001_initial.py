import django.db.models.deletion
import yimen.lib.ids
import yimen.lib.schema
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        yimen.lib.schema.CreateModels(
            models=[
                migrations.CreateModel(
                    name='DueSearch',
                    fields=[
                        ('item', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='catalog.serviceitem')),
                        ('on', models.DateField()),
                        ('after', models.UUIDField(null=True)),
                        ('finished_at', models.DateTimeField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='Message',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('applicant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='people.applicant')),
                        ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.serviceitem')),
                        ('occasion', models.CharField(max_length=80)),
                        ('due_on', models.DateField()),
                        ('subject', models.CharField(max_length=120)),
                        ('text', models.TextField()),
                        ('state', models.CharField(choices=[('waiting', '等工作人员确认'), ('sent', '已发出'), ('dropped', '不用发')], default='waiting', max_length=10)),
                        ('made_at', models.DateTimeField()),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('sent_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', 'item', 'state', 'due_on'], name='message_by_item'), models.Index(fields=['region', 'applicant', 'sent_at'], name='message_by_applicant')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'applicant', 'item', 'occasion'), name='message_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Delivery',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('message', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='notify.message')),
                        ('channel', models.CharField(max_length=20)),
                        ('made_at', models.DateTimeField()),
                        ('done_at', models.DateTimeField(blank=True, null=True)),
                        ('is_delivered', models.BooleanField(blank=True, null=True)),
                        ('note', models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['channel', 'made_at'], name='delivery_waiting')],
                        'constraints': [models.UniqueConstraint(fields=('message', 'channel'), name='delivery_once_per_channel')],
                    },
                ),
                migrations.CreateModel(
                    name='OptOut',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('applicant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opt_outs', to='people.applicant')),
                        ('at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('applicant',), name='opted_out_once')],
                    },
                ),
            ],
        ),
    ]
