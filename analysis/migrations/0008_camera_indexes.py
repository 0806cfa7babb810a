from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

COLUMNS = {
    "iso": "iso",
    "exposure": "exposure_seconds",
    "aperture": "f_number",
    "focal": "focal_millimeters",
    "latitude": "latitude",
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0007_camera_values"),
    ]

    operations = [
        AddIndexConcurrently(
            "image",
            models.Index(fields=[column], condition=Q(**{f"{column}__isnull": False}), name=f"image_{name}"),
        )
        for name, column in COLUMNS.items()
    ]
