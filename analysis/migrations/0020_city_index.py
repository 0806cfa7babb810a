from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models import Q

from analysis.models.expressions import NameTrigrams


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0019_cities"),
    ]

    operations = [
        AddIndexConcurrently(
            "image",
            GinIndex(NameTrigrams("city"), name="image_cities", condition=~Q(city=""), fastupdate=False),
        ),
    ]
