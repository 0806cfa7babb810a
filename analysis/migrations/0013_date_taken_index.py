from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

from analysis.models.expressions import DateTaken


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0012_camera_indexes"),
    ]

    operations = [
        AddIndexConcurrently(
            "image",
            models.Index(
                DateTaken("taken_at").desc(),
                F("id").desc(),
                condition=Q(trashed_at=None),
                name="image_date_taken",
            ),
        ),
        RemoveIndexConcurrently("image", "image_taken"),
    ]
