import django.contrib.postgres.fields
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
                    name='Case',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('center', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.servicecenter')),
                        ('case_no', models.CharField(max_length=50)),
                        ('query_no', models.CharField(max_length=24)),
                        ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='catalog.serviceitem')),
                        ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='catalog.itemversion')),
                        ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('applicant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='people.applicant')),
                        ('case_type', models.CharField(choices=[('immediate', '即办件'), ('promised', '承诺件'), ('other', '其他')], max_length=10)),
                        ('channel', models.CharField(choices=[('window', '窗口'), ('web', '电脑端'), ('mobile', '移动端'), ('post', '快递'), ('other', '其他')], default='window', max_length=10)),
                        ('ticket_no', models.CharField(blank=True, max_length=12)),
                        ('agent_name', models.CharField(blank=True, max_length=60, verbose_name='代理人')),
                        ('status', models.CharField(choices=[('received', '待受理'), ('accepted', '办理中'), ('completed', '已办结'), ('delivered', '已送达'), ('declined', '不予受理'), ('withdrawn', '已撤回')], max_length=12)),
                        ('outcome', models.CharField(blank=True, choices=[('granted', '准予'), ('refused', '不予许可')], max_length=10)),
                        ('reasons', models.TextField(blank=True, help_text='why declined or refused; never empty then (LAW-17, LAW-3)')),
                        ('received_at', models.DateTimeField()),
                        ('received_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('accepted_at', models.DateTimeField(blank=True, null=True)),
                        ('accept_mode', models.CharField(blank=True, choices=[('decided', '已作出受理'), ('deemed', '逾期未告知，视为受理')], max_length=8)),
                        ('accepted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('completed_at', models.DateTimeField(blank=True, null=True)),
                        ('delivered_at', models.DateTimeField(blank=True, null=True)),
                        ('due_on', models.DateField(blank=True, null=True)),
                        ('due_is_provisional', models.BooleanField(default=False)),
                        ('completed_on_time', models.BooleanField(blank=True, null=True)),
                        ('chosen', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), blank=True, default=list, size=None, verbose_name='情形')),
                        ('forms_sealed', models.BinaryField(blank=True, null=True)),
                        ('is_demo', models.BooleanField(default=False)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', 'accepted_at'], name='case_by_accepted'), models.Index(fields=['region', 'completed_at'], name='case_by_completed'), models.Index(fields=['region', 'received_at'], name='case_by_received'), models.Index(condition=models.Q(('status', 'accepted')), fields=['region', 'due_on'], name='case_open_by_due'), models.Index(fields=['region', 'status', 'received_at'], name='case_by_status'), models.Index(fields=['region', 'applicant'], name='case_by_applicant')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'case_no'), name='case_no_once'), models.UniqueConstraint(fields=('region', 'query_no'), name='query_no_once'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'accepted'), _negated=True), models.Q(('accepted_at__isnull', False), ('due_on__isnull', False)), _connector='OR'), name='accepted_case_has_due_date'), models.CheckConstraint(condition=models.Q(models.Q(models.Q(('status', 'declined'), _negated=True), models.Q(('outcome', 'refused'), _negated=True)), models.Q(('reasons', ''), _negated=True), _connector='OR'), name='refusal_has_reasons'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['completed', 'delivered']), _negated=True), models.Q(('completed_at__isnull', False), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='completed_case_has_outcome')],
                    },
                ),
                migrations.CreateModel(
                    name='CaseMaterial',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='materials', to='cases.case')),
                        ('material', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='catalog.itemmaterial')),
                        ('state', models.CharField(choices=[('complete', '齐'), ('missing', '缺'), ('later', '后补')], max_length=10)),
                        ('note', models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'case', 'material'), name='case_material_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Clock',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='clocks', to='cases.case')),
                        ('kind', models.CharField(choices=[('promised', '承诺时限'), ('statutory', '法定时限'), ('delivery', '送达时限')], max_length=10)),
                        ('started_on', models.DateField()),
                        ('limit', models.PositiveSmallIntegerField()),
                        ('unit', models.CharField(choices=[('workday', '个工作日'), ('day', '日'), ('hour', '小时'), ('month', '个月')], default='workday', max_length=10)),
                        ('due_on', models.DateField()),
                        ('is_provisional', models.BooleanField(default=False)),
                        ('ended_on', models.DateField(blank=True, null=True)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('ended_on', None)), fields=['region', 'due_on'], name='clock_running_by_due')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'case', 'kind'), name='clock_once_per_kind')],
                    },
                ),
                migrations.CreateModel(
                    name='Counter',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('name', models.CharField(max_length=80)),
                        ('day', models.DateField()),
                        ('value', models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'name', 'day'), name='case_counter_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Notice',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='cases.case')),
                        ('kind', models.CharField(choices=[('receipt', '收件凭证'), ('acceptance', '受理通知书'), ('decline', '不予受理决定书'), ('decision', '行政决定书')], max_length=12)),
                        ('number', models.CharField(max_length=60)),
                        ('verify_code', models.CharField(max_length=20)),
                        ('issued_at', models.DateTimeField()),
                        ('data', models.JSONField()),
                    ],
                    options={
                        'ordering': ['issued_at'],
                        'constraints': [models.UniqueConstraint(fields=('region', 'case', 'kind'), name='notice_once_per_kind'), models.UniqueConstraint(fields=('region', 'number'), name='notice_number_once'), models.UniqueConstraint(fields=('region', 'verify_code'), name='verify_code_once')],
                    },
                ),
                migrations.CreateModel(
                    name='QueryTries',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('asker', models.BinaryField(help_text='blind index of the address')),
                        ('hour', models.DateTimeField()),
                        ('count', models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('asker', 'hour'), name='query_tries_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Task',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='cases.case')),
                        ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('step_key', models.CharField(max_length=40)),
                        ('name', models.CharField(max_length=80)),
                        ('kind', models.CharField(choices=[('receive', '收件'), ('accept', '受理'), ('review', '审查'), ('visit', '现场核查'), ('expert', '专家评审'), ('decide', '决定'), ('make', '制证'), ('deliver', '送达')], max_length=10)),
                        ('post', models.CharField(max_length=60)),
                        ('opened_at', models.DateTimeField()),
                        ('due_on', models.DateField()),
                        ('done_at', models.DateTimeField(blank=True, null=True)),
                        ('done_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('outcome', models.CharField(blank=True, choices=[('passed', '通过'), ('rejected', '不通过')], max_length=10)),
                        ('opinion', models.TextField(blank=True)),
                        ('surveyors', models.ManyToManyField(blank=True, related_name='+', to='people.staff')),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['region', 'department', 'due_on'], name='task_open_by_due')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'case', 'step_key'), name='task_once_per_step')],
                    },
                ),
            ],
        ),
        # A release without the column may still insert while it is replaced (REL-13).
        migrations.RunSQL(
            "ALTER TABLE cases_case ALTER COLUMN accept_mode SET DEFAULT ''",
            "ALTER TABLE cases_case ALTER COLUMN accept_mode DROP DEFAULT",
        ),
    ]
