from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark_runs_of_accounts(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Runs whose account was deleted before cannot be told from those of the shell."""
    apps.get_model("analysis", "Batch").objects.exclude(person=None).update(is_by_account=True)


class Migration(migrations.Migration):
    dependencies = [("analysis", "0003_api_requests")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="is_by_account",
            field=models.BooleanField(
                default=False,
                help_text="Not from the command line; stays when the account is deleted.",
                verbose_name="by an account",
            ),
        ),
        migrations.RunPython(mark_runs_of_accounts, migrations.RunPython.noop),
    ]
