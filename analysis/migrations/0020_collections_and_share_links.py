import analysis.models.share_links
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.apps import apps as installed_apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

GRANTED = {
    "staff": ("view_collection", "change_collection", "delete_collection", "view_sharelink", "change_sharelink"),
}


def add_permissions(apps, schema_editor):
    """In a database that is migrated, permissions appear only after all migrations; the group needs them now."""
    create_permissions(installed_apps.get_app_config("analysis"), verbosity=0, using=schema_editor.connection.alias)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="analysis", codename__in=GRANTED["staff"]
    )
    for group in apps.get_model("auth", "Group").objects.filter(name="staff"):
        group.permissions.add(*permissions)


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0019_audit_log_and_trash'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Slashes make levels: Trips/Paris.', max_length=200, verbose_name='name')),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('is_shared', models.BooleanField(default=False, verbose_name='shared with everyone signed in')),
                ('shares_private', models.BooleanField(default=False, help_text='Its readers also see private pictures in it that their owners added.', verbose_name='shows private pictures')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When pictures were last added.', verbose_name='changed')),
                ('deleted_at', models.DateTimeField(blank=True, null=True, verbose_name='deleted')),
                ('cover', models.ForeignKey(blank=True, help_text='Empty: the first picture.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='analysis.image', verbose_name='cover')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='collections', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'collection',
                'verbose_name_plural': 'collections',
            },
        ),
        migrations.CreateModel(
            name='CollectionImage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.TextField(db_collation='C', verbose_name='position')),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='added')),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='added by')),
                ('collection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='analysis.collection', verbose_name='collection')),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='collection_entries', to='analysis.image', verbose_name='picture')),
            ],
            options={
                'verbose_name': 'picture of a collection',
                'verbose_name_plural': 'pictures of collections',
            },
        ),
        migrations.CreateModel(
            name='CollectionMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('can_edit', models.BooleanField(default=False, help_text='Can add, remove and order pictures.', verbose_name='can edit')),
                ('collection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='analysis.collection', verbose_name='collection')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='collection_memberships', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'person of a collection',
                'verbose_name_plural': 'people of collections',
            },
        ),
        migrations.CreateModel(
            name='ShareLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(default=analysis.models.share_links.new_token, editable=False, max_length=64, unique=True, verbose_name='token')),
                ('password', models.CharField(blank=True, editable=False, help_text='Its hash.', max_length=128, verbose_name='password')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('allows_download', models.BooleanField(default=False, verbose_name='allows downloads')),
                ('shows_metadata', models.BooleanField(default=False, verbose_name='shows metadata')),
                ('includes_private', models.BooleanField(default=False, verbose_name='includes private pictures')),
                ('includes_sensitive', models.BooleanField(default=False, verbose_name='includes sensitive pictures')),
                ('views', models.PositiveBigIntegerField(default=0, help_text='Times the page was opened.', verbose_name='views')),
                ('viewed_at', models.DateTimeField(blank=True, null=True, verbose_name='last viewed')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked')),
                ('collection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='analysis.collection', verbose_name='collection')),
                ('image', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='analysis.image', verbose_name='picture')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('search', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='analysis.savedsearch', verbose_name='saved search')),
            ],
            options={
                'verbose_name': 'share link',
                'verbose_name_plural': 'share links',
            },
        ),
        migrations.AddIndex(
            model_name='collection',
            index=models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['deleted_at'], name='collection_deleted'),
        ),
        migrations.AddIndex(
            model_name='collection',
            index=models.Index(condition=models.Q(('is_shared', True)), fields=['is_shared'], name='collection_shared'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.UniqueConstraint(models.F('owner'), django.db.models.functions.text.Lower('name'), condition=models.Q(('deleted_at', None)), name='collection_name_once_per_owner'),
        ),
        migrations.AddIndex(
            model_name='collectionimage',
            index=models.Index(fields=['collection', 'position', 'image'], name='collection_order'),
        ),
        migrations.AddConstraint(
            model_name='collectionimage',
            constraint=models.UniqueConstraint(fields=('collection', 'image'), name='collection_image_once'),
        ),
        migrations.AddConstraint(
            model_name='collectionmember',
            constraint=models.UniqueConstraint(fields=('collection', 'user'), name='collection_member_once'),
        ),
        migrations.AddConstraint(
            model_name='sharelink',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('collection', None), ('image__isnull', False), ('search', None)), models.Q(('collection__isnull', False), ('image', None), ('search', None)), models.Q(('collection', None), ('image', None), ('search__isnull', False)), _connector='OR'), name='share_link_has_one_target'),
        ),
        migrations.RunPython(add_permissions, migrations.RunPython.noop),
    ]
