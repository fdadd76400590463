import django.contrib.postgres.fields
import django.db.models.deletion
import yimen.lib.ids
import yimen.lib.schema
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0001_initial'),
        ('hall', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        yimen.lib.schema.CreateModels(
            models=[
                migrations.CreateModel(
                    name='Invitation',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('token', models.CharField(max_length=32, unique=True)),
                        ('scope', models.CharField(choices=[('visit', '一次一评'), ('matter', '一事一评')], max_length=10)),
                        ('ticket', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitation', to='hall.ticket')),
                        ('case', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitation', to='cases.case')),
                        ('center', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.servicecenter')),
                        ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('window', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='hall.window')),
                        ('staff', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='people.staff')),
                        ('made_at', models.DateTimeField()),
                        ('expires_at', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', 'made_at'], name='invitation_by_day')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('case__isnull', True), ('scope', 'visit'), ('ticket__isnull', False)), models.Q(('case__isnull', False), ('scope', 'matter'), ('ticket__isnull', True)), _connector='OR'), name='invitation_for_one_thing')],
                    },
                ),
                migrations.CreateModel(
                    name='Rating',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('invitation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='rating', to='ratings.invitation')),
                        ('level', models.CharField(choices=[('very_good', '非常满意'), ('good', '满意'), ('fair', '基本满意'), ('bad', '不满意'), ('very_bad', '非常不满意')], max_length=10)),
                        ('channel', models.CharField(choices=[('qr', '扫码'), ('web', '电脑端'), ('mobile', '移动端'), ('tablet', '窗口评价器'), ('kiosk', '自助终端'), ('phone', '电话'), ('sms', '短信'), ('paper', '评议单')], default='qr', max_length=10)),
                        ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                        ('text', models.TextField(blank=True)),
                        ('rated_at', models.DateTimeField()),
                        ('added_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', 'rated_at'], name='rating_by_time')],
                    },
                ),
            ],
        ),
    ]
