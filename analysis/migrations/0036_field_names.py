from django.db import migrations, models

DELIVERY_ERROR = models.TextField(
    blank=True,
    db_column="trouble",
    help_text="Why it was disabled, or why the last try failed.",
    verbose_name="last error",
)


class Migration(migrations.Migration):
    """Renames in the code alone: columns keep their names, so that the previous version keeps working."""

    dependencies = [
        ("analysis", "0035_bucket_census"),
    ]

    operations = [
        migrations.AlterField(
            "batch",
            "place",
            models.CharField(
                blank=True, db_column="place", help_text="Progress of queueing.", max_length=100, verbose_name="cursor"
            ),
        ),
        migrations.RenameField("batch", "place", "cursor"),
        migrations.AlterField(
            "batch",
            "asked",
            models.PositiveIntegerField(
                db_column="asked", default=0, help_text="Analyses queued so far.", verbose_name="analyses"
            ),
        ),
        migrations.RenameField("batch", "asked", "queued"),
        migrations.AlterField(
            "bulkchange",
            "place",
            models.CharField(
                blank=True,
                db_column="place",
                help_text="Progress of a background change.",
                max_length=100,
                verbose_name="cursor",
            ),
        ),
        migrations.RenameField("bulkchange", "place", "cursor"),
        migrations.AlterField("alert", "trouble", DELIVERY_ERROR),
        migrations.RenameField("alert", "trouble", "last_error"),
        migrations.AlterField("sink", "trouble", DELIVERY_ERROR.clone()),
        migrations.RenameField("sink", "trouble", "last_error"),
        migrations.AlterField(
            "bucket",
            "trouble",
            models.TextField(
                blank=True,
                db_column="trouble",
                help_text="Why its objects can't be read at present.",
                verbose_name="error",
            ),
        ),
        migrations.RenameField("bucket", "trouble", "last_error"),
    ]
