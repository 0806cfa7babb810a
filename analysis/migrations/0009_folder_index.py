from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0008_folders"),
    ]

    operations = [
        AddIndexConcurrently(
            "image",
            models.Index(
                fields=["folder", "-added_at", "-id"],
                include=["owner", "visibility"],
                condition=Q(trashed_at=None),
                name="image_folder",
            ),
        ),
    ]
