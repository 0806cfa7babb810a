from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0032_distinct_pairs"),
    ]

    operations = [
        AddIndexConcurrently(
            "image",
            models.Index(
                fields=["owner", "sha256"],
                condition=Q(trashed_at=None, has_duplicate=True),
                name="image_repeated_bytes",
            ),
        ),
    ]
