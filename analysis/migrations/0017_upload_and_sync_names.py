"""Name uploads and the counts of a bucket sync as the code does."""

from django.conf import settings
from django.db import migrations, models
from django.db.models.deletion import CASCADE, SET_NULL

# A report of a sync holds the counts by name; a sync that was interrupted resumes from it.
FORWARD = """
    UPDATE analysis_bucket SET report = (report - 'known') || jsonb_build_object('unchanged', report -> 'known')
    WHERE report ? 'known'
"""
BACKWARD = """
    UPDATE analysis_bucket SET report = (report - 'unchanged') || jsonb_build_object('known', report -> 'unchanged')
    WHERE report ? 'unchanged'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0016_export"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            "upload",
            "owner",
            models.ForeignKey(
                on_delete=CASCADE, related_name="uploads", to=settings.AUTH_USER_MODEL, verbose_name="owner"
            ),
        ),
        migrations.AlterField(
            "upload",
            "image",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=SET_NULL,
                related_name="uploads",
                to="analysis.image",
                verbose_name="picture",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
