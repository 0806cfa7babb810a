import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_scope_delete"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apitoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("read", "Read: search and view what you can see"),
                        ("write", "Write: upload, edit, label, move to trash"),
                        ("delete", "Delete: delete pictures in your trash forever"),
                        ("analyze", "Analyze: start analyses, up to a spending limit"),
                        ("admin", "Administer: manage buckets, spending and health, as far as your account allows"),
                    ],
                    max_length=8,
                ),
                size=None,
                verbose_name="scopes",
            ),
        ),
    ]
