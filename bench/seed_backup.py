"""Adds pictures with renditions and results; run by `manage.py shell -c`."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from analysis.models import Analysis, Image
from analysis.recognition.reindex_images import reindex
from analysis.storage import blobs
from bench import seed_images

RENDITION_BYTES = {"thumb": 8_000, "preview": 60_000}
BATCH_SIZE = 1_000
LABELS = [
    {"Name": name, "Confidence": 90.0, "Instances": [], "Parents": [], "Aliases": [], "Categories": []}
    for name in ("Dog", "Beach", "Sky", "Person", "Tree")
]


def fill(count: int, *, size: int) -> None:
    """Add pictures, each with two renditions and a result of five labels."""
    seed_images.fill(count, size=size)
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    images = list(Image.objects.filter(analyses=None).order_by("pk"))
    for image in images:
        for name, length in RENDITION_BYTES.items():
            path = folder / blobs.rendition_key(image.renditions_id, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(length))
    for start in range(0, len(images), BATCH_SIZE):
        chunk = images[start : start + BATCH_SIZE]
        Analysis.objects.bulk_create(_result(image) for image in chunk)
        reindex([image.pk for image in chunk])


def _result(image: Image) -> Analysis:
    return Analysis(
        image=image,
        api="labels",
        recognizer="local",
        state="done",
        is_current=True,
        model_version="3.0",
        answer={"Labels": LABELS, "LabelModelVersion": "3.0"},
        finished_at=timezone.now(),
    )
