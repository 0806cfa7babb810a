"""Counts ended analyses from the beginning once, as their hours are kept for a year now instead of two days."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0036_field_names"),
    ]

    operations = [
        migrations.RunSQL(
            "DELETE FROM analysis_statisticsrun WHERE name = 'ended'", reverse_sql=migrations.RunSQL.noop
        ),
    ]
