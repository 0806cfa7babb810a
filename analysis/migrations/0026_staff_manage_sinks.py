from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

GRANTED = {"staff": ("change_sink",)}


def add_permissions(apps, schema_editor):
    """The group staff manages sinks, as it does buckets; if there is one."""
    create_permissions(installed_apps.get_app_config("analysis"), verbosity=0, using=schema_editor.connection.alias)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for group in Group.objects.filter(name="staff"):
        codenames = GRANTED[group.name]
        group.permissions.add(*Permission.objects.filter(content_type__app_label="analysis", codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0025_sinks"),
    ]

    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop)]
