import django.contrib.postgres.constraints
import django.db.models.deletion
import yimen.lib.ids
import yimen.lib.schema
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        yimen.lib.schema.CreateModels(
            models=[
                migrations.CreateModel(
                    name='User',
                    fields=[
                        ('password', models.CharField(max_length=128, verbose_name='password')),
                        ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('username', models.CharField(max_length=60, unique=True)),
                        ('is_active', models.BooleanField(default=True)),
                        ('must_change_password', models.BooleanField(default=False)),
                        ('joined_at', models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Department',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('code', models.SlugField(max_length=40)),
                        ('name', models.CharField(max_length=120)),
                        ('short_name', models.CharField(blank=True, max_length=20)),
                        ('uscc', models.CharField(blank=True, max_length=18, verbose_name='统一社会信用代码')),
                        ('phone', models.CharField(blank=True, max_length=80)),
                        ('is_resident', models.BooleanField(default=False, verbose_name='进驻大厅')),
                        ('is_bureau', models.BooleanField(default=False, verbose_name='行政审批服务局')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'code'), name='department_code_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SecondFactorTries',
                    fields=[
                        ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                        ('count', models.PositiveSmallIntegerField()),
                        ('last_at', models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name='Post',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='posts', to='people.department')),
                        ('name', models.CharField(max_length=60)),
                        ('duties', models.TextField(blank=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('department', 'name'), name='post_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Region',
                    fields=[
                        ('code', models.CharField(max_length=12, primary_key=True, serialize=False)),
                        ('name', models.CharField(max_length=60)),
                        ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='people.region')),
                    ],
                ),
                migrations.CreateModel(
                    name='OrganisationChange',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('name', models.CharField(max_length=120, verbose_name='调整名称')),
                        ('on', models.DateField(verbose_name='日期')),
                        ('document_no', models.CharField(blank=True, max_length=80, verbose_name='文号')),
                        ('before', models.JSONField(default=list)),
                        ('after', models.JSONField(default=list)),
                    ],
                    options={
                        'ordering': ['-on', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Applicant',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('kind', models.CharField(choices=[('person', '自然人'), ('firm', '法人或其他组织')], max_length=10)),
                        ('name', models.CharField(max_length=120)),
                        ('id_sealed', models.BinaryField()),
                        ('id_index', models.BinaryField()),
                        ('phone_sealed', models.BinaryField()),
                        ('phone_index', models.BinaryField()),
                        ('contact_name', models.CharField(blank=True, max_length=60)),
                        ('address', models.CharField(blank=True, max_length=160)),
                        ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='applicant', to=settings.AUTH_USER_MODEL)),
                        ('is_demo', models.BooleanField(default=False)),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', 'phone_index'], name='applicant_by_phone'), models.Index(fields=['region', 'name'], name='applicant_by_name', opclasses=['varchar_ops', 'varchar_pattern_ops'])],
                        'constraints': [models.UniqueConstraint(fields=('region', 'kind', 'id_index'), name='applicant_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ServiceCenter',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='branches', to='people.servicecenter')),
                        ('code', models.SlugField(max_length=20)),
                        ('letters', models.CharField(help_text='begins the numbers citizens read, QH-261118-00417', max_length=4)),
                        ('name', models.CharField(max_length=80)),
                        ('motto', models.CharField(blank=True, max_length=80)),
                        ('address', models.CharField(max_length=160)),
                        ('hours', models.CharField(max_length=120)),
                        ('phone', models.CharField(max_length=40)),
                        ('is_demo', models.BooleanField(default=False)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'code'), name='center_code_once'), models.UniqueConstraint(fields=('region', 'letters'), name='center_letters_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ServicePoint',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('center', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='points', to='people.servicecenter')),
                        ('kind', models.CharField(choices=[('town', '乡镇（街道）便民服务中心'), ('village', '村（社区）便民服务点')], max_length=10)),
                        ('code', models.SlugField(max_length=20)),
                        ('name', models.CharField(max_length=80)),
                        ('address', models.CharField(blank=True, max_length=160)),
                        ('hours', models.CharField(blank=True, max_length=120)),
                        ('phone', models.CharField(blank=True, max_length=40)),
                        ('closed_on', models.DateField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'code'), name='service_point_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Staff',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='staff', to=settings.AUTH_USER_MODEL)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('center', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='staff', to='people.servicecenter')),
                        ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='staff', to='people.department')),
                        ('post', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='staff', to='people.post')),
                        ('number', models.CharField(max_length=20, verbose_name='工号')),
                        ('name', models.CharField(max_length=60)),
                        ('phone', models.CharField(blank=True, max_length=40)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('region', 'number'), name='staff_number_once')],
                    },
                ),
                migrations.CreateModel(
                    name='RoleGrant',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('staff', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='people.staff')),
                        ('role', models.CharField(choices=[('guide', '导办员'), ('clerk', '窗口人员'), ('approver', '审批人员'), ('surveyor', '勘察人员'), ('leader', '负责人'), ('hall_manager', '大厅管理员'), ('editor', '事项编辑'), ('publisher', '事项发布人'), ('supervisor', '监督人员'), ('system_admin', '系统管理员'), ('security_admin', '安全管理员'), ('audit_admin', '审计管理员')], max_length=20)),
                        ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('granted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('granted_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None), ('role__in', ['system_admin', 'security_admin', 'audit_admin'])), fields=('staff',), name='one_administrator_role'), models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('staff', 'role', 'department'), name='role_once', nulls_distinct=False), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('ended_at', None)), expressions=[('staff', '='), (models.Case(models.When(role__in=['system_admin', 'security_admin', 'audit_admin'], then=1), default=0, output_field=models.IntegerField()), '<>')], name='administrators_stay_apart')],
                    },
                ),
            ],
        ),
    ]
