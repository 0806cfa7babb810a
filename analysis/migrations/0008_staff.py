import django.contrib.postgres.indexes
import django.db.models.deletion
from django.apps import apps as present
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

KINDS = ("image", "label", "labelalias", "verdict", "savedsearch", "mark", "change", "analysis", "batch", "call", "spend")
KINDS += ("spendentry", "outage", "modelversion", "heartbeat", "face", "imagetext", "imageindex", "bucket")
KINDS += ("bucketobject", "ticket", "unclaimedblob")
KINDS += ("addedfigure", "endedfigure", "latencyfigure", "confidencefigure", "figurerun")
WRITTEN = {
    "image": ("change", "delete"),
    "label": ("add", "change"),
    "labelalias": ("add", "change", "delete"),
    "verdict": ("add", "change", "delete"),
    "savedsearch": ("change", "delete"),
    "batch": ("add", "change"),
    "outage": ("change",),
    "bucket": ("add", "change", "delete"),
}
GROUPS = {
    "viewer": [],
    "curator": ["add_verdict"],
    "owner": ["add_image"],
    "staff": [
        "add_image",
        *(f"view_{kind}" for kind in KINDS),
        *(f"{verb}_{kind}" for kind, verbs in WRITTEN.items() for verb in verbs),
    ],
}


def make_groups(apps, schema_editor):
    """On a new database permissions are made after the migrations; the groups need them now."""
    create_permissions(present.get_app_config("analysis"), verbosity=0, using=schema_editor.connection.alias)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        rights = Permission.objects.filter(content_type__app_label="analysis", codename__in=codenames)
        group.permissions.add(*rights)


def drop_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0007_buckets"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name='change',
            name='is_of_everybody',
            field=models.BooleanField(default=False, help_text="Not only that person's pictures.", verbose_name='of everybody'),
        ),
        migrations.AddField(
            model_name='change',
            name='is_open',
            field=models.BooleanField(default=False, verbose_name='going on'),
        ),
        migrations.AddField(
            model_name='change',
            name='place',
            field=models.CharField(blank=True, help_text='How far it is.', max_length=100),
        ),
        migrations.AddField(
            model_name='change',
            name='query',
            field=models.TextField(blank=True, help_text='Of one that goes on in the background: which pictures it is about.'),
        ),
        migrations.AddField(
            model_name='change',
            name='receiver',
            field=models.ForeignKey(blank=True, help_text='Whom they are given to.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='label',
            name='merged_into',
            field=models.ForeignKey(blank=True, help_text='The label that stands for this one, whatever a recognizer says.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='analysis.label'),
        ),
        migrations.AddField(
            model_name='label',
            name='reread_from',
            field=models.BigIntegerField(blank=True, help_text='Pictures after this one are still to be indexed anew; empty: none.', null=True),
        ),
        migrations.AddField(
            model_name='label',
            name='revision',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="Counts people's changes, so that none is overwritten."),
        ),
        migrations.AddField(
            model_name='label',
            name='threshold',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Percent: what the recognizer is less sure of does not count.', null=True),
        ),
        migrations.AlterField(
            model_name='change',
            name='action',
            field=models.CharField(choices=[('add_tag', 'Add a tag'), ('remove_tag', 'Remove a tag'), ('confirm', 'Confirm a label'), ('reject', 'Reject a label'), ('open_to', 'Change who may see them'), ('trash', 'Move to the trash'), ('restore', 'Restore from the trash'), ('favorite', 'Make them favorites'), ('unfavorite', 'Take them from the favorites'), ('keep', 'Keep one of like pictures'), ('give', 'Give them to somebody')], max_length=12),
        ),
        migrations.AlterField(
            model_name='label',
            name='is_hidden',
            field=models.BooleanField(default=False, help_text='Shown nowhere and found only by its kind.', verbose_name='hidden'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['api', 'recognizer', 'model_version', 'id'], name='analysis_kind'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('request_id', ''), _negated=True), fields=['request_id'], name='call_request_id'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(condition=models.Q(('is_open', True)), fields=['id'], name='change_open'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('outcome', 'answered'), _negated=True), fields=['outcome', 'id'], name='call_otherwise'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['requested_at'], name='analysis_requested'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('threshold', None), ('threshold__lte', 100), _connector='OR'), name='label_threshold_percent'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='label_not_merged_into_itself'),
        ),
        migrations.RunPython(make_groups, drop_groups),
    ]
