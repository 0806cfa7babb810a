"""Indexes in the order by date taken; the search index has no date added any more."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

from analysis.models.expressions import DateTaken

HELP_TEXT = "The date taken, or the first day of year 1 for undated pictures."
COPY = """
    UPDATE {table} SET {column} = {value} FROM analysis_image image
    WHERE image.id = {table}.image_id AND {table}.{column} IS NULL
"""
DATE_TAKEN = "coalesce(image.taken_at, '0001-01-01 00:00:00+00'::timestamptz)"


def by_date_taken(name, *fields, **conditions):
    columns = (*fields, DateTaken("taken_at").desc(), F("id").desc())
    return AddIndexConcurrently("image", models.Index(*columns, condition=Q(trashed_at=None, **conditions), name=name))


def replace_date_added(model):
    table = f"analysis_{model}"
    # Rows that workers of the version before have added since 0020 was run.
    rest = COPY.format(table=table, column="sort_time", value=DATE_TAKEN)
    added = COPY.format(table=table, column="added_at", value="image.added_at")
    # SET NOT NULL trusts a valid constraint, so it does not read the table under its lock.
    require = [
        f"ALTER TABLE {table} ADD CONSTRAINT has_sort_time CHECK (sort_time IS NOT NULL) NOT VALID",
        f"ALTER TABLE {table} VALIDATE CONSTRAINT has_sort_time",
        f"ALTER TABLE {table} ALTER COLUMN sort_time SET NOT NULL",
        f"ALTER TABLE {table} DROP CONSTRAINT has_sort_time",
    ]
    allow_null = f"ALTER TABLE {table} ALTER COLUMN sort_time DROP NOT NULL"
    required = models.DateTimeField(verbose_name="sort time", help_text=HELP_TEXT)
    return [
        migrations.RunSQL(rest, migrations.RunSQL.noop),
        migrations.RunSQL(require, allow_null, [migrations.AlterField(model, "sort_time", required)]),
        # Nullable first, so that the migration can be undone.
        migrations.AlterField(model, "added_at", models.DateTimeField(null=True, verbose_name="added")),
        migrations.RunSQL(migrations.RunSQL.noop, added),
        migrations.RemoveField(model, "added_at"),
    ]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0023_fill_sort_time"),
    ]

    operations = [
        by_date_taken("image_taken_of_owner", "owner"),
        by_date_taken("image_taken_open", visibility__gt=0),
        by_date_taken("image_repeated_taken", has_duplicate=True),
        by_date_taken("image_located_taken", latitude__isnull=False, longitude__isnull=False),
        AddIndexConcurrently(
            "imagelabel",
            models.Index(
                fields=["label", "-sort_time", "-image"],
                include=["confidence", "owner", "visibility"],
                name="imagelabel_taken",
            ),
        ),
        RemoveIndexConcurrently("image", "image_repeated"),
        RemoveIndexConcurrently("image", "image_located"),
        RemoveIndexConcurrently("imagelabel", "imagelabel_walk"),
        *replace_date_added("imagelabel"),
        *replace_date_added("imageindex"),
    ]
