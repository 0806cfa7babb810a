"""A column of the search index for the date taken as a sort key; 0019 fills it."""

from django.db import migrations, models

HELP_TEXT = "The date taken, or the first day of year 1 for undated pictures."


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0017_upload_and_sync_names"),
    ]

    operations = [
        migrations.AddField(
            model, "sort_time", models.DateTimeField(null=True, verbose_name="sort time", help_text=HELP_TEXT)
        )
        for model in ("imagelabel", "imageindex")
    ]
