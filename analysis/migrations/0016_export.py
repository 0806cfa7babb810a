import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0015_city_and_label_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('query', models.TextField(blank=True, help_text='Empty: all pictures, or those of the selection.', verbose_name='search')),
                ('image_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, help_text='Null for a search.', null=True, size=None, verbose_name='selection')),
                ('format', models.CharField(max_length=20, verbose_name='format')),
                ('options', models.JSONField(default=dict, verbose_name='options')),
                ('name', models.CharField(blank=True, max_length=100, verbose_name='dataset')),
                ('version', models.PositiveIntegerField(blank=True, null=True, verbose_name='version')),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'In progress'), ('done', 'Ready'), ('failed', 'Failed'), ('canceled', 'Canceled')], default='queued', max_length=8, verbose_name='state')),
                ('total', models.BigIntegerField(blank=True, help_text='Null: not counted.', null=True, verbose_name='pictures to write')),
                ('written', models.BigIntegerField(default=0, verbose_name='pictures written')),
                ('key', models.CharField(blank=True, max_length=200, verbose_name='storage key')),
                ('size', models.BigIntegerField(blank=True, help_text='Bytes.', null=True, verbose_name='size')),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='next attempt')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('expires_at', models.DateTimeField(blank=True, help_text='Deleted after this time. Null: kept.', null=True, verbose_name='expires')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'export',
                'verbose_name_plural': 'exports',
                'indexes': [models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['next_attempt_at'], name='export_due'), models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='export_expires')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('name', ''), _negated=True), fields=('owner', 'name', 'version'), name='export_version'), models.CheckConstraint(condition=models.Q(models.Q(('name', ''), ('version', None)), models.Q(('version__gte', 1), models.Q(('name', ''), _negated=True)), _connector='OR'), name='export_version_has_name')],
            },
        ),
    ]
