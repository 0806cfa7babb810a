"""A column of the search index for the date taken as a sort key; 0020 fills it."""

from django.db import migrations, models

HELP_TEXT = "The date taken, or the first day of year 1 for undated pictures."


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0021_metadata_edits"),
    ]

    operations = [
        migrations.AddField(
            model, "sort_time", models.DateTimeField(null=True, verbose_name="sort time", help_text=HELP_TEXT)
        )
        for model in ("imagelabel", "imageindex")
    ]
