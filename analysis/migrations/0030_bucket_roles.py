import re
import secrets

import django.core.validators
from django.db import migrations, models

import analysis.models.buckets


def give_external_ids(apps, _schema_editor):
    # Few rows: people add buckets one by one.
    for bucket in apps.get_model("analysis", "Bucket").objects.filter(external_id=""):
        bucket.external_id = secrets.token_hex(16)
        bucket.save(update_fields=["external_id"])


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0029_backup"),
    ]

    operations = [
        migrations.AddField(
            "bucket",
            "role_arn",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="ARN of a role that reads the bucket. Leave empty for imagelib's own permissions.",
                max_length=600,
                validators=[
                    django.core.validators.RegexValidator(
                        "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]{1,512}\\Z",
                        "Enter the ARN of an IAM role, such as arn:aws:iam::123456789012:role/imagelib.",
                        flags=re.RegexFlag["ASCII"],
                    )
                ],
                verbose_name="role",
            ),
        ),
        migrations.AddField(
            "bucket",
            "external_id",
            models.CharField(
                db_default="",
                default=analysis.models.buckets.new_external_id,
                editable=False,
                max_length=64,
                verbose_name="external ID",
            ),
        ),
        migrations.RunPython(give_external_ids, migrations.RunPython.noop),
    ]
