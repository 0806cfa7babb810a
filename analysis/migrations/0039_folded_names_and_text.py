"""Names and text are found without regard to accents."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import analysis.models.search_index

# Not STRICT, since PostgreSQL inlines a function with CASE only without it, and calling it takes six times as long. The
# fast path is for ASCII alone. Accents are removed before lower(), which depends on the locale of the database, and
# the rest is composed again, since Korean and Japanese letters are decomposed as well. RETURN binds the functions that
# it calls at once: maintenance such as REINDEX runs without imagelib's schema in the search path.
FOLDED = r"""
    CREATE FUNCTION analysis_folded(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN octet_length(content) = length(content) THEN lower(content) ELSE
        replace(replace(replace(replace(
            translate(
                lower(normalize(regexp_replace(normalize(content, NFD), '[\u0300-\u036F]+', '', 'g'), NFC)),
                U&'\00F8\0142\0111\00F0\0131\03C2\2018\2019\02BC\FF07\2010\2011\2012\2013\2014\2015\2212',
                U&'olddi\03C3''''''''-------'),
            U&'\00FE', 'th'), U&'\00E6', 'ae'), U&'\0153', 'oe'), U&'\00DF', 'ss')
    END
"""
WORDS = """
    ALTER FUNCTION analysis_words(text) RENAME TO analysis_split_words;
    ALTER FUNCTION analysis_plates(text) RENAME TO analysis_joined_plates;
    CREATE FUNCTION analysis_words(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN analysis_split_words(analysis_folded(substr(content, 1, 100000)));
    CREATE FUNCTION analysis_plates(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN analysis_joined_plates(analysis_folded(substr(content, 1, 100000)));
"""
WORDS_AS_BEFORE = """
    DROP FUNCTION analysis_words(text);
    DROP FUNCTION analysis_plates(text);
    ALTER FUNCTION analysis_split_words(text) RENAME TO analysis_words;
    ALTER FUNCTION analysis_joined_plates(text) RENAME TO analysis_plates;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0038_help_texts"),
    ]

    # A generated column cannot be changed: it is made again, which rewrites the table of texts (not that of pictures).
    operations = [
        migrations.RunSQL(FOLDED, "DROP FUNCTION analysis_folded(text)"),
        migrations.RemoveIndex("imagetext", "imagetext_words"),
        migrations.RemoveField("imagetext", "words"),
        migrations.RunSQL(WORDS, WORDS_AS_BEFORE),
        migrations.AddField(
            "imagetext",
            "words",
            models.GeneratedField(
                db_persist=True,
                expression=analysis.models.search_index.TextWords("content"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "imagetext", django.contrib.postgres.indexes.GinIndex(fields=["words"], name="imagetext_words")
        ),
    ]
