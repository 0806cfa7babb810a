"""The table of embeddings, where the server has pgvector; elsewhere `migrate` creates it once the extension is there."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgvector.django
from django.db import DatabaseError, migrations, models, transaction

TABLE = "analysis_imageembedding"


def create_table(apps, schema_editor):
    """Create extension and table, unless the server lacks pgvector 0.8 or forbids it."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'"
        )
        row = cursor.fetchone()
        if row is None or [int(number) for number in row[0].split(".") if number.isdecimal()] < [0, 8]:
            return
        try:
            with transaction.atomic(schema_editor.connection.alias):
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except DatabaseError:  # mostly: must be superuser; doctor says what to do
            return
        cursor.execute("SELECT to_regtype('halfvec') IS NULL OR to_regclass(%s) IS NOT NULL", [TABLE])
        if cursor.fetchone()[0]:  # the extension is in a schema outside of the search_path, or nothing is to be done
            return
    schema_editor.create_model(apps.get_model("analysis", "ImageEmbedding"))
    schema_editor.execute(
        f"ALTER TABLE {TABLE} ADD FOREIGN KEY (image_id) REFERENCES analysis_image (id) ON DELETE CASCADE"
    )


def drop_table(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE IF EXISTS {TABLE}")


class Migration(migrations.Migration):
    dependencies = [("analysis", "0004_batch_is_by_account")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="ImageEmbedding",
                    fields=[
                        ("image", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name="embedding", serialize=False, to="analysis.image", verbose_name="picture")),
                        ("vector", pgvector.django.HalfVectorField(dimensions=256, help_text="Of length 1.", null=True, verbose_name="vector")),
                        ("model_version", models.CharField(db_default="", help_text="Only vectors of the same version are compared.", max_length=40, verbose_name="model version")),
                        ("attempts", models.PositiveSmallIntegerField(db_default=0, verbose_name="attempts")),
                        ("next_attempt_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text="Empty when there is nothing to do.", null=True, verbose_name="next attempt")),
                        ("error", models.TextField(db_default="", help_text="Why the last attempt failed.", verbose_name="error")),
                    ],
                    options={
                        "verbose_name": "embedding",
                        "verbose_name_plural": "embeddings",
                        "default_permissions": (),
                        "indexes": [
                            pgvector.django.HnswIndex(fields=["vector"], name="imageembedding_vector", opclasses=["halfvec_cosine_ops"]),
                            models.Index(condition=models.Q(("next_attempt_at", None), _negated=True), fields=["next_attempt_at"], name="imageembedding_due"),
                            models.Index(fields=["model_version"], name="imageembedding_version"),
                            models.Index(condition=models.Q(("error", ""), _negated=True), fields=["image"], name="imageembedding_error"),
                        ],
                    },
                ),
            ],
        ),
        # After the operation above, since it reads the model from the state.
        migrations.RunPython(create_table, drop_table),
    ]
