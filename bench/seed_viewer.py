"""Adds pictures with many boxes and analyses; run by `manage.py shell -c`."""

from __future__ import annotations

import io
import random

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.timezone import now

from analysis.ingest.decoding_service import examine
from analysis.library import images
from analysis.models import Analysis, Collection, CollectionImage, Image, ShareLink
from analysis.recognition.reindex_images import reindex
from bench.photos import photo

LABELS, INSTANCES, ANALYSES = 25, 4, 20


def fill(count: int) -> None:
    """Add pictures of 12 megapixels with 100 boxes and 20 analyses each."""
    owner = get_user_model().objects.get(username="admin")
    for number in range(count):
        image = _added(photo(number, 4_000, 3_000), owner.pk)
        Analysis.objects.bulk_create(_analysis(image, index) for index in range(ANALYSES))
        reindex([image.pk])


def add_large() -> int:
    """Add a picture of 100 megapixels; returns its id."""
    owner = get_user_model().objects.get(username="admin")
    return _added(photo(1, 12_000, 8_400), owner.pk).pk


def share_all() -> str:
    """Share a collection of all pictures with everyone; returns the path of its link."""
    owner = get_user_model().objects.get(username="admin")
    collection = Collection.objects.create(owner=owner, name="All pictures")
    for number, image in enumerate(Image.objects.all()):
        CollectionImage.objects.create(collection=collection, image=image, position=f"5{number:09}", added_by=owner)
    link = ShareLink.objects.create(owner=owner, collection=collection, includes_private=True)
    return reverse("share", args=[link.token])


def _added(picture, owner_id: int) -> Image:  # type: ignore[no-untyped-def]
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    examined = examine(file, name="photo.jpg")
    return images.add(images.store_files(examined, file, owner_id=owner_id)).image


def _analysis(image: Image, index: int) -> Analysis:
    return Analysis(
        image=image,
        api=Analysis.Api.LABELS,
        recognizer="rekognition",
        model_version="3.0",
        state=Analysis.State.DONE,
        is_current=index == ANALYSES - 1,
        finished_at=now(),
        latency_ms=300,
        answer={"Labels": [_label(number) for number in range(LABELS)]},
    )


def _label(number: int) -> dict[str, object]:
    chance = random.Random(number)
    instances = [
        {
            "BoundingBox": {name: chance.uniform(0.02, 0.5) for name in ("Left", "Top", "Width", "Height")},
            "Confidence": chance.uniform(60, 99),
        }
        for _ in range(INSTANCES)
    ]
    return {
        "Name": f"Label {number}",
        "Confidence": 99 - number,
        "Instances": instances,
        "Categories": [],
        "Parents": [],
    }
