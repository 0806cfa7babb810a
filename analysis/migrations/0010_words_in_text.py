"""Index the parts of hyphenated, dotted and slashed words, East Asian characters and number plates."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import analysis.models.search_index

# Everything that is neither a letter nor a digit separates words. Ranges of code points, since PostgreSQL's character
# classes depend on the locale of the database. The first 100,000 characters: a tsvector holds one megabyte at most.
WORDS = r"""
    CREATE FUNCTION analysis_words(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT regexp_replace(
            regexp_replace(
                normalize(substr(content, 1, 100000), NFKC),
                '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7'
                '\u2000-\u206F\u2190-\u2BFF\u3000-\u3004\u3008-\u3020\u3030\uFE30-\uFE6F]+', ' ', 'g'),
            '([\u2E80-\u2FDF\u3005-\u3007\u3021-\u302F\u3031-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF'
            '\U00020000-\U0003FFFF])', ' \1 ', 'g')
    $$
"""
# Lines of two to four short groups of letters and digits, without the blanks, dots and hyphens between them.
PLATES = r"""
    CREATE FUNCTION analysis_plates(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT regexp_replace(
            regexp_replace(
                substr(content, 1, 100000),
                '^(?![A-Za-z0-9\u00C0-\u00FF]{1,7}([ .\u00B7-]+[A-Za-z0-9\u00C0-\u00FF]{1,7}){1,3}$).*$', '', 'gn'),
            '[ .\u00B7-]+', '', 'g')
    $$
"""
INDEX = django.contrib.postgres.indexes.GinIndex(fields=["words"], name="imagetext_words")


def words(expression):
    return models.GeneratedField(
        db_persist=True, expression=expression, output_field=django.contrib.postgres.search.SearchVectorField()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0009_folder_index"),
    ]

    # A generated column cannot be changed: it is made again, which rewrites the table of texts (not that of pictures).
    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION analysis_words(text)"),
        migrations.RunSQL(PLATES, "DROP FUNCTION analysis_plates(text)"),
        migrations.RemoveIndex("imagetext", "imagetext_words"),
        migrations.RemoveField("imagetext", "words"),
        migrations.AddField("imagetext", "words", words(analysis.models.search_index.TextWords("content"))),
        migrations.AddIndex("imagetext", INDEX),
    ]
