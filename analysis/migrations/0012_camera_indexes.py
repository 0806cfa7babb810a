from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

from analysis.models.expressions import DayOfYear, NameTrigrams

COLUMNS = {
    "iso": "iso",
    "exposure": "exposure_seconds",
    "aperture": "f_number",
    "focal": "focal_millimeters",
}

PLACES = [
    AddIndexConcurrently(
        "image",
        models.Index(
            fields=["latitude", "longitude"],
            condition=Q(latitude__isnull=False, longitude__isnull=False),
            name="image_coordinates",
        ),
    ),
    AddIndexConcurrently(
        "image",
        GinIndex(NameTrigrams("place"), name="image_places", condition=~Q(place=""), fastupdate=False),
    ),
    AddIndexConcurrently(
        "image",
        models.Index(DayOfYear("taken_at"), condition=Q(taken_at__isnull=False), name="image_day_of_year"),
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0011_camera_values"),
    ]

    operations = [
        *PLACES,
        *(
        AddIndexConcurrently(
            "image",
            models.Index(fields=[column], condition=Q(**{f"{column}__isnull": False}), name=f"image_{name}"),
        )
        for name, column in COLUMNS.items()
        ),
    ]
