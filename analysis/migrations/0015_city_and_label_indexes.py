from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

from analysis.models.expressions import NameTrigrams


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0014_cities"),
    ]

    operations = [
        AddIndexConcurrently(
            "image",
            GinIndex(NameTrigrams("city"), name="image_cities", condition=~Q(city=""), fastupdate=False),
        ),
        AddIndexConcurrently(
            "imageindex",
            models.Index(fields=["image"], condition=Q(label_ids=[]), name="imageindex_empty"),
        ),
        RemoveIndexConcurrently("imageindex", "imageindex_labels"),
    ]
