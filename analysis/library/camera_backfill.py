"""Numbers of camera settings, also for images added before these columns."""

from __future__ import annotations

from typing import Any

from analysis.ingest.camera_numbers import exposure_seconds, f_number, millimeters
from analysis.models import Image

FIELDS = ("exposure_seconds", "f_number", "focal_millimeters")


def camera_fields(*, exposure: str, aperture: str, focal_length: str) -> dict[str, Any]:
    """Numeric columns of an image, from these texts."""
    return dict(zip(FIELDS, (exposure_seconds(exposure), f_number(aperture), millimeters(focal_length)), strict=True))


def fill_camera_values(after: int, last: int) -> None:
    """Backfill the numbers of images with ids from `after` (exclusive) to `last`."""
    images = Image.objects.filter(pk__gt=after, pk__lte=last).exclude(exposure="", aperture="", focal_length="")
    changed = list(images.only("pk", "exposure", "aperture", "focal_length"))
    for image in changed:
        values = camera_fields(exposure=image.exposure, aperture=image.aperture, focal_length=image.focal_length)
        for name, value in values.items():
            setattr(image, name, value)
    Image.objects.bulk_update(changed, FIELDS, batch_size=500)
