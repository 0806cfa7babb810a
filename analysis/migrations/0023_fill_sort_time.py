"""Fills the sort key of the search index in steps that lock few rows each.

It can be interrupted and run again. Searches of the version before do not read the column.
"""

from django.db import migrations

STEP = 2_000
FILL = """
    UPDATE {table} SET sort_time = coalesce(image.taken_at, '0001-01-01 00:00:00+00'::timestamptz)
    FROM analysis_image image
    WHERE image.id = {table}.image_id AND {table}.sort_time IS NULL
      AND {table}.image_id > %s AND {table}.image_id <= %s
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM analysis_image")
        [(newest,)] = cursor.fetchall()
        for start in range(0, newest, STEP):
            for table in ("analysis_imagelabel", "analysis_imageindex"):
                cursor.execute(FILL.format(table=table), [start, start + STEP])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0022_sort_time"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
