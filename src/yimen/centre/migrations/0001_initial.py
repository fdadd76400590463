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
                    name='Document',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.region')),
                        ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='people.department')),
                        ('number', models.CharField(max_length=40, verbose_name='文件编号')),
                        ('title', models.CharField(max_length=120, verbose_name='名称')),
                        ('kind', models.CharField(choices=[('rule', '管理制度'), ('standard', '服务标准'), ('promise', '服务承诺'), ('duty', '岗位职责'), ('procedure', '工作规程'), ('other', '其他')], max_length=12, verbose_name='种类')),
                        ('is_public', models.BooleanField(default=False, verbose_name='在门户上公开')),
                        ('repealed_on', models.DateField(blank=True, null=True, verbose_name='废止日期')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['region', 'kind', 'number'], name='document_by_kind')],
                        'constraints': [models.UniqueConstraint(fields=('region', 'number'), name='document_number_once')],
                    },
                ),
                migrations.CreateModel(
                    name='DocumentEdition',
                    fields=[
                        ('id', models.UUIDField(default=yimen.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('document', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='editions', to='centre.document')),
                        ('number', models.PositiveIntegerField(verbose_name='第几版')),
                        ('text', models.TextField(verbose_name='正文')),
                        ('change', models.CharField(blank=True, max_length=300, verbose_name='这一版改了什么')),
                        ('effective_on', models.DateField(verbose_name='生效日期')),
                        ('drafted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('drafted_at', models.DateTimeField()),
                        ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.staff')),
                        ('approved_at', models.DateTimeField(blank=True, null=True, verbose_name='批准时间')),
                    ],
                    options={
                        'ordering': ['-number'],
                        'constraints': [models.UniqueConstraint(fields=('document', 'number'), name='document_edition_once'), models.UniqueConstraint(condition=models.Q(('approved_at', None)), fields=('document',), name='one_draft_document_edition')],
                    },
                ),
            ],
        ),
    ]
