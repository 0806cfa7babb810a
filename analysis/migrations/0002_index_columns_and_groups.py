"""What the models cannot express: a primary key with an included column, and the four groups with their permissions."""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWED = (
    "image label labelalias verdict savedsearch rating bulkchange analysis batch call spend spendentry outage "
    "modelversion heartbeat face imagetext imageindex bucket bucketobject upload pendingblob addedstatistics "
    "endedstatistics latencystatistics confidencestatistics statisticsrun filekeyword"
).split()
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
        *(f"view_{model}" for model in VIEWED),
        *(f"{action}_{model}" for model, actions in WRITTEN.items() for action in actions),
    ],
}


def create_groups(apps, schema_editor):
    """Create the groups. In a new database permissions appear only after all migrations; the groups need them now."""
    create_permissions(installed_apps.get_app_config("analysis"), verbosity=0, using=schema_editor.connection.alias)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        permissions = Permission.objects.filter(content_type__app_label="analysis", codename__in=codenames)
        group.permissions.add(*permissions)


def delete_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        # The index of the primary key carries the confidence, so a search looks up a label without reading the table.
        migrations.RunSQL(
            """
            ALTER TABLE analysis_imagelabel DROP CONSTRAINT analysis_imagelabel_pkey;
            ALTER TABLE analysis_imagelabel ADD CONSTRAINT analysis_imagelabel_pkey
                PRIMARY KEY (image_id, label_id) INCLUDE (confidence);
            """,
            """
            ALTER TABLE analysis_imagelabel DROP CONSTRAINT analysis_imagelabel_pkey;
            ALTER TABLE analysis_imagelabel ADD CONSTRAINT analysis_imagelabel_pkey PRIMARY KEY (image_id, label_id);
            """,
        ),
        migrations.RunPython(create_groups, delete_groups),
    ]
