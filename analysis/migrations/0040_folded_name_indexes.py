from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.models import Q

from analysis.models.expressions import FoldedTrigrams


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0039_folded_names_and_text"),
    ]

    operations = [
        RemoveIndexConcurrently("image", "image_names"),
        RemoveIndexConcurrently("image", "image_places"),
        RemoveIndexConcurrently("image", "image_cities"),
        RemoveIndexConcurrently("folder", "folder_paths"),
        AddIndexConcurrently(
            "image", GinIndex(FoldedTrigrams("filename", "title"), name="image_names", fastupdate=False)
        ),
        AddIndexConcurrently(
            "image", GinIndex(FoldedTrigrams("place"), name="image_places", condition=~Q(place=""), fastupdate=False)
        ),
        AddIndexConcurrently(
            "image", GinIndex(FoldedTrigrams("city"), name="image_cities", condition=~Q(city=""), fastupdate=False)
        ),
        AddIndexConcurrently("folder", GinIndex(FoldedTrigrams("path"), name="folder_paths", fastupdate=False)),
    ]
